package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.LEASE;
import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Ended;
import io.taskrunner.store.WorkStore.Exchange;
import io.taskrunner.store.WorkStore.Recovered;
import io.taskrunner.store.WorkStore.Running;
import io.taskrunner.store.WorkStore.Settled;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Retry;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Leases: kept by renewal, ended without it, extended after an outage. */
class RenewTest {

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

  private static final String OTHER = Stage.worker(2);

  private List<Ended> renew(Claim claim) {
    return stage
        .store
        .works()
        .getFirst()
        .renew(WORKER, LEASE, List.of(new Running(claim.id(), claim.number())));
  }

  /** Time passes while a worker beats, so that ended leases are noticed. */
  private Exchange beat(Duration time) {
    Exchange last = null;
    for (long left = time.toMillis(); left > 0; left -= 1000) {
      stage.pass(Duration.ofMillis(Math.min(left, 1000)));
      last = stage.exchange(OTHER, 0);
    }
    if (last == null) {
      throw new IllegalArgumentException("no time");
    }
    return last;
  }

  @Test
  void aRenewedLeaseStaysValid() {
    stage.enqueue(wish());
    beat(LEASE);
    Claim claim = stage.claim(1).getFirst();
    for (int i = 0; i < 5; i++) {
      beat(LEASE.minusSeconds(1));
      assertEquals(List.of(), renew(claim));
    }
    assertEquals(TaskState.ACTIVE, stage.state(claim.id()));
    assertEquals(Settled.DONE, stage.succeed(claim));
  }

  @Test
  void anEndedLeaseIsALostAttempt() {
    stage.enqueue(wish());
    beat(LEASE);
    Claim claim = stage.claim(1).getFirst();
    assertEquals(List.of(), beat(LEASE.minusMillis(1)).recovered());
    stage.pass(Duration.ofMillis(1));
    assertEquals(
        List.of(new Recovered(claim.id(), "default", false)), stage.exchange(OTHER, 0).recovered());
    Task task = stage.store.tasks().get(claim.id()).orElseThrow();
    assertEquals(TaskState.RETRY, task.state());
    assertEquals(Optional.of(AttemptError.LEASE_LOST), task.lastError());
    assertEquals(1, task.attempts().size());
    assertEquals(List.of(new Ended(claim.id(), claim.number(), false)), renew(claim));
    assertEquals(Settled.LATE, stage.succeed(claim));
    beat(Duration.ofSeconds(1));
    assertEquals(2, stage.exchange(OTHER, 1).claims().getFirst().start().attempt());
  }

  @Test
  void aTaskThatKillsItsWorkersEndsDead() {
    TaskId id =
        stage.enqueue(wish().retry(new Retry(1, Duration.ofSeconds(1), null, null, null, null)));
    beat(LEASE);
    stage.claim(1);
    beat(LEASE);
    beat(Duration.ofSeconds(1));
    stage.claim(1);
    assertTrue(beat(LEASE).recovered().getFirst().dead());
    assertEquals(TaskState.DEAD, stage.state(id));
    assertEquals(2, stage.store.tasks().get(id).orElseThrow().attempts().size());
  }

  @Test
  void afterAGapInTheHeartbeatsWorkersMayRenewFirst() {
    stage.enqueue(wish());
    beat(LEASE);
    Claim claim = stage.claim(1).getFirst();
    stage.pass(LEASE.multipliedBy(5));
    stage.exchange(OTHER, 0);
    assertEquals(TaskState.ACTIVE, stage.state(claim.id()));
    beat(LEASE.minusSeconds(1));
    assertEquals(List.of(), renew(claim));
    beat(LEASE.minusSeconds(1));
    assertEquals(TaskState.ACTIVE, stage.state(claim.id()));
    beat(Duration.ofSeconds(1));
    assertEquals(TaskState.RETRY, stage.state(claim.id()));
  }

  @Test
  void afterAClockSetBackLeasesStillEnd() {
    stage.enqueue(wish());
    beat(LEASE);
    Claim claim = stage.claim(1).getFirst();
    stage.pass(Duration.ofMinutes(-10));
    assertEquals(List.of(), renew(claim));
    beat(LEASE.minusSeconds(1));
    assertEquals(TaskState.ACTIVE, stage.state(claim.id()));
    beat(Duration.ofSeconds(2));
    assertEquals(TaskState.RETRY, stage.state(claim.id()));
  }

  @Test
  void aCancelledTaskIsReportedAtItsRenewal() {
    stage.enqueue(wish());
    Claim claim = stage.claim(1).getFirst();
    stage.store.tasks().cancel(claim.id());
    assertEquals(List.of(new Ended(claim.id(), claim.number(), true)), renew(claim));
    beat(LEASE.multipliedBy(2));
    assertEquals(TaskState.CANCELLED, stage.state(claim.id()));
  }

  @Test
  void anUnknownClaimIsRestoredByItsRenewal() {
    stage.client("abc", 5);
    stage.enqueue(wish());
    stage.enqueue(wish().in(Duration.ofSeconds(1)));
    stage.pass(Duration.ofSeconds(1));
    List<Claim> claims = stage.claim(2);
    for (Claim claim : claims) {
      stage.settle(WORKER, stage.verdict(claim, new Verdict.PutBack(Duration.ZERO), -1));
    }
    // As after a failover: the worker runs them under numbers that Redis does not know.
    long forgotten = claims.getFirst().number() + 5;
    assertEquals(
        List.of(),
        stage
            .store
            .works()
            .getFirst()
            .renew(WORKER, LEASE, List.of(new Running(claims.getFirst().id(), forgotten))));
    assertEquals(TaskState.ACTIVE, stage.state(claims.getFirst().id()));
    stage.proven();
    Claim second = claims.getLast();
    assertEquals(
        Settled.DONE,
        stage.settle(
            WORKER,
            new Settlement(
                second.id(),
                forgotten,
                new Verdict.Succeed(),
                null,
                Duration.ZERO,
                new BreakerReport.None())));
    assertEquals(TaskState.SUCCEEDED, stage.state(second.id()));
  }

  @Test
  void fiveHundredLeasesAreRenewedAtOnce() {
    stage.client("abc", 1000, 100_000);
    stage.enqueue(500, wish());
    List<Running> running = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      stage.claim(100).forEach(claim -> running.add(new Running(claim.id(), claim.number())));
    }
    assertEquals(List.of(), stage.store.works().getFirst().renew(WORKER, LEASE, running));
    assertEquals(500, stage.store.works().getFirst().renew(OTHER, LEASE, running).size());
    assertEquals(500, stage.redis.zcard("tr:{0}:leases"));
  }
}
