package io.taskrunner.cli;

import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Applies one action to many tasks. */
@Command(
    name = "operations",
    description = "Cancel, run, retry, move or delete many tasks at once.",
    subcommands = {
      OperationsCommands.Start.class,
      OperationsCommands.Show.class,
      OperationsCommands.ListThem.class,
      OperationsCommands.Stop.class
    })
final class OperationsCommands extends Root.Group {

  private static final String ONE = "/v1/operations/{}";

  private static final long LOOK_MILLIS = 500;

  /** By name: what it does. */
  private static final Map<String, String> ACTIONS =
      Map.of(
          "cancel", "cancels",
          "run", "starts",
          "retry", "retries",
          "move", "moves",
          "delete", "deletes");

  @Command(
      name = "start",
      description = "Apply one action to every task that matches a filter.",
      footer = {
        "",
        "Examples:",
        "  task-runner operations start retry --queue mail --state dead --dry-run --wait",
        "  task-runner operations start retry --queue mail --state dead --per-sec 200 --wait",
        "  task-runner operations start move --queue mail --client my-service --to slow --yes"
      })
  static final class Start extends Verb {
    @Parameters(paramLabel = "cancel|run|retry|move|delete", description = "Action to apply.")
    private String action = "";

    @Mixin private final TasksCommands.Which which = new TasksCommands.Which();

    @Option(
        names = "--id",
        paramLabel = "TASK",
        description = "Only this task; can be repeated. Then no queue or state is needed.")
    private List<String> ids = List.of();

    @Option(names = "--to", paramLabel = "QUEUE", description = "Target queue of a move.")
    private @Nullable String to;

    @Option(
        names = "--per-sec",
        paramLabel = "N",
        description = "Maximum number of tasks per second (default: unlimited).")
    private @Nullable Double perSec;

    @Option(
        names = "--dry-run",
        description = "Count the tasks and show some, without changing them.")
    private boolean dryRun;

    @Option(
        names = "--wait",
        description = "Wait until the operation has finished, and show its progress.")
    private boolean wait;

    @Mixin private final Common.Sure sure = new Common.Sure();

    @Override
    int run(Api api, Out out) throws Failure, InterruptedException {
      if (!ACTIONS.containsKey(action)) {
        throw new Failure(
            Failure.MISUSED,
            "ACTION: \"" + action + "\" (expected: cancel, run, retry, move or delete)");
      }
      boolean isFinal = action.equals("cancel") || action.equals("delete");
      if (!dryRun && !sure.given() && (isFinal || !isOfSome())) {
        sure.ask(around(), consequence(api));
      }
      Api.Reply reply = api.post("/v1/operations", order(dryRun));
      String id = Shown.text(reply.object(), "operation_id");
      if (wait) {
        reply = awaitEnd(api, out, id);
      }
      if (!out.raw(reply)) {
        tell(out, reply.object());
      }
      String state = Shown.text(reply.object(), "state");
      return wait && !state.equals("done") ? Failure.REFUSED : 0;
    }

    private Map<String, @Nullable Object> order(boolean dry) throws Failure {
      return members(
          "action",
          action,
          "filter",
          filter(),
          "to_queue",
          to,
          "per_sec",
          perSec,
          "dry_run",
          dry ? true : null);
    }

    /** How many tasks it applies to now. */
    private String consequence(Api api) throws Failure, InterruptedException {
      String id = Shown.text(api.post("/v1/operations", order(true)).object(), "operation_id");
      Map<String, @Nullable Object> counted = ended(api, id, _ -> {}).object();
      long tasks = counted.get("done") instanceof Number done ? done.longValue() : 0;
      return "This %s %s with %s%s."
          .formatted(
              ACTIONS.get(action),
              Shown.count(tasks, "task"),
              text(),
              isOfSome() ? "" : ", of all queues");
    }

    /** Whether a queue or tasks are given. */
    private boolean isOfSome() throws Failure {
      return filter().containsKey("queue") || !ids.isEmpty();
    }

    private Map<String, @Nullable Object> filter() throws Failure {
      Map<String, @Nullable Object> filter = which.members();
      if (!ids.isEmpty()) {
        filter.put("ids", ids);
      }
      return filter;
    }

    /** The filter for people. */
    private String text() throws Failure {
      String others = which.text();
      String ofIds = ids.isEmpty() ? "" : Shown.count(ids.size(), "id");
      return others + (others.isEmpty() || ofIds.isEmpty() ? "" : ", ") + ofIds;
    }

    private Api.Reply awaitEnd(Api api, Out out, String id) throws Failure, InterruptedException {
      boolean shows = around().terminal() && !out.json();
      return ended(
          api,
          id,
          operation -> {
            if (shows) {
              out.to().print("\r" + progress(operation) + "   ");
              out.to().flush();
            }
          });
    }

    private static Api.Reply ended(
        Api api, String id, Consumer<Map<String, @Nullable Object>> meanwhile)
        throws Failure, InterruptedException {
      while (true) {
        Api.Reply reply = api.get(Api.path(ONE, id));
        Map<String, @Nullable Object> operation = reply.object();
        if (!Shown.text(operation, "state").equals("running")) {
          return reply;
        }
        meanwhile.accept(operation);
        TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
      }
    }
  }

  private static String progress(Map<String, @Nullable Object> operation) {
    return Shown.text(operation, "done") + " of " + Shown.text(operation, "total");
  }

  private static void tell(Out out, Map<String, @Nullable Object> operation) {
    out.say(
        Shown.text(operation, "operation_id")
            + "  "
            + Shown.text(operation, "action")
            + " "
            + Shown.text(operation, "state")
            + (Boolean.TRUE.equals(operation.get("dry_run")) ? " (dry run)" : "")
            + ": "
            + Shown.text(operation, "done")
            + " done, "
            + Shown.text(operation, "failed")
            + " failed, "
            + Shown.text(operation, "skipped")
            + " skipped, of "
            + Shown.text(operation, "total"));
  }

  @Command(
      name = "show",
      description = "Show everything about an operation.",
      footer = {
        "",
        "Example:",
        "  task-runner operations show 01a20bf0-cef3-7000-91a8-f57354f1c000"
      })
  static final class Show extends Simple.Shows {
    @Override
    Api.Reply call(Api api, String name) throws Failure {
      return api.get(Api.path(ONE, name));
    }
  }

  @Command(
      name = "list",
      description = "List recent operations, newest first.",
      footer = {"", "Example:", "  task-runner operations list"})
  static final class ListThem extends Verb {
    @Option(
        names = {"-n", "--limit"},
        paramLabel = "N",
        description = "Maximum number of operations.")
    private @Nullable Integer limit;

    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.get(Api.query("/v1/operations", members("limit", limit)));
      if (!out.raw(reply)) {
        out.table(
            Shown.list(reply.object(), "operations"),
            List.of(
                Out.Column.of("OPERATION", "operation_id"),
                Out.Column.of("ACTION", "action"),
                Out.Column.of("STATE", "state"),
                Out.Column.of("DRY RUN", "dry_run"),
                new Out.Column("DONE", OperationsCommands::progress),
                Out.Column.of("FAILED", "failed"),
                new Out.Column("STARTED", row -> Shown.ago(row, "created_time", out.now())),
                Out.Column.of("FILTER", "filter")));
      }
      return 0;
    }
  }

  @Command(
      name = "stop",
      description = "Stop an operation; completed work is not undone.",
      footer = {
        "",
        "Example:",
        "  task-runner operations stop 01a20bf0-cef3-7000-91a8-f57354f1c000"
      })
  static final class Stop extends Simple {
    @Override
    Api.Reply call(Api api, String name) throws Failure {
      return api.delete(Api.path(ONE, name));
    }

    @Override
    String done(Api.Reply reply) {
      return "stopped";
    }
  }
}
