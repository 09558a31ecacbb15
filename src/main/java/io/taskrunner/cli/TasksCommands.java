package io.taskrunner.cli;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Looks at tasks, and moves single ones. */
@Command(
    name = "tasks",
    description = "Look at tasks, run them now, call them off.",
    subcommands = {
      TasksCommands.ListThem.class,
      TasksCommands.Show.class,
      TasksCommands.Cancel.class,
      TasksCommands.Run.class,
      TasksCommands.Retry.class
    })
final class TasksCommands extends Root.Group {

  /** Which tasks. */
  static final class Which {
    @Option(
        names = {"-q", "--queue"},
        paramLabel = "NAME",
        description = "In this queue.")
    private @Nullable String queue;

    @Option(
        names = {"-s", "--state"},
        paramLabel = "STATE",
        description = "scheduled, ready, active, retry, succeeded, dead or cancelled.")
    private @Nullable String state;

    @Option(
        names = {"-c", "--client"},
        paramLabel = "ID",
        description = "Of this client.")
    private @Nullable String client;

    @Option(
        names = {"-l", "--label"},
        paramLabel = "NAME:VALUE",
        description = "With this label.")
    private @Nullable String label;

    @Option(
        names = {"-f", "--filter"},
        paramLabel = "NAME=VALUE",
        description = "Any other filter of the API, such as host=api.example.com or status=503.")
    private Map<String, String> others = Map.of();

    Map<String, @Nullable Object> members() {
      Map<String, @Nullable Object> members =
          Verb.members("queue", queue, "state", state, "client_id", client, "label", label);
      members.putAll(others);
      return members;
    }
  }

  @Command(
      name = "list",
      description = "List tasks.",
      footer = {
        "",
        "Examples:",
        "  task-runner tasks list --queue default --state dead",
        "  task-runner tasks list --label order:17 --json"
      })
  static final class ListThem extends Lists {
    @Mixin private final Which which = new Which();

    ListThem() {
      super("/v1/tasks", "tasks");
    }

    @Override
    Map<String, @Nullable Object> query() {
      return which.members();
    }

    @Override
    List<Out.Column> columns(Out out) {
      return List.of(
          Out.Column.of("TASK", "task_id"),
          Out.Column.of("STATE", "state"),
          Out.Column.of("QUEUE", "queue"),
          Out.Column.of("CLIENT", "client_id"),
          new Out.Column("DUE", row -> Shown.ago(row, "scheduled_time", out.now())),
          new Out.Column("ATTEMPTS", row -> String.valueOf(Shown.list(row, "attempts").size())),
          new Out.Column("LAST", TasksCommands::last),
          new Out.Column(
              "TARGET",
              row -> Shown.text(row, "request.method") + " " + Shown.text(row, "request.url")));
    }
  }

  /** What the last attempt came to. */
  private static String last(Map<String, @Nullable Object> task) {
    List<Map<String, @Nullable Object>> attempts = Shown.list(task, "attempts");
    if (attempts.isEmpty()) {
      return Shown.text(task, "last_error");
    }
    Map<String, @Nullable Object> last = attempts.getLast();
    return last.containsKey("status") ? Shown.text(last, "status") : Shown.text(last, "error");
  }

  @Command(
      name = "show",
      description = "Show a task whole, and the circuit breaker that it waits for.",
      footer = {"", "Example:", "  task-runner tasks show 01a20bf0-cef3-7000-91a8-f57354f1c000"})
  static final class Show extends Verb {
    @Parameters(paramLabel = "TASK", description = "The task's id.")
    private String id = "";

    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.get(Api.path("/v1/tasks/{}", id));
      if (!out.raw(reply)) {
        out.whole(reply.object());
      }
      return 0;
    }
  }

  /** Does the same to each of some tasks. */
  abstract static class Each extends Verb {
    @Parameters(arity = "1..*", paramLabel = "TASK", description = "The tasks' ids.")
    private List<String> ids = List.of();

    abstract Api.Reply move(Api api, String id) throws Failure;

    abstract String done();

    @Override
    int run(Api api, Out out) throws Failure {
      for (String id : ids) {
        Api.Reply reply = move(api, id);
        if (!out.raw(reply)) {
          out.say(id + "  " + done());
        }
      }
      return 0;
    }
  }

  @Command(
      name = "cancel",
      description = "Call tasks off; what runs of them is cut off.",
      footer = {"", "Example:", "  task-runner tasks cancel 01a20bf0-cef3-7000-91a8-f57354f1c000"})
  static final class Cancel extends Each {
    @Override
    Api.Reply move(Api api, String id) throws Failure {
      return api.delete(Api.path("/v1/tasks/{}", id));
    }

    @Override
    String done() {
      return "cancelled";
    }
  }

  @Command(
      name = "run",
      description = "Have tasks that wait for their time run now.",
      footer = {"", "Example:", "  task-runner tasks run 01a20bf0-cef3-7000-91a8-f57354f1c000"})
  static final class Run extends Each {
    @Override
    Api.Reply move(Api api, String id) throws Failure {
      return api.post(Api.path("/v1/tasks/{}/run", id), null);
    }

    @Override
    String done() {
      return "is ready";
    }
  }

  @Command(
      name = "retry",
      description = "Start dead tasks again, with fresh attempts.",
      footer = {"", "Example:", "  task-runner tasks retry 01a20bf0-cef3-7000-91a8-f57354f1c000"})
  static final class Retry extends Each {
    @Override
    Api.Reply move(Api api, String id) throws Failure {
      return api.post(Api.path("/v1/tasks/{}/retry", id), null);
    }

    @Override
    String done() {
      return "is ready again";
    }
  }
}
