package io.taskrunner.cli;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

/** The state of a server as a whole. */
final class StatusCommands {

  private StatusCommands() {}

  /** The columns of a list of workers. */
  static List<Out.Column> workers(Out out) {
    return List.of(
        Out.Column.of("WORKER", "id"),
        Out.Column.of("HOST", "host"),
        Out.Column.of("VERSION", "version"),
        new Out.Column(
            "RUNNING", row -> Shown.text(row, "running") + " of " + Shown.text(row, "slots")),
        new Out.Column("STATE", StatusCommands::state),
        new Out.Column("STARTED", row -> Shown.ago(row, "started_time", out.now())));
  }

  private static String state(Map<String, @Nullable Object> worker) {
    return !Boolean.TRUE.equals(worker.get("alive"))
        ? "lost"
        : Boolean.TRUE.equals(worker.get("stopping")) ? "stopping" : "alive";
  }

  @Command(
      name = "workers",
      description = "List the workers.",
      footer = {"", "Example:", "  task-runner workers"})
  static final class Workers extends Verb {
    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.get("/admin/workers");
      if (!out.raw(reply)) {
        out.table(Shown.list(reply.object(), "workers"), workers(out));
      }
      return 0;
    }
  }

  @Command(
      name = "stats",
      description = "Show the number of tasks in each state, of queues and of workers.",
      footer = {"", "Example:", "  task-runner stats --json"})
  static final class Stats extends Verb {
    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.get("/v1/stats");
      if (!out.raw(reply)) {
        out.whole(reply.object());
      }
      return 0;
    }
  }

  @Command(
      name = "health",
      description = "Show whether the server is ready; exit status 4 if it is not.",
      footer = {"", "Example:", "  task-runner health"})
  static final class Health extends Verb {
    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.send("GET", "/health", null);
      if (!out.raw(reply)) {
        out.whole(reply.object());
      }
      return reply.status() == 200 ? 0 : Failure.UNREACHABLE;
    }
  }

  @Command(
      name = "pause",
      description = "Pause all queues: no task starts anywhere; running tasks finish.",
      footer = {"", "Example:", "  task-runner pause"})
  static final class Pause extends Verb {
    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.post("/admin/dispatch/pause", null);
      if (!out.raw(reply)) {
        out.say(
            "All queues are paused; running tasks finish. Resume them with task-runner resume.");
      }
      return 0;
    }
  }

  @Command(
      name = "resume",
      description = "Resume all queues after pause; queues that are paused by name stay paused.",
      footer = {"", "Example:", "  task-runner resume"})
  static final class Resume extends Verb {
    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = api.post("/admin/dispatch/resume", null);
      if (!out.raw(reply)) {
        out.say("Tasks start again.");
      }
      return 0;
    }
  }
}
