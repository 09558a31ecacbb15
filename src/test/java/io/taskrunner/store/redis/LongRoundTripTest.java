package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.config.HostPort;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.schedule.CatchUp;
import io.taskrunner.schedule.Overlap;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.Operation;
import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Settled;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.Proxy;
import io.taskrunner.testkit.RedisServer;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Redis is far away: each round trip takes 200 ms, and everything works with few of them. */
@Timeout(120)
class LongRoundTripTest {

  private static final Duration EACH_WAY = Duration.ofMillis(100);
  private static final int SHARDS = 16;
  private static final int SCHEDULES = 120;
  private static final int QUEUES = 40;
  private static final int OPERATIONS = 30;
  private static final int ROUND_TRIPS = 10;

  private RedisServer redis;
  private Proxy network;

  @BeforeEach
  void start() {
    redis = RedisServer.start();
    network = Proxy.start(redis.port());
  }

  @AfterEach
  void stop() {
    network.close();
    redis.close();
  }

  private RedisStore open(int port) {
    return RedisStore.openUntended(
        StoreOptions.defaults(
            RedisServer.settings(
                new RedisSettings.Target.Node(new HostPort("127.0.0.1", port)), SHARDS)));
  }

  private static Schedule.Settings settings(String client) {
    return new Schedule.Settings(
        client,
        "default",
        new Rhythm.Every(Duration.ofHours(1)),
        Overlap.ALLOW,
        CatchUp.NONE,
        Duration.ZERO,
        false,
        wish().client(client).spec());
  }

  @Test
  void aStoreOpensAndATaskIsEnqueuedClaimedAndSettled() throws Exception {
    network.delay(EACH_WAY);
    try (RedisStore store = open(network.port())) {
      EnqueueResult result = store.tasks().enqueue(wish().client("far").command()).join();
      TaskId id = assertInstanceOf(EnqueueResult.Enqueued.class, result).id();
      WorkStore work = store.works().get(id.shard());
      Claim claim =
          work.exchange(List.of(), new ClaimRequest(Stage.WORKER, 1, 1, Stage.LEASE, 0, 0))
              .claims()
              .getFirst();
      assertEquals(id, claim.id());
      WorkStore.Settlement verdict =
          new WorkStore.Settlement(
              claim.id(),
              claim.number(),
              new Verdict.Succeed(),
              null,
              Duration.ZERO,
              new WorkStore.BreakerReport.None());
      assertEquals(List.of(Settled.DONE), work.settle(Stage.WORKER, List.of(verdict)));
      assertEquals(TaskState.SUCCEEDED, store.tasks().get(id).orElseThrow().state());
      Filter own = new Filter(null, null, "far", null);
      assertEquals(1, store.tasks().list(own, 100, null).tasks().size());
      store.everySecond();
      assertEquals("master", store.system().health().role());
    }
  }

  @Test
  void manySchedulesQueuesAndOperationsTakeFewRoundTrips() throws Exception {
    try (RedisStore near = open(redis.port())) {
      for (int i = 0; i < SCHEDULES; i++) {
        Unconditional.put(near.schedules(), "s" + i, settings("client-" + i));
      }
      for (int i = 0; i < QUEUES; i++) {
        Unconditional.put(near.queues(), "q" + i, Stage.settings(1, null, null, null));
      }
      for (int i = 0; i < OPERATIONS; i++) {
        Filter filter = new Filter("q" + i, TaskState.DEAD, null, null);
        near.operations()
            .begin(new Operation.Order(Operation.Action.RETRY, filter, null, null, null, true));
      }
    }
    network.delay(EACH_WAY);
    try (RedisStore store = open(network.port())) {
      assertEquals(SCHEDULES, within(() -> store.schedules().list(1000, null)).schedules().size());
      assertTrue(within(() -> store.queues().list()).size() >= QUEUES);
      assertEquals(OPERATIONS, within(() -> store.operations().list(null, 100)).size());
      assertEquals(
          OPERATIONS,
          within(() -> store.operations().lease("me", Duration.ofSeconds(5), List.of())).size());
      for (ScheduleStore.Part part : store.schedules().parts()) {
        within(part::tick);
      }
    }
  }

  /** The answer of a call, which takes less than a few round trips. */
  private static <T> T within(Callable<T> call) throws Exception {
    long begun = System.nanoTime();
    T answer = call.call();
    Duration took = Duration.ofNanos(System.nanoTime() - begun);
    assertTrue(took.compareTo(EACH_WAY.multipliedBy(2 * ROUND_TRIPS)) < 0, took::toString);
    return answer;
  }
}
