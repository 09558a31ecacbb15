package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.Queue;
import io.taskrunner.store.TaskStore.Moved;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Background removal: ends of retention, forgotten clients and breakers. */
class TidyScriptTest {

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

  @Test
  void aTaskIsDeletedWhenItsRetentionEnds() {
    stage.client("abc", 10);
    TaskId id = stage.enqueue(wish().retention(Duration.ofMinutes(1)));
    TaskId longer = stage.enqueue(wish().retention(Duration.ofMinutes(2)));
    stage.claim(5).forEach(stage::succeed);
    stage.pass(Duration.ofMinutes(1));
    stage.store.tidy();
    assertNull(stage.state(id));
    assertEquals(TaskState.SUCCEEDED, stage.state(longer));
    assertEquals(1, stage.redis.keys("tr:{0}:task:*").size());
    assertEquals(1, stage.store.queues().get("default").orElseThrow().stats().succeeded());
  }

  @Test
  void aDeadTaskIsDeletedWithItsLogAfterItsRetention() {
    TaskId id = stage.enqueue(wish());
    stage.settle(WORKER, stage.verdict(stage.claim(1).getFirst(), new Verdict.Bury(), 400));
    stage.pass(Duration.ofDays(30).minusMillis(1));
    stage.store.tidy();
    assertEquals(TaskState.DEAD, stage.state(id));
    stage.pass(Duration.ofMillis(1));
    stage.store.tidy();
    assertNull(stage.state(id));
    assertEquals(List.of(), stage.redis.keys("tr:{0}:task:*"));
    assertEquals("0", stage.flow("default", "dead_bytes"));
  }

  @Test
  void aShortRetentionKeepsTheHeadForSomeTime() {
    stage.enqueue(wish().retention(Duration.ofSeconds(1)));
    Claim claim = stage.claim(1).getFirst();
    stage.succeed(claim);
    stage.pass(Duration.ofSeconds(2));
    stage.store.tidy();
    assertNull(stage.state(claim.id()));
    assertEquals(1, stage.redis.keys("tr:{0}:task:*").size());
    stage.pass(Duration.ofSeconds(8));
    stage.store.tidy();
    assertEquals(0, stage.redis.keys("tr:{0}:task:*").size());
  }

  @Test
  void manyTasksAreDeletedInSteps() {
    stage.client("abc", 1000, 100_000);
    stage.enqueue(450, wish());
    for (int i = 0; i < 5; i++) {
      stage.claim(100).forEach(stage::succeed);
    }
    stage.pass(Duration.ofHours(1));
    int rounds = 1;
    while (stage.moves.run(Script.TIDY, 1000).number() != 0) {
      rounds++;
    }
    assertTrue(rounds >= 3);
    assertEquals(0, stage.redis.zcard("tr:{0}:retire"));
  }

  @Test
  void anAutoRegisteredClientIsDeletedADayAfterItsLastTask() {
    stage.client("known", 1);
    stage.enqueue(wish().client("guest").retention(Duration.ZERO));
    stage.enqueue(wish().client("stays").in(Duration.ofDays(3)));
    stage.succeed(stage.claim(1).getFirst());
    stage.pass(Duration.ofHours(24).minusMillis(1));
    stage.store.tidy();
    assertTrue(stage.store.clients().get("guest").isPresent());
    stage.pass(Duration.ofMillis(1));
    stage.store.tidy();
    assertTrue(stage.store.clients().get("guest").isEmpty());
    assertTrue(stage.store.clients().get("stays").isPresent());
    assertTrue(stage.store.clients().get("known").isPresent());
    assertEquals(List.of(), stage.redis.keys("tr:{0}:client:guest*"));
    stage.enqueue(wish().client("guest"));
  }

  @Test
  void aDeadTaskCanBeRetriedAfterItsAutoRegisteredClientWasForgotten() {
    TaskId retried = deadTaskOf("guest");
    TaskId replayed = deadTaskOf("visitor");
    stage.pass(Duration.ofHours(25));
    stage.store.tidy();
    assertTrue(stage.store.clients().get("guest").isEmpty());
    assertInstanceOf(Moved.Done.class, stage.store.tasks().retry(retried));
    assertEquals(TaskState.READY, stage.state(retried));
    assertTrue(stage.store.clients().get("guest").isPresent());
    assertEquals(1, stage.store.queues().replayDead("default", null, null).orElseThrow());
    assertEquals(TaskState.READY, stage.state(replayed));
    stage.claim(2).forEach(stage::succeed);
    stage.pass(Duration.ofHours(25));
    stage.store.tidy();
    assertTrue(stage.store.clients().get("guest").isEmpty(), "it is forgotten as before");
  }

  private TaskId deadTaskOf(String client) {
    TaskId id = stage.enqueue(wish().client(client));
    stage.settle(WORKER, stage.verdict(stage.claim(1).getFirst(), new Verdict.Bury(), 400));
    return id;
  }

  @Test
  void aDeadTaskOfADeletedClientIsNotRetried() {
    TaskId id = deadTaskOf("guest");
    Unconditional.delete(stage.store.clients(), "guest");
    assertFalse(stage.store.tasks().retry(id) instanceof Moved.Done);
    assertEquals(TaskState.DEAD, stage.state(id));
  }

  @Test
  void cancelledTasksAreNotCountedAsSucceeded() {
    stage.client("abc", 10);
    stage.enqueue(3, wish().retention(Duration.ofMinutes(1)));
    stage.claim(3).forEach(stage::succeed);
    for (TaskId id : stage.enqueue(2, wish().retention(Duration.ofMinutes(2)))) {
      stage.store.tasks().cancel(id);
    }
    assertCounts(3, 2);
    stage.pass(Duration.ofMinutes(1));
    stage.store.tidy();
    assertCounts(0, 2);
    stage.pass(Duration.ofMinutes(1));
    stage.store.tidy();
    assertCounts(0, 0);
  }

  private void assertCounts(long succeeded, long cancelled) {
    Queue.Stats stats = stage.store.queues().get("default").orElseThrow().stats();
    assertEquals(succeeded, stats.succeeded());
    assertEquals(cancelled, stats.cancelled());
  }

  @Test
  void anUnusedBreakerIsDeleted() {
    stage.enqueue(wish());
    stage.settle(
        WORKER,
        stage.verdict(
            stage.claim(1).getFirst(), new Verdict.Bury(), 500, new BreakerReport.Failed(5)));
    stage.pass(Duration.ofMinutes(59));
    stage.store.tidy();
    assertEquals(1, stage.store.works().getFirst().breakers().size());
    stage.pass(Duration.ofMinutes(3));
    stage.store.tidy();
    assertEquals(0, stage.store.works().getFirst().breakers().size());
  }
}
