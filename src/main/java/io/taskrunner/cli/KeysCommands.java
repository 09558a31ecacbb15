package io.taskrunner.cli;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Creates and revokes keys. */
@Command(
    name = "keys",
    description = "List, create and revoke API keys of clients and admins.",
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
      description = "List the keys of a client, without the keys themselves.",
      footer = {"", "Example:", "  task-runner keys list my-service"})
  static final class ListThem extends Verb {
    @Parameters(paramLabel = "CLIENT", description = "Id of the client.")
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
                new Out.Column("CREATED", row -> Shown.ago(row, "created_at", out.now()))));
      }
      return 0;
    }
  }

  @Command(
      name = "add",
      description = "Create a key for a client and print it. It is not shown again.",
      footer = {
        "",
        "Examples:",
        "  task-runner keys add my-service",
        "  task-runner keys add my-service --name ci --scopes enqueue,read"
      })
  static final class Add extends Verb {
    @Parameters(paramLabel = "CLIENT", description = "Id of the client.")
    private String client = "";

    @Option(names = "--name", paramLabel = "NAME", description = "Name of the key.")
    private @Nullable String name;

    @Option(
        names = "--scopes",
        split = ",",
        paramLabel = "SCOPE",
        description = "Scopes, separated by commas: enqueue, read, operate (default: all).")
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
      description = "Revoke a key of a client.",
      footer = {"", "Example:", "  task-runner keys revoke my-service 0123abcd --yes"})
  static final class Revoke extends Verb {
    @Parameters(index = "0", paramLabel = "CLIENT", description = "Id of the client.")
    private String client = "";

    @Parameters(index = "1", paramLabel = "KEY", description = "Id of the key, not the key itself.")
    private String key = "";

    @Mixin private final Common.Sure sure = new Common.Sure();

    @Override
    int run(Api api, Out out) throws Failure {
      sure.ask(around(), "This revokes the key " + key + " of the client " + client + ".");
      api.delete(Api.path(KEYS + "/{}", client, key));
      out.say(key + "  revoked");
      return 0;
    }
  }

  /** The keys of admins. */
  @Command(
      name = "admin",
      description = "List, create and revoke named admin keys.",
      subcommands = {Admin.ListThem.class, Admin.Add.class, Admin.Revoke.class})
  static final class Admin extends Root.Group {

    @Command(
        name = "list",
        description = "List the named admin keys.",
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
                  new Out.Column("CREATED", row -> Shown.ago(row, "created_at", out.now())),
                  Out.Column.of("EXPIRES", "ends_at")));
        }
        return 0;
      }
    }

    @Command(
        name = "add",
        description = "Create a named admin key and print it. It is not shown again.",
        footer = {
          "",
          "Examples:",
          "  task-runner keys admin add alice",
          "  task-runner keys admin add alice --replace --keep 1d"
        })
    static final class Add extends Verb {
      @Parameters(paramLabel = "NAME", description = "Name of the key.")
      private String name = "";

      @Option(names = "--read-only", description = "Allow only calls that change nothing.")
      private boolean readOnly;

      @Option(names = "--replace", description = "Replace the key of this name.")
      private boolean replace;

      @Option(
          names = "--keep",
          paramLabel = "TIME",
          converter = Spans.Converter.class,
          description = "With --replace: how long the old key stays valid (default: 0).")
      private Spans.@Nullable Seconds keep;

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
                Spans.of(keep));
        Api.Reply reply = api.post("/admin/keys", body);
        if (!out.raw(reply)) {
          out.to().println(Shown.text(reply.object(), "key"));
        }
        return 0;
      }
    }

    @Command(
        name = "revoke",
        description = "Revoke a named admin key.",
        footer = {"", "Example:", "  task-runner keys admin revoke alice --yes"})
    static final class Revoke extends Simple.Asks {
      @Override
      String question(Api api, String name) {
        return "This revokes the admin key " + name + ".";
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
