package io.taskrunner.schedule;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.zip.CRC32;

/**
 * How long after its tick a schedule makes its task, so that many schedules of the same rhythm do
 * not all come at once. It follows from the schedule's name and the tick alone, so that all
 * processes agree. It ends before the tick that follows: otherwise a tick that is put off long
 * would hold up those behind it until they count as missed.
 *
 * @param name of the schedule
 * @param max the longest wait; zero for none
 */
public record Jitter(String name, Duration max) {

  /** The longest that can be asked for. */
  public static final Duration LIMIT = Duration.ofHours(1);

  /** When the task of a tick of a rhythm is made: to the ms, and before the next tick. */
  public Instant of(Instant tick, Rhythm rhythm) {
    return max.isZero() ? tick : of(tick, rhythm.next(tick));
  }

  /**
   * When the task of a tick is made.
   *
   * @param following the tick behind it
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
