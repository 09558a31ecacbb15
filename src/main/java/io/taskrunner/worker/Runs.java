package io.taskrunner.worker;

import io.taskrunner.dispatch.Performer;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.AtGates;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Exchange;
import io.taskrunner.store.WorkStore.GateAnswer;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tasks that a claim loop holds, with their slots: from the claim, past their gates, through
 * the attempt, to the verdict that is given to the {@link Settler}.
 *
 * <p>Slots are reserved before a claim. Each task that starts takes one of them and frees it when
 * it ends; a task at its gates keeps the one for which it was claimed.
 *
 * <p>Confined to the thread of the claim loop, except that other threads put a finished run into
 * {@code finished} or the reply of gates into {@code gateAnswers}, read {@code running}, and add a
 * cancelled task to {@code cancelledEarly}; none of these blocks.
 */
final class Runs {

  private static final Logger LOG = LoggerFactory.getLogger(Runs.class);

  private static final int CANCELLED_EARLY_MAX = 10_000;

  private final Performer performer;
  private final Slots slots;
  private final Judge judge;
  private final Settler settler;
  private final WorkerMeters meters;
  private final Signals signals;

  // Shared.
  private final ConcurrentHashMap<TaskId, Run> running = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<Run> finished = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Answered> gateAnswers = new ConcurrentLinkedQueue<>();
  private final Set<TaskId> cancelledEarly = ConcurrentHashMap.newKeySet();
  private final AtomicLong claimed = new AtomicLong();
  private volatile boolean stopping;
  private volatile boolean cuttingOff;

  // Confined to the loop's thread.
  private int busy;
  private int atGates;
  private int reserved;

  /** The reply of gates for tasks, with the time of their claim. */
  private record Answered(GateAnswer answer, long claimedNanos) {}

  Runs(
      Performer performer,
      Slots slots,
      Judge judge,
      Settler settler,
      WorkerMeters meters,
      Signals signals) {
    this.performer = performer;
    this.slots = slots;
    this.judge = judge;
    this.settler = settler;
    this.meters = meters;
    this.signals = signals;
  }

  /** The runs here, including finished ones that were not yet collected. For any thread. */
  Collection<Run> running() {
    return running.values();
  }

  /** The run of a task, if it runs here. For any thread. */
  @Nullable Run run(TaskId id) {
    return running.get(id);
  }

  /** The number of tasks that were claimed. For any thread. */
  long claimed() {
    return claimed.get();
  }

  /** A task was cancelled. If it does not run here yet, its claim may still be in flight. */
  void cancelled(TaskId id) {
    Run run = running.get(id);
    if (run == null && cancelledEarly.size() < CANCELLED_EARLY_MAX) {
      cancelledEarly.add(id);
      run = running.get(id);
    }
    if (run != null) {
      run.cancel();
    }
  }

  /** From now on claimed tasks are put back instead of started. For any thread. */
  void stop() {
    stopping = true;
  }

  /** Aborts all attempts that run or are being started. For any thread. */
  void cutOff() {
    cuttingOff = true;
    running.values().forEach(Run::cutOff);
  }

  /** Whether other threads left something to collect. */
  boolean hasNews() {
    return !finished.isEmpty() || !gateAnswers.isEmpty();
  }

  /** Whether no task runs, or waits at its gates. */
  boolean isIdle() {
    return busy == 0 && atGates == 0;
  }

  /** Begins a claim that may fill these slots. */
  void reserve(int count) {
    if (atGates == 0) {
      cancelledEarly.clear();
    }
    reserved = count;
  }

  /** Returns the reserved slots: the claim has no reply for now. */
  void giveBackReserved() {
    slots.giveBack(reserved);
    reserved = 0;
  }

  /**
   * Starts the tasks of a claim.
   *
   * @return how many of them take a reserved slot, at their gates or running
   */
  int begin(Exchange exchange, long now) {
    List<Claim> claims = exchange.claims();
    int express = 0;
    for (int i = 0; i < claims.size(); i++) {
      express += claims.get(i).express() ? 1 : 0;
      begin(claims.get(i), now);
    }
    claimed.addAndGet(claims.size());
    waitAtGates(exchange.atGates(), now);
    giveBackReserved();
    return claims.size() - express + exchange.atGates().count();
  }

  /** Collects what other threads left: finished runs, and tasks that passed their gates or not. */
  void collect(long now) {
    takeFinished();
    takeGateAnswers(now);
  }

  private void takeFinished() {
    int ended = 0;
    for (Run run = finished.poll(); run != null; run = finished.poll()) {
      running.remove(run.claim().id());
      busy--;
      if (run.first().express()) {
        giveBackSlot(run.first());
      } else {
        ended++;
      }
      PendingVerdict verdict = judge.judge(run);
      if (verdict != null) {
        settler.add(verdict);
      }
    }
    slots.giveBack(ended);
  }

  /** Tasks at their gates keep the slots for which they were claimed. */
  private void waitAtGates(AtGates tasks, long claimedNanos) {
    if (tasks.count() == 0) {
      return;
    }
    reserved -= tasks.count();
    atGates += tasks.count();
    tasks
        .answer()
        .thenAccept(answer -> {
          gateAnswers.offer(new Answered(answer, claimedNanos));
          signals.news();
        });
  }

  private void takeGateAnswers(long now) {
    for (Answered next = gateAnswers.poll(); next != null; next = gateAnswers.poll()) {
      GateAnswer answer = next.answer();
      int asked = reserved;
      reserved = answer.passed().size() + answer.refused().size();
      atGates -= reserved;
      for (Claim claim : answer.passed()) {
        begin(claim, next.claimedNanos());
      }
      for (WorkStore.Refused refused : answer.refused()) {
        deliver(refused.claim(), refused.verdict(), now);
      }
      slots.giveBack(reserved);
      reserved = asked;
      claimed.addAndGet(answer.passed().size());
    }
  }

  private void begin(Claim claim, long claimedNanos) {
    TaskId id = claim.id();
    Run known = running.get(id);
    if (known != null) {
      if (claim.number() > known.claim().number()) {
        known.adopt(claim);
      }
      return;
    }
    if (stopping || !takeSlot(claim)) {
      deliver(claim, new Verdict.PutBack(Duration.ZERO), claimedNanos);
      return;
    }
    if (cancelledEarly.remove(id)) {
      deliver(claim, new Verdict.Cancel(), claimedNanos);
      giveBackSlot(claim);
      return;
    }
    long start = System.nanoTime();
    Performer.Request request;
    try {
      request = performer.perform(claim, judge.timeout(claim));
    } catch (RuntimeException bug) {
      LOG.atError()
          .addKeyValue("task_id", id)
          .setCause(bug)
          .log("unexpected error while starting an attempt");
      settler.add(judge.unbegun(claim, claimedNanos, start));
      giveBackSlot(claim);
      return;
    }
    Run run = new Run(claim, request, claimedNanos, start);
    running.put(id, run);
    busy++;
    meters.started(claim.start().now().toEpochMilli() - claim.start().due().toEpochMilli());
    if (cancelledEarly.remove(id)) {
      run.cancel();
    }
    if (cuttingOff) {
      run.cutOff();
    }
    request
        .outcome()
        .whenComplete((outcome, bug) -> finish(run, bug == null ? outcome : judge.failed(id, bug)));
  }

  private void finish(Run run, Outcome outcome) {
    run.end(outcome, System.nanoTime());
    finished.offer(run);
    signals.news();
  }

  /** A task gets its slot, and keeps it while it runs. */
  private boolean takeSlot(Claim claim) {
    if (claim.express()) {
      slots.beginExpress();
      return true;
    }
    if (reserved == 0) {
      return slots.takeOne();
    }
    reserved--;
    return true;
  }

  private void giveBackSlot(Claim claim) {
    if (claim.express()) {
      slots.endExpress();
      signals.express(); // another may wait
    } else {
      slots.giveBack(1);
    }
  }

  private void deliver(Claim claim, Verdict verdict, long nowNanos) {
    settler.add(
        new PendingVerdict(
            claim.id(), claim.number(), verdict, null, new BreakerReport.None(), nowNanos));
  }
}
