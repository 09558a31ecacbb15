package io.taskrunner.store.redis;

import io.taskrunner.store.SeriesStore;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.record.SeriesRecord;
import io.taskrunner.task.TaskId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Reads the rings and failures that {@code series.lua} writes, in the configuration's slot. */
final class RedisSeries implements SeriesStore {

  /** Sizes of the rings, in records. */
  static final int MINUTES = 1440;

  static final int HOURS = 840;

  private static final long MINUTES_OF_HOUR = 60;
  private static final String BETWEEN = "\t";

  private final Shard config;
  private final QueueNames names;

  /** Some records of a ring that lie side by side. */
  private record Slice(String of, long slot, long count) {
    byte[] key(Shard config, String ring) {
      return config.key("series:" + of + ":" + ring);
    }

    /** Those of these minutes or hours, in a ring of some records. */
    static List<Slice> of(String of, long from, long until, int slots) {
      long count = until - from;
      long slot = Math.floorMod(from, (long) slots);
      if (count >= slots) {
        return List.of(new Slice(of, 0, slots));
      }
      return slot + count <= slots
          ? List.of(new Slice(of, slot, count))
          : List.of(new Slice(of, slot, slots - slot), new Slice(of, 0, slot + count - slots));
    }
  }

  RedisSeries(Shard config, QueueNames names) {
    this.config = config;
    this.names = names;
  }

  @Override
  public Optional<List<@Nullable Point>> read(Of of, Instant from, int count, Duration step) {
    Optional<String> ring = ring(of);
    if (ring.isEmpty()) {
      return Optional.empty();
    }
    @Nullable SeriesRecord[] sums = new @Nullable SeriesRecord[count];
    long minutes = step.toMinutes();
    long first = Math.floorDiv(from.getEpochSecond(), 60L);
    long end = first + count * minutes;
    for (SeriesRecord record : read("m", Slice.of(ring.get(), first, end, MINUTES))) {
      add(sums, record.stamp() - first, minutes, record);
    }
    if (minutes % MINUTES_OF_HOUR == 0) {
      List<Slice> hours =
          Slice.of(ring.get(), first / MINUTES_OF_HOUR, end / MINUTES_OF_HOUR, HOURS);
      for (SeriesRecord record : read("h", hours)) {
        add(sums, record.stamp() * MINUTES_OF_HOUR - first, minutes, record);
      }
    }
    List<@Nullable Point> points = new ArrayList<>(count);
    for (SeriesRecord sum : sums) {
      points.add(sum == null ? null : sum.point());
    }
    return Optional.of(points);
  }

  private static void add(
      @Nullable SeriesRecord[] sums, long minute, long minutes, SeriesRecord record) {
    if (minute >= 0 && minute < sums.length * minutes) {
      int at = (int) (minute / minutes);
      SeriesRecord sum = sums[at];
      sums[at] = sum == null ? record : sum.add(record);
    }
  }

  /** What the keys of a ring have after {@code series:}; empty when the queue does not exist. */
  private Optional<String> ring(Of of) {
    return switch (of) {
      case Of.All _ -> Optional.of("all");
      case Of.Others _ -> Optional.of("other");
      case Of.Named(String queue) -> {
        OptionalInt known = names.known(queue);
        OptionalInt number = known.isPresent() ? known : names.look(queue);
        yield number.isPresent()
            ? Optional.of(Integer.toString(number.getAsInt()))
            : Optional.empty();
      }
    };
  }

  /** Records of these slices that were ever written, in one round trip. */
  private List<SeriesRecord> read(String ring, List<Slice> slices) {
    List<SeriesRecord> records = new ArrayList<>();
    bytes(ring, slices)
        .forEach(bytes -> {
          for (int at = 0; at + SeriesRecord.SIZE <= bytes.length; at += SeriesRecord.SIZE) {
            SeriesRecord record = SeriesRecord.read(bytes, at);
            if (record.stamp() > 0) {
              records.add(record);
            }
          }
        });
    return records;
  }

  private List<byte[]> bytes(String ring, List<Slice> slices) {
    return config
        .link()
        .each(
            slices,
            (redis, slice) ->
                redis.getrange(
                    slice.key(config, ring),
                    slice.slot() * SeriesRecord.SIZE,
                    (slice.slot() + slice.count()) * SeriesRecord.SIZE - 1));
  }

  @Override
  public Map<String, List<@Nullable Long>> ended(List<String> queues, int minutes) {
    long end = config.moves().millis() / 60_000 + 1;
    List<String> owners = new ArrayList<>();
    List<Slice> slices = new ArrayList<>();
    for (String queue : queues) {
      OptionalInt number = names.known(queue);
      if (number.isPresent()) {
        for (Slice slice :
            Slice.of(Integer.toString(number.getAsInt()), end - minutes, end, MINUTES)) {
          owners.add(queue);
          slices.add(slice);
        }
      }
    }
    List<byte[]> answers = bytes("m", slices);
    Map<String, @Nullable Long[]> counts = new LinkedHashMap<>();
    for (int i = 0; i < answers.size(); i++) {
      byte[] bytes = answers.get(i);
      for (int at = 0; at + SeriesRecord.SIZE <= bytes.length; at += SeriesRecord.SIZE) {
        SeriesRecord record = SeriesRecord.read(bytes, at);
        long minute = record.stamp() - (end - minutes);
        if (minute >= 0 && minute < minutes) {
          counts.computeIfAbsent(owners.get(i), _ -> new @Nullable Long[minutes])[(int) minute] =
              record.ended();
        }
      }
    }
    Map<String, List<@Nullable Long>> lists = new LinkedHashMap<>();
    counts.forEach((queue, each) -> lists.put(queue, Arrays.asList(each)));
    return lists;
  }

  @Override
  public List<Failure> failures() {
    return config
        .link()
        .patiently(redis -> redis.lrange(config.key("series:failures"), 0, FAILURES_MAX - 1))
        .stream()
        .map(line -> failure(Keys.text(line)))
        .toList();
  }

  /** A failure as a line of fields. */
  static String line(Failure failure) {
    return String.join(
        BETWEEN,
        Long.toString(failure.time().toEpochMilli()),
        failure.task().toString(),
        failure.queue(),
        failure.host(),
        failure.cause(),
        Integer.toString(failure.attempt()));
  }

  private static Failure failure(String line) {
    String[] fields = line.split(BETWEEN, -1);
    return new Failure(
        Instant.ofEpochMilli(Long.parseLong(fields[0])),
        TaskId.parse(fields[1]).orElseThrow(),
        fields[2],
        fields[3],
        fields[4],
        Integer.parseInt(fields[5]));
  }
}
