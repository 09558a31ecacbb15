package io.taskrunner.cli;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows schedules, and changes them. */
@Command(
    name = "schedules",
    description = "List, show, create, replace, run, pause, resume and delete schedules.",
    subcommands = {
      SchedulesCommands.ListThem.class,
      SchedulesCommands.Show.class,
      SchedulesCommands.Put.class,
      SchedulesCommands.Run.class,
      SchedulesCommands.Pause.class,
      SchedulesCommands.Resume.class,
      SchedulesCommands.Delete.class
    })
final class SchedulesCommands extends Root.Group {

  private static final String ONE = "/v1/schedules/{}";

  @Command(
      name = "list",
      description = "List schedules.",
      footer = {"", "Example:", "  task-runner schedules list"})
  static final class ListThem extends Lists {
    ListThem() {
      super("/v1/schedules", "schedules");
    }

    @Override
    List<Out.Column> columns(Out out) {
      return List.of(
          Out.Column.of("SCHEDULE", "name"),
          new Out.Column("WHEN", SchedulesCommands::rhythm),
          Out.Column.of("CLIENT", "client_id"),
          Out.Column.of("QUEUE", "queue"),
          Out.Column.of("PAUSED", "paused"),
          new Out.Column("NEXT", row -> Shown.ago(row, "next_time", out.now())),
          new Out.Column("LAST", row -> Shown.ago(row, "last_time", out.now())),
          Out.Column.of("MISSED", "missed"),
          Out.Column.of("TARGET", "task.url"));
    }
  }

  private static String rhythm(Map<String, @Nullable Object> schedule) {
    return schedule.containsKey("cron")
        ? Shown.text(schedule, "cron") + " " + Shown.text(schedule, "time_zone")
        : "every " + Shown.text(schedule, "interval_sec") + " s";
  }

  @Command(
      name = "show",
      description = "Show everything about a schedule.",
      footer = {"", "Example:", "  task-runner schedules show nightly"})
  static final class Show extends Simple.Shows {
    @Override
    Api.Reply call(Api api, String name) throws Failure {
      return api.get(Api.path(ONE, name));
    }
  }

  @Command(
      name = "set",
      description = "Create or replace a schedule.",
      footer = {
        "",
        "Examples:",
        "  task-runner schedules set nightly https://api.example.com/nightly \\",
        "      --client my-service --cron '30 2 * * *' --zone Europe/Berlin --overlap skip",
        "  task-runner schedules set poll https://api.example.com/poll --client my-service --every 60"
      })
  static final class Put extends Verb {
    @Parameters(index = "0", paramLabel = "NAME", description = "Name of the schedule.")
    private String name = "";

    @Parameters(
        index = "1",
        paramLabel = "TARGET",
        description = "URL to send the requests to (http or https).")
    private String target = "";

    @Mixin private final EnqueueCommand.TaskOptions task = new EnqueueCommand.TaskOptions();

    @Option(
        names = "--cron",
        paramLabel = "EXPRESSION",
        description = "Cron expression, such as '*/5 * * * *'.")
    private @Nullable String cron;

    @Option(names = "--every", paramLabel = "SECONDS", description = "Interval, instead of --cron.")
    private @Nullable Integer every;

    @Option(
        names = "--zone",
        paramLabel = "ZONE",
        description = "Time zone of the cron expression (default: UTC).")
    private @Nullable String zone;

    @Option(
        names = "--overlap",
        paramLabel = "allow|skip",
        description = "What to do while the previous task is unfinished (default: allow).")
    private @Nullable String overlap;

    @Option(
        names = "--catch-up",
        paramLabel = "none|last|all",
        description = "What to do about missed runs (default: none).")
    private @Nullable String catchUp;

    @Option(
        names = "--jitter",
        paramLabel = "SECONDS",
        description = "Delay each run by up to this many seconds.")
    private @Nullable Double jitter;

    @Option(names = "--paused", description = "Create it paused.")
    private boolean paused;

    @Override
    int run(Api api, Out out) throws Failure {
      Map<String, @Nullable Object> body = task.fields(target, around());
      body.putAll(
          members(
              "cron",
              cron,
              "interval_sec",
              every,
              "time_zone",
              zone,
              "overlap",
              overlap,
              "catch_up",
              catchUp,
              "jitter_sec",
              jitter,
              "paused",
              paused ? true : null));
      Api.Reply reply = api.put(Api.path(ONE, name), body);
      if (!out.raw(reply)) {
        out.say(
            name
                + "  "
                + (reply.status() == 201 ? "created" : "replaced")
                + ", next "
                + Shown.ago(reply.object(), "next_time", out.now()));
      }
      return 0;
    }
  }

  @Command(
      name = "run",
      description = "Create a task of a schedule now.",
      footer = {"", "Example:", "  task-runner schedules run nightly"})
  static final class Run extends Simple {
    @Override
    Api.Reply call(Api api, String name) throws Failure {
      return api.post(Api.path(ONE + "/run", name), null);
    }

    @Override
    String done(Api.Reply reply) throws Failure {
      return "created task " + Shown.text(reply.object(), "task_id");
    }
  }

  @Command(
      name = "pause",
      description = "Pause a schedule.",
      footer = {"", "Example:", "  task-runner schedules pause nightly"})
  static final class Pause extends Simple {
    @Override
    Api.Reply call(Api api, String name) throws Failure {
      return api.post(Api.path(ONE + "/pause", name), null);
    }

    @Override
    String done(Api.Reply reply) {
      return "paused";
    }
  }

  @Command(
      name = "resume",
      description = "Resume a schedule with its next run.",
      footer = {"", "Example:", "  task-runner schedules resume nightly"})
  static final class Resume extends Simple {
    @Override
    Api.Reply call(Api api, String name) throws Failure {
      return api.post(Api.path(ONE + "/resume", name), null);
    }

    @Override
    String done(Api.Reply reply) throws Failure {
      return "resumed; next run at " + Shown.text(reply.object(), "next_time");
    }
  }

  @Command(
      name = "delete",
      description = "Delete a schedule; its tasks are kept.",
      footer = {"", "Example:", "  task-runner schedules delete nightly --yes"})
  static final class Delete extends Simple.Asks {
    @Override
    String question(String name) {
      return "This deletes the schedule " + name + ".";
    }

    @Override
    Api.Reply doIt(Api api, String name) throws Failure {
      return api.delete(Api.path(ONE, name));
    }

    @Override
    String done(Api.Reply reply) {
      return "deleted";
    }
  }
}
