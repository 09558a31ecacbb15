package io.taskrunner.cli;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows tasks, and changes single ones. */
@Command(
    name = "tasks",
    description = "List, show, await, cancel, run and retry tasks.",
    subcommands = {
      TasksCommands.ListThem.class,
      TasksCommands.Count.class,
      TasksCommands.Show.class,
      TasksCommands.Wait.class,
      TasksCommands.Cancel.class,
      TasksCommands.Run.class,
      TasksCommands.Retry.class
    })
final class TasksCommands extends Root.Group {

  /** The reasons of tasks that nothing holds: they wait for their time or their turn. */
  private static final Set<String> PLANNED = Set.of("not_due", "backoff", "turn");

  /** The options that filter tasks. */
  static final class Which {
    @Option(
        names = {"-q", "--queue"},
        paramLabel = "NAME",
        description = "Only tasks in this queue.")
    private @Nullable String queue;

    @Option(
        names = {"-s", "--state"},
        paramLabel = "STATE",
        description =
            "Only tasks in this state: scheduled, ready, active, retry, succeeded, dead or cancelled.")
    private @Nullable String state;

    @Option(
        names = {"-c", "--client"},
        paramLabel = "ID",
        description = "Only tasks of this client.")
    private @Nullable String client;

    @Option(
        names = {"-l", "--label"},
        paramLabel = "NAME=VALUE",
        description = "Only tasks with this label; also NAME:VALUE.")
    private @Nullable String label;

    @Option(
        names = {"-f", "--filter"},
        paramLabel = "NAME=VALUE",
        description = "Any other filter of the API, such as host=api.example.com; can be repeated.")
    private Map<String, String> others = Map.of();

    Map<String, @Nullable Object> members() throws Failure {
      Map<String, @Nullable Object> members =
          Verb.members(
              "queue", queue, "state", state, "client_id", client, "label", Labels.filter(label));
      members.putAll(others);
      return members;
    }

    /** The filter for people, such as {@code state=dead, queue=mail}. */
    String text() throws Failure {
      return String.join(", ", members().entrySet().stream().map(each -> "" + each).toList());
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

    @Option(
        names = "--follow",
        description = "Go on printing tasks that are new or whose state changes.")
    private boolean follow;

    @Override
    int run(Api api, Out out) throws Failure, InterruptedException {
      return follow ? new Following(api, out, query()).run(columns(out)) : super.run(api, out);
    }

    @Override
    Map<String, @Nullable Object> query() throws Failure {
      return which.members();
    }

    @Override
    List<Out.Column> columns(Out out) {
      return List.of(
          Out.Column.of("TASK", "task_id"),
          Out.Column.of("STATE", "state"),
          Out.Column.of("QUEUE", "queue"),
          Out.Column.of("CLIENT", "client_id"),
          new Out.Column("TIME", row -> time(row, out)),
          new Out.Column("ATTEMPTS", row -> String.valueOf(Shown.list(row, "attempts").size())),
          new Out.Column("LAST", TasksCommands::last),
          new Out.Column(
              "TARGET",
              row -> Shown.text(row, "request.method") + " " + Shown.text(row, "request.url")));
    }
  }

  @Command(
      name = "count",
      description = "Count tasks.",
      footer = {"", "Example:", "  task-runner tasks count --queue mail --filter status=503"})
  static final class Count extends Verb {
    @Mixin private final Which which = new Which();

    @Override
    int run(Api api, Out out) throws Failure {
      Map<String, @Nullable Object> query = which.members();
      long count = 0;
      long examined = 0;
      while (true) {
        Api.Reply reply = api.get(Api.query("/v1/tasks/count", query));
        Map<String, @Nullable Object> part = reply.object();
        count += number(part, "count");
        examined += number(part, "examined");
        Object next = part.get("next_cursor");
        if (next == null) {
          String sums = JsonText.write(members("count", count, "examined", examined));
          out.to().println(out.json() ? sums : String.valueOf(count));
          return 0;
        }
        query.put("cursor", next);
      }
    }

    private static long number(Map<String, @Nullable Object> of, String name) {
      return of.get(name) instanceof Number number ? number.longValue() : 0;
    }
  }

  /** When a task is due, or when it ended. */
  private static String time(Map<String, @Nullable Object> task, Out out) {
    return task.get("finished_time") == null
        ? Shown.ago(task, "next_attempt_time", out.now())
        : "ended " + Shown.ago(task, "finished_time", out.now());
  }

  /** Why the last attempt failed, or its status. */
  private static String last(Map<String, @Nullable Object> task) {
    List<Map<String, @Nullable Object>> attempts = Shown.list(task, "attempts");
    return task.get("last_error") != null || attempts.isEmpty()
        ? Shown.text(task, "last_error")
        : Shown.text(attempts.getLast(), "status");
  }

  @Command(
      name = "show",
      description = "Show everything about a task, and what it waits for.",
      footer = {"", "Example:", "  task-runner tasks show 01a20bf0-cef3-7000-91a8-f57354f1c000"})
  static final class Show extends Verb {
    @Parameters(paramLabel = "TASK", description = "Id of the task.")
    private String id = "";

    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.get(Api.path("/v1/tasks/{}", id));
      if (!out.raw(reply)) {
        out.whole(reply.object());
        waits(api, id).forEach(reason -> out.say("waits: " + reason));
      }
      return 0;
    }
  }

  /** What keeps a due task from starting, in sentences; nothing when its key may not ask. */
  static List<String> waits(Api api, String id) throws Failure {
    Api.Reply reply = api.send("GET", Api.path("/v1/tasks/{}/wait", id), null);
    return reply.status() != 200
        ? List.of()
        : Shown.list(reply.object(), "reasons").stream()
            .filter(reason -> !PLANNED.contains(Shown.text(reason, "reason")))
            .map(reason -> Shown.text(reason, "detail"))
            .toList();
  }

  @Command(
      name = "wait",
      description = "Wait until tasks have finished; exit status 1 unless all succeeded.",
      footer = {
        "",
        "Example:",
        "  task-runner tasks wait 01a20bf0-cef3-7000-91a8-f57354f1c000 --timeout 10m"
      })
  static final class Wait extends Verb {
    private static final long LOOK_MILLIS = 250;

    @Parameters(arity = "1..*", paramLabel = "TASK", description = "Ids of the tasks.")
    private List<String> ids = List.of();

    @Option(
        names = "--timeout",
        paramLabel = "TIME",
        converter = Spans.Converter.class,
        description = "Give up after this long (default: never).")
    private Spans.@Nullable Seconds timeout;

    @Override
    int run(Api api, Out out) throws Failure, InterruptedException {
      long began = System.nanoTime();
      int status = 0;
      for (String id : ids) {
        while (true) {
          Api.Reply reply = api.get(Api.path("/v1/tasks/{}", id));
          Map<String, @Nullable Object> task = reply.object();
          String state = Shown.text(task, "state");
          if (state.matches("succeeded|dead|cancelled")) {
            if (!out.raw(reply)) {
              out.say(id + "  " + state + (state.equals("dead") ? ", last: " + last(task) : ""));
            }
            status = state.equals("succeeded") ? status : Failure.REFUSED;
            break;
          }
          if (timeout != null && System.nanoTime() - began > timeout.millis() * 1_000_000) {
            throw new Failure(Failure.REFUSED, "Task " + id + " is still " + state + ".");
          }
          TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
        }
      }
      return status;
    }
  }

  @Command(
      name = "cancel",
      description = "Cancel tasks; a running attempt is aborted.",
      footer = {"", "Example:", "  task-runner tasks cancel 01a20bf0-cef3-7000-91a8-f57354f1c000"})
  static final class Cancel extends Simple {
    @Override
    Api.Reply call(Api api, String id) throws Failure {
      return api.delete(Api.path("/v1/tasks/{}", id));
    }

    @Override
    String done(Api.Reply reply) {
      return "cancelled";
    }
  }

  @Command(
      name = "run",
      description = "Run scheduled or retrying tasks now.",
      footer = {"", "Example:", "  task-runner tasks run 01a20bf0-cef3-7000-91a8-f57354f1c000"})
  static final class Run extends Simple {
    @Override
    Api.Reply call(Api api, String id) throws Failure {
      return api.post(Api.path("/v1/tasks/{}/run", id), null);
    }

    @Override
    String done(Api.Reply reply) {
      return "ready";
    }
  }

  @Command(
      name = "retry",
      description = "Retry dead tasks, with a fresh number of attempts.",
      footer = {"", "Example:", "  task-runner tasks retry 01a20bf0-cef3-7000-91a8-f57354f1c000"})
  static final class Retry extends Simple {
    @Override
    Api.Reply call(Api api, String id) throws Failure {
      return api.post(Api.path("/v1/tasks/{}/retry", id), null);
    }

    @Override
    String done(Api.Reply reply) {
      return "ready";
    }
  }
}
