package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.LEASE;
import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.client.Limits;
import io.taskrunner.store.TargetHost;
import io.taskrunner.store.WorkStore.Breaker;
import io.taskrunner.store.WorkStore.BreakerChange;
import io.taskrunner.store.WorkStore.BreakerChange.Change;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Listener;
import io.taskrunner.store.WorkStore.Running;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The breaker that all workers share: open, half-open with three probes, closed. */
class BreakerTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String URL = "http://down.test:81/x";
  private static final String HOST = "down.test:81";
  private static final Duration STEP = Duration.ofMillis(50);
  private static final BreakerReport GOOD = new BreakerReport.Good();
  private static final BreakerReport BAD = new BreakerReport.Failed(1);

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
  }

  @AfterEach
  void close() {
    stage.proven();
    stage.close();
  }

  private Claim trip() {
    return trip(5);
  }

  /** One task fails, as the last of this many in a row. */
  private Claim trip(int inARow) {
    stage.client("abc", 1000, Limits.MAX);
    stage.enqueue(wish().url(URL));
    Claim claim = stage.claim(1).getFirst();
    stage.settle(
        WORKER, stage.verdict(claim, new Verdict.Bury(), 500, new BreakerReport.Failed(inARow)));
    return claim;
  }

  private List<Breaker> breakers() {
    return stage.store.works().getFirst().breakers();
  }

  private TargetHost.Open shown() {
    return stage.store.hosts().open().getFirst();
  }

  private void good(Claim claim) {
    stage.settle(WORKER, stage.verdict(claim, new Verdict.Succeed(), 200, GOOD));
  }

  private void bad(Claim claim) {
    stage.settle(WORKER, stage.verdict(claim, new Verdict.PutBack(Duration.ZERO), -1, BAD));
  }

  /** The number of claims in this time. */
  private List<Claim> claimFor(Duration time) {
    List<Claim> claims = new ArrayList<>();
    for (long left = time.toMillis(); left > 0; left -= STEP.toMillis()) {
      stage.pass(STEP);
      claims.addAll(stage.claim(50));
    }
    return claims;
  }

  /** The time until something is claimed. */
  private Duration untilClaimed(List<Claim> claims) {
    long from = stage.now();
    while (claims.isEmpty() && stage.now() < from + 3_600_000) {
      stage.pass(STEP);
      claims.addAll(stage.claim(50));
    }
    return Duration.ofMillis(stage.now() - from);
  }

  @Test
  void theThresholdOfFailuresInARowOpensIt() {
    trip(4);
    assertEquals(List.of(), breakers());
    trip(5);
    assertEquals(List.of(new Breaker(HOST, false)), breakers());
  }

  @Test
  void anotherSpellingOfTheHostHasTheSameBreaker() {
    trip();
    stage.enqueue(wish().url("http://DOWN.test.:00081/y"));
    assertEquals(List.of(), stage.claim(1));
    stage.enqueue(wish().url("http://down.test:82/y"));
    assertEquals(1, stage.claim(2).size());
  }

  @Test
  void tasksOfAnOpenHostUseNoSlotAndNoAttemptAndKeepTheirTime() {
    trip();
    List<TaskId> waiting = stage.enqueue(20, wish().url(URL));
    TaskId other = stage.enqueue(wish().url("http://down.test:82/x"));
    List<Claim> claims = stage.claim(3);
    assertEquals(List.of(other), claims.stream().map(Claim::id).toList());
    while (stage.exchange(WORKER, 1).again()) {
      // a turn sets some of them aside
    }
    for (TaskId id : waiting) {
      assertEquals(TaskState.SCHEDULED, stage.state(id));
      assertEquals(
          Instant.ofEpochMilli(Stage.START),
          stage.store.tasks().get(id).orElseThrow().due(),
          "when it was due is not lost");
    }
    assertEquals(20, shown().waiting());
    assertEquals(0, claimFor(Duration.ofMillis(850)).size());
  }

  @Test
  void probesAreSentAfterASecondThenAfterDoublingWaits() {
    trip();
    stage.enqueue(20, wish().url(URL));
    stage.claim(50);
    for (long seconds : List.of(1, 2, 4, 8, 16, 30, 30, 30)) {
      List<Claim> probes = new ArrayList<>();
      long took = untilClaimed(probes).toMillis();
      long least = seconds == 30 ? 30_000 : seconds * 900;
      assertTrue(took >= least && took <= seconds * 1000 + 50, took + " ms, not " + seconds + " s");
      assertEquals(3, probes.size(), "at once");
      assertTrue(
          probes.stream().allMatch(claim -> claim.start().probe() && claim.start().attempt() == 1));
      assertEquals(List.of(new Breaker(HOST, true)), breakers());
      probes.forEach(this::bad);
      assertEquals(List.of(new Breaker(HOST, false)), breakers());
    }
  }

  @Test
  void itClosesWhenTheProbesHaveDoubledAndNoTaskWaits() {
    trip();
    stage.enqueue(3, wish().url(URL));
    stage.claim(50);
    List<Claim> probes = new ArrayList<>();
    untilClaimed(probes);
    assertEquals(3, probes.size());
    good(probes.get(0));
    good(probes.get(1));
    assertEquals(1, breakers().size());
    good(probes.get(2));
    assertEquals(List.of(), breakers());
  }

  @Test
  void itClosesAlthoughSomeProbesFail() {
    trip();
    stage.enqueue(50, wish().url(URL));
    stage.claim(50);
    List<Claim> probes = new ArrayList<>();
    untilClaimed(probes);
    for (int i = 0; i < 40; i++) {
      // Two of five fail.
      if (i % 5 == 1 || i % 5 == 3) {
        bad(probes.removeFirst());
      } else {
        good(probes.removeFirst());
      }
      stage.pass(Duration.ofMillis(100));
      while (probes.isEmpty()) {
        stage.pass(STEP);
        probes.addAll(stage.claim(50));
      }
    }
    assertEquals(List.of(), breakers());
  }

  @Test
  void eachGoodProbeAllowsOneMoreAndEachBadOneLess() {
    trip();
    stage.enqueue(100, wish().url(URL));
    stage.claim(50);
    List<Claim> probes = new ArrayList<>();
    untilClaimed(probes);
    List<Integer> atOnce = new ArrayList<>();
    for (int round = 0; round < 4; round++) {
      atOnce.add(probes.size());
      probes.forEach(this::good);
      probes.clear();
      untilClaimed(probes);
    }
    assertEquals(List.of(3, 6, 12, 24), atOnce);
    probes.subList(0, 10).forEach(this::bad);
    assertEquals(38, shown().allowed());
    assertEquals(38, shown().probing());
  }

  @Test
  void itClosesThreeSecondsAfterTheFirstGoodProbeAlthoughTasksWait() {
    trip();
    stage.enqueue(30, wish().url(URL));
    stage.claim(50);
    List<Claim> probes = new ArrayList<>();
    untilClaimed(probes);
    probes.forEach(this::good); // and the next six hang
    assertEquals(6, claimFor(Duration.ofMillis(2900)).size());
    assertEquals(1, breakers().size());
    assertEquals(21, claimFor(Duration.ofMillis(1200)).size());
    assertEquals(List.of(), breakers());
  }

  @Test
  void failuresAndProbesFromBeforeItOpenedAreIgnored() {
    trip();
    stage.enqueue(20, wish().url(URL));
    stage.claim(50);
    List<Claim> first = new ArrayList<>();
    untilClaimed(first);
    bad(first.get(0));
    bad(first.get(1));
    stage.pass(Duration.ofSeconds(5));
    bad(first.get(2));
    List<Claim> second = new ArrayList<>();
    untilClaimed(second);
    assertEquals(3, second.size());
    stage.enqueue(wish().url("http://down.test:82/x"));
    bad(second.get(0));
    bad(second.get(1));
    good(second.get(2));
    assertEquals(2, shown().allowed());
  }

  @Test
  void aProbeWhoseWorkerDiedCountsAsFailed() {
    trip();
    stage.enqueue(5, wish().url(URL));
    stage.claim(50);
    assertEquals(3, claimFor(Duration.ofSeconds(1)).size());
    for (int i = 0; i < 31; i++) {
      stage.pass(Duration.ofSeconds(1));
      stage.exchange(Stage.worker(2), 0);
    }
    assertEquals(List.of(new Breaker(HOST, false)), breakers());
  }

  @Test
  void anUnsentProbeReleasesItsPlace() {
    trip();
    stage.enqueue(5, wish().url(URL));
    stage.claim(50);
    List<Claim> probes = claimFor(Duration.ofSeconds(1));
    assertEquals(3, probes.size());
    stage.settle(
        WORKER,
        stage.verdict(
            probes.getFirst(), new Verdict.PutBack(Duration.ZERO), -1, new BreakerReport.None()));
    assertEquals(1, claimFor(STEP.multipliedBy(2)).size());
  }

  @Test
  void aClockSetBackDoesNotKeepItOpenLonger() {
    trip();
    stage.enqueue(3, wish().url(URL));
    stage.claim(50);
    stage.pass(Duration.ofHours(-1));
    stage.enqueue(3, wish().url(URL));
    List<Claim> probes = claimFor(Duration.ofMillis(1100));
    assertEquals(3, probes.size());
    // Probes that fail after the clock was set back release their places all the same.
    stage.pass(Duration.ofMinutes(-5));
    probes.forEach(this::bad);
    assertEquals(3, claimFor(Duration.ofMillis(2100)).size());
  }

  @Test
  void hangingProbesKeepTheHostHalfOpenWithoutFurtherProbes() {
    trip();
    stage.enqueue(10, wish().url(URL));
    stage.claim(50);
    List<Claim> probes = new ArrayList<>();
    for (int i = 0; i < 120; i++) {
      probes.addAll(claimFor(Duration.ofSeconds(1)));
      stage
          .store
          .works()
          .getFirst()
          .renew(
              WORKER,
              LEASE,
              probes.stream().map(claim -> new Running(claim.id(), claim.number())).toList());
    }
    assertEquals(3, probes.size());
    probes.forEach(this::good);
    assertEquals(6, claimFor(STEP.multipliedBy(2)).size());
  }

  @Test
  void tasksOfAPausedQueueDoNotKeepOthersFromProbing() {
    trip();
    stage.queue("held", 1);
    stage.enqueue(10, wish().url(URL).queue("held"));
    stage.claim(50);
    stage.store.queues().pause("held", true);
    TaskId free = stage.enqueue(wish().url(URL));
    stage.claim(50);
    List<Claim> probes = claimFor(Duration.ofSeconds(6));
    assertEquals(List.of(free), probes.stream().map(Claim::id).toList());
    stage.store.queues().pause("held", false);
    good(probes.getFirst());
    assertEquals(4, claimFor(Duration.ofSeconds(1)).size());
  }

  @Test
  void closingABreakerStartsAllWaitingTasks() {
    trip();
    stage.enqueue(600, wish().url(URL));
    while (stage.exchange(WORKER, 100).again()) {
      // a claim sets some of them aside
    }
    assertTrue(stage.store.hosts().close("down.test"));
    assertFalse(stage.store.hosts().close("down.test"));
    long from = stage.now();
    int claimed = 0;
    while (claimed < 600 && stage.now() < from + 1000) {
      claimed += stage.exchange(WORKER, 100).claims().size();
      stage.pass(Duration.ofMillis(1));
    }
    assertEquals(600, claimed);
  }

  @Test
  void aThresholdOfZeroClosesBreakersUnlessTheHostHasItsOwn() {
    trip();
    TaskId waits = stage.enqueue(wish().url(URL));
    stage.claim(50);
    Unconditional.put(
        stage.store.hosts(),
        new TargetHost("own.test", null, null, new TargetHost.Breaker(2, null, null), 0));
    stage.enqueue(wish().url("http://own.test/"));
    stage.settle(
        WORKER,
        stage.verdict(
            stage.claim(1).getFirst(), new Verdict.Bury(), 500, new BreakerReport.Failed(2)));
    assertEquals(2, breakers().size());
    try (Stage off = stage.withoutBreakers()) {
      assertEquals(0, off.exchange(Stage.worker(2), 0).claims().size());
      assertEquals(List.of(new Breaker("own.test:80", false)), breakers());
      List<Claim> freed = off.exchange(Stage.worker(2), 50).claims();
      assertEquals(List.of(waits), freed.stream().map(Claim::id).toList());
    }
  }

  @Test
  void theBreakerSettingsOfAHostTakePrecedence() {
    TargetHost.Breaker own = new TargetHost.Breaker(2, Duration.ofSeconds(3), 1);
    Unconditional.put(stage.store.hosts(), new TargetHost("down.test", null, null, own, 0));
    trip(1);
    assertEquals(List.of(), breakers());
    trip(2);
    assertEquals(1, breakers().size());
    stage.enqueue(20, wish().url(URL));
    stage.claim(50);
    for (long seconds : List.of(1, 2, 3, 3)) {
      List<Claim> probes = new ArrayList<>();
      long took = untilClaimed(probes).toMillis();
      assertTrue(took <= seconds * 1000 + 50 && took >= seconds * 900, took + " ms");
      assertEquals(1, probes.size());
      bad(probes.getFirst());
    }
    Unconditional.delete(stage.store.hosts(), "down.test");
    assertTrue(stage.store.hosts().close(HOST));
    trip(4);
    assertEquals(List.of(), breakers());
  }

  @Test
  void aHostWithAThresholdOfZeroIsClosedAndNeverOpens() {
    trip();
    TargetHost.Breaker never = new TargetHost.Breaker(0, null, null);
    Unconditional.put(stage.store.hosts(), new TargetHost("down.test", null, null, never, 0));
    assertEquals(List.of(), breakers());
    trip(1000);
    assertEquals(List.of(), breakers());
  }

  @Test
  void theWorkerThatChangesABreakerIsNotified() throws Exception {
    List<BreakerChange> told = Collections.synchronizedList(new ArrayList<>());
    Listener listener =
        new Listener() {
          @Override
          public void wake() {}

          @Override
          public void cancelled(TaskId id) {}

          @Override
          public void breaker(BreakerChange change) {
            told.add(change);
          }
        };
    try (AutoCloseable _ = stage.store.works().getFirst().listen(WORKER, listener)) {
      stage.enqueue(wish().url(URL));
      Claim late = stage.claim(1).getFirst();
      trip();
      stage.settle(
          WORKER,
          stage.verdict(late, new Verdict.PutBack(Duration.ZERO), -1, new BreakerReport.Failed(6)));
      stage.enqueue(2, wish().url(URL));
      stage.claim(5);
      List<Claim> probes = new ArrayList<>();
      untilClaimed(probes);
      probes.forEach(this::bad);
      probes.clear();
      untilClaimed(probes);
      probes.forEach(this::good);
    }
    assertEquals(
        List.of(
            Change.OPENED,
            Change.IS_OPEN,
            Change.HALF_OPEN,
            Change.REOPENED,
            Change.HALF_OPEN,
            Change.CLOSED),
        told.stream().map(BreakerChange::change).toList());
    assertTrue(told.stream().allMatch(change -> change.host().equals(HOST)));
    assertEquals(Duration.ofSeconds(1), told.getFirst().probeIn());
  }
}
