package io.taskrunner.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.Queue;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.QueueStore.Deleted;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Page;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.testkit.QuickRetry;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Many shards look like one: with a real Redis, real workers, real requests and a real target. */
@Timeout(120)
class ShardsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final int SHARDS = 8;
  private static final int CLIENTS = 40;
  private static final Duration LEASE = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private Rig rig;
  private Target target;
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger most = new AtomicInteger();

  @BeforeEach
  void start() throws Exception {
    rig = new Rig(REDIS.server().settings(SHARDS), REDIS.server().port());
    target = new Target();
    target.answers(_ -> {
      most.accumulateAndGet(running.incrementAndGet(), Math::max);
      return Target.after(Duration.ofMillis(5), 200)
          .whenComplete((_, _) -> running.decrementAndGet());
    });
  }

  @AfterEach
  void stop() throws Exception {
    rig.close();
    target.close();
  }

  private List<TaskId> enqueueFromAll(String queue, int each) {
    List<TaskId> ids = new ArrayList<>();
    for (int client = 0; client < CLIENTS; client++) {
      ids.addAll(rig.enqueue(each, "client-" + client, queue, target.url("/")));
    }
    return ids;
  }

  private void limit(String queue, @Nullable Double perSec, @Nullable Integer maxConcurrent) {
    Unconditional.put(
        rig.queues(),
        queue,
        new QueueSettings(
            1,
            perSec,
            null,
            maxConcurrent,
            QuickRetry.SOON,
            null,
            Duration.ofDays(1),
            1000,
            1_000_000,
            1000));
  }

  @Test
  void everyTaskIsRunOnceAndNoWorkerRunsMoreThanItsSlots() throws Exception {
    List<TaskId> ids = enqueueFromAll("default", 75);
    assertEquals(SHARDS, ids.stream().map(TaskId::shard).distinct().count(), "all shards are used");
    rig.worker(6, LEASE).start();
    rig.worker(6, LEASE).start();
    target.awaitCount(ids.size(), PATIENCE);
    for (TaskId id : ids) {
      assertEquals(1, rig.finished(id).attempts().size());
    }
    assertEquals(ids.size(), target.count());
    assertTrue(most.get() <= 12, "at once: " + most);
    assertEquals(List.of(), rig.doctor().examine(false));
  }

  @Test
  void aSingleTaskStartsAtOnceInEveryShard() throws Exception {
    rig.worker(1, LEASE).start();
    for (int client = 0; client < CLIENTS; client++) {
      rig.finished(rig.enqueue("client-" + client, "default", target.url("/")));
    }
    assertEquals(CLIENTS, target.count());
  }

  @Test
  void aQueueLimitHoldsOverAllShardsAndIsFullyUsed() throws Exception {
    limit("narrow", null, 3);
    List<TaskId> ids = enqueueFromAll("narrow", 15);
    rig.worker(10, LEASE).start();
    rig.worker(10, LEASE).start();
    target.awaitCount(ids.size(), PATIENCE);
    assertEquals(3, most.get(), "at once");
    ids.forEach(rig::finished);
    assertEquals(List.of(), rig.doctor().examine(false));
  }

  @Test
  void aQueueAtItsLimitDelaysNoOther() throws Exception {
    limit("narrow", null, 1);
    CompletableFuture<Integer> held = new CompletableFuture<>();
    target.answers(
        arrival -> arrival.path().equals("/held") ? held : Target.after(Duration.ZERO, 200));
    TaskId first = rig.enqueue("client-0", "narrow", target.url("/held"));
    rig.worker(4, LEASE).start();
    target.awaitCount(1, PATIENCE);
    List<TaskId> narrow = enqueueFromAll("narrow", 1);
    List<TaskId> others = enqueueFromAll("default", 1);
    others.forEach(rig::finished);
    assertEquals(1 + others.size(), target.count(), "nothing of the narrow queue");
    held.complete(200);
    rig.finished(first);
    narrow.forEach(rig::finished);
  }

  @Test
  void aQueueRateHoldsOverAllShards() throws Exception {
    int perSec = 50;
    limit("slow", (double) perSec, null);
    long begun = System.nanoTime();
    List<TaskId> ids = enqueueFromAll("slow", 3);
    rig.worker(10, LEASE).start();
    rig.worker(10, LEASE).start();
    target.awaitCount(ids.size(), PATIENCE);
    double tookSec = (System.nanoTime() - begun) / 1e9;
    double leastSec = (ids.size() - QueueSettings.defaultBurst(perSec)) / (double) perSec;
    assertTrue(tookSec >= leastSec, ids.size() + " in " + tookSec + " s");
  }

  @Test
  void permitsOfADeadWorkerExpire() throws Exception {
    limit("narrow", null, 1);
    target.answers(arrival ->
        arrival.header("x-cloudtasks-taskretrycount").equals("0")
            ? new CompletableFuture<>()
            : Target.after(Duration.ZERO, 200));
    WorkerProcess.Child first = rig.process(4, LEASE);
    TaskId id = rig.enqueue("mia", "narrow", target.url("/once"));
    target.awaitCount(1, PATIENCE);
    rig.worker(4, LEASE).start();
    first.kill();
    target.awaitCount(2, PATIENCE);
    rig.finished(id);
  }

  @Test
  void tasksOfAllShardsAreListedCountedAndFoundOnce() throws Exception {
    List<TaskId> ids = enqueueFromAll("default", 3);
    Set<TaskId> listed = new HashSet<>();
    String cursor = null;
    do {
      Page page = rig.tasks().list(new Filter("default", null, null, null), 7, cursor);
      page.tasks().forEach(task -> assertTrue(listed.add(task.id()), "twice: " + task.id()));
      cursor = page.nextCursor();
    } while (cursor != null);
    assertEquals(new HashSet<>(ids), listed);
    assertEquals(
        3, rig.tasks().list(new Filter(null, null, "client-7", null), 50, null).tasks().size());
    Queue queue = rig.queues().get("default").orElseThrow();
    assertEquals(ids.size(), queue.stats().ready());
    for (TaskId id : ids) {
      assertEquals(id, rig.tasks().get(id).map(Task::id).orElseThrow());
    }
    rig.queues().purge("default");
    assertEquals(0, rig.queues().get("default").orElseThrow().stats().ready());
  }

  @Test
  void aQueueWithATaskInOneShardIsNotDeleted() {
    limit("kept", null, null);
    rig.enqueue("client-0", "kept", target.url("/"));
    assertEquals(Deleted.NOT_EMPTY, Unconditional.delete(rig.queues(), "kept", false));
    enqueueFromAll("kept", 1);
    assertEquals(CLIENTS + 1, rig.queues().get("kept").orElseThrow().stats().ready());
    assertEquals(Deleted.DONE, Unconditional.delete(rig.queues(), "kept", true));
    assertTrue(rig.queues().get("kept").isEmpty());
  }

  @Test
  void anotherNumberOfShardsIsRejected() {
    StoreOptions other = StoreOptions.defaults(REDIS.server().settings(SHARDS / 2));
    String told =
        assertThrows(IllegalStateException.class, () -> RedisStore.open(other)).getMessage();
    assertTrue(told.contains("set REDIS_SHARDS to 8"), told);
  }
}
