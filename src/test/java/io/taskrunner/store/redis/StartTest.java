package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.config.HostPort;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.redis.link.Answers;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Node;
import io.taskrunner.testkit.RedisServer;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The data that a program finds in Redis at startup. */
class StartTest {

  private static final String NO_FILE =
      "Redis has neither an append-only file nor replicas: a restart of Redis loses tasks.";

  private static RedisStore open(RedisServer redis) {
    return RedisStore.openUntended(StoreOptions.defaults(redis.settings()));
  }

  @Test
  void aNewerFormatIsRejectedAndUnchanged() {
    try (RedisServer redis = RedisServer.start();
        Node node = Node.open(redis.settings(), 1, Optional.empty())) {
      open(redis).close();
      byte[] shard = Keys.shard("tr", 0).key("shard");
      String newer = Integer.toString(Preparation.FORMAT + 1);
      ask(node.calls().hset(shard, Keys.bytes("format"), Keys.bytes(newer)));

      IllegalStateException refused =
          assertThrows(IllegalStateException.class, () -> open(redis).close());
      assertEquals(
          "The data in this Redis is of a newer format than 3, which this program writes: run a newer"
              + " one.",
          refused.getMessage());
      byte[] kept = ask(node.calls().hget(shard, Keys.bytes("format")));
      assertEquals(newer, Keys.text(kept));
    }
  }

  @Test
  void aStandaloneRedisIsReportedAsNoCluster() {
    try (RedisServer redis = RedisServer.start()) {
      RedisSettings named =
          RedisServer.settings(
              new RedisSettings.Target.Cluster(List.of(new HostPort("127.0.0.1", redis.port()))),
              4);
      StoreUnavailable refused =
          assertThrows(
              StoreUnavailable.class,
              () -> RedisStore.openUntended(StoreOptions.defaults(named)).close());
      String told = String.valueOf(Objects.requireNonNull(refused.getCause()).getMessage());
      assertTrue(told.contains("127.0.0.1:" + redis.port()), told);
      assertTrue(told.contains("cluster support disabled"), told);
    }
  }

  @Test
  void aRedisWithoutPersistenceCausesAWarning() {
    try (RedisServer redis = RedisServer.start("--maxmemory-policy", "allkeys-lru");
        RedisStore store = open(redis)) {
      List<String> warnings =
          List.of(
              "Redis' maxmemory-policy is allkeys-lru: set noeviction, or accepted tasks may be"
                  + " evicted.",
              NO_FILE);
      assertEquals(warnings, store.warnings());
      assertEquals(warnings, store.system().health().warnings());
    }
  }

  @Test
  void anAppendOnlyFileOrAReplicaPreventsTheWarning() {
    try (RedisServer redis = RedisServer.start("--appendonly", "yes");
        RedisStore store = open(redis)) {
      assertEquals(List.of(), store.warnings());
    }
    try (RedisServer master = RedisServer.start("--repl-diskless-sync-delay", "0");
        RedisServer replica = RedisServer.start("--replicaof", "127.0.0.1 " + master.port());
        Node node = Node.open(master.settings(), 1, Optional.empty())) {
      while (ask(node.calls().waitForReplication(1, 1000)) < 1) {
        assertTrue(replica.process().isAlive());
      }
      try (RedisStore store = open(master)) {
        assertEquals(List.of(), store.warnings());
      }
    }
  }

  private static <T> T ask(java.util.concurrent.CompletionStage<T> reply) {
    return Answers.await(reply, System.nanoTime() + 5_000_000_000L);
  }
}
