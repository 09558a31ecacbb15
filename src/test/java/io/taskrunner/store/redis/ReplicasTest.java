package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.EnqueueResult.Accepted;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.testkit.RedisServer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An enqueue is answered when the required number of replicas have the task, and not before. */
@Timeout(60)
class ReplicasTest {

  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private final List<AutoCloseable> open = new ArrayList<>();
  private RedisServer master;
  private int replicas;

  @BeforeEach
  void start() {
    master = kept(RedisServer.start("--repl-diskless-sync-delay", "0"));
  }

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable one : open.reversed()) {
      one.close();
    }
  }

  private <T extends AutoCloseable> T kept(T one) {
    open.add(one);
    return one;
  }

  private RedisServer replica() {
    RedisServer replica = kept(RedisServer.start("--replicaof", "127.0.0.1 " + master.port()));
    replicas++;
    RedisClient client = RedisClient.create(RedisURI.create("127.0.0.1", master.port()));
    try (var connection = client.connect()) {
      // It is counted once it has reported its offset.
      while (connection.sync().waitForReplication(replicas, 1000) < replicas) {
        assertTrue(replica.process().isAlive());
      }
    } finally {
      client.shutdown(Duration.ZERO, Duration.ofSeconds(1));
    }
    return replica;
  }

  private RedisStore store(OptionalInt waitReplicas) {
    RedisSettings settings = RedisServer.settings(master.port(), PATIENCE, waitReplicas);
    return kept(RedisStore.openUntended(StoreOptions.defaults(settings)));
  }

  private static int replicas(CompletableFuture<EnqueueResult> answer) {
    return assertInstanceOf(Accepted.class, answer.join()).replicas();
  }

  private static void assertUnconfirmed(CompletableFuture<EnqueueResult> answer) {
    CompletionException failed = assertThrows(CompletionException.class, answer::join);
    StoreUnavailable unknown = assertInstanceOf(StoreUnavailable.class, failed.getCause());
    assertTrue(
        unknown.getMessage().startsWith("fewer than 1 replicas confirmed the task"),
        unknown::getMessage);
  }

  @Test
  void theResponseReportsTheNumberOfReplicas() {
    replica();
    replica();
    RedisStore store = store(OptionalInt.of(2));
    assertEquals(2, replicas(store.tasks().enqueue(wish().command())));
    assertEquals(0, replicas(store(OptionalInt.of(0)).tasks().enqueue(wish().command())));
  }

  @Test
  void autoWaitsAsSoonAsThereIsAReplica() throws IOException {
    RedisStore store = store(OptionalInt.empty());
    assertEquals(0, replicas(store.tasks().enqueue(wish().command())));
    RedisServer replica = replica();
    store.everySecond();
    assertEquals(1, replicas(store.tasks().enqueue(wish().command())));
    replica.freeze();
    assertUnconfirmed(store.tasks().enqueue(wish().command()));
    replica.thaw();
  }

  @Test
  void withAFrozenReplicaNoEnqueueSucceeds() throws IOException {
    RedisServer replica = replica();
    RedisStore store = store(OptionalInt.of(1));
    replica.freeze();
    long start = System.nanoTime();
    assertUnconfirmed(store.tasks().enqueue(wish().key("k", "p").command()));
    long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    assertTrue(took < PATIENCE.toMillis() + 1000, () -> took + " ms");

    // The script knows the key by now and writes nothing; its task is still on only one node.
    assertUnconfirmed(store.tasks().enqueue(wish().key("k", "p").command()));
    // Nor does it help to ask another process, whose connections never wrote it.
    RedisStore other = store(OptionalInt.of(1));
    assertUnconfirmed(other.tasks().enqueue(wish().key("k", "p").command()));
    replica.thaw();
    CompletableFuture<EnqueueResult> third = store.tasks().enqueue(wish().key("k", "p").command());
    assertInstanceOf(EnqueueResult.Duplicate.class, third.join());
    assertEquals(1, replicas(third));
  }

  /** Since Redis 8 and Valkey 8, a WAIT behind a script that wrote nothing is answered at once. */
  @Test
  void aRepeatedCallWritesAgainSoThatWaitApplies() {
    replica();
    RedisStore store = store(OptionalInt.of(1));
    assertEquals(1, replicas(store.tasks().enqueue(wish().key("k", "p").command())));
    String before = commandsOf("pexpire");
    assertEquals(1, replicas(store.tasks().enqueue(wish().key("k", "p").command())));
    assertNotEquals(before, commandsOf("pexpire"));
  }

  /** The master's count of a command; empty for none. */
  private String commandsOf(String command) {
    RedisClient client = RedisClient.create(RedisURI.create("127.0.0.1", master.port()));
    try (var connection = client.connect()) {
      return connection
          .sync()
          .info("commandstats")
          .lines()
          .filter(one -> one.startsWith("cmdstat_" + command + ":"))
          .findFirst()
          .orElse("");
    } finally {
      client.shutdown(Duration.ZERO, Duration.ofSeconds(1));
    }
  }

  @Test
  void aThousandCallsShareOneWait() {
    replica();
    RedisStore store = store(OptionalInt.of(1));
    List<CompletableFuture<EnqueueResult>> answers = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      answers.add(store.tasks().enqueue(wish().client("client-" + i % 50).command()));
    }
    answers.forEach(answer -> assertEquals(1, replicas(answer)));
    // A WAIT for each call would be a thousand of them.
    String line = commandsOf("wait");
    int calls = Integer.parseInt(line.replaceAll(".*calls=(\\d+),.*", "$1"));
    assertTrue(calls < 200, line);
  }

  @Test
  void everyCallIsAnsweredWhenTheMasterDies() throws IOException {
    RedisServer replica = replica();
    RedisStore store = store(OptionalInt.of(1));
    replica.freeze();
    CompletableFuture<EnqueueResult> answer = store.tasks().enqueue(wish().command());
    master.kill();
    CompletionException failed =
        assertThrows(
            CompletionException.class,
            () -> answer.orTimeout(PATIENCE.toMillis() + 1000, TimeUnit.MILLISECONDS).join());
    assertInstanceOf(StoreUnavailable.class, failed.getCause());
    replica.thaw();
  }

  @Test
  void aFrozenRedisIsDetectedAndReconnected() throws IOException {
    RedisStore store = store(OptionalInt.of(0));
    master.freeze();
    CompletableFuture<EnqueueResult> during = store.tasks().enqueue(wish().command());
    assertThrows(CompletionException.class, during::join);
    master.thaw();
    assertEquals(0, replicas(store.tasks().enqueue(wish().command())));
  }
}
