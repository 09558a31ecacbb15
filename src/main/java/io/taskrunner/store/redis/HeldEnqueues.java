package io.taskrunner.store.redis;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** What enqueues hold in this process while they wait for Redis, and the bound of it. */
final class HeldEnqueues {

  private static final int CALLS_MAX = 10_000;
  private static final long BYTES_MAX = 64L * 1024 * 1024;

  private final AtomicInteger calls = new AtomicInteger();
  private final AtomicLong bytes = new AtomicLong();

  /** Takes one more in; false when the bound is reached. */
  boolean take(int size) {
    if (calls.get() >= CALLS_MAX || bytes.get() + size > BYTES_MAX) {
      return false;
    }
    calls.incrementAndGet();
    bytes.addAndGet(size);
    return true;
  }

  /** One was answered. */
  void letGo(int size) {
    calls.decrementAndGet();
    bytes.addAndGet(-size);
  }
}
