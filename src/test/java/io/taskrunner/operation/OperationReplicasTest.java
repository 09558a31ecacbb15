package io.taskrunner.operation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.Operation;
import io.taskrunner.store.Operation.Action;
import io.taskrunner.store.Operation.Counts;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.OperationStore.Begun;
import io.taskrunner.store.Queue;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.testkit.AtOnce;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.QuickRetry;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Operations over many shards, by several replicas, of which some die. */
class OperationReplicasTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final int SHARDS = 8;
  private static final int CLIENTS = 20;
  private static final int EACH = 10;

  private RedisStore store;
  private long now = 1;
  private Instant time;

  @BeforeEach
  void start() {
    time = InstantSource.system().instant().plusSeconds(60);
    store = open();
    for (int client = 0; client < CLIENTS; client++) {
      enqueue("client-" + client);
    }
  }

  @AfterEach
  void stop() throws Exception {
    assertEquals(List.of(), store.doctor().examine(false));
    store.close();
  }

  private RedisStore open() {
    return RedisStore.open(StoreOptions.defaults(REDIS.server().settings(SHARDS)).at(() -> time));
  }

  private void enqueue(String client) {
    Unconditional.set(store.clients(), client, ClientChange.of().limits(1000, 1_000_000).done());
    TargetUrl url =
        assertInstanceOf(TargetUrl.Parsed.Good.class, TargetUrl.parse("http://example.com/")).url();
    TaskSpec spec =
        new TaskSpec(
            new TargetRequest("POST", url, List.of(), new byte[0], true),
            QuickRetry.SOON,
            null,
            null,
            null,
            Duration.ofHours(1),
            Map.of(),
            null,
            null);
    Enqueue.When at = new Enqueue.When.In(Duration.ZERO);
    for (int i = 0; i < EACH; i++) {
      Enqueue enqueue =
          new Enqueue(client, Enqueue.Proof.OPEN, "default", at, spec, null, null, null);
      assertInstanceOf(EnqueueResult.Enqueued.class, store.tasks().enqueue(enqueue).join());
    }
  }

  private OperationRunner runner(RedisStore on, int seed) {
    return new OperationRunner(on.operations(), () -> now, new Random(seed), new AtOnce());
  }

  private Operation begin() {
    Filter filter =
        new Filter(
            "default", null, null, null, null, null, null, null, null, null, null, List.of());
    Order order = new Order(Action.MOVE, filter, null, "low", 100.0, false);
    return assertInstanceOf(Begun.Entered.class, store.operations().begin(order)).operation();
  }

  private Operation get(Operation operation) {
    return store.operations().get(operation.id()).orElseThrow();
  }

  private void pass(long nanos) {
    now += nanos;
    time = time.plusNanos(nanos);
  }

  private long ready(String queue) {
    return store.queues().get(queue).map(Queue::stats).map(Queue.Stats::ready).orElseThrow();
  }

  private void assertAllMovedOnce(Operation operation) {
    Operation came = get(operation);
    assertEquals(Operation.State.DONE, came.state());
    assertEquals(new Counts(CLIENTS * EACH, 0, 0), came.counts());
    assertEquals(CLIENTS * EACH, came.total());
    assertEquals(10, came.sample().size());
    assertEquals(0, ready("default"));
    assertEquals(CLIENTS * EACH, ready("low"));
  }

  @Test
  void twoReplicasExecuteAnOperationOnce() {
    Operation operation = begin();
    try (RedisStore other = open()) {
      OperationRunner one = runner(store, 1);
      OperationRunner two = runner(other, 2);
      for (int i = 0; get(operation).state() == Operation.State.RUNNING; i++) {
        assertTrue(i < 2000, "does not end");
        pass(Math.min(one.step(), two.step()));
      }
    }
    assertAllMovedOnce(operation);
  }

  @Test
  void anotherReplicaContinuesWithinSecondsAfterAKill() {
    Operation operation = begin();
    try (RedisStore other = open()) {
      OperationRunner dead = runner(store, 1);
      while (ready("low") < CLIENTS * EACH / 2) {
        pass(dead.step());
      }
      long moved = ready("low");
      OperationRunner heir = runner(other, 2);
      Instant died = time;
      while (ready("low") == moved) {
        pass(heir.step());
      }
      Duration idle = Duration.between(died, time);
      assertTrue(idle.compareTo(Duration.ofSeconds(7)) < 0, "idle for " + idle);
      for (int i = 0; get(operation).state() == Operation.State.RUNNING; i++) {
        assertTrue(i < 2000, "does not end");
        pass(heir.step());
      }
    }
    assertAllMovedOnce(operation);
  }
}
