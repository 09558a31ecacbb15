package io.taskrunner.worker;

import static io.taskrunner.worker.Claims.claim;
import static java.time.Duration.ZERO;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.taskrunner.config.WorkerSettings;
import io.taskrunner.store.WorkStore.Breaker;
import io.taskrunner.store.WorkStore.BreakerChange;
import io.taskrunner.store.WorkStore.BreakerChange.Change;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Ended;
import io.taskrunner.store.WorkStore.Running;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.Retry;
import io.taskrunner.task.Verdict;
import io.taskrunner.worker.ScriptedPerformer.Begun;
import io.taskrunner.worker.ScriptedStore.Call;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** The requests of a worker to its store, and their times, with the test's answers. */
@Timeout(30)
class WorkerTest {

  private static final Duration LEASE = ofSeconds(3000); // No renewal unless a test wants one.

  private final ScriptedStore store = new ScriptedStore();
  private final ScriptedPerformer performer = new ScriptedPerformer();
  private final List<String> failuresReset = new CopyOnWriteArrayList<>();
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private @Nullable Worker worker;

  private Worker start(int slots, Duration lease) {
    WorkerSettings settings =
        new WorkerSettings(slots, ofSeconds(1800), 5, lease, ofSeconds(30), ZERO);
    Worker made =
        new Worker(
            List.of(store), performer, failuresReset::add, settings, registry, new Random(7));
    worker = made;
    made.start();
    return made;
  }

  @AfterEach
  void stop() throws InterruptedException {
    store.answersAll();
    Worker open = worker;
    if (open != null) {
      open.stop(ZERO);
    }
  }

  private static CompletableFuture<Void> stopping(Worker worker, Duration grace) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            worker.stop(grace);
          } catch (InterruptedException never) {
            throw new IllegalStateException(never);
          }
        },
        task -> Thread.ofVirtual().start(task));
  }

  @Test
  void aVerdictAndTheNextClaimShareOneRoundTrip() {
    start(2, LEASE);
    Call first = store.exchange();
    assertEquals(1, first.request().request());
    assertEquals(2, first.request().slots());
    assertEquals(List.of(), first.verdicts);
    Claim one = claim(1);
    Claim two = claim(2);
    first.gives(one, two);
    performer.next().answers(200);

    Call second = store.exchange();
    assertEquals(2, second.request().request());
    assertEquals(1, second.request().slots());
    assertEquals(1, second.verdicts.size());
    Settlement settled = second.verdicts.getFirst();
    assertEquals(one.id(), settled.id());
    assertEquals(one.number(), settled.claim());
    assertEquals(new Verdict.Succeed(), settled.verdict());
    assertEquals(200, settled.attempt().status().getAsInt());
    assertEquals(1, settled.attempt().number());
    assertFalse(settled.attempt().start().isBefore(one.start().now()));
  }

  @Test
  void resultsDuringARoundTripAreSentTogetherWithTheNext() {
    start(3, LEASE);
    store.exchange().gives(claim(1), claim(2), claim(3));
    performer.next().answers(200);
    Call second = store.exchange();
    performer.next().answers(200);
    performer.next().answers(404);
    second.gives();

    Call third = store.exchange();
    assertEquals(2, third.verdicts.size());
    assertEquals(3, third.request().slots());
  }

  @Test
  void anUnansweredExchangeIsRepeatedUnchanged() {
    start(2, LEASE);
    store.exchange().gives(claim(1), claim(2));
    performer.next().answers(200);
    Call lost = store.exchange();
    performer.next().answers(200); // Finishes while the answer is awaited: must not slip in.
    lost.staysUnanswered();

    Call again = store.exchange();
    again.staysUnanswered();
    Call third = store.exchange();
    for (Call call : List.of(again, third)) {
      assertEquals(lost.request(), call.request());
      assertEquals(lost.verdicts.getFirst().id(), call.verdicts.getFirst().id());
      assertEquals(1, call.verdicts.size());
    }
    assertTrue(
        third.verdicts.getFirst().age().compareTo(lost.verdicts.getFirst().age()) > 0,
        "the age counts from the outcome, not from the sending");
    third.gives();
    assertEquals(lost.request().request() + 1, store.exchange().request().request());
  }

  @Test
  void afterAnOutageVerdictsAreRepeatedAndNotCountedAsLate() {
    start(1, LEASE);
    Claim task = claim(1);
    store.exchange().gives(task);
    performer.next().answers(200);
    store.exchange().gives(); // Taken; the master that took it dies.
    Call beat = store.exchange();
    beat.staysUnanswered();
    store.exchange().gives();

    Call repeat = store.exchange();
    assertEquals(task.id(), repeat.verdicts.getFirst().id());
    repeat.givesLate();
    store.exchange().gives();
    assertEquals(0, registry.get("task_runner_late_answers").counter().count());
  }

  @Test
  void aSilentlyLostConnectionRepeatsVerdictsToo() {
    start(1, LEASE);
    Claim task = claim(1);
    store.exchange().gives(task);
    performer.next().answers(200);
    store.exchange().gives();
    store.listener().reconnected();
    assertEquals(task.id(), store.settling().verdicts.getFirst().id());
  }

  @Test
  void aLateVerdictIsCounted() {
    start(1, LEASE);
    store.exchange().gives(claim(1));
    performer.next().answers(200);
    store.exchange().givesLate();
    store.exchange().gives();
    assertEquals(1, registry.get("task_runner_late_answers").counter().count());
  }

  @Test
  void aMessageDuringAClaimCausesOneMoreClaim() throws InterruptedException {
    start(2, LEASE);
    Call first = store.exchange();
    store.listener().wake();
    first.gives();
    Call second = store.exchange();
    assertEquals(2, second.request().request());
    second.gives();
    store.asksNothingFor(ofMillis(300));
  }

  @Test
  void aMessageWakesAnIdleWorkerAtOnce() {
    start(2, LEASE);
    store.exchange().gives();
    long before = System.nanoTime();
    store.listener().wake();
    store.exchange().gives(claim(1));
    performer.next();
    assertTrue(System.nanoTime() - before < ofMillis(500).toNanos());
  }

  @Test
  void theKeeperChecksAgainExactlyWhenDue() {
    start(2, LEASE);
    store.exchange().gives(false, ofMillis(120));
    long before = System.nanoTime();
    store.exchange().gives();
    long waited = System.nanoTime() - before;
    assertTrue(waited > ofMillis(110).toNanos(), "waited " + waited);
    assertTrue(waited < ofMillis(600).toNanos(), "waited " + waited);
  }

  @Test
  void aReplyWithMoreWorkCausesAnotherClaimAtOnce() {
    start(2, LEASE);
    store.exchange().gives(true, ofSeconds(1), claim(1));
    Call second = store.exchange();
    assertEquals(1, second.request().slots());
    assertEquals(List.of(), second.verdicts);
  }

  @Test
  void aFullWorkerSendsAHeartbeatEachSecond() throws InterruptedException {
    start(1, LEASE);
    store.exchange().gives(true, ZERO, claim(1));
    long before = System.nanoTime();
    store.asksNothingFor(ofMillis(500));
    store.listener().wake(); // Nothing can be claimed: no reason to ask.
    Call beat = store.exchange();
    long waited = System.nanoTime() - before;
    assertEquals(0, beat.request().slots());
    assertEquals(List.of(), beat.verdicts);
    assertTrue(waited > ofMillis(750).toNanos() && waited < ofMillis(1900).toNanos(), "" + waited);
  }

  @Test
  void atMostAHundredTasksAreClaimedAtOnce() {
    start(150, LEASE);
    Call first = store.exchange();
    assertEquals(100, first.request().slots());
    Claim[] hundred = new Claim[100];
    for (int i = 0; i < 100; i++) {
      hundred[i] = claim(i + 1);
    }
    first.gives(hundred);
    assertEquals(50, store.exchange().request().slots());
  }

  @Test
  void aTaskClaimedAgainWhileItRunsHereIsAdopted() {
    start(2, LEASE);
    Claim first = claim(1);
    store.exchange().gives(true, ofSeconds(1), first);
    Begun begun = performer.next();
    Claim newer = Claims.again(first, first.number() + 5, 2);
    store.exchange().gives(newer);
    // Only one slot is taken: the other is asked for when there is a reason.
    store.listener().wake();
    Call third = store.exchange();
    assertEquals(1, third.request().slots());
    third.gives();
    begun.answers(200);
    Settlement settled = store.settling().verdicts.getFirst();
    assertEquals(newer.number(), settled.claim());
    assertEquals(2, settled.attempt().number());
    assertEquals(0, performer.unseen(), "no second request");
  }

  @Test
  void aRenewalAbortsLostAndCancelledTasks() {
    start(3, ofMillis(600));
    Claim kept = claim(1);
    Claim lost = claim(2);
    Claim cancelled = claim(3);
    store.exchange().gives(kept, lost, cancelled);
    Begun keptRun = performer.next();
    Begun lostRun = performer.next();
    Begun cancelledRun = performer.next();
    Call renewal = store.renewal();
    assertEquals(
        List.of(
            new Running(kept.id(), kept.number()),
            new Running(lost.id(), lost.number()),
            new Running(cancelled.id(), cancelled.number())),
        renewal.running.stream().sorted((a, b) -> a.id().compareTo(b.id())).toList());
    renewal.says(
        List.of(
            new Ended(lost.id(), lost.number(), false),
            new Ended(cancelled.id(), cancelled.number(), true)));

    assertEquals(new Outcome.Cancelled(), lostRun.awaited());
    assertEquals(new Outcome.Cancelled(), cancelledRun.awaited());
    assertTrue(keptRun.runs());
    Settlement settled = store.verdict();
    assertEquals(cancelled.id(), settled.id(), "of what is lost there is nothing to settle");
    assertEquals(new Verdict.Cancel(), settled.verdict());
    assertEquals(1, registry.get("task_runner_leases_lost").counter().count());
  }

  @Test
  void anUnresponsiveStoreAbortsNothing() {
    start(1, ofMillis(150));
    store.exchange().gives(claim(1));
    Begun begun = performer.next();
    for (int i = 0; i < 3; i++) {
      store.renewal().staysUnanswered();
    }
    store.renewal().says(List.of());
    assertTrue(begun.runs());
  }

  @Test
  void aLostLeaseThatIsOursAgainIsPutBack() {
    start(1, ofMillis(150));
    Claim first = claim(1);
    store.exchange().gives(first);
    Begun begun = performer.next();
    // A newer claim of ours is on its way when the renewal reports that the older one is lost.
    Call beat = store.exchange();
    Call renewal = store.renewal();
    Claim newer = Claims.again(first, first.number() + 1, 2);
    renewal.says(List.of(new Ended(first.id(), first.number(), false)));
    assertEquals(new Outcome.Cancelled(), begun.awaited());
    beat.gives(newer);
    Settlement settled = store.settling().verdicts.getFirst();
    assertEquals(newer.number(), settled.claim());
    assertEquals(new Verdict.PutBack(ZERO), settled.verdict());
    assertNull(settled.attempt());
  }

  @Test
  void aMessageAbortsACancelledTask() {
    start(1, LEASE);
    Claim task = claim(1);
    store.exchange().gives(task);
    Begun begun = performer.next();
    store.listener().cancelled(task.id());
    assertEquals(new Outcome.Cancelled(), begun.awaited());
    assertEquals(new Verdict.Cancel(), store.settling().verdicts.getFirst().verdict());
  }

  @Test
  void aTaskCancelledDuringItsClaimIsNotStarted() {
    start(1, LEASE);
    Claim task = claim(1);
    Call first = store.exchange();
    store.listener().cancelled(task.id());
    first.gives(task);
    Settlement settled = store.settling().verdicts.getFirst();
    assertEquals(new Verdict.Cancel(), settled.verdict());
    assertEquals(0, performer.unseen());
  }

  @Test
  void aFailureOfACancelledTaskIsNotRetried() {
    start(1, LEASE);
    Claim task = claim(1);
    store.exchange().gives(task);
    Begun begun = performer.next();
    begun.answers(503); // Known just before the message.
    Call beat = store.exchange();
    assertInstanceOf(Verdict.Retry.class, beat.verdicts.getFirst().verdict());
    beat.gives(Claims.again(task, 50, 2));
    Begun second = performer.next();
    store.listener().cancelled(task.id());
    second.awaited();
    assertEquals(new Verdict.Cancel(), store.settling().verdicts.getFirst().verdict());
  }

  @Test
  void theTimeoutIsTheTasksOrTheQueuesAndAtMostTheWorkers() {
    start(10, LEASE);
    store
        .exchange()
        .gives(
            Claims.timed(1, null, null),
            Claims.timed(2, null, ofSeconds(7)),
            Claims.timed(3, ofSeconds(9), ofSeconds(7)),
            Claims.timed(4, ofSeconds(9000), null),
            Claims.timed(5, null, ofSeconds(9000)));
    for (int seconds : new int[] {1800, 7, 9, 1800, 1800}) {
      assertEquals(ofSeconds(seconds), performer.next().timeout);
    }
  }

  @Test
  void thePolicyIsTheTasksThenTheQueuesThenTheWorkers() {
    start(10, LEASE);
    Retry task = new Retry(null, ofSeconds(2), null, null, null, null);
    Retry queue = new Retry(0, ofSeconds(9), null, null, null, null);
    store
        .exchange()
        .gives(
            Claims.retrying(1, 1, task, Retry.UNSET),
            Claims.retrying(2, 1, Retry.UNSET, queue),
            Claims.retrying(3, 6, Retry.UNSET, Retry.UNSET));
    Begun first = performer.next();
    Begun second = performer.next();
    Begun third = performer.next();
    first.answers(500);
    Call one = store.exchange();
    second.answers(500);
    third.answers(500);
    one.gives();
    Call two = store.exchange();
    Verdict.Retry retry = assertInstanceOf(Verdict.Retry.class, one.verdicts.getFirst().verdict());
    assertTrue(
        retry.in().compareTo(ofMillis(1600)) >= 0 && retry.in().compareTo(ofSeconds(2)) <= 0);
    assertEquals(new Verdict.Bury(), two.verdicts.get(0).verdict(), "the queue allows no retry");
    assertEquals(new Verdict.Bury(), two.verdicts.get(1).verdict(), "the worker's five are used");
  }

  @Test
  void theDurationOfATaskIsMeasuredByTheStoresClock() {
    start(2, LEASE);
    Retry tenSeconds = new Retry(100, null, null, null, ofSeconds(10), null);
    Claim young = Claims.begunBefore(1, ofSeconds(9), tenSeconds);
    Claim old = Claims.begunBefore(2, ofSeconds(10), tenSeconds);
    store.exchange().gives(young, old);
    Begun first = performer.next();
    Begun second = performer.next();
    first.answers(500);
    Call one = store.exchange();
    second.answers(500);
    one.gives();
    assertInstanceOf(Verdict.Retry.class, one.verdicts.getFirst().verdict());
    assertEquals(new Verdict.Bury(), store.settling().verdicts.getFirst().verdict());
  }

  @Test
  void aFailedProbeUsesNoAttemptEvenTheLast() {
    start(1, LEASE);
    Retry none = new Retry(0, null, null, null, null, null);
    store.exchange().gives(Claims.probe(1, none));
    performer.next().says(new BreakerReport.Failed(1)).answers(503);
    Settlement settled = store.settling().verdicts.getFirst();
    assertInstanceOf(Verdict.PutBack.class, settled.verdict());
    assertNull(settled.attempt());
    assertNull(registry.find("task_runner_attempts").counter());
  }

  @Test
  void breakerChangesAreLoggedAndResetTheCount() {
    ListAppender<ILoggingEvent> logged = new ListAppender<>();
    logged.start();
    Logger logger = (Logger) LoggerFactory.getLogger(Worker.class);
    logger.setLevel(Level.INFO);
    logger.addAppender(logged);
    start(1, LEASE);
    for (Change change : Change.values()) {
      store
          .listener()
          .breaker(new BreakerChange(change.name().toLowerCase(Locale.ROOT), change, ZERO));
    }
    assertEquals(List.of("opened", "reopened", "closed", "is_open"), failuresReset);
    logger.detachAppender(logged);
    logger.setLevel(null);
    assertEquals(
        List.of(
            "WARN opened open",
            "INFO reopened open",
            "INFO half_open half_open",
            "INFO closed closed"),
        logged.list.stream()
            .filter(line -> line.getMessage().equals("circuit breaker changed"))
            .map(line -> line.getLevel() + " " + value(line, "host") + " " + value(line, "state"))
            .toList());
  }

  private static Object value(ILoggingEvent line, String key) {
    return line.getKeyValuePairs().stream()
        .filter(pair -> pair.key.equals(key))
        .findFirst()
        .orElseThrow()
        .value;
  }

  @Test
  void aProbeThatIsPermanentlyRejectedEndsDead() {
    start(1, LEASE);
    store.exchange().gives(Claims.probe(1, Retry.UNSET));
    performer.next().says(new BreakerReport.Good()).answers(404);
    assertInstanceOf(Verdict.Bury.class, store.settling().verdicts.getFirst().verdict());
  }

  @Test
  void aBugInAnAttemptEndsOnlyThatAttempt() {
    start(2, LEASE);
    store.exchange().gives(claim(1), claim(2));
    performer.next().breaks();
    Call second = store.exchange();
    assertInstanceOf(Verdict.Retry.class, second.verdicts.getFirst().verdict());
    second.gives();
    performer.next().answers(200);
    assertEquals(new Verdict.Succeed(), store.settling().verdicts.getFirst().verdict());
  }

  @Test
  void aTimeoutIsRecordedAsTimeout() {
    start(1, LEASE);
    store.exchange().gives(claim(1));
    performer.next().ends(new Outcome.TimedOut(ofSeconds(3)));
    Settlement settled = store.settling().verdicts.getFirst();
    assertEquals(Optional.of(AttemptError.TIMEOUT), settled.attempt().error());
    assertTrue(settled.attempt().status().isEmpty());
    assertEquals("no complete response within 3 s", settled.attempt().detail());
  }

  @Test
  void aStopStopsClaimingThenWaitsForRunningTasks() throws Exception {
    Worker stopped = start(2, LEASE);
    store.exchange().gives(claim(1));
    Begun begun = performer.next();
    CompletableFuture<Void> end = stopping(stopped, ofSeconds(20));
    store.leaving().done();
    begun.answers(200);
    Call last = store.exchange();
    while (last.verdicts.isEmpty()) { // A beat may have arrived first.
      assertEquals(0, last.request().slots());
      last.gives();
      last = store.exchange();
    }
    assertEquals(0, last.request().slots(), "nothing more is claimed");
    assertEquals(new Verdict.Succeed(), last.verdicts.getFirst().verdict());
    assertFalse(end.isDone());
    last.gives();
    end.get();
    assertFalse(stopped.alive());
  }

  @Test
  void tasksRunningBeyondTheGraceArePutBackAtNoCost() throws Exception {
    Worker stopped = start(1, LEASE);
    Claim task = claim(1);
    store.exchange().gives(task);
    Begun begun = performer.next();
    CompletableFuture<Void> end = stopping(stopped, ZERO);
    store.leaving().done();
    assertEquals(new Outcome.CutOff(), begun.awaited());
    Call last = store.exchange();
    Settlement settled = last.verdicts.getFirst();
    assertEquals(new Verdict.PutBack(ZERO), settled.verdict());
    assertNull(settled.attempt());
    last.gives();
    end.get();
  }

  @Test
  void aClaimThatArrivesAfterTheStopIsPutBack() throws Exception {
    Worker stopped = start(1, LEASE);
    Call first = store.exchange();
    CompletableFuture<Void> end = stopping(stopped, ofSeconds(20));
    while (!stopped.status().stopping()) {
      Thread.onSpinWait();
    }
    first.staysUnanswered();
    Call again = store.exchange();
    assertEquals(1, again.request().slots(), "the same request, since it may have been done");
    again.gives(claim(1));
    store.leaving().done();
    Call last = store.exchange();
    assertEquals(new Verdict.PutBack(ZERO), last.verdicts.getFirst().verdict());
    assertEquals(0, performer.unseen());
    last.gives();
    end.get();
  }

  @Test
  void breakersAreShownAsTheStoreReportsThem() {
    store.breakers = List.of(new Breaker("a:80", false), new Breaker("b:80", true));
    start(1, LEASE);
    store.exchange().gives();
    long until = System.nanoTime() + ofSeconds(10).toNanos();
    while (gauge("open") != 1 && System.nanoTime() < until) {
      Thread.onSpinWait(); // The look-up is on a thread of its own, and soon.
    }
    assertEquals(1, gauge("open"));
    assertEquals(1, gauge("half_open"));
    assertEquals(
        1,
        registry
            .get("task_runner_circuit_breaker_state")
            .tags("host", "b:80", "state", "half_open")
            .gauge()
            .value());
  }

  private double gauge(String state) {
    return registry.get("task_runner_circuit_breakers").tag("state", state).gauge().value();
  }

  @Test
  void aWorkerThatWaitsForItsStoreIsAlive() {
    Worker alive = start(1, LEASE);
    Call call = store.exchange();
    assertTrue(alive.alive());
    call.staysUnanswered();
    Call again = store.exchange();
    assertTrue(alive.status().storeAway());
    assertTrue(alive.alive());
    again.gives();
    store.exchange();
    assertFalse(alive.status().storeAway());
  }
}
