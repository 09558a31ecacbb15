package io.taskrunner.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.testkit.ClusterSet;
import io.taskrunner.testkit.QuickRetry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A cluster's masters die, and its shards move. */
@Tag("faults")
@Timeout(300)
class ClusterFaultsTest {

  private static final int PER_SECOND = 150;
  private static final int SHARDS = 64;
  private static final long GAP_MAX_MILLIS = 10_000;
  private static final int BULK = Integer.getInteger("faults.bulk", 100_000);
  private static final int BULK_AT_ONCE = 5_000;
  private static final String BULK_CLIENT = "load-3"; // a client of the load
  private static final String BULK_QUEUE = "low";

  @RegisterExtension final Scene scene = new Scene();

  @Test
  void killingAMasterLosesNothing() throws Exception {
    ClusterSet cluster = scene.cluster();
    Installation all =
        new Installation(scene, cluster.environment(), PER_SECOND, "REDIS_WAIT_REPLICAS", "1");

    all.begin();
    all.ledger.awaitMore(PER_SECOND);
    int slot = ClusterSet.slotOf(0);
    long killed = System.nanoTime();
    int dead = cluster.masterOf(slot);
    cluster.kill(dead);
    cluster.awaitMasterOtherThan(dead, slot);
    cluster.restart(dead);
    cluster.awaitWhole();
    all.ledger.awaitMore(2 * PER_SECOND);

    Account account = all.ledger.settle(cluster.settings(SHARDS));
    Table.add(
        "a master of a cluster killed -9, 3 masters with a replica each, 64 shards",
        account,
        "whole after %d ms; replicas ≥ %d"
            .formatted(
                TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - killed), account.replicasMin()));
    Scene.assertNothingLost(account);
    assertTrue(account.gapMillis() < GAP_MAX_MILLIS, "the other shards went on");
    assertTrue(account.again() <= Scene.SLOTS, "delivered again: " + account.again());
  }

  @Test
  void aShardWithManyTasksMovesUnderLoad() throws Exception {
    ClusterSet cluster = scene.cluster();
    Installation all = new Installation(scene, cluster.environment(), PER_SECOND);
    RedisSettings settings = cluster.settings(SHARDS);

    all.begin();
    RedisSettings quick = cluster.settings(SHARDS, OptionalInt.of(0));
    int slot = ClusterSet.slotOf(fill(quick, all.receiver.url("/later")));
    int from = cluster.masterOf(slot);
    int to = cluster.masterOf((slot + 16_384 / 3) % 16_384);
    all.ledger.awaitMore(PER_SECOND);
    long began = System.nanoTime();
    int moved = cluster.moveSlot(slot, from, to);
    long tookMillis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
    all.ledger.awaitMore(2 * PER_SECOND);

    Account account = all.ledger.settle(settings);
    Table.add(
        "a shard of a cluster with %,d tasks moves to another master".formatted(BULK),
        account,
        "%,d keys in %d ms".formatted(moved, tookMillis));
    Scene.assertNothingLost(account);
    assertTrue(moved >= BULK, "keys moved: " + moved);
    assertEquals(to, cluster.masterOf(slot));
    try (RedisStore store = RedisStore.open(StoreOptions.defaults(settings))) {
      assertEquals(BULK, store.queues().get(BULK_QUEUE).orElseThrow().stats().scheduled());
    }
  }

  /** Puts many scheduled tasks into one shard, whose number it returns. */
  private static int fill(RedisSettings settings, String url) {
    TargetUrl target = assertInstanceOf(TargetUrl.Parsed.Good.class, TargetUrl.parse(url)).url();
    byte[] body = "{}".getBytes(StandardCharsets.UTF_8);
    TaskSpec spec =
        new TaskSpec(
            new TargetRequest("POST", target, List.of(), body, true),
            QuickRetry.SOON,
            null,
            null,
            null,
            Duration.ZERO,
            Map.of(),
            null,
            null);
    Enqueue later =
        new Enqueue(
            BULK_CLIENT,
            Enqueue.Proof.OPEN,
            BULK_QUEUE,
            new Enqueue.When.In(Duration.ofHours(1)),
            spec,
            null,
            null,
            null);
    int shard = -1;
    try (RedisStore store = RedisStore.open(StoreOptions.defaults(settings))) {
      for (int sent = 0; sent < BULK; sent += BULK_AT_ONCE) {
        List<CompletableFuture<EnqueueResult>> some = new ArrayList<>();
        for (int i = 0; i < BULK_AT_ONCE; i++) {
          some.add(store.tasks().enqueue(later));
        }
        for (CompletableFuture<EnqueueResult> one : some) {
          shard = assertInstanceOf(EnqueueResult.Enqueued.class, one.join()).id().shard();
        }
      }
    }
    return shard;
  }
}
