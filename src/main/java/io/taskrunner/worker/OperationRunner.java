package io.taskrunner.worker;

import io.taskrunner.store.Operation;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.OperationStore.Run;
import io.taskrunner.store.OperationStore.Step;
import io.taskrunner.store.StoreUnavailable;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out operations on many tasks: one thread, one chunk at a time, the operations in turn.
 *
 * <p>Once a second it says which it has, and takes up what nobody has: what a killed process left
 * is taken up when its lease is over. What it does needs no lease to be right, since a chunk is
 * done once, whoever sends it.
 *
 * <p>Each operation has a pace. One with a rate does a tenth of it each 100 ms, never more to catch
 * up than that. One without rests after each chunk for twice as long as the chunk took, so that at
 * most a third of Redis' time goes into it, and other calls find their way between.
 */
public final class OperationRunner implements AutoCloseable {

  /** After this another takes up what this one had. */
  public static final Duration LEASE = Duration.ofSeconds(5);

  private static final Logger LOG = LoggerFactory.getLogger(OperationRunner.class);

  /** So many tasks that a chunk stays far below the 10 ms that Redis may be held. */
  private static final int CHUNK_MAX = 50;

  /** For so many times as long as a chunk took nothing is done after it. */
  private static final int RESTS = 2;

  private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long BEAT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final double SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final OperationStore store;
  private final LongSupplier nanos;
  private final String id;
  private final Semaphore stopping = new Semaphore(0);
  private final Thread thread;
  private Map<Run, Pace> runs = new LinkedHashMap<>();
  private long lookAt;

  /** When an operation goes on. */
  private static final class Pace {
    final @Nullable Double perSec;
    long nextAt;

    Pace(@Nullable Double perSec, long now) {
      this.perSec = perSec;
      this.nextAt = now;
    }

    int chunk() {
      return perSec == null
          ? CHUNK_MAX
          : (int) Math.clamp(Math.round(perSec * BEAT_NANOS / SECOND_NANOS), 1, CHUNK_MAX);
    }

    void went(int tasks, long before, long after) {
      nextAt =
          perSec == null || tasks == 0
              ? Math.max(nextAt, after + RESTS * (after - before))
              : Math.max(nextAt, before - BEAT_NANOS) + (long) (tasks * SECOND_NANOS / perSec);
    }
  }

  /**
   * Does nothing yet.
   *
   * @param nanos a clock that only goes forward, in ns
   * @param random for the name that it has among others
   */
  public OperationRunner(OperationStore store, LongSupplier nanos, RandomGenerator random) {
    this.store = store;
    this.nanos = nanos;
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
      long wait = 0;
      while (!stopping.tryAcquire(wait, TimeUnit.NANOSECONDS)) {
        wait = step();
      }
    } catch (InterruptedException end) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Does the one chunk that has waited longest, if its time has come.
   *
   * @return ns until there is something to do
   */
  long step() {
    long now = nanos.getAsLong();
    if (now >= lookAt) {
      look(now);
    }
    Map.Entry<Run, Pace> first = null;
    for (Map.Entry<Run, Pace> one : runs.entrySet()) {
      if (first == null || one.getValue().nextAt < first.getValue().nextAt) {
        first = one;
      }
    }
    if (first != null && first.getValue().nextAt <= now) {
      chunk(first.getKey(), first.getValue());
    }
    long next = lookAt;
    for (Pace pace : runs.values()) {
      next = Math.min(next, pace.nextAt);
    }
    return Math.max(0, next - nanos.getAsLong());
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
      LOG.debug("Redis is away; operations go on once it is back");
    } catch (RuntimeException fault) {
      LOG.error("the operations could not be looked up", fault);
    }
  }

  private void chunk(Run run, Pace pace) {
    long before = nanos.getAsLong();
    try {
      switch (run.step(pace.chunk())) {
        case Step.Went(int tasks) -> pace.went(tasks, before, nanos.getAsLong());
        case Step.Over(Operation.State state) -> {
          runs.remove(run);
          tell(run, state);
        }
      }
    } catch (StoreUnavailable away) {
      pace.nextAt = nanos.getAsLong() + LOOK_NANOS;
    } catch (RuntimeException fault) {
      LOG.atError()
          .addKeyValue("operation_id", run.operation().id())
          .setCause(fault)
          .log("an operation failed");
      giveUp(run, pace);
    }
  }

  private void giveUp(Run run, Pace pace) {
    try {
      run.fail("Something went wrong here; the log has it under this operation's id.");
      runs.remove(run);
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

  /** Ends after the chunk under way; what is left is another's at once. */
  @Override
  public void close() throws InterruptedException {
    stopping.release();
    thread.join();
    try {
      store.lease(id, Duration.ZERO, List.copyOf(runs.keySet()));
    } catch (StoreUnavailable away) {
      LOG.debug("Redis is away; another takes the operations up when the lease is over");
    }
  }
}
