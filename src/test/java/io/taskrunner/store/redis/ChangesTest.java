package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.api.sync.RedisCommands;
import io.taskrunner.client.Limits;
import io.taskrunner.client.Scope;
import io.taskrunner.client.Tier;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.QueueStore.Deleted;
import io.taskrunner.store.TargetHost;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.function.Executable;

/** A change that was interrupted between two shards is soon completed in all of them. */
class ChangesTest {

  private static final int SHARDS = 3;

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private Instant now = Instant.ofEpochMilli(Stage.START);
  private RedisStore store;
  private RedisCommands<String, String> redis;

  @BeforeEach
  void open() {
    store =
        RedisStore.openUntended(
            StoreOptions.defaults(REDIS.server().settings(SHARDS)).at(() -> now));
    redis = REDIS.redis().sync();
  }

  @AfterEach
  void close() {
    assertEquals(0, redis.exists("tr:{config}:changes"));
    assertEquals(List.of(), store.doctor().examine(false));
    store.close();
  }

  /** In one shard a key is not what the script expects: the change fails only there. */
  private void breakOff(String key, Executable change) {
    boolean there = redis.exists(key) == 1;
    if (there) {
      redis.rename(key, "aside");
    }
    redis.set(key, "no hash");
    assertThrows(RuntimeException.class, change);
    redis.del(key);
    if (there) {
      redis.rename("aside", key);
    }
  }

  private void finish() {
    now = now.plus(Changes.LATE);
    store.tidy();
  }

  /** The same in each shard. */
  private void assertEverywhere(String expected, String key, String field) {
    List<String> values = new ArrayList<>();
    for (int shard = 0; shard < SHARDS; shard++) {
      values.add(String.valueOf(redis.hget("tr:{" + shard + "}:" + key, field)));
    }
    assertEquals(List.of(expected, expected, expected), values);
  }

  private String flow(String queue) {
    return "queue:" + redis.hget("tr:{config}:queues", queue) + ":flow";
  }

  private void put(String queue, int weight) {
    Unconditional.put(store.queues(), queue, QueueSettings.defaults(weight));
  }

  @Test
  void aBrokenOffChangeOfQueueSettingsIsCompleted() {
    put("q", 1);
    breakOff("tr:{1}:" + flow("q"), () -> put("q", 7));
    finish();
    assertEverywhere("7", flow("q"), "weight");
  }

  @Test
  void aHalfCreatedQueueIsCreatedInAllShards() {
    int next = Integer.parseInt(redis.get("tr:{config}:queues:last")) + 1;
    breakOff("tr:{1}:queue:" + next + ":flow", () -> put("q", 7));
    finish();
    assertEverywhere("7", "queue:" + next + ":flow", "weight");
    assertTrue(store.queues().get("q").isPresent());
  }

  @Test
  void repeatingABrokenOffChangeCompletesIt() {
    put("q", 1);
    breakOff("tr:{1}:" + flow("q"), () -> put("q", 7));
    put("q", 8);
    finish();
    assertEverywhere("8", flow("q"), "weight");
  }

  @Test
  void brokenOffPausesAndResumesAreCompleted() {
    put("q", 1);
    breakOff("tr:{1}:" + flow("q"), () -> store.queues().pause("q", true));
    finish();
    assertEverywhere("1", flow("q"), "paused");
    breakOff("tr:{2}:" + flow("q"), () -> store.queues().pause("q", false));
    finish();
    assertEverywhere("0", flow("q"), "paused");
    breakOff("tr:{1}:shard", () -> store.queues().pauseAll(true));
    finish();
    assertEverywhere("1", "shard", "paused");
    store.queues().pauseAll(false);
  }

  @Test
  void aLatePauseDoesNotUndoAResume() {
    put("q", 1);
    breakOff("tr:{1}:" + flow("q"), () -> store.queues().pause("q", true));
    store.queues().pause("q", false);
    finish();
    assertEverywhere("0", flow("q"), "paused");
  }

  @Test
  void aFailedPurgeDropsNoLaterTask() {
    put("q", 1);
    breakOff("tr:{1}:" + flow("q"), () -> store.queues().purge("q"));
    for (int i = 0; i < 20; i++) {
      store.tasks().enqueue(wish().client("client" + i).queue("q").command()).join();
    }
    finish();
    assertEquals(20, store.queues().get("q").orElseThrow().stats().ready());
    assertTrue(store.queues().purge("q"));
    assertEquals(0, store.queues().get("q").orElseThrow().stats().ready());
  }

  @Test
  void aQueueIsGoneFromTheFirstStepOfItsDeletion() {
    put("q", 1);
    String flow = flow("q");
    for (int i = 0; i < 20; i++) {
      store.tasks().enqueue(wish().client("client" + i).queue("q").command()).join();
    }
    breakOff("tr:{1}:" + flow, () -> Unconditional.delete(store.queues(), "q", true));
    assertTrue(store.queues().get("q").isEmpty());
    assertEquals(Deleted.NOT_FOUND, Unconditional.delete(store.queues(), "q", true));
    assertEquals(1, redis.exists("tr:{1}:" + flow));
    finish();
    assertEquals(0, redis.exists("tr:{0}:" + flow, "tr:{1}:" + flow, "tr:{2}:" + flow));
    finish();
    assertEquals(List.of(), redis.keys("tr:{*}:task:*"));
  }

  @Test
  void aQueueCanBeRecreatedDuringItsDeletion() {
    put("q", 1);
    String before = flow("q");
    breakOff("tr:{1}:" + before, () -> Unconditional.delete(store.queues(), "q", true));
    put("q", 5);
    assertNotEquals(before, flow("q"));
    finish();
    assertEverywhere("5", flow("q"), "weight");
    assertEquals(0, redis.exists("tr:{1}:" + before));
  }

  @Test
  void aTierIsSetAndDeletedInAllShards() {
    Tier tier = new Tier("own", new Limits(3, 4));
    breakOff("tr:{1}:tiers:rev", () -> Unconditional.putTier(store.clients(), tier));
    finish();
    assertEverywhere("3:4", "tiers", "own");
    breakOff("tr:{2}:tiers:rev", () -> Unconditional.deleteTier(store.clients(), "own"));
    finish();
    assertEverywhere("null", "tiers", "own");
  }

  @Test
  void aHostLimitAppliesInAllShardsOrNone() {
    breakOff(
        "tr:{1}:hosts",
        () -> Unconditional.put(store.hosts(), new TargetHost("full.test", 2, null, 0)));
    finish();
    assertEverywhere("2", "host:full.test", "max_concurrent");
    breakOff("tr:{1}:hosts", () -> Unconditional.delete(store.hosts(), "full.test"));
    finish();
    assertEverywhere("null", "host:full.test", "max_concurrent");
    assertTrue(store.hosts().get("full.test").isEmpty());
    assertEquals(List.of(), redis.keys("tr:{*}:hosts"));
  }

  /** Which its home reads before it changes the client. */
  private String tiersOf(String client) {
    return redis.keys("tr:{*}:client:" + client).getFirst().replaceFirst("client:.*", "tiers");
  }

  @Test
  void theKeysOfADeletedClientDoNotWorkForARecreatedOne() {
    Unconditional.set(store.clients(), "abc", ClientChange.of().enabled(true).done());
    store.clients().addKey("abc", "digest", "name", Scope.ALL);
    breakOff(tiersOf("abc"), () -> Unconditional.delete(store.clients(), "abc"));
    assertTrue(store.clients().keyOwner("digest").isEmpty());
    finish();
    assertTrue(store.clients().get("abc").isEmpty());
    Unconditional.set(store.clients(), "abc", ClientChange.of().enabled(true).done());
    assertEquals(List.of(), store.clients().keys("abc").orElseThrow());
  }

  @Test
  void aClientRecreatedAfterABrokenOffDeletionStays() {
    Unconditional.set(store.clients(), "abc", ClientChange.of().enabled(true).done());
    breakOff(tiersOf("abc"), () -> Unconditional.delete(store.clients(), "abc"));
    Unconditional.set(store.clients(), "abc", ClientChange.of().enabled(true).done());
    store.clients().addKey("abc", "digest", "name", Scope.ALL);
    finish();
    assertTrue(store.clients().keyOwner("digest").isPresent());
  }
}
