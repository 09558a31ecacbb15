package io.taskrunner.store.redis;

/**
 * Decides when a worker's exchange carries a {@code tend}: when something is due by Redis' clock,
 * and at least once a second. Confined to the thread of the claim loop.
 */
final class TendClock {

  private static final long BEAT_NANOS = 1_000_000_000;

  private final boolean always;
  private long tendedNanos = System.nanoTime() - BEAT_NANOS;
  private long dueNanos = tendedNanos;

  /**
   * It is time at once.
   *
   * @param always with each exchange, since a test sets the time that scripts go by
   */
  TendClock(boolean always) {
    this.always = always;
  }

  /** Whether the next exchange is to carry a {@code tend}. */
  boolean isTimeToTend() {
    long now = System.nanoTime();
    return always || now - dueNanos >= 0 || now - tendedNanos >= BEAT_NANOS;
  }

  /** A {@code tend} was answered. */
  void tended() {
    tendedNanos = System.nanoTime();
  }

  /**
   * A claim was answered.
   *
   * @param dueInMillis when something is due; negative when nothing is known
   */
  void claimed(long dueInMillis) {
    long in = dueInMillis < 0 ? BEAT_NANOS : Math.min(BEAT_NANOS, dueInMillis * 1_000_000);
    dueNanos = System.nanoTime() + in;
  }
}
