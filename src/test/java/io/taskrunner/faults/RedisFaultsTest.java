package io.taskrunner.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.faults.Receiver.Gate;
import io.taskrunner.testkit.Ports;
import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.RedisServer;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The one Redis dies, cannot write, or is full. */
@Tag("faults")
@Timeout(180)
class RedisFaultsTest {

  private static final int PER_SECOND = 150;
  private static final int COMMAND_TIMEOUT_MS = 2000;
  private static final int FOR_MEANWHILE = 20;
  private static final String BODY = "x".repeat(100_000);
  private static final int LARGE = 200; // 20 MB in all
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  @RegisterExtension final Scene scene = new Scene();

  @Test
  void aRedisThatIsKilledAndRestartedLosesNothing() throws Exception {
    int port = Ports.free();
    RedisServer redis = scene.redis(port, "always");
    String patience = Integer.toString(COMMAND_TIMEOUT_MS);
    Installation all =
        new Installation(scene, Scene.on(port), PER_SECOND, "REDIS_COMMAND_TIMEOUT_MS", patience);

    all.begin();
    all.ledger.awaitMore(2 * PER_SECOND);
    Gate gate = all.receiver.hold();
    all.receiver.awaitHeld(gate, Scene.SLOTS);
    redis.kill();
    long killed = System.nanoTime();
    awaitUnready(all.api);
    awaitUnready(all.worker);
    all.receiver.letPass();
    gate.open(200); // their verdicts have to wait for Redis
    long outage = Duration.ofSeconds(Scene.LEASE_SEC + 3).toNanos();
    while (System.nanoTime() - killed < outage) {
      assertEquals(200, all.api.status("/health/live"));
      assertEquals(200, all.worker.status("/health/live"));
      assertEquals(503, all.api.status("/health/ready"));
      LockSupport.parkNanos(POLL_NANOS);
    }
    RedisServer again = scene.redis(port, "always");
    Duration apiBack = all.api.awaitReady(Duration.ofSeconds(5));
    all.worker.awaitReady(Duration.ofSeconds(5).minus(apiBack));
    all.ledger.awaitMore(2 * PER_SECOND);

    Account account = all.ledger.settle(again.settings());
    Table.add(
        "Redis killed -9, away for longer than a lease, back on its file (always)",
        account,
        "ready again after " + apiBack.toMillis() + " ms");
    Scene.assertNothingLost(account);
    assertEquals(0, account.broken(), "each call got an answer");
    assertTrue(account.refused() > 0, "calls were refused");
    assertTrue(
        account.refusalMillis() <= COMMAND_TIMEOUT_MS + 1000,
        "a refusal took " + account.refusalMillis() + " ms");
    assertTrue(account.again() <= Scene.SLOTS, "run again: " + account.again());
  }

  @Test
  void aFullDiskRejectsCallsUntilThereIsSpace() throws Exception {
    try (SmallDisk disk = SmallDisk.mounted(scene.folder().resolve("disk"))) {
      String patience = Integer.toString(COMMAND_TIMEOUT_MS);
      ProgramProcess dev = scene.dev(disk.folder(), "REDIS_COMMAND_TIMEOUT_MS", patience);
      Ledger ledger = scene.ledger(dev, scene.receiver(), PER_SECOND);
      dev.awaitReady();

      ledger.begin();
      ledger.awaitMore(PER_SECOND);
      disk.fill();
      ledger.awaitRefused(PER_SECOND);
      assertEquals(200, dev.status("/health/live"));
      disk.makeRoom();
      ledger.awaitMore(2 * PER_SECOND);

      Account account = ledger.settle(disk.redis());
      Table.add("the disk of dev's Redis is full for a while", account, "");
      Scene.assertNothingLost(account);
      assertEquals(0, account.broken(), "each call got an answer");
      assertTrue(
          account.refusalMillis() <= COMMAND_TIMEOUT_MS + 1000,
          "a refusal took " + account.refusalMillis() + " ms");
      assertTrue(account.again() <= Scene.SLOTS, "run again: " + account.again());
      dev.terminate();
      assertEquals(0, dev.end(), dev.output());
    }
  }

  @Test
  void aFullStoreRejectsCallsUntilThereIsMemory() throws Exception {
    RedisServer redis = scene.redis(Ports.free(), "everysec");
    Installation all = new Installation(scene, Scene.on(redis.port()), PER_SECOND);
    Admin admin = new Admin(all.api);
    all.begin();
    all.ledger.awaitMore(PER_SECOND);
    admin.client("filler");
    Receiver others = scene.receiver();
    String small = later(others.url("/small"), "{}");
    Set<String> forMeanwhile = new HashSet<>();
    for (int i = 0; i < FOR_MEANWHILE; i++) {
      forMeanwhile.add(admin.enqueue(small));
    }
    String unwanted = admin.enqueue(small);
    String large = later(others.url("/large"), BODY);
    for (int i = 0; i < LARGE; i++) {
      admin.enqueue(large);
    }

    Gate gate = all.receiver.hold();
    all.receiver.awaitHeld(gate, Scene.SLOTS);
    all.ledger.mayBeFull();
    redis.configure("maxmemory", "16mb"); // less than is in use: Redis itself refuses, too
    all.ledger.awaitFull(PER_SECOND);
    all.receiver.letPass();
    gate.open(200);
    for (String id : forMeanwhile) {
      admin.post("/v1/tasks/" + id + "/run", "");
    }
    others.awaitDeliveries(forMeanwhile, 1);
    admin.cancel(unwanted);
    // Finished tasks may be dropped at once, to make room; so only pending ones are checked.
    JsonNode low = admin.awaitStats("low", stats -> stats.get("active").asInt() == 0);
    assertEquals(LARGE, low.get("scheduled").asInt(), low.toString());
    assertEquals(0, low.get("ready").asInt() + low.get("retry").asInt(), low.toString());
    assertTrue(admin.isFull(small), "there is room before the purge");
    admin.post("/v1/queues/low/purge", "");
    long purged = System.nanoTime();
    all.ledger.awaitMore(1);
    long backMillis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - purged);
    all.ledger.awaitMore(2 * PER_SECOND);

    Account account = all.ledger.settle(redis.settings());
    Table.add(
        "Redis' maxmemory is less than is in use, until a queue is purged",
        account,
        "429 store_full; taken again %d ms after the purge".formatted(backMillis));
    Scene.assertNothingLost(account);
    assertEquals(0, account.refused() + account.broken(), "no other refusal than store_full");
    assertEquals(0, account.again() + others.again());
    assertTrue(backMillis < 5000, "taken again after " + backMillis + " ms");
  }

  private static String later(String url, String body) {
    return "{\"client_id\":\"filler\",\"queue\":\"low\",\"delay\":86400,\"task\":{\"url\":\""
        + url
        + "\",\"body\":\""
        + body
        + "\"}}";
  }

  private static void awaitUnready(ProgramProcess program) throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(5).toNanos();
    while (program.status("/health/ready") != 503) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError(program.url() + " says that it is ready, without Redis");
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }
}
