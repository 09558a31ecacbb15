package io.taskrunner.http.v1;

import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Times;
import io.taskrunner.schedule.CatchUp;
import io.taskrunner.schedule.Cron;
import io.taskrunner.schedule.Cron.BadCron;
import io.taskrunner.schedule.Jitter;
import io.taskrunner.schedule.Overlap;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.schedule.Schedule.Run;
import io.taskrunner.schedule.Schedule.Settings;
import io.taskrunner.store.Enqueue;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Reads and writes the fields of a schedule. */
final class ScheduleFields {

  private static final long INTERVAL_MAX_SECONDS = 366L * 86_400;

  private static final int NEXT_TIMES = 5;

  /** Fields of an enqueue that the task of a schedule may not have. */
  private static final List<String> NOT_OF_A_SCHEDULE =
      List.of("delay", "schedule_time", "expires_time", "idempotency_key", "rate_limit");

  private ScheduleFields() {}

  /**
   * Reads a schedule.
   *
   * @param retention of tasks whose schedule sets none
   * @return null when something is invalid, which is noted
   */
  static @Nullable Settings read(Fields fields, Duration retention) {
    fields.nullIsAbsent("cron", "interval_sec", "time_zone", "retry", "timeout_sec", "jitter_sec");
    final Rhythm rhythm = rhythm(fields);
    final Overlap overlap = choice(fields, "overlap", Overlap.values(), Overlap.ALLOW);
    final CatchUp catchUp = choice(fields, "catch_up", CatchUp.values(), CatchUp.NONE);
    final Duration jitter = fields.seconds("jitter_sec", false, Jitter.LIMIT.toSeconds());
    final Boolean paused = fields.flag("paused");
    for (String other : NOT_OF_A_SCHEDULE) {
      if (fields.has(other)) {
        fields.fault(other, "not allowed in the task of a schedule");
      }
    }
    Enqueue task =
        EnqueueFields.read(
            fields,
            new EnqueueFields.Around(Enqueue.Proof.ADMIN, null, null, null, null, retention));
    if (task == null || rhythm == null) {
      return null;
    }
    return new Settings(
        task.clientId(),
        task.queue(),
        rhythm,
        overlap,
        catchUp,
        jitter == null ? Duration.ZERO : jitter,
        paused != null && paused,
        task.spec());
  }

  static @Nullable Rhythm rhythm(Fields fields) {
    boolean both = fields.has("cron") && fields.has("interval_sec");
    boolean neither = !fields.has("cron") && !fields.has("interval_sec");
    final Integer interval = fields.integer("interval_sec", 1, (int) INTERVAL_MAX_SECONDS);
    final boolean zoneGiven = fields.has("time_zone");
    final ZoneId zone = zone(fields);
    final String expression = fields.text("cron");
    if (both) {
      fields.fault("interval_sec", "not allowed with cron (expected: only one of them)");
    } else if (neither) {
      fields.missing("cron", "an expression such as */5 * * * *, or interval_sec instead");
    } else if (interval != null && zoneGiven) {
      fields.fault("time_zone", "not allowed with interval_sec: a time zone applies to cron only");
    }
    if (interval != null) {
      return new Rhythm.Every(Duration.ofSeconds(interval));
    }
    if (expression == null) {
      return null;
    }
    try {
      return new Rhythm.ByCron(Cron.parse(expression), zone);
    } catch (BadCron bad) {
      fields.fault("cron", String.valueOf(bad.getMessage()));
      return null;
    }
  }

  private static ZoneId zone(Fields fields) {
    String name = fields.text("time_zone");
    if (name == null) {
      return ZoneOffset.UTC;
    }
    try {
      return ZoneId.of(name);
    } catch (DateTimeException unknown) {
      fields.fault("time_zone", name, "an IANA time zone such as Europe/Berlin, or UTC");
      return ZoneOffset.UTC;
    }
  }

  private static <E extends Enum<E>> E choice(Fields fields, String name, E[] all, E otherwise) {
    String given = fields.text(name);
    if (given == null) {
      return otherwise;
    }
    List<String> words =
        Arrays.stream(all).map(one -> one.name().toLowerCase(Locale.ROOT)).toList();
    int at = words.indexOf(given);
    if (at < 0) {
      fields.fault(name, given, "one of " + String.join(" ", words));
      return otherwise;
    }
    return all[at];
  }

  /**
   * Writes only the set fields, in their input format.
   *
   * @param exact whether likely secrets are shown
   */
  static void write(JsonOut to, Settings settings, boolean exact) throws IOException {
    JsonOut.withoutNulls(
            out -> {
              whose(out, settings);
              ticks(out, settings);
              task(out, settings.spec(), exact);
            })
        .write(to);
  }

  /** Writes a schedule for an answer. */
  static void show(JsonOut out, Schedule schedule) throws IOException {
    Settings settings = schedule.settings();
    out.text("name", schedule.name());
    whose(out, settings);
    task(out, settings.spec(), false);
    ticks(out, settings);
    List<Instant> next = schedule.nextTimes(NEXT_TIMES);
    out.time("next_time", next.stream().findFirst().orElse(null));
    out.texts("next_times", next.stream().map(Times::text).toList());
    out.text("last_task_id", schedule.lastTask().map(TaskId::toString).orElse(null));
    out.time("last_time", schedule.lastTick().orElse(null));
    out.number("missed", schedule.missed());
    out.array(
        "runs",
        runs -> {
          for (Run run : schedule.runs()) {
            runs.item(item -> {
              item.time("time", run.tick());
              item.text("result", run.result().word());
              item.text("task_id", run.task().map(TaskId::toString).orElse(null));
            });
          }
        });
    List<String> warnings = warnings(settings);
    if (!warnings.isEmpty()) {
      out.texts("warnings", warnings);
    }
    out.time("created_time", schedule.created());
    out.time("updated_time", schedule.updated());
  }

  /** Warnings about settings that are probably mistakes. */
  static List<String> warnings(Settings settings) {
    return warnings(settings.rhythm());
  }

  /** The same of a rhythm. */
  static List<String> warnings(Rhythm rhythm) {
    return rhythm instanceof Rhythm.ByCron(Cron cron, _) ? cron.warnings() : List.of();
  }

  private static void whose(JsonOut out, Settings settings) throws IOException {
    out.text("client_id", settings.clientId());
    out.text("queue", settings.queue());
    switch (settings.rhythm()) {
      case Rhythm.Every(Duration interval) -> out.number("interval_sec", interval.toSeconds());
      case Rhythm.ByCron(Cron cron, ZoneId zone) -> {
        out.text("cron", cron.toString());
        out.text("time_zone", zone.equals(ZoneOffset.UTC) ? "UTC" : zone.getId());
      }
    }
  }

  private static void task(JsonOut out, TaskSpec spec, boolean exact) throws IOException {
    out.object("task", task -> TaskJson.request(task, spec.request(), false, exact));
    RetryFields.write(out, spec.retry());
    out.seconds("timeout_sec", spec.timeout());
    out.seconds("retention_sec", spec.retention());
    TaskJson.labels(out, spec.labels());
    TaskJson.callback(out, spec.callback(), exact);
  }

  private static void ticks(JsonOut out, Settings settings) throws IOException {
    out.flag("paused", settings.paused());
    out.text("overlap", settings.overlap().word());
    out.text("catch_up", settings.catchUp().word());
    out.seconds("jitter_sec", settings.jitter());
  }
}
