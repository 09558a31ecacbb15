package io.taskrunner.store.redis.link;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory still available in Redis. It is read each second; until the next reading at most a
 * tenth of it is admitted, so that no burst can fill it in between.
 */
public final class Headroom {

  /** The overhead of a record, in bytes: key, set entries, tables. */
  private static final int OVERHEAD = 300;

  private final AtomicLong left = new AtomicLong(Long.MAX_VALUE / 2);
  private volatile double usedRatio = Double.NaN;

  /** Reserves memory for a record; false when there is none. */
  public boolean take(int bytes) {
    if (left.addAndGet(-(bytes + OVERHEAD)) >= 0) {
      return true;
    }
    left.addAndGet(bytes + OVERHEAD);
    return false;
  }

  /**
   * A fresh reading.
   *
   * @param used bytes in use
   * @param most limit in bytes above which nothing is admitted; 0 for no bound
   */
  public void read(long used, long most) {
    usedRatio = most == 0 ? Double.NaN : (double) used / most;
    left.set(most == 0 ? Long.MAX_VALUE / 2 : Math.max(0, (most - used) / 10));
  }

  /** Bytes in use as a share of the limit, at the last reading; NaN when there is none. */
  public double usedRatio() {
    return usedRatio;
  }
}
