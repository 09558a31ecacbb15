package io.taskrunner.store.redis;

/**
 * Decides when a worker's exchange carries a {@code tend}: when work is due by Redis' clock, and at
 * least once a second. Confined to the thread of the claim loop.
 */
final class TendClock {

  private static final long BEAT_NANOS = 1_000_000_000;

  private final boolean always;
  private long tendedNanos = System.nanoTime() - BEAT_NANOS;
  private long dueNanos = tendedNanos;

  /**
   * Due immediately.
   *
   * @param always with each exchange, because a test sets the time of the scripts
   */
  TendClock(boolean always) {
    this.always = always;
  }

  /** Whether the next exchange must carry a {@code tend}. */
  boolean isTimeToTend() {
    long now = System.nanoTime();
    return always || now - dueNanos >= 0 || now - tendedNanos >= BEAT_NANOS;
  }

  /** A {@code tend} was completed. */
  void tended() {
    tendedNanos = System.nanoTime();
  }

  /**
   * A claim was completed.
   *
   * @param dueInMillis when work is due; negative when unknown
   */
  void claimed(long dueInMillis) {
    long in = dueInMillis < 0 ? BEAT_NANOS : Math.min(BEAT_NANOS, dueInMillis * 1_000_000);
    dueNanos = System.nanoTime() + in;
  }
}
