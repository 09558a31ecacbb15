package io.taskrunner.store.redis;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** The enqueues that this process holds while they wait for Redis, and their bound. */
final class HeldEnqueues {

  private static final int CALLS_MAX = 10_000;
  private static final long BYTES_MAX = 64L * 1024 * 1024;

  private final AtomicInteger calls = new AtomicInteger();
  private final AtomicLong bytes = new AtomicLong();
  private final LongAdder refusals = new LongAdder();

  /** Admits one more; false when the bound is reached. */
  boolean take(int size) {
    if (calls.get() >= CALLS_MAX || bytes.get() + size > BYTES_MAX) {
      return false;
    }
    calls.incrementAndGet();
    bytes.addAndGet(size);
    return true;
  }

  /** One was rejected because the store was full. */
  void storeFull() {
    refusals.increment();
  }

  /** The number of enqueues rejected because the store was full. */
  long refusals() {
    return refusals.sum();
  }

  /** One was completed. */
  void letGo(int size) {
    calls.decrementAndGet();
    bytes.addAndGet(-size);
  }
}
