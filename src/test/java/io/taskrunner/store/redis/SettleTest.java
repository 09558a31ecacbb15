package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Settled;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A verdict takes effect once, and only while the task is the worker's. */
class SettleTest {

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

  private Claim claimOne(Stage.Wish wish) {
    TaskId id = stage.enqueue(wish);
    Claim claim = stage.claim(1).getFirst();
    assertEquals(id, claim.id());
    return claim;
  }

  private Settled settle(Claim claim, Verdict verdict, int status) {
    return stage.settle(WORKER, stage.verdict(claim, verdict, status));
  }

  private Task task(Claim claim) {
    return stage.store.tasks().get(claim.id()).orElseThrow();
  }

  @Test
  void aSuccessIsKeptWithoutItsBodyForItsRetention() {
    Claim claim = claimOne(wish().retention(Duration.ofMinutes(1)));
    assertEquals(Settled.DONE, settle(claim, new Verdict.Succeed(), 204));
    assertEquals(TaskState.SUCCEEDED, task(claim).state());
    assertTrue(task(claim).bodyDropped());
    assertEquals(OptionalInt.of(204), task(claim).lastStatus());
    stage.pass(Duration.ofMinutes(1));
    assertNull(stage.state(claim.id()));
  }

  @Test
  void aVerdictIsAppliedOnce() {
    Claim claim = claimOne(wish());
    assertEquals(Settled.DONE, settle(claim, new Verdict.Retry(Duration.ofSeconds(1)), 500));
    assertEquals(Settled.REPEATED, settle(claim, new Verdict.Retry(Duration.ofSeconds(1)), 500));
    assertEquals(Settled.REPEATED, settle(claim, new Verdict.Succeed(), 200));
    assertEquals(TaskState.RETRY, task(claim).state());
    assertEquals(1, task(claim).attempts().size());
  }

  @Test
  void aLateVerdictChangesNothing() {
    Claim first = claimOne(wish());
    settle(first, new Verdict.PutBack(Duration.ZERO), -1);
    Claim second = stage.exchange(Stage.worker(2), 1).claims().getFirst();
    assertEquals(Settled.LATE, settle(first, new Verdict.Bury(), 400));
    assertEquals(
        Settled.LATE, stage.settle(WORKER, stage.verdict(second, new Verdict.Bury(), 400)));
    assertEquals(TaskState.ACTIVE, task(first).state());
  }

  @Test
  void theBackoffStartsAtTheOutcome() {
    Claim claim = claimOne(wish());
    Settlement verdict = stage.verdict(claim, new Verdict.Retry(Duration.ofSeconds(10)), 503);
    stage.settle(
        WORKER,
        new Settlement(
            verdict.id(),
            verdict.claim(),
            verdict.verdict(),
            verdict.attempt(),
            Duration.ofSeconds(4),
            verdict.breaker()));
    assertEquals(Instant.ofEpochMilli(Stage.START + 6000), task(claim).due());
    assertEquals(Instant.ofEpochMilli(Stage.START), task(claim).scheduled(), "what was asked for");
    stage.pass(Duration.ofSeconds(6));
    Claim second = stage.claim(1).getFirst();
    assertEquals(2, second.start().attempt());
    assertEquals(0, second.start().answersBelow500());
    assertEquals(OptionalInt.of(503), second.start().previousStatus());
  }

  @Test
  void aReturnedTaskUsesNoAttempt() {
    Claim first = claimOne(wish());
    settle(first, new Verdict.PutBack(Duration.ofSeconds(5)), -1);
    assertEquals(TaskState.SCHEDULED, task(first).state());
    stage.pass(Duration.ofSeconds(5));
    Claim second = stage.claim(1).getFirst();
    assertEquals(1, second.start().attempt());
    settle(second, new Verdict.Retry(Duration.ZERO), 500);
    Claim third = stage.claim(1).getFirst();
    settle(third, new Verdict.PutBack(Duration.ofSeconds(5)), -1);
    assertEquals(TaskState.RETRY, task(first).state());
    stage.pass(Duration.ofSeconds(5));
    assertEquals(2, stage.claim(1).getFirst().start().attempt());
  }

  @Test
  void theLastTenAttemptsAreKept() {
    Claim claim = claimOne(wish());
    for (int i = 0; i < 12; i++) {
      settle(claim, new Verdict.Retry(Duration.ZERO), 500 + i);
      claim = stage.claim(1).getFirst();
    }
    settle(claim, new Verdict.Succeed(), 200);
    List<Attempt> attempts = task(claim).attempts();
    assertEquals(10, attempts.size());
    assertEquals(4, attempts.getFirst().number());
    assertEquals(OptionalInt.of(200), attempts.getLast().status());
  }

  @Test
  void onlyTheHeadOfATaskWithoutRetentionRemains() {
    Claim claim = claimOne(wish().retention(Duration.ZERO));
    settle(claim, new Verdict.Retry(Duration.ofSeconds(9)), 500);
    stage.store.tasks().cancel(claim.id());
    assertNull(stage.state(claim.id()));
    assertEquals(List.of(), stage.redis.keys("tr:{0}:task:*:log"));
    Claim other = claimOne(wish().retention(Duration.ZERO));
    settle(other, new Verdict.Retry(Duration.ZERO), 500);
    Claim again = stage.claim(1).getFirst();
    settle(again, new Verdict.Succeed(), 200);
    assertEquals(Settled.REPEATED, settle(again, new Verdict.Succeed(), 200));
    assertEquals(List.of(), stage.redis.keys("tr:{0}:task:*:log"));
    assertEquals(0, stage.redis.zcard("tr:{0}:retire"));
    stage.pass(Duration.ofHours(-2));
    assertNull(stage.state(other.id()));
  }

  @Test
  void aCancelledTaskIsNotRetried() {
    Claim claim = claimOne(wish());
    stage.store.tasks().cancel(claim.id());
    assertEquals(TaskState.CANCELLED, task(claim).state());
    settle(claim, new Verdict.Retry(Duration.ZERO), 500);
    assertEquals(TaskState.CANCELLED, task(claim).state());
    assertEquals(0, stage.claim(1).size());
  }

  @Test
  void twoHundredVerdictsAreAppliedInFewCalls() {
    stage.client("abc", 1000, 100_000);
    stage.enqueue(200, wish());
    List<Claim> claims = new ArrayList<>(stage.claim(100));
    claims.addAll(stage.claim(100));
    List<Settlement> verdicts =
        claims.stream().map(claim -> stage.verdict(claim, new Verdict.Succeed(), 200)).toList();
    int settled = 0;
    for (int calls = 0; settled < 200; calls++) {
      assertTrue(calls < 3, settled + " in " + calls + " calls");
      List<Settled> some =
          stage.store.works().getFirst().settle(WORKER, verdicts.subList(settled, 200));
      assertTrue(some.stream().allMatch(one -> one == Settled.DONE), some::toString);
      settled += some.size();
    }
    assertEquals(200, stage.store.queues().get("default").orElseThrow().stats().succeeded());
  }
}
