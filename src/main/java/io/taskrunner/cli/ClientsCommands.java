package io.taskrunner.cli;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows clients, and changes them. */
@Command(
    name = "clients",
    description = "List, show, create, update and delete clients.",
    subcommands = {
      ClientsCommands.ListThem.class,
      ClientsCommands.Show.class,
      ClientsCommands.Put.class,
      ClientsCommands.Delete.class
    })
final class ClientsCommands extends Root.Group {

  @Command(
      name = "list",
      description = "List clients.",
      footer = {"", "Example:", "  task-runner clients list"})
  static final class ListThem extends Lists {
    ListThem() {
      super("/admin/clients", "clients");
    }

    @Override
    List<Out.Column> columns(Out out) {
      return List.of(
          Out.Column.of("CLIENT", "client_id"),
          Out.Column.of("TIER", "tier"),
          Out.Column.of("ENABLED", "enabled"),
          Out.Column.of("CONCURRENT", "rate_limit.max_concurrent"),
          Out.Column.of("PER MINUTE", "rate_limit.requests_per_min"),
          new Out.Column(
              "QUEUES",
              row -> row.get("allowed_queues") == null ? "all" : Shown.text(row, "allowed_queues")),
          new Out.Column("CREATED", row -> Shown.ago(row, "created_at", out.now())));
    }
  }

  @Command(
      name = "show",
      description = "Show everything about a client.",
      footer = {"", "Example:", "  task-runner clients show my-service"})
  static final class Show extends Simple.Shows {
    @Override
    Api.Reply call(Api api, String name) throws Failure {
      return api.get(Api.query("/admin/clients/get", members("client_id", name)));
    }
  }

  @Command(
      name = "set",
      description = "Create a client, or update the given settings of one.",
      footer = {
        "",
        "Examples:",
        "  task-runner clients set my-service --tier premium",
        "  task-runner clients set my-service --per-minute 300 --queues default,mail",
        "  task-runner clients set my-service --disable",
        "  task-runner clients set my-service --set rate_limit=null"
      })
  static final class Put extends Verb {
    @Parameters(paramLabel = "ID", description = "Id of the client.")
    private String id = "";

    @Option(names = "--tier", paramLabel = "NAME", description = "Tier of the client.")
    private @Nullable String tier;

    @Option(names = "--enable", description = "Accept calls of the client.")
    private boolean enable;

    @Option(names = "--disable", description = "Reject all calls of the client.")
    private boolean disable;

    @Option(
        names = "--max-concurrent",
        paramLabel = "N",
        description = "Maximum number of concurrent attempts; overrides the tier.")
    private @Nullable Integer concurrent;

    @Option(
        names = "--per-minute",
        paramLabel = "N",
        description = "Maximum number of tasks per minute; overrides the tier.")
    private @Nullable Integer perMinute;

    @Option(
        names = "--queues",
        split = ",",
        paramLabel = "NAME",
        description = "Queues that it may use, separated by commas.")
    private @Nullable List<String> queues;

    @Option(
        names = "--set",
        paramLabel = "FIELD=JSON",
        description = "Any other field of the API, with a JSON value; can be repeated.")
    private Map<String, String> others = Map.of();

    @Override
    int run(Api api, Out out) throws Failure {
      if (enable && disable) {
        throw new Failure(Failure.MISUSED, "--enable and --disable: expected only one of them");
      }
      Map<String, @Nullable Object> limits =
          members("max_concurrent", concurrent, "requests_per_min", perMinute);
      Map<String, @Nullable Object> body =
          members(
              "client_id",
              id,
              "tier",
              tier,
              "enabled",
              enable ? Boolean.TRUE : disable ? Boolean.FALSE : null,
              "rate_limit",
              limits.isEmpty() ? null : limits,
              "allowed_queues",
              queues);
      body.putAll(QueuesCommands.json(others));
      Api.Reply reply = api.post("/admin/clients/set", body);
      for (String queue : queues == null ? List.<String>of() : queues) {
        if (QueuesCommands.isMissing(api, queue)) {
          around().err().println("Warning: the queue " + queue + " does not exist.");
        }
      }
      if (!out.raw(reply)) {
        Map<String, @Nullable Object> client = reply.object();
        out.say(
            id
                + "  tier "
                + Shown.text(client, "tier")
                + ", "
                + Shown.text(client, "rate_limit.requests_per_min")
                + " per minute, "
                + Shown.text(client, "rate_limit.max_concurrent")
                + " concurrent, "
                + (Boolean.TRUE.equals(client.get("enabled")) ? "enabled" : "disabled"));
      }
      return 0;
    }
  }

  @Command(
      name = "delete",
      description = "Delete a client, its keys and its waiting tasks.",
      footer = {"", "Example:", "  task-runner clients delete my-service --yes"})
  static final class Delete extends Simple.Asks {
    @Override
    String question(Api api, String name) throws Failure {
      Object waiting =
          Shown.at(
              api.get(Api.query("/admin/clients/get", members("client_id", name))).object(),
              "usage.unfinished");
      return "This deletes the client "
          + name
          + ", its keys and its "
          + Shown.count(waiting instanceof Number count ? count.longValue() : 0, "unfinished task")
          + ".";
    }

    @Override
    Api.Reply doIt(Api api, String name) throws Failure {
      return api.delete(Api.query("/admin/clients/delete", members("client_id", name)));
    }

    @Override
    String done(Api.Reply reply) {
      return "deleted";
    }
  }
}
