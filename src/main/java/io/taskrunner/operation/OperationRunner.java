package io.taskrunner.operation;

import io.taskrunner.store.Operation;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.OperationStore.Run;
import io.taskrunner.store.OperationStore.Step;
import io.taskrunner.store.StoreUnavailable;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out operations on many tasks. One thread schedules them; each chunk runs in a separate
 * thread, so that a chunk that waits for an unavailable shard delays no other operation.
 *
 * <p>Once a second it renews its leases, and leases operations that no runner holds: those of a
 * killed process when its lease expires. Correctness does not depend on leases, because a chunk is
 * done once, however often it is sent.
 *
 * <p>Each operation has a pace. One with a rate does a tenth of it each 100 ms, and never more to
 * catch up. One without pauses after each chunk: for twice as long as the chunk took, times the
 * number of operations, so that all of them together use at most a third of Redis' time. A chunk
 * costs Redis some milliseconds at most; one that took longer waited for the network or for other
 * calls, so the pause is bounded.
 */
public final class OperationRunner implements AutoCloseable {

  /** The length of a lease. */
  public static final Duration LEASE = Duration.ofSeconds(5);

  private static final Logger LOG = LoggerFactory.getLogger(OperationRunner.class);
  private static final Duration END_WITHIN = Duration.ofSeconds(5);

  /** Tasks of a chunk: few enough that it blocks Redis for less than 10 ms. */
  private static final int CHUNK_MAX = 50;

  /** Operations together use one part in this many of Redis' time. */
  private static final int PARTS = 3;

  /** The longest pause after a chunk of the only operation. */
  private static final long REST_MAX_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long BEAT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final double SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final OperationStore store;
  private final LongSupplier nanos;
  private final String id;
  private final ExecutorService chunks;
  private final Semaphore signals = new Semaphore(0);
  private final Thread thread;
  private volatile boolean ending;

  // Confined to the one thread.
  private Map<Run, Pace> runs = new LinkedHashMap<>();
  private long lookAt;

  /** The next start of an operation. */
  private static final class Pace {
    final @Nullable Double perSec;
    volatile long nextAt;
    volatile boolean underWay;
    volatile boolean over;

    Pace(@Nullable Double perSec, long now) {
      this.perSec = perSec;
      this.nextAt = now;
    }

    int chunk() {
      return perSec == null
          ? CHUNK_MAX
          : (int) Math.clamp(Math.round(perSec * BEAT_NANOS / SECOND_NANOS), 1, CHUNK_MAX);
    }

    void went(int tasks, long before, long after, int operations) {
      long rest = (PARTS * operations - 1) * (after - before);
      nextAt =
          perSec == null || tasks == 0
              ? Math.max(nextAt, after + Math.min(rest, operations * REST_MAX_NANOS))
              : Math.max(nextAt, before - BEAT_NANOS) + (long) (tasks * SECOND_NANOS / perSec);
    }
  }

  /**
   * Does nothing yet.
   *
   * @param nanos a clock that only goes forward, in ns
   * @param random for its runner id
   */
  public OperationRunner(OperationStore store, LongSupplier nanos, RandomGenerator random) {
    this(
        store,
        nanos,
        random,
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("operation-", 0).factory()));
  }

  /** The same with the executor of the chunks. */
  OperationRunner(
      OperationStore store, LongSupplier nanos, RandomGenerator random, ExecutorService chunks) {
    this.store = store;
    this.nanos = nanos;
    this.chunks = chunks;
    this.id = String.format("%016x", random.nextLong());
    this.lookAt = nanos.getAsLong();
    this.thread = Thread.ofPlatform().daemon().name("operations").unstarted(this::loop);
  }

  /** Begins. */
  public void start() {
    thread.start();
  }

  private void loop() {
    try {
      while (!ending) {
        signals.tryAcquire(step(), TimeUnit.NANOSECONDS);
        signals.drainPermits();
      }
    } catch (InterruptedException end) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Starts the chunks that are due.
   *
   * @return ns until there is something to do
   */
  long step() {
    long now = nanos.getAsLong();
    if (now >= lookAt) {
      look(now);
    }
    runs.values().removeIf(pace -> pace.over);
    int operations = runs.size();
    runs.entrySet().stream()
        .filter(one -> !one.getValue().underWay && one.getValue().nextAt <= now)
        .sorted(Comparator.comparingLong(one -> one.getValue().nextAt))
        .forEach(one -> begin(one.getKey(), one.getValue(), operations));
    runs.values().removeIf(pace -> pace.over);
    long next = lookAt;
    for (Pace pace : runs.values()) {
      if (!pace.underWay) {
        next = Math.min(next, pace.nextAt);
      }
    }
    return Math.max(0, next - nanos.getAsLong());
  }

  private void begin(Run run, Pace pace, int operations) {
    pace.underWay = true;
    chunks.execute(() -> {
      try {
        chunk(run, pace, operations);
      } finally {
        pace.underWay = false;
        signals.release();
      }
    });
  }

  private void look(long now) {
    lookAt = now + LOOK_NANOS;
    try {
      Map<Run, Pace> mine = new LinkedHashMap<>();
      for (Run run : store.lease(id, LEASE, runs.keySet())) {
        Pace known = runs.get(run);
        mine.put(run, known != null ? known : new Pace(run.operation().order().perSec(), now));
      }
      runs = mine;
    } catch (StoreUnavailable away) {
      LOG.debug("Redis is not reachable; operations continue once it is back");
    } catch (RuntimeException fault) {
      LOG.error("unexpected error while looking for operations; trying again", fault);
    }
  }

  private void chunk(Run run, Pace pace, int operations) {
    long before = nanos.getAsLong();
    try {
      switch (run.step(pace.chunk())) {
        case Step.Went(int tasks) -> pace.went(tasks, before, nanos.getAsLong(), operations);
        case Step.Over(Operation.State state) -> {
          pace.over = true;
          tell(run, state);
        }
      }
    } catch (StoreUnavailable away) {
      pace.nextAt = nanos.getAsLong() + LOOK_NANOS;
    } catch (RuntimeException fault) {
      LOG.atError()
          .addKeyValue("operation_id", run.operation().id())
          .setCause(fault)
          .log("unexpected error in an operation; marking it as failed");
      giveUp(run, pace);
    }
  }

  private void giveUp(Run run, Pace pace) {
    try {
      run.fail("Internal error. Details are in the server's log, under this operation's id.");
      pace.over = true;
    } catch (StoreUnavailable away) {
      pace.nextAt = nanos.getAsLong() + LOOK_NANOS;
    }
  }

  private static void tell(Run run, Operation.State state) {
    LOG.atInfo()
        .addKeyValue("operation_id", run.operation().id())
        .addKeyValue("action", run.operation().order().action().word())
        .addKeyValue("state", state.word())
        .log("operation ended");
  }

  /** Ends after the chunks in progress; releases the remaining operations immediately. */
  @Override
  public void close() throws InterruptedException {
    ending = true;
    signals.release();
    thread.join();
    chunks.shutdown();
    if (!chunks.awaitTermination(END_WITHIN.toMillis(), TimeUnit.MILLISECONDS)) {
      chunks.shutdownNow();
    }
    try {
      store.lease(id, Duration.ZERO, List.copyOf(runs.keySet()));
    } catch (StoreUnavailable away) {
      LOG.debug(
          "Redis is not reachable; another process continues the operations when their leases end");
    }
  }
}
