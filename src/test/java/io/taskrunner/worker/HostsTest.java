package io.taskrunner.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.TargetHost;
import io.taskrunner.task.TaskId;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** Limits of a host, obeyed by all workers together over one shard and over many. */
@Timeout(120)
@ParameterizedClass
@ValueSource(ints = {1, 8})
class HostsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final int CLIENTS = 20;
  private static final Duration LEASE = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final int shards;
  private Rig rig;
  private Target narrow;
  private Target wide;
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger most = new AtomicInteger();

  HostsTest(int shards) {
    this.shards = shards;
  }

  @BeforeEach
  void start() throws Exception {
    rig = new Rig(REDIS.server().settings(shards), REDIS.server().port());
    narrow = new Target();
    narrow.answers(_ -> {
      most.accumulateAndGet(running.incrementAndGet(), Math::max);
      return Target.after(Duration.ofMillis(5), 200)
          .whenComplete((_, _) -> running.decrementAndGet());
    });
    wide = new Target();
  }

  @AfterEach
  void stop() throws Exception {
    rig.close();
    narrow.close();
    wide.close();
  }

  private void limit(@Nullable Integer maxConcurrent, @Nullable Double perSec) {
    String host = URI.create(narrow.url("/")).getAuthority();
    Unconditional.put(rig.hosts(), new TargetHost(host, maxConcurrent, perSec, 0));
  }

  private List<TaskId> enqueueFromAll(int each, Target target) {
    List<TaskId> ids = new ArrayList<>();
    for (int client = 0; client < CLIENTS; client++) {
      ids.addAll(rig.enqueue(each, "client-" + client, "default", target.url("/")));
    }
    return ids;
  }

  @Test
  void aHostLimitHoldsOverAllWorkersAndIsFullyUsed() throws Exception {
    limit(3, null);
    List<TaskId> ids = enqueueFromAll(15, narrow);
    rig.worker(10, LEASE).start();
    rig.worker(10, LEASE).start();
    narrow.awaitCount(ids.size(), PATIENCE);
    assertEquals(3, most.get(), "at once");
    ids.forEach(rig::finished);
    assertEquals(List.of(), rig.doctor().examine(false));
  }

  @Test
  void aFullHostUsesNoSlotAndDelaysNoOther() throws Exception {
    limit(1, null);
    CompletableFuture<Integer> held = new CompletableFuture<>();
    narrow.answers(_ -> held);
    List<TaskId> narrowOnes = enqueueFromAll(20, narrow);
    List<TaskId> wideOnes = enqueueFromAll(5, wide);
    rig.worker(2, LEASE).start();
    wideOnes.forEach(rig::finished);
    assertEquals(1, narrow.count(), "to the full host");
    assertEquals(List.of(), rig.doctor().examine(false));
    held.complete(200);
    narrowOnes.forEach(rig::finished);
    assertEquals(narrowOnes.size(), narrow.count());
  }

  @Test
  void aSaturatedWorkerLeavesOthersTheirShareOfAHost() throws Exception {
    limit(2, null);
    wide.answers(_ -> Target.after(Duration.ofMillis(5), 200));
    List<TaskId> narrowOnes = enqueueFromAll(2, narrow);
    enqueueFromAll(150, wide);
    rig.worker(4, LEASE).start();
    narrow.awaitCount(narrowOnes.size(), PATIENCE);
    assertTrue(wide.count() < 1_500, "before the last of the narrow host: " + wide.count());
  }

  @Test
  void aHostRateHolds() throws Exception {
    int perSec = 50;
    limit(null, (double) perSec);
    long begun = System.nanoTime();
    List<TaskId> ids = enqueueFromAll(6, narrow);
    rig.worker(10, LEASE).start();
    rig.worker(10, LEASE).start();
    narrow.awaitCount(ids.size(), PATIENCE);
    double tookSec = (System.nanoTime() - begun) / 1e9;
    double leastSec = (ids.size() - QueueSettings.defaultBurst(perSec)) / (double) perSec;
    assertTrue(tookSec >= leastSec, ids.size() + " in " + tookSec + " s");
    assertTrue(tookSec < 3 * leastSec + 2, "it is used: " + ids.size() + " in " + tookSec + " s");
  }

  @Test
  void placesOfADeadWorkerAreFreed() throws Exception {
    limit(1, null);
    narrow.answers(arrival ->
        arrival.header("x-cloudtasks-taskretrycount").equals("0")
            ? new CompletableFuture<>()
            : Target.after(Duration.ZERO, 200));
    Duration lease = Duration.ofSeconds(2);
    WorkerProcess.Child first = rig.process(4, lease);
    TaskId id = rig.enqueue("mia", "default", narrow.url("/once"));
    narrow.awaitCount(1, PATIENCE);
    rig.worker(4, lease).start();
    first.kill();
    narrow.awaitCount(2, PATIENCE);
    rig.finished(id);
  }
}
