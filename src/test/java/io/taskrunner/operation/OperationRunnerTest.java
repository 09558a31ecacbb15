package io.taskrunner.operation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.Operation;
import io.taskrunner.store.Operation.Action;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.task.TaskState;
import io.taskrunner.testkit.AtOnce;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * A runner keeps the pace of each operation, and its lease on it, on a clock that the test sets.
 */
class OperationRunnerTest {

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private final List<ScriptedRun> there = new CopyOnWriteArrayList<>();
  private final List<Integer> had = new ArrayList<>();
  private long now = 1;
  private boolean away;

  private final OperationRunner runner =
      new OperationRunner(new ScriptedStore(), () -> now, new Random(1), new AtOnce());

  private final class ScriptedStore implements OperationStore {
    @Override
    public List<Run> lease(String name, Duration lease, Collection<Run> held) {
      answer();
      had.add(held.size());
      return List.copyOf(there);
    }

    @Override
    public Begun begin(Order order) {
      throw new UnsupportedOperationException("a runner begins none");
    }

    @Override
    public Optional<Operation> get(String id) {
      throw new UnsupportedOperationException("a runner looks at none");
    }

    @Override
    public List<Operation> list(@Nullable String owner, int most) {
      throw new UnsupportedOperationException("a runner lists none");
    }

    @Override
    public Stopped stop(String id) {
      throw new UnsupportedOperationException("a runner stops none");
    }
  }

  private void answer() {
    if (away) {
      throw new StoreUnavailable("away", new IllegalStateException("gone"));
    }
  }

  /** An operation with this many tasks; a chunk takes a while. */
  private class ScriptedRun implements OperationStore.Run {
    final Operation operation;
    final List<Long> times = new ArrayList<>();
    final List<Integer> chunks = new ArrayList<>();
    long takes;
    int left;
    boolean broken;
    @Nullable String failure;
    final CountDownLatch over = new CountDownLatch(1);

    ScriptedRun(int tasks, @Nullable Double perSec) {
      left = tasks;
      Filter filter =
          new Filter(
              "q", TaskState.DEAD, null, null, null, null, null, null, null, null, null, List.of());
      operation =
          new Operation(
              "op" + there.size(),
              new Order(Action.RETRY, filter, null, null, perSec, false),
              Instant.EPOCH,
              Operation.State.RUNNING,
              Operation.Counts.NONE,
              null,
              List.of(),
              Instant.EPOCH,
              null,
              null);
      there.add(this);
    }

    @Override
    public Operation operation() {
      return operation;
    }

    @Override
    public OperationStore.Step step(int most) {
      answer();
      if (broken) {
        throw new IllegalStateException("a bug");
      }
      times.add(now);
      now += takes;
      if (left == 0) {
        there.remove(this);
        over.countDown();
        return new OperationStore.Step.Over(Operation.State.DONE);
      }
      int chunk = Math.min(most, left);
      left -= chunk;
      chunks.add(chunk);
      return new OperationStore.Step.Went(chunk);
    }

    @Override
    public void fail(String reason) {
      answer();
      failure = reason;
      there.remove(this);
    }
  }

  /** Advances the time, and runs the due work of the runner. */
  private void pass(long nanos) {
    long end = now + nanos;
    while (true) {
      long wait = runner.step();
      if (now + wait >= end) {
        now = Math.max(now, end);
        return;
      }
      now += wait;
    }
  }

  @Test
  void aRateIsKeptSmoothly() {
    ScriptedRun run = new ScriptedRun(100_000, 200.0);
    pass(10 * SECOND);
    int done = 100_000 - run.left;
    assertTrue(done >= 2000 && done <= 2020, "did " + done);
    for (int i = 1; i < run.times.size(); i++) {
      assertEquals(SECOND / 10, run.times.get(i) - run.times.get(i - 1), "apart");
      assertEquals(20, run.chunks.get(i));
    }
  }

  @Test
  void aLowRateTakesOneTaskAtATime() {
    ScriptedRun run = new ScriptedRun(100, 0.5);
    pass(20 * SECOND);
    assertEquals(List.of(1, 1, 1, 1, 1, 1, 1, 1, 1, 1), run.chunks);
  }

  @Test
  void aHighRateIsKeptToo() {
    ScriptedRun run = new ScriptedRun(1_000_000, 5000.0);
    run.takes = SECOND / 500;
    pass(2 * SECOND);
    int done = 1_000_000 - run.left;
    assertTrue(done >= 9_900 && done <= 10_600, "did " + done);
  }

  @Test
  void aDelayIsNotCaughtUpInABurst() {
    ScriptedRun run = new ScriptedRun(100_000, 200.0);
    pass(SECOND);
    int before = run.left;
    now += 60 * SECOND; // stood still
    pass(SECOND);
    assertTrue(before - run.left <= 240, "did " + (before - run.left));
  }

  @Test
  void withoutARateTwoThirdsOfTheTimeAreLeftToOthers() {
    ScriptedRun run = new ScriptedRun(100_000, null);
    run.takes = SECOND / 250;
    pass(SECOND);
    assertTrue(run.times.size() >= 80 && run.times.size() <= 87, "did " + run.times.size());
  }

  @Test
  void operationsTakeTurnsAndUseNoMoreTimeThanOne() {
    ScriptedRun one = new ScriptedRun(100_000, null);
    ScriptedRun two = new ScriptedRun(100_000, null);
    one.takes = SECOND / 100;
    two.takes = SECOND / 100;
    pass(SECOND);
    assertTrue(Math.abs(one.times.size() - two.times.size()) <= 1);
    assertTrue(one.times.size() >= 15 && one.times.size() <= 18, "did " + one.times.size());
  }

  @Test
  void aLongRoundTripIsNotCountedAsWork() {
    ScriptedRun run = new ScriptedRun(100_000, null);
    run.takes = SECOND / 2;
    pass(30 * SECOND);
    assertTrue(run.times.size() >= 48, "did " + run.times.size());
  }

  @Test
  void anOperationWithoutRepliesDelaysNoOther() throws Exception {
    ScriptedRun whole = new ScriptedRun(100, null);
    CountDownLatch released = new CountDownLatch(1);
    ScriptedRun stuck =
        new ScriptedRun(100, null) {
          @Override
          public OperationStore.Step step(int most) {
            await(released);
            return new OperationStore.Step.Went(0);
          }
        };
    try (OperationRunner real =
        new OperationRunner(new ScriptedStore(), System::nanoTime, new Random(1))) {
      real.start();
      await(whole.over);
      assertEquals(0, whole.left);
      assertTrue(there.contains(stuck));
      released.countDown();
    }
  }

  private static void await(CountDownLatch signal) {
    try {
      assertTrue(signal.await(30, TimeUnit.SECONDS));
    } catch (InterruptedException interrupted) {
      throw new AssertionError(interrupted);
    }
  }

  @Test
  void theLeaseIsRenewedEachSecondAlsoDuringLongWork() {
    ScriptedRun run = new ScriptedRun(100_000, null);
    run.takes = SECOND / 20;
    pass(10 * SECOND);
    assertTrue(had.size() >= 10, "renewed " + had.size() + " times");
    assertEquals(0, had.getFirst());
    assertEquals(1, had.getLast());
  }

  @Test
  void anOperationContinuesAfterAnOutage() {
    ScriptedRun run = new ScriptedRun(100, 100.0);
    pass(SECOND / 5);
    int before = run.left;
    away = true;
    pass(5 * SECOND);
    assertEquals(before, run.left);
    away = false;
    pass(5 * SECOND);
    assertEquals(0, run.left);
  }

  @Test
  void aBugEndsOnlyItsOperation() {
    ScriptedRun broken = new ScriptedRun(100, null);
    broken.broken = true;
    ScriptedRun whole = new ScriptedRun(100, null);
    pass(SECOND);
    assertEquals(0, whole.left);
    assertTrue(broken.failure != null && broken.failure.contains("log"), broken.failure);
  }
}
