package io.taskrunner.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.config.RedisSettings;
import io.taskrunner.operation.OperationRunner;
import io.taskrunner.schedule.CatchUp;
import io.taskrunner.schedule.Overlap;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.store.Operation;
import io.taskrunner.store.OperationStore.Begun;
import io.taskrunner.store.ScheduleStore.Page;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskState;
import io.taskrunner.testkit.ClusterSet;
import io.taskrunner.testkit.QuickRetry;
import io.taskrunner.testkit.Unconditional;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A master of a real Redis Cluster and its replica are frozen: tasks on others continue. */
@Timeout(300)
class ShardAwayTest {

  private static final int SHARDS = 12;
  private static final int CLIENTS = 36;
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long POLL_NANOS = 50_000_000;

  @TempDir static Path folder;

  private static void await(String what, Callable<Boolean> truth) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!truth.call()) {
      assertTrue(System.nanoTime() < end, "not within " + PATIENCE + ": " + what);
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  private static Schedule.Settings settings(int client) {
    TargetUrl url = new TargetUrl("http://127.0.0.1:1/", "http", "127.0.0.1", 1, "/");
    TaskSpec spec =
        new TaskSpec(
            new TargetRequest("POST", url, List.of(), new byte[0], true),
            QuickRetry.SOON,
            null,
            null,
            null,
            Duration.ZERO,
            Map.of(),
            null,
            null);
    return new Schedule.Settings(
        "client-" + client,
        "default",
        new Rhythm.Every(Duration.ofSeconds(1)),
        Overlap.ALLOW,
        CatchUp.NONE,
        Duration.ZERO,
        false,
        spec);
  }

  private static void freeze(ClusterSet cluster, List<Integer> ports, boolean on)
      throws IOException {
    for (int port : ports) {
      cluster.freeze(port, on);
    }
  }

  private static Instant lastTick(RedisStore store, String name) {
    return store.schedules().get(name).orElseThrow().lastTick().orElse(Instant.MIN);
  }

  @Test
  void otherShardsContinueWhileOneIsUnreachable() throws Exception {
    try (ClusterSet cluster = ClusterSet.start(folder)) {
      RedisSettings settings = cluster.settings(SHARDS, OptionalInt.of(0), Duration.ofSeconds(3));
      StoreOptions options = StoreOptions.defaults(settings);
      try (RedisStore store = RedisStore.open(options);
          Ticker ticker = Ticker.begin(store.schedules());
          OperationRunner runner =
              new OperationRunner(store.operations(), System::nanoTime, new Random(1))) {
        runner.start();
        Map<String, Integer> masters = new HashMap<>();
        for (int i = 0; i < CLIENTS; i++) {
          Unconditional.put(store.schedules(), "s" + i, settings(i));
        }
        for (int i = 0; i < CLIENTS; i++) {
          String name = "s" + i;
          await(
              name + " ticks",
              () -> store.schedules().get(name).orElseThrow().lastTask().isPresent());
          int shard = store.schedules().get(name).orElseThrow().lastTask().orElseThrow().shard();
          masters.put(name, cluster.masterOf(ClusterSet.slotOf(shard)));
        }
        int spared = cluster.masterOf(ClusterSet.slotOfConfiguration());
        int slot = -1;
        for (int shard = 0; slot < 0 && shard < SHARDS; shard++) {
          int candidate = ClusterSet.slotOf(shard);
          slot = cluster.masterOf(candidate) == spared ? -1 : candidate;
        }
        List<Integer> victims = cluster.nodesOf(slot);
        assertEquals(2, victims.size());
        Set<String> dead = new HashSet<>();
        Set<String> living = new HashSet<>();
        masters.forEach(
            (name, master) -> (master.equals(victims.getFirst()) ? dead : living).add(name));
        assertFalse(dead.isEmpty());
        assertFalse(living.isEmpty());

        freeze(cluster, victims, true);
        try {
          Map<String, Instant> before = new HashMap<>();
          living.forEach(name -> before.put(name, lastTick(store, name)));
          for (String name : living) {
            Instant later = before.getOrDefault(name, Instant.MIN).plusSeconds(8);
            await(name + " ticks on", () -> lastTick(store, name).isAfter(later));
            assertEquals(0, store.schedules().get(name).orElseThrow().missed());
          }
          Page page = store.schedules().list(1000, null);
          assertEquals(dead, new HashSet<>(page.unavailable()));
          assertEquals(
              living, new HashSet<>(page.schedules().stream().map(Schedule::name).toList()));
          assertTrue(store.queues().list().size() >= 3);
          assertEquals("cluster", store.system().health().topology());

          String ofAll = begin(store, new Filter("default", TaskState.READY, null, null));
          String client = "client-" + living.iterator().next().substring(1);
          String ofOne = begin(store, new Filter("default", TaskState.READY, client, null));
          await("the operation of a living shard ends", () -> isOver(store, ofOne));
          assertFalse(isOver(store, ofAll));
          try (RedisStore second = RedisStore.open(options)) {
            assertTrue(second.queues().get("default").isPresent());
          }
        } finally {
          freeze(cluster, victims, false);
        }
        Instant later = Instant.now().plusSeconds(1);
        for (String name : masters.keySet()) {
          await(name + " ticks again", () -> lastTick(store, name).isAfter(later));
        }
      }
    }
  }

  private static String begin(RedisStore store, Filter filter) {
    Begun begun =
        store
            .operations()
            .begin(new Operation.Order(Operation.Action.CANCEL, filter, null, null, null, true));
    return assertInstanceOf(Begun.Entered.class, begun).operation().id();
  }

  private static boolean isOver(RedisStore store, String id) {
    return store.operations().get(id).orElseThrow().state() != Operation.State.RUNNING;
  }
}
