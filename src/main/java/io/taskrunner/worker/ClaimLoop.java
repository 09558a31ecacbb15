package io.taskrunner.worker;

import io.taskrunner.dispatch.Performer;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.Exchange;
import io.taskrunner.store.WorkStore.Recovered;
import io.taskrunner.task.AttemptError;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drives one shard for one worker: claims tasks, starts them, and delivers their verdicts.
 *
 * <h2>The protocol</h2>
 *
 * One thread makes all decisions. An iteration collects finished attempts ({@link Runs}), then
 * makes one exchange with the store ({@link Exchanges}): it carries all pending verdicts (at most
 * 200) and asks for as many tasks as there are free slots (at most 100). So a busy worker makes one
 * round trip per batch, and an idle one does not wait for a batch to fill. Between iterations the
 * thread is parked ({@link Signals}); it continues when
 *
 * <ul>
 *   <li>an attempt has finished;
 *   <li>the store notifies that there may be tasks to claim, and a slot is free. A message that
 *       arrives during an exchange is kept, and causes another one;
 *   <li>a task was requested ({@code RunTask}), or such a task has ended, and an express slot is
 *       free;
 *   <li>the last reply was full or had {@code again} set, and a slot is free;
 *   <li>the gates of claimed tasks have replied, or one has room again;
 *   <li>it is time to look again: at the time given by the store, and no later than a second ± 20 %
 *       after the last reply. This is also the worker's heartbeat, with no slots when none is free.
 * </ul>
 */
final class ClaimLoop {

  /** Maximum number of tasks of one claim. */
  static final int CLAIM_MAX = 100;

  private static final Logger LOG = LoggerFactory.getLogger(ClaimLoop.class);

  /** The interval of heartbeats, which also fetch missed messages. */
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);

  private static final long LOOK_AGAIN_NANOS = LOOK_AGAIN.toNanos();
  private static final long LOOK_AGAIN_MIN_NANOS = Duration.ofMillis(1).toNanos();
  private static final double LOOK_AGAIN_SPREAD = 0.2;
  private static final long ALIVE_WITHIN_NANOS = Duration.ofSeconds(5).toNanos();

  private final WorkStore store;
  private final Settler settler;
  private final Runs runs;
  private final Exchanges exchanges;
  private final Signals signals = new Signals();
  private final WorkerMeters meters;
  private final WorkerOptions options;
  private final Slots slots;
  private final RandomGenerator random;
  private final Thread thread;
  private final BooleanSupplier hasNews = this::hasNews;
  private final Runnable beat = () -> turnNanos = System.nanoTime();
  private final CountDownLatch quiet = new CountDownLatch(1);
  private volatile boolean stopping;

  // Written only by the loop's thread; read by others for reports.
  private volatile long turnNanos;
  private volatile int unsettled;

  // Confined to the loop's thread.
  private int asked;
  private double weight = 1;
  private boolean maybeMore = true;
  private long lookAtNanos;

  ClaimLoop(
      WorkStore store,
      Slots slots,
      Performer performer,
      WorkerMeters meters,
      WorkerOptions options,
      RandomGenerator random) {
    this.store = store;
    this.slots = slots;
    this.meters = meters;
    this.options = options;
    this.random = random;
    settler = new Settler(meters);
    Judge judge = new Judge(options, random, meters);
    runs = new Runs(performer, slots, judge, settler, meters, signals);
    exchanges = new Exchanges(store, settler, options);
    thread = Thread.ofPlatform().name("claim-loop").daemon(true).unstarted(this::run);
  }

  void start() {
    turnNanos = System.nanoTime();
    lookAtNanos = turnNanos;
    thread.start();
  }

  /** The operations of its shard. */
  WorkStore store() {
    return store;
  }

  /** The tasks that it holds. */
  Runs runs() {
    return runs;
  }

  /** Where other threads report news to it. */
  Signals signals() {
    return signals;
  }

  /** Stops claiming tasks; claimed tasks that have not started are put back. */
  void stopClaiming() {
    stopping = true;
    runs.stop();
    slots.leave(signals);
    signals.news();
  }

  /**
   * Waits, after {@link #stopClaiming}, until nothing runs and every verdict was accepted.
   *
   * @return whether this happened in time
   */
  boolean awaitQuiet(Duration atMost) throws InterruptedException {
    return quiet.await(Math.max(0, atMost.toNanos()), TimeUnit.NANOSECONDS);
  }

  /** Stops the thread, and waits for it. */
  void end() throws InterruptedException {
    signals.end();
    if (!thread.join(Duration.ofSeconds(1))) {
      thread.interrupt();
      thread.join(Duration.ofSeconds(1));
    }
  }

  /** Whether the thread is running or waiting for the store. */
  boolean alive() {
    return thread.isAlive()
        && (exchanges.isWaiting() || System.nanoTime() - turnNanos < ALIVE_WITHIN_NANOS);
  }

  WorkerStatus status() {
    return new WorkerStatus(
        options.workerId(),
        options.concurrency(),
        runs.running().size(),
        runs.claimed(),
        exchanges.settled(),
        unsettled,
        exchanges.isStoreAway(),
        stopping);
  }

  private void run() {
    while (!signals.hasEnded()) {
      try {
        turn();
      } catch (RuntimeException bug) {
        LOG.error("unexpected error in the claim loop; it continues", bug);
        signals.pause(Exchanges.RETRY_MAX_NANOS, beat);
      }
    }
  }

  private void turn() {
    turnNanos = System.nanoTime();
    runs.collect(turnNanos);
    unsettled = settler.untaken();
    if (signals.takeReconnected()) {
      settler.sendAgain(turnNanos);
    }
    if (!exchanges.isOpen()) {
      if (stopping && !leave()) {
        return;
      }
      if (!hasReason()) {
        signals.await(hasNews, lookAtNanos);
        return;
      }
      open();
    }
    Exchange reply = exchanges.send();
    if (reply == null) {
      unanswered();
    } else {
      answered(reply);
    }
  }

  private boolean hasReason() {
    return settler.hasAny()
        || signals.isTending()
        || ((signals.isWoken() || maybeMore) && !stopping && slots.standInLine(signals, weight))
        || (signals.isCalled() && hasExpressSlot())
        || turnNanos - lookAtNanos >= 0;
  }

  private boolean hasNews() {
    return runs.hasNews()
        || signals.isTending()
        || signals.isReconnected()
        || signals.hasEnded()
        || ((signals.isWoken() || maybeMore) && hasSlot())
        || (signals.isCalled() && hasExpressSlot())
        || (stopping && !exchanges.hasLeft());
  }

  private boolean hasExpressSlot() {
    return !stopping && slots.expressFree() > 0;
  }

  private boolean hasSlot() {
    return !stopping && slots.hasFor(signals);
  }

  private void open() {
    signals.clear();
    asked = stopping ? 0 : slots.take(signals, weight, CLAIM_MAX);
    runs.reserve(asked);
    exchanges.open(asked, stopping ? 0 : slots.expressFree());
  }

  /** While the store is unavailable, other shards may use the slots. */
  private void unanswered() {
    boolean givenUp = !exchanges.isOpen();
    if (givenUp || exchanges.isStoreAway()) {
      slots.leave(signals);
      runs.giveBackReserved();
    }
    if (givenUp) {
      lookAtNanos = System.nanoTime() + LOOK_AGAIN_NANOS;
    }
    signals.pause(exchanges.pause(), beat);
  }

  private void answered(Exchange reply) {
    long now = System.nanoTime();
    int taken = runs.begin(reply, now);
    recovered(reply.recovered());
    weight = reply.weight();
    maybeMore = reply.again() || taken >= asked;
    if (!maybeMore) {
      slots.leave(signals);
    }
    lookAtNanos = now + lookAgainNanos(reply.lookAgainIn());
    unsettled = settler.untaken();
  }

  private long lookAgainNanos(Duration told) {
    if (hasSlot() && told.compareTo(LOOK_AGAIN) < 0) {
      return Math.max(LOOK_AGAIN_MIN_NANOS, told.toNanos());
    }
    double spread = 1 + LOOK_AGAIN_SPREAD * (2 * random.nextDouble() - 1);
    return (long) (LOOK_AGAIN_NANOS * spread);
  }

  private void recovered(List<Recovered> tasks) {
    if (tasks.isEmpty()) {
      return;
    }
    meters.recovered(tasks.size());
    for (Recovered task : tasks) {
      (task.dead() ? LOG.atInfo() : LOG.atDebug())
          .addKeyValue("task_id", task.id())
          .addKeyValue("queue", task.queue())
          .addKeyValue("error", AttemptError.LEASE_LOST.word())
          .log(
              task.dead()
                  ? "the task is dead"
                  : "the task of a worker that is gone will run again");
    }
  }

  /** Performs the steps of a shutdown; false when the store did not respond. */
  private boolean leave() {
    if (!exchanges.hasLeft() && !exchanges.leave()) {
      slots.leave(signals);
      runs.giveBackReserved();
      signals.pause(exchanges.pause(), beat);
      return false;
    }
    if (runs.isIdle() && settler.untaken() == 0) {
      quiet.countDown();
    }
    return true;
  }
}
