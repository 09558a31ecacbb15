package io.taskrunner.http.v1;

import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An answer that all callers of this process share. It is made when it is asked for, and kept for
 * fifty times as long as that took, at most 10 s: so any number of callers cause little more work
 * than one.
 */
final class Snapshot {

  private static final int TIMES = 50;

  private static final Duration MOST = Duration.ofSeconds(10);

  private final Supplier<byte[]> source;
  private final Duration least;
  private final ReentrantLock making = new ReentrantLock();
  private volatile @Nullable Made made;

  /** Valid until this time of {@link System#nanoTime}. */
  private record Made(byte[] json, long until) {
    boolean isFresh() {
      return System.nanoTime() - until < 0;
    }
  }

  /**
   * Of a source.
   *
   * @param least how long an answer is kept at least
   */
  Snapshot(Duration least, Supplier<byte[]> source) {
    this.least = least;
    this.source = source;
  }

  private long kept(long took) {
    return Math.max(least.toNanos(), Math.min(TIMES * took, MOST.toNanos()));
  }

  /** The answer. Blocks while it is made. */
  byte[] get() {
    Made known = made;
    if (known != null && known.isFresh()) {
      return known.json();
    }
    making.lock();
    try {
      Made meanwhile = made;
      if (meanwhile != null && meanwhile.isFresh()) {
        return meanwhile.json();
      }
      long began = System.nanoTime();
      byte[] json = source.get();
      long now = System.nanoTime();
      made = new Made(json, now + kept(now - began));
      return json;
    } finally {
      making.unlock();
    }
  }
}
