package io.taskrunner.worker;

import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.StoreUnavailable;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the ticks of all schedules make their tasks. It waits exactly until the next tick, and looks
 * again after a second at the latest, since another process may have set a schedule. Each working
 * process has one; they need not know of each other.
 */
public final class Ticker implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Ticker.class);
  private static final Duration AFTER_A_FAILURE = Duration.ofSeconds(1);
  private static final Duration END_WITHIN = Duration.ofSeconds(5);

  private final ScheduleStore schedules;
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Thread thread = Thread.ofPlatform().daemon().name("ticker").unstarted(this::run);

  private Ticker(ScheduleStore schedules) {
    this.schedules = schedules;
  }

  /** Begins; until it is closed. */
  public static Ticker begin(ScheduleStore schedules) {
    Ticker ticker = new Ticker(schedules);
    ticker.thread.start();
    return ticker;
  }

  private void run() {
    try {
      while (!ended.await(tick().toMillis(), TimeUnit.MILLISECONDS)) {}
    } catch (InterruptedException toldToEnd) {
      Thread.currentThread().interrupt();
    }
  }

  private Duration tick() {
    try {
      return schedules.tick();
    } catch (StoreUnavailable away) {
      log.atDebug().addKeyValue("reason", away.getMessage()).log("the store is away");
    } catch (RuntimeException bug) {
      log.error("a look at the schedules failed; the next follows", bug);
    }
    return AFTER_A_FAILURE;
  }

  /** Makes no more tasks; waits for a move that is under way. */
  @Override
  public void close() throws InterruptedException {
    ended.countDown();
    thread.join(END_WITHIN);
  }
}
