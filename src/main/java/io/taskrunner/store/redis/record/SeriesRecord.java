package io.taskrunner.store.redis.record;

import io.taskrunner.store.Histogram;
import io.taskrunner.store.SeriesStore.Counts;
import io.taskrunner.store.SeriesStore.Point;
import io.taskrunner.store.SeriesStore.Sample;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The record of a minute or an hour: {@value #NUMBERS} unsigned numbers of 4 bytes, as {@code
 * lua/lib/series.lua} describes them. Several can be added up.
 */
public final class SeriesRecord {

  /** The size of a record in bytes. */
  public static final int SIZE = 128;

  private static final int NUMBERS = 32;
  private static final int COUNTS = 1;
  private static final int SAMPLE = 5;
  private static final int LAG = 10;
  private static final int DURATION = LAG + Histogram.RANGES;
  private static final long MOST = (1L << 32) - 1;

  private final long[] numbers = new long[NUMBERS];

  /** What happens to a task, in the order of the record. */
  public enum Event {
    ENQUEUED,
    SUCCEEDED,
    FAILED,
    DIED
  }

  /** Reads the record at a position; the minute or hour that it is of is {@link #stamp}. */
  public static SeriesRecord read(byte[] ring, int at) {
    SeriesRecord record = new SeriesRecord();
    ByteBuffer in = ByteBuffer.wrap(ring, at, SIZE);
    for (int i = 0; i < NUMBERS; i++) {
      record.numbers[i] = in.getInt() & MOST;
    }
    return record;
  }

  /** The minute or hour that it is of, since the epoch; 0 for none. */
  public long stamp() {
    return numbers[0];
  }

  /** Adds what was counted. */
  public SeriesRecord count(Event event, long times) {
    numbers[COUNTS + event.ordinal()] += times;
    return this;
  }

  /** Adds attempts whose lag is in a range of {@link Histogram}. */
  public void lag(int range, long times) {
    numbers[LAG + range] += times;
  }

  /** Adds attempts whose duration is in a range of {@link Histogram}. */
  public void duration(int range, long times) {
    numbers[DURATION + range] += times;
  }

  /** Sets what is in the queue. */
  public SeriesRecord sample(Sample sample) {
    long[] values = {
      sample.ready(),
      sample.active(),
      sample.waiting(),
      sample.dead(),
      sample.oldestReady().toMillis()
    };
    for (int i = 0; i < values.length; i++) {
      numbers[SAMPLE + i] = values[i] + 1; // 0 is for none
    }
    return this;
  }

  /** Adds only what was counted. */
  public void addCounts(SeriesRecord more) {
    for (int i = COUNTS; i < NUMBERS; i++) {
      numbers[i] += i >= SAMPLE && i < LAG ? 0 : more.numbers[i];
    }
  }

  /** Adds another. */
  public SeriesRecord add(SeriesRecord more) {
    for (int i = COUNTS; i < NUMBERS; i++) {
      boolean sampled = i >= SAMPLE && i < LAG;
      numbers[i] = sampled ? Math.max(numbers[i], more.numbers[i]) : numbers[i] + more.numbers[i];
    }
    return this;
  }

  /** Whether there is nothing in it. */
  public boolean isEmpty() {
    for (int i = COUNTS; i < NUMBERS; i++) {
      if (numbers[i] > 0) {
        return false;
      }
    }
    return true;
  }

  /** The number of attempts that ended. */
  public long ended() {
    return numbers[COUNTS + Event.SUCCEEDED.ordinal()] + numbers[COUNTS + Event.FAILED.ordinal()];
  }

  /** Its bytes, for a script. */
  public byte[] bytes() {
    Packed out = new Packed(SIZE);
    for (long number : numbers) {
      out.put(Math.min(number, MOST), Integer.BYTES);
    }
    return out.toByteArray();
  }

  /** Its content. */
  public Point point() {
    Counts counts =
        new Counts(
            numbers[COUNTS],
            numbers[COUNTS + 1],
            numbers[COUNTS + 2],
            numbers[COUNTS + 3],
            histogram(LAG),
            histogram(DURATION));
    return new Point(counts, sample());
  }

  private @Nullable Sample sample() {
    return numbers[SAMPLE] == 0
        ? null
        : new Sample(
            numbers[SAMPLE] - 1,
            numbers[SAMPLE + 1] - 1,
            numbers[SAMPLE + 2] - 1,
            numbers[SAMPLE + 3] - 1,
            Duration.ofMillis(numbers[SAMPLE + 4] - 1));
  }

  private Histogram histogram(int from) {
    List<Long> counts = new ArrayList<>(Histogram.RANGES);
    for (int i = from; i < from + Histogram.RANGES; i++) {
      counts.add(numbers[i]);
    }
    return new Histogram(counts);
  }
}
