package io.taskrunner.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.faults.Receiver.Gate;
import io.taskrunner.testkit.Ports;
import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.RedisServer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The one Redis dies, or cannot write. */
@Tag("faults")
@Timeout(180)
class RedisFaultsTest {

  private static final int PER_SECOND = 150;
  private static final int COMMAND_TIMEOUT_MS = 2000;
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  @RegisterExtension final Scene scene = new Scene();

  @Test
  void aRedisThatIsKilledAndStartedAgainLosesNothing() throws Exception {
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
  void aFullDiskRefusesUntilThereIsRoomAgain() throws Exception {
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
