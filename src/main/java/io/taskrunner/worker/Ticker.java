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
 * Has the ticks of all schedules make their tasks. Each part of the store has a thread that waits
 * exactly until the next tick in it, and looks again after a second at the latest, since another
 * process may have set a schedule; a part that is away holds up no other. Each working process has
 * a ticker; they need not know of each other.
 */
public final class Ticker implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Ticker.class);
  private static final Duration AFTER_A_FAILURE = Duration.ofSeconds(1);
  private static final Duration END_WITHIN = Duration.ofSeconds(5);

  private final CountDownLatch ended = new CountDownLatch(1);
  private final List<Thread> threads = new ArrayList<>();

  private Ticker() {}

  /** Begins; until it is closed. */
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
      log.atDebug().addKeyValue("reason", away.getMessage()).log("the store is away");
    } catch (RuntimeException bug) {
      log.error("a look at the schedules failed; the next follows", bug);
    }
    return AFTER_A_FAILURE;
  }

  /** Makes no more tasks; waits for moves that are under way. */
  @Override
  public void close() throws InterruptedException {
    ended.countDown();
    long end = System.nanoTime() + END_WITHIN.toNanos();
    for (Thread thread : threads) {
      thread.join(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
    }
  }
}
