package io.taskrunner.schedule;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.zip.CRC32;

/**
 * How long after its tick a schedule makes its task, so that many schedules of the same rhythm do
 * not all come at once. It follows from the schedule's name and the tick alone, so that all
 * processes agree.
 *
 * @param name of the schedule
 * @param max the longest wait; zero for none
 */
public record Jitter(String name, Duration max) {

  /** The longest that can be asked for. */
  public static final Duration LIMIT = Duration.ofHours(1);

  /** When the task of a tick is made: to the ms. */
  public Instant of(Instant tick) {
    if (max.isZero()) {
      return tick;
    }
    CRC32 hash = new CRC32();
    hash.update((name + ' ' + tick.getEpochSecond()).getBytes(StandardCharsets.UTF_8));
    return tick.plusMillis(hash.getValue() % (max.toMillis() + 1));
  }
}
