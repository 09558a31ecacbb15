package io.taskrunner.worker;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The news of other threads to the thread of a claim loop, and that thread's sleep.
 *
 * <p>Other threads set a volatile flag, or put something where the loop looks for it, and then wake
 * the thread if it waits. Because the thread declares first that it waits and looks for news
 * second, nothing is missed, and while it is busy there is no wake-up cost.
 */
final class Signals {

  private volatile @Nullable Thread waiting;
  private volatile boolean woken;
  private volatile boolean called;
  private volatile boolean tending;
  private volatile boolean reconnected;
  private volatile boolean ended;

  /** There may be tasks to claim. */
  void wake() {
    woken = true;
    news();
  }

  /** The store needs a {@code tend}, whether or not a slot is free. */
  void tend() {
    tending = true;
    news();
  }

  /** There is a task that RunTask requested, or a slot for one is free again. */
  void express() {
    called = true;
    news();
  }

  /** The connection to the store was lost and is established again. */
  void reconnected() {
    reconnected = true;
    news();
  }

  /** The loop must end. */
  void end() {
    ended = true;
    news();
  }

  /** Wakes the thread for news. */
  void news() {
    Thread thread = waiting;
    if (thread != null) {
      LockSupport.unpark(thread);
    }
  }

  boolean isWoken() {
    return woken;
  }

  boolean isCalled() {
    return called;
  }

  boolean isTending() {
    return tending;
  }

  boolean isReconnected() {
    return reconnected;
  }

  boolean hasEnded() {
    return ended;
  }

  /** Returns whether the store was reconnected; as after a wake, there may be tasks to claim. */
  boolean takeReconnected() {
    if (!reconnected) {
      return false;
    }
    reconnected = false;
    woken = true;
    return true;
  }

  /** The exchange that follows answers all calls so far. */
  void clear() {
    woken = false;
    called = false;
    tending = false;
  }

  /**
   * Waits for news.
   *
   * @param hasNews whether the thread has something to do already
   * @param untilNanos how long at most, by {@link System#nanoTime}
   */
  void await(BooleanSupplier hasNews, long untilNanos) {
    waiting = Thread.currentThread();
    try {
      if (!hasNews.getAsBoolean()) {
        long wait = untilNanos - System.nanoTime();
        if (wait > 0) {
          LockSupport.parkNanos(this, wait);
        }
      }
    } finally {
      waiting = null;
    }
  }

  /**
   * Waits for the store; only an established connection, not other news, ends the wait early.
   *
   * @param awake called each time that the thread wakes up
   */
  void pause(long nanos, Runnable awake) {
    long until = System.nanoTime() + nanos;
    waiting = Thread.currentThread();
    try {
      for (long wait = nanos;
          wait > 0 && !ended && !reconnected;
          wait = until - System.nanoTime()) {
        LockSupport.parkNanos(this, wait);
        awake.run();
      }
    } finally {
      waiting = null;
    }
  }
}
