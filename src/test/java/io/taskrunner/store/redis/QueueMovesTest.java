package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.api.sync.RedisCommands;
import io.taskrunner.client.Limits;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.Queue;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.QueueStore.Deleted;
import io.taskrunner.store.TargetHost;
import io.taskrunner.store.TaskStore.Moved;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Operators' changes of queues and their tasks. */
class QueueMovesTest {

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

  private Queue.Stats stats(String queue) {
    return stage.store.queues().get(queue).orElseThrow().stats();
  }

  private void bury(int count, Stage.Wish wish) {
    stage.enqueue(count, wish);
    List<Claim> claims = stage.claim(count);
    assertEquals(count, claims.size());
    for (Claim claim : claims) {
      stage.pass(Duration.ofMillis(1));
      stage.settle(WORKER, stage.verdict(claim, new Verdict.Bury(), 400));
    }
  }

  @Test
  void aPausedQueueAcceptsTasksAndRunningOnesContinue() {
    stage.client("abc", 10);
    stage.enqueue(wish());
    Claim running = stage.claim(1).getFirst();
    assertTrue(stage.store.queues().pause("default", true));
    TaskId held = stage.enqueue(wish());
    TaskId later = stage.enqueue(wish().in(Duration.ofSeconds(1)));
    stage.pass(Duration.ofSeconds(1));
    assertEquals(0, stage.claim(5).size());
    assertEquals(2, stats("default").ready());
    stage.succeed(running);
    stage.proven();
    assertTrue(stage.store.queues().pause("default", false));
    assertEquals(List.of(held, later), stage.claim(5).stream().map(Claim::id).toList());
    assertFalse(stage.store.queues().pause("nowhere", true));
  }

  @Test
  void aPurgeDropsOnlyWaitingTasks() {
    stage.client("abc", 2);
    stage.enqueue(wish());
    TaskId running = stage.enqueue(wish());
    assertEquals(2, stage.claim(5).size());
    TaskId parked = stage.enqueue(wish());
    TaskId scheduled = stage.enqueue(wish().in(Duration.ofSeconds(9)));
    assertEquals(0, stage.claim(5).size());
    assertEquals(1, stage.redis.scard("tr:{0}:client:abc:parked"));

    assertTrue(stage.store.queues().purge("default"));
    assertNull(stage.state(parked));
    assertNull(stage.state(scheduled));
    assertNull(stage.state(running));
    assertEquals(0, stats("default").ready() + stats("default").scheduled());
    assertEquals(2, stats("default").active());
    assertInstanceOf(Moved.NotFound.class, stage.store.tasks().cancel(parked));
    assertInstanceOf(Moved.NotFound.class, stage.store.tasks().runNow(scheduled));
    TaskId fresh = stage.enqueue(wish());
    stage.proven();
    stage.store.tidy();
    stage.proven();
    assertEquals(0, stage.redis.scard("tr:{0}:client:abc:parked"));
    assertEquals(3, stage.counts("abc").live());

    // A running task keeps its place until it ends, and is then gone.
    assertEquals(0, stage.claim(5).size());
    for (Claim claim : stage.again(WORKER, 5).claims()) {
      stage.succeed(claim);
    }
    assertEquals(TaskState.READY, stage.state(fresh));
  }

  @Test
  void runningTasksOfAPurgedQueueAreDeletedWhenTheyEnd() {
    stage.enqueue(2, wish());
    List<Claim> claims = stage.claim(2);
    stage.store.queues().purge("default");
    stage.succeed(claims.getFirst());
    stage.settle(WORKER, stage.verdict(claims.getLast(), new Verdict.Retry(Duration.ZERO), 500));
    assertEquals(0, stage.queueCounts("default").running());
    assertEquals(0, stage.counts("abc").live());
    assertEquals(List.of(), stage.redis.keys("tr:{0}:task:*"));
  }

  @Test
  void aLargePurgeIsDrainedInSteps() {
    stage.client("abc", 2, 1_000_000);
    stage.client("two", 2, 1_000_000);
    stage.enqueue(700, wish());
    stage.enqueue(100, wish().client("two"));
    stage.enqueue(500, wish().in(Duration.ofHours(1)));
    stage.store.queues().purge("default");
    stage.enqueue(wish());
    stage.proven();
    int rounds = 0;
    while (tidy()) {
      rounds++;
      stage.proven();
    }
    assertTrue(rounds >= 2);
    assertEquals(1, stage.redis.keys("tr:{0}:task:*").size());
  }

  @Test
  void aQueueIsDeletedWhenItIsEmptyOrByForce() {
    stage.queue("other", 2);
    TaskId id = stage.enqueue(wish().queue("other"));
    assertEquals(Deleted.NOT_EMPTY, Unconditional.delete(stage.store.queues(), "other", false));
    Claim claim = stage.claim(1).getFirst();
    assertEquals(Deleted.NOT_EMPTY, Unconditional.delete(stage.store.queues(), "other", false));
    assertEquals(Deleted.DONE, Unconditional.delete(stage.store.queues(), "other", true));
    assertEquals(Deleted.NOT_FOUND, Unconditional.delete(stage.store.queues(), "other", true));
    assertNull(stage.state(id));
    assertInstanceOf(EnqueueResult.QueueNotFound.class, stage.put(wish().queue("other")));
    stage.proven();
    stage.succeed(claim);
    assertEquals(List.of(), stage.redis.keys("tr:{0}:task:*"));
    assertTrue(stage.store.queues().get("other").isEmpty());
  }

  @Test
  void aRecreatedQueueInheritsNothing() {
    stage.client("abc", 10);
    stage.queue("other", 2);
    TaskId old = stage.enqueue(wish().queue("other"));
    stage.enqueue(wish().queue("other").in(Duration.ofSeconds(1)));
    stage.store.queues().pause("other", true);
    Unconditional.delete(stage.store.queues(), "other", true);
    stage.queue("other", 2);
    assertFalse(stage.store.queues().get("other").orElseThrow().paused());
    TaskId fresh = stage.enqueue(wish().queue("other"));
    stage.pass(Duration.ofSeconds(2));
    assertEquals(List.of(fresh), stage.claim(5).stream().map(Claim::id).toList());
    assertNull(stage.state(old));
    stage.store.tidy();
    stage.proven();
  }

  @Test
  void deadTasksAreReplayedOldestFirst() {
    stage.client("abc", 100);
    stage.client("two", 100);
    bury(3, wish());
    bury(2, wish().client("two"));
    assertEquals(Optional.of(1L), stage.store.queues().replayDead("default", 1L, "two"));
    assertEquals(4, stats("default").dead());
    assertEquals(Optional.of(2L), stage.store.queues().replayDead("default", 2L, null));
    assertEquals(Optional.of(2L), stage.store.queues().replayDead("default", null, null));
    assertEquals(0, stats("default").dead());
    assertEquals("0", stage.flow("default", "dead_bytes"));
    List<Claim> claims = stage.claim(10);
    assertEquals(5, claims.size());
    assertTrue(claims.stream().allMatch(claim -> claim.start().attempt() == 1));
    assertEquals(Optional.empty(), stage.store.queues().replayDead("nowhere", null, null));
  }

  @Test
  void moreThanTwoHundredDeadTasksAreReplayed() {
    stage.client("abc", 1000, 100_000);
    for (int i = 0; i < 5; i++) {
      bury(90, wish());
    }
    assertEquals(Optional.of(450L), stage.store.queues().replayDead("default", null, null));
    assertEquals(450, stats("default").ready());
  }

  @Test
  void deadTasksAreDroppedAsOfTheCall() {
    stage.client("abc", 100);
    bury(3, wish());
    assertTrue(stage.store.queues().dropDead("default"));
    stage.pass(Duration.ofMillis(1));
    bury(1, wish());
    stage.store.tidy();
    assertEquals(1, stats("default").dead());
  }

  private boolean tidy() {
    return stage.moves.run(Script.TIDY, 1000).number() == 1;
  }

  @Test
  void aRaisedLimitDoesNotWaitBehindALargePurge() {
    stage.tier("small", 1, Limits.MAX);
    stage.client("abc", 1000, 1_000_000);
    Unconditional.set(stage.store.clients(), "one", ClientChange.of().tier("small").done());
    stage.enqueue(3000, wish().in(Duration.ofHours(1)));
    stage.store.queues().purge("default");
    stage.enqueue(2, wish().client("one"));
    assertEquals(1, stage.claim(5).size());
    stage.redis.rpush("tr:{0}:unparking", "t:");
    stage.redis.hset("tr:{0}:tiers", "small", "2:1000000");
    assertTrue(tidy(), "most of the purge is still to be done");
    assertEquals(1, stage.claim(5).size());
  }

  @Test
  void aSmallDeletionDoesNotWaitBehindALargePurge() {
    stage.client("abc", 1000, 1_000_000);
    stage.queue("small", 1);
    stage.enqueue(3000, wish().in(Duration.ofHours(1)));
    TaskId small = stage.enqueue(wish().queue("small").in(Duration.ofHours(1)));
    stage.store.queues().purge("default");
    stage.store.queues().purge("small");
    assertTrue(tidy(), "most of the purge is still to be done");
    assertEquals(0, stage.redis.exists(stage.key("small", "").replace(".1:", ".0:due")));
    assertNull(stage.state(small));
  }

  @Test
  void aLoweredLimitAppliesWithoutAnotherTask() {
    stage.client("abc", 1000, 1_000_000);
    bury(60, wish());
    stage.enqueue(60, wish());
    for (Claim claim : stage.claim(100)) {
      stage.succeed(claim);
    }
    keep(5, 1_000_000, 7);
    stage.store.tidy();
    assertEquals(5, stats("default").dead());
    assertEquals(7, stats("default").succeeded());
    assertEquals(55, stage.store.trimmedDead());
    assertEquals(53, stage.store.trimmedDone());
    stage.proven();
  }

  /** As a claim leaves a task that waits for its host. */
  private TaskId waitingForItsHost() {
    TaskId id = stage.enqueue(wish().url("http://full.test/x").in(Duration.ofMinutes(1)));
    RedisCommands<byte[], byte[]> raw = REDIS.bytes();
    double due = stage.now() + 60_000;
    raw.zadd(Keys.bytes(stage.key("default", "due")), due + (1L << 52), id.bytes());
    raw.zadd(Keys.bytes("tr:{0}:held:full.test"), due, id.bytes());
    return id;
  }

  @Test
  void tasksAreCountedAsHeldOnlyWhileTheyAreHeld() {
    stage.client("abc", 1000, 1_000_000);
    Unconditional.put(stage.store.hosts(), new TargetHost("full.test", 1, null, 0));
    List<TaskId> waiting = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      waiting.add(waitingForItsHost());
    }
    assertEquals(40, held());
    stage.store.tasks().cancel(waiting.get(0));
    stage.store.tasks().runNow(waiting.get(1));
    assertEquals(38, held());
    stage.store.queues().purge("default");
    stage.store.tidy();
    assertEquals(0, held());
  }

  private long held() {
    return stage.store.hosts().get("full.test").orElseThrow().waiting();
  }

  @Test
  void aQueueClosedForAnAbandonedDeletionReopens() {
    stage.queue("side", 1);
    stage.store.queues().pause("side", true);
    byte[] n = Keys.bytes(stage.n("side"));
    stage.moves.run(Script.CLOSE_QUEUE, n, Keys.bytes(60_000));
    assertInstanceOf(EnqueueResult.QueueNotFound.class, stage.put(wish().queue("side")));
    stage.store.queues().pause("side", true);
    assertInstanceOf(EnqueueResult.QueueNotFound.class, stage.put(wish().queue("side")));
    stage.pass(Duration.ofMinutes(1));
    stage.store.tidy();
    stage.enqueue(wish().queue("side"));
    assertTrue(stage.store.queues().get("side").orElseThrow().paused());
    assertEquals(0, stage.redis.exists("tr:{0}:closing"));
  }

  @Test
  void aLateEarlierChangeOfAHostIsIgnored() {
    TargetHost host = new TargetHost("full.test", 1, null, 0);
    Unconditional.put(stage.store.hosts(), host);
    Unconditional.delete(stage.store.hosts(), "full.test");
    putHost(1);
    assertTrue(stage.store.hosts().get("full.test").isEmpty());
    assertTrue(stage.redis.pttl("tr:{0}:host:full.test") > 0, "it does not stay for ever");
    Unconditional.put(stage.store.hosts(), host);
    assertEquals(-1, stage.redis.pttl("tr:{0}:host:full.test"));
  }

  private void putHost(long revision) {
    byte[] none = new byte[0];
    stage.moves.run(
        Script.PUT_HOST,
        Keys.bytes("full.test"),
        Keys.bytes(9),
        none,
        none,
        none,
        none,
        none,
        Keys.bytes(revision));
  }

  @Test
  void aLateEarlierChangeOfATierIsIgnored() {
    stage.tier("own", 1, 1);
    Unconditional.deleteTier(stage.store.clients(), "own");
    stage.moves.run(
        Script.PUT_TIER, Keys.bytes("own"), Keys.bytes(9), Keys.bytes(9), Keys.bytes(1));
    assertFalse(stage.store.clients().tiers().stream().anyMatch(tier -> tier.name().equals("own")));
    stage.tier("own", 2, 2);
    assertTrue(stage.store.clients().tiers().stream().anyMatch(tier -> tier.name().equals("own")));
  }

  private void keep(int deadMax, long deadBytes, int doneMax) {
    QueueSettings d = QueueSettings.defaults(3);
    Unconditional.put(
        stage.store.queues(),
        "default",
        new QueueSettings(
            3,
            null,
            null,
            null,
            Retry.UNSET,
            null,
            d.deadRetention(),
            deadMax,
            deadBytes,
            doneMax));
  }

  @Test
  void deadAndDoneTasksAreKeptWithinTheirLimits() {
    stage.client("abc", 1000, 100_000);
    keep(5, 1_000_000, 7);
    bury(9, wish());
    assertEquals(5, stats("default").dead());
    stage.enqueue(10, wish());
    for (Claim claim : stage.claim(10)) {
      stage.succeed(claim);
    }
    assertEquals(7, stats("default").succeeded());
    stage.proven();
    assertEquals(4, stage.store.trimmedDead());
    assertEquals(3, stage.store.trimmedDone());
    keep(100, 3000, 7);
    bury(1, wish().body("x".repeat(2000)));
    bury(1, wish().body("x".repeat(2000)));
    stage.store.tidy();
    assertEquals(1, stats("default").dead());
  }

  @Test
  void theExcerptsOfDeadTasksCountAmongTheirBytes() {
    keep(100, 10_000, 7);
    for (int i = 0; i < 3; i++) {
      stage.enqueue(wish());
      stage.settle(
          WORKER, stage.failure(stage.claim(1).getFirst(), new Verdict.Bury(), "x".repeat(4000)));
      stage.proven();
    }
    assertEquals(2, stats("default").dead());
    stage.store.queues().replayDead("default", null, null);
    assertEquals("0", stage.flow("default", "dead_bytes"));
  }

  @Test
  void aWeightChangedWhileBusyIsInTheSum() {
    stage.enqueue(wish());
    stage.enqueue(wish().queue("low"));
    assertEquals("4", stage.redis.hget("tr:{0}:shard", "weights"));
    stage.queue("default", 17);
    assertEquals("18", stage.redis.hget("tr:{0}:shard", "weights"));
    stage.store.queues().purge("default");
    assertEquals("1", stage.redis.hget("tr:{0}:shard", "weights"));
    stage.store.queues().pause("low", true);
    assertEquals("0", stage.redis.hget("tr:{0}:shard", "weights"));
  }

  @Test
  void runNowMakesAWaitingTaskReady() {
    TaskId later = stage.enqueue(wish().in(Duration.ofHours(1)));
    assertInstanceOf(Moved.Done.class, stage.store.tasks().runNow(later));
    assertEquals(List.of(later), stage.claim(5).stream().map(Claim::id).toList());
    assertEquals(new Moved.WrongState(TaskState.ACTIVE), stage.store.tasks().runNow(later));
    assertEquals(new Moved.WrongState(TaskState.ACTIVE), stage.store.tasks().retry(later));
    assertInstanceOf(Moved.NotFound.class, stage.store.tasks().cancel(stage.id()));
  }

  @Test
  void aRaisedRateAppliesFromNowOn() {
    stage.client("abc", 100);
    Unconditional.put(stage.store.queues(), "default", Stage.settings(3, 0.1, 10, null));
    stage.enqueue(30, wish());
    assertEquals(10, stage.claim(50).size());
    stage.pass(Duration.ofSeconds(5));
    Unconditional.put(stage.store.queues(), "default", Stage.settings(3, 100.0, 10, null));
    assertEquals(0, stage.claim(50).size());
    stage.pass(Duration.ofMillis(20));
    assertEquals(2, stage.claim(50).size());
  }

  @Test
  void removingARateStartsAllTasks() {
    stage.client("abc", 100);
    Unconditional.put(stage.store.queues(), "default", Stage.settings(3, 0.1, 1, null));
    stage.enqueue(5, wish());
    List<Claim> claims = new ArrayList<>(stage.claim(10));
    assertEquals(1, claims.size());
    stage.queue("default", 3);
    assertEquals(4, stage.claim(10).size());
    assertEquals(0, stage.redis.zcard("tr:{0}:timers"));
  }
}
