package io.taskrunner.http.v1;

import io.taskrunner.store.AnswerStore;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An answer that all callers of all processes share. It is made when it is asked for, by one
 * process, and kept for fifty times as long as that took, at most 10 s: so any number of callers
 * cause little more work than one. While a process makes it, the others give the one before.
 */
final class Snapshot {

  private static final int TIMES = 50;

  private static final Duration MOST = Duration.ofSeconds(10);

  /** How long the other processes wait for one that has begun to make it. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final AnswerStore shared;
  private final String name;
  private final Supplier<byte[]> source;
  private final Duration least;
  private final ReentrantLock making = new ReentrantLock();
  private volatile @Nullable Made made;

  /** Known at a time of {@link System#nanoTime}, and valid until another. */
  private record Made(byte[] json, long at, long until) {
    boolean isFresh() {
      return System.nanoTime() - until < 0;
    }

    boolean isRecent() {
      return System.nanoTime() - at < MOST.plus(PATIENCE).toNanos();
    }
  }

  /**
   * Of a source.
   *
   * @param name of the answer, the same in all processes that give the same
   * @param least how long an answer is kept at least
   */
  Snapshot(AnswerStore shared, String name, Duration least, Supplier<byte[]> source) {
    this.shared = shared;
    this.name = name;
    this.least = least;
    this.source = source;
  }

  private Duration kept(long took) {
    return Duration.ofNanos(Math.max(least.toNanos(), Math.min(TIMES * took, MOST.toNanos())));
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
      Optional<byte[]> others = shared.get(name);
      if (others.isPresent()) {
        return keep(others.get(), least);
      }
      if (!shared.promise(name, PATIENCE) && meanwhile != null && meanwhile.isRecent()) {
        return meanwhile.json();
      }
      return make();
    } finally {
      making.unlock();
    }
  }

  private byte[] make() {
    long began = System.nanoTime();
    byte[] json = source.get();
    Duration kept = kept(System.nanoTime() - began);
    shared.put(name, json, kept);
    return keep(json, kept);
  }

  private byte[] keep(byte[] json, Duration kept) {
    long now = System.nanoTime();
    made = new Made(json, now, now + kept.toNanos());
    return json;
  }
}
