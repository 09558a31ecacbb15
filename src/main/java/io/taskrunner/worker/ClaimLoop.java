package io.taskrunner.worker;

import io.taskrunner.dispatch.Performer;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.AtGates;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Exchange;
import io.taskrunner.store.WorkStore.GateAnswer;
import io.taskrunner.store.WorkStore.Recovered;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drives one shard for one worker: claims tasks, starts them, and delivers their verdicts.
 *
 * <h2>The protocol</h2>
 *
 * One thread makes all decisions. An iteration collects finished attempts, then makes one {@link
 * WorkStore#exchange}: it carries all pending verdicts (at most 200) and asks for as many tasks as
 * there are free slots (at most 100). So a busy worker makes one round trip per batch, and an idle
 * one does not wait for a batch to fill. Between iterations the thread is parked; it continues when
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
 *
 * <p>An exchange without a reply may have been executed. It is repeated, with the same request
 * number and the same verdicts, until it succeeds; only then does the next one follow. {@link
 * Settler} handles verdicts that the store may have lost meanwhile.
 *
 * <p>Other threads access it in four ways only, none of which blocks: they put a finished run into
 * {@code finished}, or the reply of gates into {@code gateAnswers}, they set a volatile flag, they
 * read {@code running}, they add a cancelled task to {@code cancelledEarly}; and then they unpark
 * the thread if its waiting flag is set. Because the thread sets the flag first and checks for news
 * second, nothing is missed, and while it is busy there is no wake-up cost.
 */
final class ClaimLoop {

  /** Maximum number of tasks of one claim. */
  static final int CLAIM_MAX = 100;

  private static final Logger log = LoggerFactory.getLogger(ClaimLoop.class);

  /** The interval of heartbeats, which also fetch missed messages. */
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);

  private static final long LOOK_AGAIN_NANOS = LOOK_AGAIN.toNanos();
  private static final long LOOK_AGAIN_MIN_NANOS = Duration.ofMillis(1).toNanos();
  private static final double LOOK_AGAIN_SPREAD = 0.2;
  private static final long RETRY_MIN_NANOS = Duration.ofMillis(20).toNanos();
  private static final long RETRY_MAX_NANOS = Duration.ofSeconds(1).toNanos();
  private static final long ALIVE_WITHIN_NANOS = Duration.ofSeconds(5).toNanos();

  /** How often an exchange that fails because of a bug is repeated before it is given up. */
  private static final int BUG_REPEATS = 3;

  private static final int CANCELLED_EARLY_MAX = 10_000;

  private final WorkStore store;
  private final Performer performer;
  private final Settler settler;
  private final Judge judge;
  private final WorkerMeters meters;
  private final WorkerOptions options;
  private final Slots slots;
  private final RandomGenerator random;
  private final Thread thread;

  // Shared: see the protocol.
  private final ConcurrentHashMap<TaskId, Run> running = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<Run> finished = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Answered> gateAnswers = new ConcurrentLinkedQueue<>();
  private final Set<TaskId> cancelledEarly = ConcurrentHashMap.newKeySet();
  private final CountDownLatch quiet = new CountDownLatch(1);
  private volatile boolean waiting;
  private volatile boolean woken;
  private volatile boolean called;
  private volatile boolean tending;
  private volatile boolean reconnected;
  private volatile boolean stopping;
  private volatile boolean cuttingOff;
  private volatile boolean ended;

  // Written only by the loop's thread; read by others for reports.
  private volatile long turnNanos;
  private volatile boolean asking;
  private volatile boolean storeAway;
  private volatile int unsettled;
  private final AtomicLong claimed = new AtomicLong();
  private final AtomicLong settled = new AtomicLong();

  // Confined to the loop's thread.
  private int busy;
  private int atGates;
  private int reserved;
  private double weight = 1;
  private long number;
  private @Nullable Asked unanswered;
  private boolean maybeMore = true;
  private boolean left;
  private long lookAtNanos;
  private long awayNanos;
  private int failures;

  /** The reply of gates for tasks, with the time of their claim. */
  private record Answered(GateAnswer answer, long claimedNanos) {}

  /** The request to the store. */
  private record Asked(ClaimRequest request, List<PendingVerdict> verdicts) {}

  ClaimLoop(
      WorkStore store,
      Slots slots,
      Performer performer,
      WorkerMeters meters,
      WorkerOptions options,
      RandomGenerator random) {
    this.store = store;
    this.slots = slots;
    this.performer = performer;
    this.meters = meters;
    this.options = options;
    this.random = random;
    settler = new Settler(meters);
    judge = new Judge(options, random, meters);
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

  /** The runs here, including finished ones that were not yet collected. */
  Collection<Run> running() {
    return running.values();
  }

  /** The run of a task, if it runs here. */
  @Nullable Run run(TaskId id) {
    return running.get(id);
  }

  /** There may be tasks to claim. */
  void wake() {
    woken = true;
    signal();
  }

  /** The store needs a {@code tend}, whether or not a slot is free. */
  void tend() {
    tending = true;
    signal();
  }

  /** There is a task that RunTask requested. */
  void express() {
    called = true;
    signal();
  }

  /** The connection to the store was lost and is established again. */
  void reconnected() {
    reconnected = true;
    signal();
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

  /** Stops claiming tasks; claimed tasks that have not started are put back. */
  void stopClaiming() {
    stopping = true;
    slots.leave(this);
    signal();
  }

  /**
   * Waits, after {@link #stopClaiming}, until nothing runs and every verdict was accepted.
   *
   * @return whether this happened in time
   */
  boolean awaitQuiet(Duration atMost) throws InterruptedException {
    return quiet.await(Math.max(0, atMost.toNanos()), TimeUnit.NANOSECONDS);
  }

  /** Aborts all attempts that run or are being started. */
  void cutOff() {
    cuttingOff = true;
    running.values().forEach(Run::cutOff);
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

  /** Whether the thread is running or waiting for the store. */
  boolean alive() {
    return thread.isAlive()
        && (asking || storeAway || System.nanoTime() - turnNanos < ALIVE_WITHIN_NANOS);
  }

  WorkerStatus status() {
    return new WorkerStatus(
        options.workerId(),
        options.concurrency(),
        running.size(),
        claimed.get(),
        settled.get(),
        unsettled,
        storeAway,
        stopping);
  }

  private void run() {
    while (!ended) {
      try {
        turn();
      } catch (RuntimeException bug) {
        log.error("a turn of the claim loop failed; it goes on", bug);
        pause(RETRY_MAX_NANOS);
      }
    }
  }

  private void turn() {
    turnNanos = System.nanoTime();
    takeFinished();
    takeGateAnswers();
    if (reconnected) {
      reconnected = false;
      woken = true;
      settler.sendAgain(turnNanos);
    }
    Asked asked = unanswered;
    if (asked == null) {
      if (stopping && leave()) {
        return;
      }
      if (!hasReason()) {
        await();
        return;
      }
      asked = ask();
    }
    exchange(asked);
  }

  private boolean hasReason() {
    return settler.hasAny()
        || tending
        || ((woken || maybeMore) && !stopping && slots.standInLine(this, weight))
        || (called && hasExpressSlot())
        || turnNanos - lookAtNanos >= 0;
  }

  private boolean hasExpressSlot() {
    return !stopping && slots.expressFree() > 0;
  }

  private boolean hasSlot() {
    return !stopping && slots.hasFor(this);
  }

  private Asked ask() {
    woken = false;
    called = false;
    tending = false;
    if (atGates == 0) {
      cancelledEarly.clear();
    }
    reserved = stopping ? 0 : slots.take(this, weight, CLAIM_MAX);
    ClaimRequest request =
        new ClaimRequest(
            options.workerId(),
            ++number,
            reserved,
            options.lease(),
            options.maxRetry(),
            stopping ? 0 : slots.expressFree());
    Asked asked = new Asked(request, settler.next());
    unanswered = asked;
    return asked;
  }

  private void exchange(Asked asked) {
    Exchange exchange;
    asking = true;
    try {
      exchange = store.exchange(settlements(asked.verdicts()), asked.request());
    } catch (StoreUnavailable away) {
      failed(away);
      return;
    } catch (RuntimeException bug) {
      broken(asked, bug);
      return;
    } finally {
      asking = false;
    }
    unanswered = null;
    answered(asked, exchange);
  }

  private static List<Settlement> settlements(List<PendingVerdict> verdicts) {
    if (verdicts.isEmpty()) {
      return List.of();
    }
    long now = System.nanoTime();
    List<Settlement> settlements = new ArrayList<>(verdicts.size());
    for (PendingVerdict pending : verdicts) {
      settlements.add(pending.settlement(now));
    }
    return settlements;
  }

  private void failed(StoreUnavailable away) {
    if (!storeAway) {
      storeAway = true;
      awayNanos = System.nanoTime();
      log.atInfo().addKeyValue("reason", away.getMessage()).log("the store is away");
    }
    failures++;
    letGo();
    pause(retryWait());
  }

  /** While the store is unavailable, other shards may use the slots. */
  private void letGo() {
    slots.leave(this);
    slots.giveBack(reserved);
    reserved = 0;
  }

  private void broken(Asked asked, RuntimeException bug) {
    failures++;
    if (failures <= BUG_REPEATS) {
      log.error("an exchange with the store failed; it is made again", bug);
    } else {
      failures = 0;
      unanswered = null;
      letGo();
      lookAtNanos = System.nanoTime() + LOOK_AGAIN_NANOS;
      log.atError()
          .addKeyValue("verdicts", asked.verdicts().size())
          .setCause(bug)
          .log("an exchange with the store is given up; its leases run out");
    }
    pause(retryWait());
  }

  private long retryWait() {
    return Math.min(RETRY_MAX_NANOS, RETRY_MIN_NANOS << Math.clamp(failures - 1L, 0, 6));
  }

  private void answered(Asked asked, Exchange exchange) {
    long now = System.nanoTime();
    failures = 0;
    settler.answered(asked.verdicts(), exchange.settled(), now);
    settled.addAndGet(asked.verdicts().size());
    if (storeAway) {
      storeAway = false;
      log.atInfo().addKeyValue("away_ms", (now - awayNanos) / 1_000_000).log("the store is back");
      settler.sendAgain(now);
    }
    List<Claim> claims = exchange.claims();
    int express = 0;
    for (int i = 0; i < claims.size(); i++) {
      express += claims.get(i).express() ? 1 : 0;
      begin(claims.get(i), now);
    }
    claimed.addAndGet(claims.size());
    waitAtGates(exchange.atGates(), now);
    slots.giveBack(reserved);
    reserved = 0;
    recovered(exchange.recovered());
    weight = exchange.weight();
    maybeMore =
        exchange.again()
            || claims.size() - express + exchange.atGates().count() >= asked.request().slots();
    if (!maybeMore) {
      slots.leave(this);
    }
    lookAtNanos = now + lookAgainNanos(exchange.lookAgainIn());
    unsettled = settler.untaken();
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
          signal();
        });
  }

  private void takeGateAnswers() {
    for (Answered next = gateAnswers.poll(); next != null; next = gateAnswers.poll()) {
      GateAnswer answer = next.answer();
      int asked = reserved;
      reserved = answer.passed().size() + answer.refused().size();
      atGates -= reserved;
      for (Claim claim : answer.passed()) {
        begin(claim, next.claimedNanos());
      }
      for (WorkStore.Refused refused : answer.refused()) {
        deliver(refused.claim(), refused.verdict(), turnNanos);
      }
      slots.giveBack(reserved);
      reserved = asked;
      claimed.addAndGet(answer.passed().size());
    }
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
      (task.dead() ? log.atInfo() : log.atDebug())
          .addKeyValue("task_id", task.id())
          .addKeyValue("queue", task.queue())
          .addKeyValue("error", AttemptError.LEASE_LOST.word())
          .log(task.dead() ? "task is dead" : "task is taken back from a worker that is gone");
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
      putBack(claim, claimedNanos);
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
      log.atError().addKeyValue("task_id", id).setCause(bug).log("an attempt could not be begun");
      settler.add(judge.unbegun(claim, claimedNanos, start));
      giveBackSlot(claim);
      return;
    }
    Run run = new Run(claim, request, claimedNanos, start);
    running.put(id, run);
    busy++;
    meters.started(claim.now().toEpochMilli() - claim.due().toEpochMilli());
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
      called = true; // another may wait
    } else {
      slots.giveBack(1);
    }
  }

  private void finish(Run run, Outcome outcome) {
    run.end(outcome, System.nanoTime());
    finished.offer(run);
    signal();
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
    unsettled = settler.untaken();
  }

  private void putBack(Claim claim, long nowNanos) {
    deliver(claim, new Verdict.PutBack(Duration.ZERO), nowNanos);
  }

  private void deliver(Claim claim, Verdict verdict, long nowNanos) {
    settler.add(
        new PendingVerdict(
            claim.id(), claim.number(), verdict, null, new BreakerReport.None(), nowNanos));
  }

  /** Performs the steps of a shutdown. Returns whether this iteration has nothing more to do. */
  private boolean leave() {
    if (!left) {
      asking = true;
      try {
        store.leave(options.workerId());
        left = true;
      } catch (StoreUnavailable away) {
        failed(away);
        return true;
      } finally {
        asking = false;
      }
    }
    if (busy == 0 && atGates == 0 && settler.untaken() == 0) {
      quiet.countDown();
    }
    return false;
  }

  private void await() {
    waiting = true;
    try {
      if (!hasNews()) {
        long wait = lookAtNanos - System.nanoTime();
        if (wait > 0) {
          LockSupport.parkNanos(this, wait);
        }
      }
    } finally {
      waiting = false;
    }
  }

  private boolean hasNews() {
    return !finished.isEmpty()
        || !gateAnswers.isEmpty()
        || tending
        || reconnected
        || ended
        || ((woken || maybeMore) && hasSlot())
        || (called && hasExpressSlot())
        || (stopping && !left);
  }

  /** Waits for the store; only an established connection, not other news, ends the wait early. */
  private void pause(long nanos) {
    long until = System.nanoTime() + nanos;
    waiting = true;
    try {
      for (long wait = nanos;
          wait > 0 && !ended && !reconnected;
          wait = until - System.nanoTime()) {
        LockSupport.parkNanos(this, wait);
        turnNanos = System.nanoTime();
      }
    } finally {
      waiting = false;
    }
  }

  /** Wakes the thread for news. */
  void signal() {
    if (waiting) {
      LockSupport.unpark(thread);
    }
  }
}
