package io.taskrunner.cli;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes and ends keys. */
@Command(
    name = "keys",
    description = "List, add and revoke keys of clients and of admins.",
    subcommands = {
      KeysCommands.ListThem.class,
      KeysCommands.Add.class,
      KeysCommands.Revoke.class,
      KeysCommands.Admin.class
    })
final class KeysCommands extends Root.Group {

  private static final String KEYS = "/admin/clients/{}/keys";

  @Command(
      name = "list",
      description = "List the keys of a client; the keys themselves are never shown again.",
      footer = {"", "Example:", "  task-runner keys list my-service"})
  static final class ListThem extends Verb {
    @Parameters(paramLabel = "CLIENT", description = "Of this client.")
    private String client = "";

    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.get(Api.path(KEYS, client));
      if (!out.raw(reply)) {
        out.table(
            Shown.list(reply.object(), "keys"),
            List.of(
                Out.Column.of("KEY", "key_id"),
                Out.Column.of("NAME", "name"),
                Out.Column.of("SCOPES", "scopes"),
                new Out.Column("MADE", row -> Shown.ago(row, "created_at", out.now()))));
      }
      return 0;
    }
  }

  @Command(
      name = "add",
      description = "Make a key for a client, and print it: it is shown this once.",
      footer = {
        "",
        "Examples:",
        "  task-runner keys add my-service",
        "  task-runner keys add my-service --name ci --scopes enqueue,read"
      })
  static final class Add extends Verb {
    @Parameters(paramLabel = "CLIENT", description = "For this client.")
    private String client = "";

    @Option(names = "--name", paramLabel = "NAME", description = "To tell it from others.")
    private @Nullable String name;

    @Option(
        names = "--scopes",
        split = ",",
        paramLabel = "SCOPE",
        description =
            "What it opens, with commas between: enqueue, read, operate. All unless said.")
    private @Nullable List<String> scopes;

    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.post(Api.path(KEYS, client), members("name", name, "scopes", scopes));
      if (!out.raw(reply)) {
        out.to().println(Shown.text(reply.object(), "key"));
      }
      return 0;
    }
  }

  @Command(
      name = "revoke",
      description = "End a key of a client.",
      footer = {"", "Example:", "  task-runner keys revoke my-service 0123abcd --yes"})
  static final class Revoke extends Verb {
    @Parameters(index = "0", paramLabel = "CLIENT", description = "Of this client.")
    private String client = "";

    @Parameters(index = "1", paramLabel = "KEY", description = "The key's id.")
    private String key = "";

    @Mixin private final Common.Sure sure = new Common.Sure();

    @Override
    int run(Api api, Out out) throws Failure {
      sure.ask(around(), "End the key " + key + " of " + client + "?");
      api.delete(Api.path(KEYS + "/{}", client, key));
      out.say(key + "  revoked");
      return 0;
    }
  }

  /** The keys of admins. */
  @Command(
      name = "admin",
      description = "List, add and revoke the named keys of admins.",
      subcommands = {Admin.ListThem.class, Admin.Add.class, Admin.Revoke.class})
  static final class Admin extends Root.Group {

    @Command(
        name = "list",
        description = "List the named keys of admins.",
        footer = {"", "Example:", "  task-runner keys admin list"})
    static final class ListThem extends Verb {
      @Override
      int run(Api api, Out out) throws Failure {
        Api.Reply reply = api.get("/admin/keys");
        if (!out.raw(reply)) {
          out.table(
              Shown.list(reply.object(), "keys"),
              List.of(
                  Out.Column.of("NAME", "name"),
                  Out.Column.of("READ ONLY", "read_only"),
                  new Out.Column("MADE", row -> Shown.ago(row, "created_at", out.now())),
                  Out.Column.of("ENDS", "ends_at")));
        }
        return 0;
      }
    }

    @Command(
        name = "add",
        description = "Make a named key for an admin, and print it: it is shown this once.",
        footer = {
          "",
          "Examples:",
          "  task-runner keys admin add alice",
          "  task-runner keys admin add alice --replace --keep 86400"
        })
    static final class Add extends Verb {
      @Parameters(paramLabel = "NAME", description = "Whose it is.")
      private String name = "";

      @Option(names = "--read-only", description = "It opens only what changes nothing.")
      private boolean readOnly;

      @Option(names = "--replace", description = "Replace the key of this name.")
      private boolean replace;

      @Option(
          names = "--keep",
          paramLabel = "SECONDS",
          description = "With --replace: how long the old key stays valid (default: 0).")
      private @Nullable Integer keep;

      @Override
      int run(Api api, Out out) throws Failure {
        Map<String, @Nullable Object> body =
            members(
                "name",
                name,
                "read_only",
                readOnly ? true : null,
                "replace",
                replace ? true : null,
                "keep_sec",
                keep);
        Api.Reply reply = api.post("/admin/keys", body);
        if (!out.raw(reply)) {
          out.to().println(Shown.text(reply.object(), "key"));
        }
        return 0;
      }
    }

    @Command(
        name = "revoke",
        description = "End a named key of an admin.",
        footer = {"", "Example:", "  task-runner keys admin revoke alice --yes"})
    static final class Revoke extends Simple.Asks {
      @Override
      String question(String name) {
        return "End the admin's key " + name + "?";
      }

      @Override
      Api.Reply doIt(Api api, String name) throws Failure {
        return api.delete(Api.path("/admin/keys/{}", name));
      }

      @Override
      String done(Api.Reply reply) {
        return "revoked";
      }
    }
  }
}
