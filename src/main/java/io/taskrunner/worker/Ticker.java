package io.taskrunner.worker;

import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.StoreUnavailable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Creates the tasks of the ticks of all schedules. Each part of the store has a thread that waits
 * exactly until its next tick, and checks again after a second at the latest, because another
 * process may have set a schedule; an unavailable part delays no other. Each process with a worker
 * has a ticker; they need no coordination.
 */
public final class Ticker implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Ticker.class);
  private static final Duration AFTER_A_FAILURE = Duration.ofSeconds(1);
  private static final Duration END_WITHIN = Duration.ofSeconds(5);

  private final CountDownLatch ended = new CountDownLatch(1);
  private final List<Thread> threads = new ArrayList<>();

  private Ticker() {}

  /** Starts it; it runs until it is closed. */
  public static Ticker begin(ScheduleStore schedules) {
    Ticker ticker = new Ticker();
    for (ScheduleStore.Part part : schedules.parts()) {
      ticker.threads.add(Thread.ofVirtual().name("ticker").start(() -> ticker.run(part)));
    }
    return ticker;
  }

  private void run(ScheduleStore.Part part) {
    try {
      while (!ended.await(tick(part).toMillis(), TimeUnit.MILLISECONDS)) {}
    } catch (InterruptedException toldToEnd) {
      Thread.currentThread().interrupt();
    }
  }

  private static Duration tick(ScheduleStore.Part part) {
    try {
      return part.tick();
    } catch (StoreUnavailable away) {
      LOG.atDebug().addKeyValue("reason", away.getMessage()).log("the store is not reachable");
    } catch (RuntimeException bug) {
      LOG.error("unexpected error while looking for due schedules; trying again", bug);
    }
    return AFTER_A_FAILURE;
  }

  /** Stops creating tasks; waits for calls in progress. */
  @Override
  public void close() throws InterruptedException {
    ended.countDown();
    long end = System.nanoTime() + END_WITHIN.toNanos();
    for (Thread thread : threads) {
      thread.join(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
    }
  }
}
