package io.taskrunner.store.redis;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** The enqueues that this process holds while they wait for Redis, and their bound. */
final class HeldEnqueues {

  private static final int CALLS_MAX = 10_000;
  private static final long BYTES_MAX = 64L * 1024 * 1024;

  private final AtomicInteger calls = new AtomicInteger();
  private final AtomicLong bytes = new AtomicLong();

  /** Admits one more; false when the bound is reached. */
  boolean take(int size) {
    if (calls.get() >= CALLS_MAX || bytes.get() + size > BYTES_MAX) {
      return false;
    }
    calls.incrementAndGet();
    bytes.addAndGet(size);
    return true;
  }

  /** One was completed. */
  void letGo(int size) {
    calls.decrementAndGet();
    bytes.addAndGet(-size);
  }
}
