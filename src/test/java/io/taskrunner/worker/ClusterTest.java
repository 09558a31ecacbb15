package io.taskrunner.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.taskrunner.store.CloudStore;
import io.taskrunner.store.CloudStore.Found;
import io.taskrunner.store.CloudStore.NewTask;
import io.taskrunner.store.CloudStore.QueueMade;
import io.taskrunner.store.CloudStore.QueueName;
import io.taskrunner.store.CloudStore.Retries;
import io.taskrunner.store.CloudStore.Settings;
import io.taskrunner.store.CloudStore.TaskMade;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import io.taskrunner.testkit.ClusterSet;
import io.taskrunner.testkit.QuickRetry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A real Redis Cluster holds the shards: nothing is lost when one moves, or its master dies. */
@Timeout(180)
class ClusterTest {

  private static final int SHARDS = 16;
  private static final int CLIENTS = 60;
  private static final int EACH = 20;
  private static final Duration LEASE = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  @TempDir static Path folder;
  private static ClusterSet cluster;

  @BeforeAll
  static void start() throws Exception {
    cluster = ClusterSet.start(folder);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  private static List<TaskId> enqueue(Rig rig, Target target) {
    List<TaskId> ids = new ArrayList<>();
    for (int client = 0; client < CLIENTS; client++) {
      ids.addAll(rig.enqueue(EACH, "client-" + client, "default", target.url("/")));
    }
    return ids;
  }

  private static void assertAllCame(Target target, List<TaskId> ids) throws Exception {
    target.awaitCount(ids.size(), PATIENCE);
    Set<String> came = new HashSet<>();
    target.arrivals().forEach(arrival -> came.add(arrival.task()));
    for (TaskId id : ids) {
      assertEquals(true, came.contains(id.toString()), id + " came");
    }
  }

  @Test
  void tasksRunWhileTheirShardMoves() throws Exception {
    try (Rig rig = new Rig(cluster.settings(SHARDS), 0);
        Target target = new Target()) {
      List<TaskId> ids = enqueue(rig, target);
      int slot = ClusterSet.slotOf(3);
      int from = cluster.masterOf(slot);
      int to = cluster.masterOf((slot + 16_384 / 3) % 16_384);
      assertNotEquals(from, to);
      rig.worker(4, LEASE).start();
      target.awaitCount(ids.size() / 20, PATIENCE);
      cluster.moveSlot(slot, from, to);
      ids.addAll(enqueue(rig, target));
      assertAllCame(target, ids);
      ids.forEach(rig::finished);
      assertEquals(to, cluster.masterOf(slot));
      assertEquals(List.of(), rig.doctor().examine(false));
    }
  }

  @Test
  void runTaskStartsAtOnceOnEveryMaster() throws Exception {
    cluster.awaitWhole();
    try (Rig rig = new Rig(cluster.settings(SHARDS), 0);
        Target target = new Target()) {
      rig.worker(4, LEASE).start();
      CloudStore cloud = rig.cloud();
      Settings settings =
          new Settings(
              500,
              100,
              1000,
              new Retries(100, Duration.ZERO, Duration.ofMillis(100), Duration.ofHours(1), 16),
              new byte[0]);
      TargetUrl url =
          assertInstanceOf(TargetUrl.Parsed.Good.class, TargetUrl.parse(target.url("/"))).url();
      TaskSpec spec =
          new TaskSpec(
              new TargetRequest("POST", url, List.of(), new byte[0], false),
              QuickRetry.SOON,
              Duration.ofSeconds(15),
              null,
              null,
              Duration.ZERO,
              Map.of(),
              null,
              null);
      Set<Integer> shards = new HashSet<>();
      for (int i = 0; i < 30; i++) {
        QueueName queue = new QueueName("p", "l", "queue-" + i);
        assertInstanceOf(QueueMade.Made.class, cloud.make(queue, settings, Duration.ofDays(7)));
        cloud.pause(queue, true);
        TaskMade made =
            cloud
                .create(
                    new NewTask(queue, "task-" + i, null, spec, new byte[0], Duration.ofHours(1)))
                .join();
        shards.add(assertInstanceOf(TaskMade.Made.class, made).task().taskId().shard());
        assertInstanceOf(Found.Task.class, cloud.run(queue, "task-" + i));
        target.awaitCount(i + 1, PATIENCE);
      }
      assertEquals(SHARDS, shards.size());
      assertEquals(30, cloud.queues("p", "l", null, 100).size());
      for (int i = 0; i < 30; i++) {
        assertEquals(true, cloud.delete(new QueueName("p", "l", "queue-" + i)));
      }
      assertEquals(List.of(), cloud.queues("p", "l", null, 100));
      assertEquals(List.of(), rig.doctor().examine(false));
    }
  }

  @Test
  void aReplicaContinuesWhenItsMasterDies() throws Exception {
    cluster.awaitWhole();
    try (Rig rig = new Rig(cluster.settings(SHARDS), 0);
        Target target = new Target()) {
      List<TaskId> ids = enqueue(rig, target);
      rig.worker(4, LEASE).start();
      target.awaitCount(ids.size() / 20, PATIENCE);
      int slot = ClusterSet.slotOf(5);
      int master = cluster.masterOf(slot);
      cluster.kill(master);
      cluster.awaitMasterOtherThan(master, slot);
      cluster.restart(master); // an enqueue waits for a replica, and the new master had none
      ids.addAll(enqueue(rig, target));
      assertAllCame(target, ids);
      cluster.awaitWhole();
      assertEquals(List.of(), rig.doctor().examine(false));
    }
  }
}
