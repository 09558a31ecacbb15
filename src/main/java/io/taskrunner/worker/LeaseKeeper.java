package io.taskrunner.worker;

import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.Ended;
import io.taskrunner.store.WorkStore.Running;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Renews the leases of running tasks, at a third of their length.
 *
 * <p>A renewal lists each task that is running here, with its claim; the leases of other tasks
 * expire. Tasks that the store reports as lost or cancelled are aborted. An unavailable store
 * aborts nothing: a later renewal may still extend the lease, and while no other worker can reach
 * the store, none gets the task.
 */
final class LeaseKeeper {

  /** Maximum number of tasks of one renewal. */
  static final int RENEW_MAX = 250;

  private static final Logger LOG = LoggerFactory.getLogger(LeaseKeeper.class);
  private static final long RETRY_NANOS = Duration.ofMillis(250).toNanos();

  private final WorkStore store;
  private final Runs runs;
  private final WorkerMeters meters;
  private final WorkerOptions options;
  private final Thread thread;
  private volatile boolean ended;
  private volatile boolean atOnce;

  LeaseKeeper(WorkStore store, Runs runs, WorkerMeters meters, WorkerOptions options) {
    this.store = store;
    this.runs = runs;
    this.meters = meters;
    this.options = options;
    thread = Thread.ofPlatform().name("lease-keeper").daemon(true).unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /** Renews now: the store was unavailable, and leases may be short. */
  void renewAtOnce() {
    atOnce = true;
    LockSupport.unpark(thread);
  }

  /** Stops the thread, and waits for it. */
  void end() throws InterruptedException {
    ended = true;
    LockSupport.unpark(thread);
    if (!thread.join(Duration.ofSeconds(1))) {
      thread.interrupt();
      thread.join(Duration.ofSeconds(1));
    }
  }

  private void run() {
    long renewEvery = options.lease().toNanos() / 3;
    long renewAt = System.nanoTime() + renewEvery;
    while (!ended) {
      long now = System.nanoTime();
      try {
        if (atOnce || now - renewAt >= 0) {
          atOnce = false;
          renew();
          renewAt = now + renewEvery;
        }
      } catch (StoreUnavailable away) {
        LOG.atDebug().addKeyValue("reason", away.getMessage()).log("the store is not reachable");
        renewAt = System.nanoTime() + RETRY_NANOS;
      } catch (RuntimeException bug) {
        LOG.error("unexpected error while renewing leases; trying again", bug);
        renewAt = System.nanoTime() + RETRY_NANOS;
      }
      await(renewAt);
    }
  }

  private void await(long untilNanos) {
    long wait = untilNanos - System.nanoTime();
    if (wait > 0 && !ended && !atOnce) {
      LockSupport.parkNanos(this, wait);
    }
  }

  private void renew() {
    List<Running> all = new ArrayList<>();
    for (Run run : runs.running()) {
      all.add(new Running(run.claim().id(), run.claim().number()));
    }
    for (int from = 0; from < all.size(); from += RENEW_MAX) {
      List<Running> some = all.subList(from, Math.min(all.size(), from + RENEW_MAX));
      for (Ended task : store.renew(options.workerId(), options.lease(), some)) {
        cutOff(task);
      }
    }
  }

  private void cutOff(Ended task) {
    Run run = runs.run(task.id());
    if (run == null) {
      return; // Over in the meantime.
    }
    if (task.cancelled()) {
      run.cancel();
    } else if (run.lose(task.claim())) {
      meters.leaseLost();
      LOG.atInfo()
          .addKeyValue("task_id", task.id())
          .log("the lease of a task was lost; its request is aborted");
    }
  }
}
