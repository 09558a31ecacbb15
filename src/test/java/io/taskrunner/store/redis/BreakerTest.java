package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.LEASE;
import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.client.Limits;
import io.taskrunner.store.WorkStore.Breaker;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Running;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The breaker that all workers share: open, half-open with three probes, closed. */
class BreakerTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

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

  private static final String URL = "http://down.test:81/x";
  private static final String HOST = "down.test:81";
  private static final Duration OPEN = Duration.ofSeconds(30);

  private Claim trip() {
    stage.client("abc", 1000, Limits.MAX);
    stage.enqueue(wish().url(URL));
    Claim claim = stage.claim(1).getFirst();
    stage.settle(WORKER, stage.verdict(claim, new Verdict.Bury(), 500, new BreakerReport.Trip()));
    assertEquals(List.of(new Breaker(HOST, false)), stage.store.works().getFirst().breakers());
    return claim;
  }

  @Test
  void anotherSpellingOfTheHostDoesNotPassTheBreaker() {
    trip();
    stage.enqueue(wish().url("http://DOWN.test.:00081/y"));
    assertEquals(List.of(), stage.claim(1));
    stage.enqueue(wish().url("http://down.test:82/y"));
    assertEquals(1, stage.claim(2).size());
  }

  private void report(Claim claim, BreakerReport report) {
    stage.settle(WORKER, stage.verdict(claim, new Verdict.Succeed(), 200, report));
  }

  /** Claims for so long, and gives back what is claimed in that time. */
  private List<Claim> claimFor(Duration time) {
    List<Claim> claims = new ArrayList<>();
    for (long left = time.toMillis(); left > 0; left -= 100) {
      stage.pass(Duration.ofMillis(100));
      claims.addAll(stage.claim(50));
    }
    return claims;
  }

  @Test
  void tasksOfAnOpenHostTakeNoSlotAndNoAttempt() {
    trip();
    List<TaskId> held = stage.enqueue(20, wish().url(URL));
    TaskId other = stage.enqueue(wish().url("http://down.test:82/x"));
    List<Claim> claims = stage.claim(3);
    assertEquals(List.of(other), claims.stream().map(Claim::id).toList());
    for (TaskId id : held) {
      assertEquals(TaskState.SCHEDULED, stage.state(id));
      assertTrue(
          !stage
              .store
              .tasks()
              .get(id)
              .orElseThrow()
              .scheduled()
              .isBefore(Instant.ofEpochMilli(Stage.START).plus(OPEN)));
    }
    assertEquals(0, claimFor(OPEN.minusSeconds(1)).size());
  }

  @Test
  void threeProbesGoOutAndCloseIt() {
    trip();
    stage.enqueue(20, wish().url(URL));
    assertEquals(0, stage.claim(50).size());
    stage.pass(OPEN.minusSeconds(1));
    List<Claim> probes = claimFor(Duration.ofSeconds(4));
    assertEquals(3, probes.size());
    assertTrue(probes.stream().allMatch(claim -> claim.probe() && claim.attempt() == 1));
    assertEquals(List.of(new Breaker(HOST, true)), stage.store.works().getFirst().breakers());
    report(probes.get(0), new BreakerReport.Good());
    report(probes.get(1), new BreakerReport.Good());
    assertEquals(0, claimFor(Duration.ofSeconds(3)).size());
    report(probes.get(2), new BreakerReport.Good());
    assertEquals(List.of(), stage.store.works().getFirst().breakers());
    List<Claim> rest = claimFor(Duration.ofSeconds(4));
    assertEquals(17, rest.size());
    assertTrue(rest.stream().noneMatch(Claim::probe));
  }

  @Test
  void aFailedProbeOpensItOnceMoreAndEarlierProbesCountNoMore() {
    trip();
    stage.enqueue(20, wish().url(URL));
    stage.claim(50);
    stage.pass(OPEN.minusSeconds(1));
    List<Claim> probes = claimFor(Duration.ofSeconds(3));
    assertEquals(3, probes.size());
    stage.settle(
        WORKER,
        stage.verdict(
            probes.get(0), new Verdict.Retry(Duration.ZERO), 500, new BreakerReport.Bad()));
    assertEquals(List.of(new Breaker(HOST, false)), stage.store.works().getFirst().breakers());
    stage.pass(OPEN.minusSeconds(1));
    List<Claim> second = claimFor(Duration.ofSeconds(4));
    assertEquals(3, second.size());
    // The two of the first time end well now: they are none of the three that are out.
    report(probes.get(1), new BreakerReport.Good());
    report(probes.get(2), new BreakerReport.Good());
    assertEquals(0, claimFor(Duration.ofSeconds(3)).size());
    assertEquals(1, stage.store.works().getFirst().breakers().size());
    second.forEach(claim -> report(claim, new BreakerReport.Good()));
    assertEquals(0, stage.store.works().getFirst().breakers().size());
  }

  @Test
  void aProbeWhoseWorkerDiedCountsAsFailed() {
    trip();
    stage.enqueue(5, wish().url(URL));
    stage.claim(50);
    stage.pass(OPEN.minusSeconds(1));
    assertEquals(3, claimFor(Duration.ofSeconds(3)).size());
    for (int i = 0; i < 31; i++) {
      stage.pass(Duration.ofSeconds(1));
      stage.exchange(Stage.worker(2), 0);
    }
    assertEquals(List.of(new Breaker(HOST, false)), stage.store.works().getFirst().breakers());
  }

  @Test
  void aProbeThatWasNotSentGivesItsPlaceBack() {
    trip();
    stage.enqueue(5, wish().url(URL));
    stage.claim(50);
    stage.pass(OPEN.minusSeconds(1));
    List<Claim> probes = claimFor(Duration.ofSeconds(3));
    stage.settle(
        WORKER,
        stage.verdict(
            probes.getFirst(), new Verdict.PutBack(Duration.ZERO), -1, new BreakerReport.None()));
    assertEquals(1, claimFor(Duration.ofSeconds(3)).size());
  }

  @Test
  void aClockSetBackOpensItForNoLongerThanItsTime() {
    trip();
    List<TaskId> held = stage.enqueue(3, wish().url(URL));
    stage.pass(Duration.ofHours(-1));
    List<TaskId> fresh = stage.enqueue(3, wish().url(URL));
    assertEquals(0, stage.claim(50).size());
    stage.pass(OPEN.minusSeconds(1));
    List<Claim> probes = claimFor(Duration.ofSeconds(3));
    assertEquals(3, probes.size());
    // A probe that fails after the clock was set back gives its place back all the same.
    stage.pass(Duration.ofMinutes(-5));
    for (Claim probe : probes) {
      stage.settle(
          WORKER,
          stage.verdict(probe, new Verdict.Retry(Duration.ZERO), 500, new BreakerReport.Bad()));
    }
    stage.claim(50);
    stage.pass(OPEN.minusSeconds(1));
    assertEquals(3, claimFor(Duration.ofSeconds(5)).size());
    assertEquals(
        6,
        Stream.concat(held.stream(), fresh.stream()).filter(id -> stage.state(id) != null).count());
  }

  @Test
  void manyTasksOfAnOpenHostComeBackSpread() {
    trip();
    stage.enqueue(600, wish().url(URL));
    while (stage.exchange(Stage.WORKER, 100).again()) {
      // a claim puts some of them off
    }
    List<Long> back =
        stage.redis.zrangeWithScores(stage.key("default", "due"), 0, -1).stream()
            .map(due -> (long) due.getScore() - Stage.START - OPEN.toMillis())
            .toList();
    assertEquals(600, back.size());
    assertTrue(back.stream().allMatch(at -> at >= 0 && at <= 3000), back::toString);
    // Half of them in the first half: 5 ms each, give or take chance.
    long first = back.stream().filter(at -> at < 1000).count();
    assertTrue(first > 200 && first < 500, first + " in the first second");
  }

  @Test
  void theWaitDoesNotGrowWhileProbesAreOut() {
    trip();
    stage.enqueue(10, wish().url(URL));
    stage.claim(50);
    stage.pass(OPEN.minusSeconds(1));
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
    probes.forEach(claim -> report(claim, new BreakerReport.Good()));
    assertEquals(7, claimFor(Duration.ofMillis(2100)).size());
  }
}
