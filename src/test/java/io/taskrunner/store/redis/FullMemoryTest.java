package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.LEASE;
import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.RedisCommandExecutionException;
import io.taskrunner.schedule.CatchUp;
import io.taskrunner.schedule.Overlap;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.TaskStore.Moved;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Running;
import io.taskrunner.store.WorkStore.Settled;
import io.taskrunner.store.redis.doctor.Finding;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Ticks;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * When Redis has no memory left, no task is accepted, and everything that frees memory continues.
 */
class FullMemoryTest {

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

  /** From here on Redis rejects commands that need memory. */
  private void full() {
    stage.redis.configSet("maxmemory", "1000000");
    try {
      stage.redis.set("something", "more");
      throw new AssertionError("memory is not full");
    } catch (RedisCommandExecutionException refused) {
      assertTrue(refused.getMessage().startsWith("OOM"), refused::getMessage);
    }
  }

  @AfterEach
  void makeRoom() {
    stage.redis.configSet("maxmemory", "0");
  }

  @Test
  void anEnqueueIsRejectedAndLeavesNothing() {
    stage.enqueue(wish());
    full();
    assertInstanceOf(EnqueueResult.StoreFull.class, stage.put(wish()));
    assertInstanceOf(EnqueueResult.StoreFull.class, stage.put(wish().in(Duration.ofHours(1))));
    assertInstanceOf(
        EnqueueResult.StoreFull.class, stage.put(wish().client("fresh").key("k", "p")));
    assertEquals(3, stage.store.fullRefusals());
    assertTrue(stage.store.clients().get("fresh").isEmpty());
    assertEquals(1, stage.redis.keys("tr:{0}:task:*").size());
    assertEquals(1, stage.counts("abc").accepted());
    stage.proven();
    makeRoom();
    stage.enqueue(wish().client("fresh"));
  }

  @Test
  void aDuplicateIsStillAnswered() {
    TaskId first = stage.enqueue(wish().key("k", "p"));
    full();
    EnqueueResult again = stage.put(wish().key("k", "p"));
    assertEquals(first, assertInstanceOf(EnqueueResult.Duplicate.class, again).id());
  }

  @Test
  void existingTasksAreClaimedRenewedAndSettled() {
    stage.client("abc", 10);
    stage.enqueue(4, wish());
    TaskId later = stage.enqueue(wish().in(Duration.ofSeconds(1)));
    full();
    List<Claim> claims = stage.claim(4);
    assertEquals(4, claims.size());
    assertEquals(
        List.of(),
        stage
            .store
            .works()
            .getFirst()
            .renew(
                WORKER,
                LEASE,
                claims.stream().map(claim -> new Running(claim.id(), claim.number())).toList()));
    assertEquals(Settled.DONE, stage.succeed(claims.get(0)));
    assertEquals(
        Settled.DONE,
        stage.settle(
            WORKER, stage.verdict(claims.get(1), new Verdict.Retry(Duration.ofSeconds(1)), 500)));
    assertEquals(
        Settled.DONE, stage.settle(WORKER, stage.verdict(claims.get(2), new Verdict.Bury(), 400)));
    assertEquals(
        Settled.DONE,
        stage.settle(
            WORKER, stage.verdict(claims.get(3), new Verdict.PutBack(Duration.ofSeconds(9)), -1)));
    stage.pass(Duration.ofSeconds(1));
    assertEquals(2, stage.claim(5).size());
    assertEquals(TaskState.ACTIVE, stage.state(later));
  }

  @Test
  void operatorsCanFreeMemory() {
    stage.client("abc", 1);
    TaskId running = stage.enqueue(wish());
    stage.claim(1);
    TaskId ready = stage.enqueue(wish());
    TaskId scheduled = stage.enqueue(wish().in(Duration.ofHours(1)));
    stage.enqueue(3, wish().queue("low"));
    stage.queue("other", 1);
    stage.enqueue(wish().queue("other").client("two"));
    full();
    assertInstanceOf(Moved.Done.class, stage.store.tasks().cancel(ready));
    assertInstanceOf(Moved.Done.class, stage.store.tasks().cancel(running));
    assertInstanceOf(Moved.Done.class, stage.store.tasks().runNow(scheduled));
    assertTrue(stage.store.queues().purge("low"));
    assertTrue(stage.store.queues().dropDead("default"));
    assertTrue(stage.store.queues().pause("default", true));
    stage.store.queues().pauseAll(true);
    stage.store.queues().pauseAll(false);
    Unconditional.delete(stage.store.queues(), "other", true);
    Unconditional.delete(stage.store.clients(), "two");
    stage.store.works().getFirst().leave(WORKER);
    stage.store.tidy();
    assertNull(stage.state(stage.id()));
    assertEquals(0, stage.redis.llen("tr:{0}:drain"));
  }

  @Test
  void aProcessCanStartAndLimitsCanBeRaised() {
    stage.client("abc", 1);
    stage.enqueue(2, wish());
    assertEquals(1, stage.claim(5).size());
    full();
    try (Stage second = Stage.open(REDIS)) {
      second.client("abc", 2);
      second.tier("free", 9, 9);
      second.queue("default", 4);
      assertEquals(1, second.exchange(Stage.worker(2), 5).claims().size());
    }
  }

  @Test
  void endedLeasesAreReturned() {
    stage.enqueue(wish());
    for (int i = 0; i < 31; i++) {
      stage.pass(Duration.ofSeconds(1));
      stage.exchange(Stage.worker(2), 0);
    }
    Claim claim = stage.claim(1).getFirst();
    full();
    for (int i = 0; i < 30; i++) {
      stage.pass(Duration.ofSeconds(1));
      stage.exchange(Stage.worker(2), 0);
    }
    assertEquals(TaskState.RETRY, stage.state(claim.id()));
  }

  @Test
  void aRunOfAScheduleWaitsForMemoryAndIsNotLost() {
    Schedule.Settings settings =
        new Schedule.Settings(
            "abc",
            "default",
            new Rhythm.Every(Duration.ofSeconds(10)),
            Overlap.ALLOW,
            CatchUp.NONE,
            Duration.ZERO,
            false,
            wish().spec());
    for (int i = 0; i < 101; i++) {
      Unconditional.put(stage.store.schedules(), "s" + i, settings);
    }
    stage.pass(Duration.ofSeconds(10));
    full();
    // More of them than one run handles: it runs again in a second, not over and over.
    assertEquals(Duration.ofSeconds(1), Ticks.tick(stage.store.schedules()));
    assertInstanceOf(ScheduleStore.Ran.Full.class, stage.store.schedules().run("s0"));
    assertEquals(0, stage.redis.keys("tr:{0}:task:*").size());
    stage.pass(Duration.ofSeconds(5));
    makeRoom();
    while (Ticks.tick(stage.store.schedules()).isZero()) {}
    assertEquals(101, stage.redis.keys("tr:{0}:task:*").size());
    assertEquals(0, stage.store.schedules().get("s0").orElseThrow().missed());
  }

  @Test
  void theDoctorRepairs() {
    stage.enqueue(wish());
    stage.redis.hset("tr:{0}:shard", "weights", "99");
    full();
    assertEquals(
        List.of("weights_wrong"),
        stage.store.doctor().repair(false).stream().map(Finding::kind).toList());
  }

  @Test
  void bytesAcceptedBetweenTwoReadingsAreBounded() {
    stage.redis.configSet("maxmemory", Long.toString(used() + 10_000_000));
    stage.store.everySecond();
    String body = "x".repeat(100_000);
    stage.client("abc", 1, 1_000_000);
    int taken = 0;
    while (stage.put(wish().body(body)) instanceof EnqueueResult.Enqueued) {
      taken++;
    }
    assertTrue(taken >= 3 && taken <= 10, taken + " of 100 kB each");
    stage.store.everySecond();
    stage.enqueue(wish().body(body));
  }

  @Test
  void finishedTasksAreTrimmedBeforeCallsAreRejected() {
    stage.client("abc", 100, 1_000_000);
    stage.enqueue(90, wish());
    stage.claim(90).forEach(stage::succeed);
    stage.redis.configSet("maxmemory", Long.toString(used()));
    stage.store.everySecond();
    assertEquals(0, stage.store.queues().get("default").orElseThrow().stats().succeeded());
    assertEquals(90, stage.store.trimmedDone());
  }

  private long used() {
    return stage
        .redis
        .info("memory")
        .lines()
        .filter(line -> line.startsWith("used_memory:"))
        .mapToLong(line -> Long.parseLong(line.substring("used_memory:".length()).strip()))
        .findFirst()
        .orElseThrow();
  }
}
