package io.taskrunner.cli;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The secrets that sign the requests of a client's tasks. */
@Command(
    name = "signing",
    description = "Show, create, rotate and delete the signing secret of a client.",
    subcommands = {
      SigningCommands.Show.class,
      SigningCommands.Put.class,
      SigningCommands.Delete.class
    })
final class SigningCommands extends Root.Group {

  private static final String ONE = "/admin/clients/{}/signing-secret";

  @Command(
      name = "show",
      description = "Show type and public key of a client's signing secrets, not the secrets.",
      footer = {"", "Example:", "  task-runner signing show my-service"})
  static final class Show extends Simple.Shows {
    @Override
    Api.Reply call(Api api, String name) throws Failure {
      return api.get(Api.path(ONE, name));
    }
  }

  @Command(
      name = "set",
      description =
          "Create a signing secret and print it, or its public key. A secret is not shown again. The"
              + " previous one keeps signing for 24 hours.",
      footer = {
        "",
        "Examples:",
        "  task-runner signing set my-service",
        "  task-runner signing set my-service --type ed25519"
      })
  static final class Put extends Verb {
    @Parameters(paramLabel = "CLIENT", description = "Id of the client.")
    private String client = "";

    @Option(
        names = "--type",
        paramLabel = "hmac|ed25519",
        description = "Kind of signature (default: hmac).")
    private @Nullable String type;

    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.put(Api.path(ONE, client), members("type", type));
      if (!out.raw(reply)) {
        Map<String, @Nullable Object> made = reply.object();
        boolean pair = made.get("public_key") != null;
        out.to().println(Shown.text(made, pair ? "public_key" : "secret"));
        around()
            .err()
            .println(
                "Every request of "
                    + client
                    + " is signed from now on, and its calls need its API key (task-runner keys add "
                    + client
                    + ").");
      }
      return 0;
    }
  }

  @Command(
      name = "delete",
      description = "Delete all signing secrets of a client: its requests are no longer signed.",
      footer = {"", "Example:", "  task-runner signing delete my-service --yes"})
  static final class Delete extends Simple.Asks {
    @Override
    String question(Api api, String name) {
      return "This deletes all signing secrets of the client " + name + ".";
    }

    @Override
    Api.Reply doIt(Api api, String name) throws Failure {
      return api.delete(Api.path(ONE, name));
    }

    @Override
    String done(Api.Reply reply) {
      return "requests are no longer signed";
    }
  }
}
