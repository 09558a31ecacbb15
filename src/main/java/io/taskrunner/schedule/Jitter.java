package io.taskrunner.schedule;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.zip.CRC32;

/**
 * The delay of a schedule's task after its tick, so that many schedules of the same rhythm do not
 * all start at once. It depends only on the schedule's name and the tick, so that all processes
 * agree. It ends before the next tick: otherwise a long delay would block later ticks until they
 * count as missed.
 *
 * @param name of the schedule
 * @param max the longest delay; zero for none
 */
public record Jitter(String name, Duration max) {

  /** The longest jitter that can be set. */
  public static final Duration LIMIT = Duration.ofHours(1);

  /** When the task of a tick of a rhythm is created: to the ms, and before the next tick. */
  public Instant of(Instant tick, Rhythm rhythm) {
    return max.isZero() ? tick : of(tick, rhythm.next(tick));
  }

  /**
   * When the task of a tick is created.
   *
   * @param following the next tick
   */
  Instant of(Instant tick, Instant following) {
    if (max.isZero()) {
      return tick;
    }
    long most = Math.min(max.toMillis(), Duration.between(tick, following).toMillis() - 1);
    CRC32 hash = new CRC32();
    hash.update((name + ' ' + tick.getEpochSecond()).getBytes(StandardCharsets.UTF_8));
    return tick.plusMillis(hash.getValue() % (most + 1));
  }
}
