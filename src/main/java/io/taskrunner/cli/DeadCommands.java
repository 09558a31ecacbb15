package io.taskrunner.cli;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows dead tasks, replays and deletes them. */
@Command(
    name = "dead",
    description = "List, count, replay and delete dead tasks.",
    subcommands = {
      DeadCommands.ListThem.class,
      DeadCommands.Summary.class,
      DeadCommands.Replay.class,
      DeadCommands.Drop.class
    })
final class DeadCommands extends Root.Group {

  /** The longest beginning of a response in a table, in characters. */
  private static final int RESPONSE_MAX = 80;

  @Command(
      name = "list",
      description = "List dead tasks, newest first.",
      footer = {"", "Example:", "  task-runner dead list mail"})
  static final class ListThem extends Lists {
    @Parameters(
        arity = "0..1",
        paramLabel = "QUEUE",
        description = "Name of the queue (default: all).")
    private @Nullable String queue;

    ListThem() {
      super("/v1/tasks", "tasks");
    }

    @Override
    Map<String, @Nullable Object> query() throws Failure {
      return members("state", "dead", "queue", queue);
    }

    @Override
    List<Out.Column> columns(Out out) {
      return List.of(
          Out.Column.of("TASK", "task_id"),
          Out.Column.of("QUEUE", "queue"),
          Out.Column.of("CLIENT", "client_id"),
          Out.Column.of("ERROR", "last_error"),
          new Out.Column("CREATED", row -> Shown.ago(row, "created_time", out.now())),
          Out.Column.of("TARGET", "request.url"),
          new Out.Column("RESPONSE", DeadCommands::response));
    }
  }

  /** The beginning of the last response. */
  private static String response(Map<String, @Nullable Object> task) {
    List<Map<String, @Nullable Object>> attempts = Shown.list(task, "attempts");
    Object excerpt = attempts.isEmpty() ? null : attempts.getLast().get("excerpt");
    return excerpt instanceof String text ? Shown.brief(text, RESPONSE_MAX) : "-";
  }

  @Command(
      name = "summary",
      description = "Count the dead tasks of a queue by host and error.",
      footer = {"", "Example:", "  task-runner dead summary mail"})
  static final class Summary extends Verb {
    @Parameters(paramLabel = "QUEUE", description = "Name of the queue.")
    private String queue = "";

    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.get(Api.path("/v1/queues/{}/dead/summary", queue));
      if (!out.raw(reply)) {
        Map<String, @Nullable Object> summary = reply.object();
        out.table(
            Shown.list(summary, "groups"),
            List.of(
                Out.Column.of("COUNT", "count"),
                Out.Column.of("ERROR", "error"),
                Out.Column.of("HOST", "host")));
        out.say("(" + Shown.text(summary, "total") + " in total)");
      }
      return 0;
    }
  }

  @Command(
      name = "replay",
      description = "Replay the dead tasks of a queue, oldest first.",
      footer = {"", "Example:", "  task-runner dead replay mail --limit 100"})
  static final class Replay extends Verb {
    @Parameters(paramLabel = "QUEUE", description = "Name of the queue.")
    private String queue = "";

    @Option(
        names = "--limit",
        paramLabel = "N",
        description = "Maximum number of tasks (default: all).")
    private @Nullable Long limit;

    @Option(
        names = {"-c", "--client"},
        paramLabel = "ID",
        description = "Only tasks of this client.")
    private @Nullable String client;

    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply =
          api.post(
              Api.path("/v1/queues/{}/dead/replay", queue),
              members("limit", limit, "client_id", client));
      if (!out.raw(reply)) {
        out.say(queue + "  " + Shown.text(reply.object(), "replayed") + " replayed");
      }
      return 0;
    }
  }

  @Command(
      name = "drop",
      description = "Delete all dead tasks of a queue.",
      footer = {"", "Example:", "  task-runner dead drop mail --yes"})
  static final class Drop extends Simple.Asks {
    @Override
    String question(Api api, String name) throws Failure {
      return "This deletes "
          + QueuesCommands.tasks(api, name, List.of("dead")).replace(" ", " dead ")
          + " of the queue "
          + name
          + ".";
    }

    @Override
    Api.Reply doIt(Api api, String name) throws Failure {
      return api.delete(Api.path("/v1/queues/{}/dead", name));
    }

    @Override
    String done(Api.Reply reply) {
      return "dead tasks deleted";
    }
  }
}
