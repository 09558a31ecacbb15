package io.taskrunner.store.redis.record;

import io.taskrunner.schedule.CatchUp;
import io.taskrunner.schedule.Cron;
import io.taskrunner.schedule.Jitter;
import io.taskrunner.schedule.Overlap;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.schedule.Schedule.Result;
import io.taskrunner.schedule.Schedule.Run;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.task.TaskId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The fields of the hash of a schedule, and their codec. */
public final class ScheduleFields {

  private static final String CRON = "cron";
  private static final String EVERY = "every";
  private static final byte[] NONE = new byte[0];

  private ScheduleFields() {}

  /** A rhythm, with the longest wait after a tick. */
  public record Timing(Rhythm rhythm, Duration jitter) {}

  /** A tick and its time; both empty for none. */
  public static Args times(Optional<Instant> tick, Jitter jitter, Rhythm rhythm) {
    return tick.isEmpty()
        ? Args.of(null, null)
        : Args.of(tick.get().toEpochMilli(), jitter.of(tick.get(), rhythm).toEpochMilli());
  }

  /** Names and values alternately; an empty value is none. */
  public static Args write(Schedule.Settings settings) {
    String rhythm =
        switch (settings.rhythm()) {
          case Rhythm.Every(Duration interval) -> EVERY + " " + interval.toMillis();
          case Rhythm.ByCron(Cron cron, ZoneId zone) -> CRON + " " + zone.getId() + " " + cron;
        };
    return new Args(14)
        .field("client", settings.clientId())
        .field("queue", settings.queue())
        .field("rhythm", settings.jitter().toMillis() + " " + rhythm)
        .field("overlap", settings.overlap().word())
        .field("catch_up", settings.catchUp().word())
        .field("tail", TaskTail.ofPlanned(settings.clientId(), settings.spec()));
  }

  /** Reads a schedule from its name, its hash, and the results of its last ticks. */
  public static Schedule read(Reply reply) {
    String name = reply.text();
    Map<String, byte[]> fields = new HashMap<>();
    reply.list(field -> fields.put(field.text(), field.bytes()));
    List<Run> runs = reply.list(ScheduleFields::ran);
    Timing timing = timing(text(fields, "rhythm"));
    return new Schedule(
        name,
        new Schedule.Settings(
            text(fields, "client"),
            text(fields, "queue"),
            timing.rhythm(),
            Overlap.valueOf(upper(fields, "overlap")),
            CatchUp.valueOf(upper(fields, "catch_up")),
            timing.jitter(),
            !fields.containsKey("next"),
            TaskCodec.decode(record(fields)).spec()),
        time(fields, "next"),
        Optional.ofNullable(fields.get("last_task")).map(TaskId::of),
        time(fields, "last_tick"),
        fields.containsKey("missed") ? Long.parseLong(text(fields, "missed")) : 0,
        runs,
        time(fields, "created").orElseThrow(),
        time(fields, "updated").orElseThrow(),
        fields.containsKey("rev") ? Long.parseLong(text(fields, "rev")) : 0);
  }

  /** The stored value is the part of a task after its head. */
  private static byte[] record(Map<String, byte[]> fields) {
    byte[] tail = fields.getOrDefault("tail", NONE);
    return ByteBuffer.allocate(TaskCodec.TAIL + tail.length).put(TaskCodec.TAIL, tail).array();
  }

  /** Reads the field {@code rhythm}. */
  public static Timing timing(String text) {
    String[] parts = text.split(" ", 3);
    return new Timing(rhythm(parts[1], parts[2]), Duration.ofMillis(Long.parseLong(parts[0])));
  }

  private static Rhythm rhythm(String kind, String text) {
    if (kind.equals(EVERY)) {
      return new Rhythm.Every(Duration.ofMillis(Long.parseLong(text)));
    }
    int space = text.indexOf(' ');
    try {
      return new Rhythm.ByCron(
          Cron.parse(text.substring(space + 1)), ZoneId.of(text.substring(0, space)));
    } catch (Cron.BadCron wasChecked) {
      throw new IllegalStateException(wasChecked);
    }
  }

  private static Run ran(Reply entry) {
    ByteBuffer in = ByteBuffer.wrap(entry.bytes());
    Instant tick = Packed.time(in);
    Instant at = Packed.time(in);
    Result result = Result.ofLetter((char) in.get());
    Optional<TaskId> task =
        in.hasRemaining() ? Optional.of(new TaskId(in.getLong(), in.getLong())) : Optional.empty();
    return new Run(tick, at, result, task);
  }

  private static String text(Map<String, byte[]> fields, String name) {
    return new String(fields.getOrDefault(name, NONE), StandardCharsets.UTF_8);
  }

  private static String upper(Map<String, byte[]> fields, String name) {
    return text(fields, name).toUpperCase(Locale.ROOT);
  }

  private static Optional<Instant> time(Map<String, byte[]> fields, String name) {
    return fields.containsKey(name)
        ? Optional.of(Instant.ofEpochMilli(Long.parseLong(text(fields, name))))
        : Optional.empty();
  }
}
