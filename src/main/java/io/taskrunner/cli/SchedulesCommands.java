package io.taskrunner.cli;

import io.taskrunner.schedule.Cron;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
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
    description = "List, show, create, update, preview, run, pause, resume and delete schedules.",
    subcommands = {
      SchedulesCommands.ListThem.class,
      SchedulesCommands.Show.class,
      SchedulesCommands.Put.class,
      SchedulesCommands.Next.class,
      SchedulesCommands.Run.class,
      SchedulesCommands.Pause.class,
      SchedulesCommands.Resume.class,
      SchedulesCommands.Delete.class
    })
final class SchedulesCommands extends Root.Group {

  private static final String CLIENT = "/admin/clients/get";
  private static final String ONE = "/v1/schedules/{}";

  /** The members of a schedule that are not settings. */
  private static final List<String> SHOWN_ONLY =
      List.of(
          "name",
          "next_time",
          "next_times",
          "last_task_id",
          "last_time",
          "missed",
          "runs",
          "created_time",
          "updated_time",
          "warnings");

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
      description = "Create a schedule, or update the given settings of one.",
      footer = {
        "",
        "Examples:",
        "  task-runner schedules set nightly https://api.example.com/nightly \\",
        "      --client my-service --cron '30 2 * * *' --zone Europe/Berlin --overlap skip",
        "  task-runner schedules set poll https://api.example.com/poll --client my-service --every 15m"
      })
  static final class Put extends Verb {
    @Parameters(index = "0", paramLabel = "NAME", description = "Name of the schedule.")
    private String name = "";

    @Parameters(
        index = "1",
        arity = "0..1",
        paramLabel = "TARGET",
        description = "URL to send the requests to (http or https; default: the current one).")
    private @Nullable String target;

    @Mixin private final EnqueueCommand.TaskOptions task = new EnqueueCommand.TaskOptions();

    @Option(
        names = "--cron",
        paramLabel = "EXPRESSION",
        description = "Cron expression, such as '*/5 * * * *'.")
    private @Nullable String cron;

    @Option(
        names = "--every",
        paramLabel = "TIME",
        converter = Spans.Converter.class,
        description = "Interval, instead of --cron, such as 15m or 1d.")
    private Spans.@Nullable Seconds every;

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
        paramLabel = "TIME",
        converter = Spans.Converter.class,
        description = "Delay each run by up to this long.")
    private Spans.@Nullable Seconds jitter;

    @Option(names = "--replace", description = "Set everything that is not given to its default.")
    private boolean replace;

    @Option(names = "--paused", description = "Create it paused.")
    private boolean paused;

    @Override
    int run(Api api, Out out) throws Failure {
      Map<String, @Nullable Object> body = task.fields(target, api, around());
      body.putAll(
          members(
              "cron",
              cron,
              "interval_sec",
              Spans.of(every),
              "time_zone",
              zone,
              "overlap",
              overlap,
              "catch_up",
              catchUp,
              "jitter_sec",
              Spans.of(jitter),
              "paused",
              paused ? true : null));
      Api.Reply before = api.send("GET", Api.path(ONE, name), null);
      Api.Reply reply =
          before.status() == 200 && !replace
              ? api.put(Api.path(ONE, name), merged(before.object(), body), ifMatch(before.etag()))
              : api.put(Api.path(ONE, name), body);
      Object client = body.get("client_id");
      if (client != null
          && api.send("GET", Api.query(CLIENT, members("client_id", client)), null).status()
              == 404) {
        around().err().println("Warning: the client " + client + " does not exist.");
      }
      if (!out.raw(reply)) {
        out.say(
            name
                + "  "
                + (reply.status() == 201 ? "created" : "updated")
                + next(reply.object(), out));
      }
      return 0;
    }
  }

  /** The next run, in the zone of its cron expression. */
  private static String next(Map<String, @Nullable Object> schedule, Out out) {
    if (!(schedule.get("next_time") instanceof String next)) {
      return ", paused";
    }
    ZoneId zone =
        schedule.get("time_zone") instanceof String name ? ZoneId.of(name) : ZoneOffset.UTC;
    return ", next run at "
        + Instant.parse(next).atZone(zone).format(DateTimeFormatter.ISO_OFFSET_DATE_TIME)
        + " ("
        + Shown.ago(schedule, "next_time", out.now())
        + ")";
  }

  private static String[] ifMatch(@Nullable String etag) {
    return etag == null ? new String[0] : new String[] {"If-Match", etag};
  }

  /** The settings of a schedule with others; masked values stand for themselves. */
  private static Map<String, @Nullable Object> merged(
      Map<String, @Nullable Object> before, Map<String, @Nullable Object> given) {
    Map<String, @Nullable Object> all = new LinkedHashMap<>(before);
    all.keySet().removeAll(SHOWN_ONLY);
    if (given.containsKey("cron")) {
      all.remove("interval_sec");
    }
    if (given.containsKey("interval_sec")) {
      all.remove("cron");
      all.remove("time_zone");
    }
    given.forEach((field, value) -> {
      if (value instanceof Map<?, ?> own && all.get(field) instanceof Map<?, ?> kept) {
        Map<String, @Nullable Object> both = new LinkedHashMap<>(Shown.object(kept));
        both.putAll(Shown.object(own));
        if (own.containsKey("body") || own.containsKey("body_base64")) {
          both.remove(own.containsKey("body") ? "body_base64" : "body");
        }
        all.put(field, both);
      } else {
        all.put(field, value);
      }
    });
    return all;
  }

  @Command(
      name = "next",
      description = "Print the next times of a cron expression, without a server.",
      footer = {"", "Example:", "  task-runner schedules next '30 2 * * *' --zone Europe/Berlin"})
  static final class Next extends Verb {
    @Parameters(paramLabel = "CRON", description = "Cron expression, or a word such as @daily.")
    private String cron = "";

    @Option(names = "--zone", paramLabel = "ZONE", description = "Time zone (default: UTC).")
    private String zone = "UTC";

    @Option(names = "--count", paramLabel = "N", description = "How many (default: 5).")
    private int count = 5;

    @Override
    int run(Api api, Out out) throws Failure {
      if (count < 1 || count > 1000) {
        throw new Failure(Failure.MISUSED, "--count: " + count + " (expected: 1 to 1000)");
      }
      try {
        Cron parsed = Cron.parse(cron);
        ZoneId in = ZoneId.of(zone);
        parsed.warnings().forEach(warning -> around().err().println("warning: " + warning));
        Instant at = out.now();
        for (int i = 0; i < count; i++) {
          at = parsed.next(at, in);
          String time = at.atZone(in).format(DateTimeFormatter.ISO_OFFSET_DATE_TIME);
          out.to().println(out.json() ? JsonText.write(members("time", time)) : time);
        }
        return 0;
      } catch (Cron.BadCron bad) {
        throw new Failure(Failure.MISUSED, "CRON: " + bad.getMessage());
      } catch (DateTimeException unknown) {
        throw new Failure(
            Failure.MISUSED, "--zone: \"" + zone + "\" (expected: such as Europe/Berlin)");
      }
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
    String question(Api api, String name) {
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
