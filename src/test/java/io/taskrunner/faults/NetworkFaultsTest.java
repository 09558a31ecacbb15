package io.taskrunner.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.faults.Receiver.Gate;
import io.taskrunner.testkit.Ports;
import io.taskrunner.testkit.Proxy;
import io.taskrunner.testkit.RedisServer;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The network between the program and its Redis is faulty. */
@Tag("faults")
@Timeout(180)
class NetworkFaultsTest {

  private static final int PER_SECOND = 100;
  private static final int COMMAND_TIMEOUT_MS = 2000;
  private static final int CUTS = 5;

  @RegisterExtension final Scene scene = new Scene();

  /** The program behind a faulty network, in two processes, under load. */
  private final class Behind {
    final RedisServer redis = scene.redis(Ports.free(), "everysec");
    final Proxy network = scene.proxy(redis.port());
    final Installation all =
        new Installation(
            scene,
            Scene.on(network.port()),
            PER_SECOND,
            "REDIS_COMMAND_TIMEOUT_MS",
            Integer.toString(COMMAND_TIMEOUT_MS));
    final Ledger ledger = all.ledger;

    Behind() throws IOException, InterruptedException {
      all.begin();
      ledger.awaitMore(PER_SECOND);
    }

    /** Ends the load, and returns its account. */
    Account end(String scenario, String remark) throws IOException, InterruptedException {
      ledger.awaitMore(2 * PER_SECOND);
      Account account = ledger.settle(redis.settings());
      Table.add(scenario, account, remark);
      Scene.assertNothingLost(account);
      assertEquals(0, account.broken(), "each call got an answer");
      assertTrue(account.again() <= Scene.SLOTS, "delivered again: " + account.again());
      return account;
    }
  }

  @Test
  void aSlowNetworkDelaysButRejectsNothing() throws Exception {
    Behind it = new Behind();
    it.network.delay(Duration.ofMillis(200));
    it.ledger.awaitMore(6 * PER_SECOND);
    it.network.delay(Duration.ZERO);
    Account account = it.end("200 ms between the program and Redis, each way", "");
    assertEquals(0, account.refused());
    assertEquals(0, account.again());
  }

  @Test
  void aNetworkThatDropsEverythingIsAnOutageThatEnds() throws Exception {
    Behind it = new Behind();
    it.network.swallow(true);
    long began = System.nanoTime();
    long outage = Duration.ofSeconds(Scene.LEASE_SEC + 3).toNanos();
    for (long left = outage; left > 0; left = outage - (System.nanoTime() - began)) {
      assertEquals(200, it.all.api.status("/health/live"));
      assertEquals(200, it.all.worker.status("/health/live"));
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
    }
    assertEquals(503, it.all.api.status("/health/ready"));
    assertEquals(503, it.all.worker.status("/health/ready"));
    it.network.swallow(false);
    Duration apiBack = it.all.api.awaitReady(Duration.ofSeconds(5));
    it.all.worker.awaitReady(Duration.ofSeconds(5));
    Account account =
        it.end(
            "the network swallows everything for longer than a lease",
            "ready again after " + apiBack.toMillis() + " ms");
    assertTrue(account.refused() > 0, "calls were refused");
    assertTrue(
        account.refusalMillis() <= COMMAND_TIMEOUT_MS + 1000,
        "a refusal took " + account.refusalMillis() + " ms");
  }

  @Test
  void aStalledNetworkThatDeliversLateDoesNoHarm() throws Exception {
    Behind it = new Behind();
    Gate gate = it.all.receiver.hold();
    it.all.receiver.awaitHeld(gate, Scene.SLOTS);
    it.network.hold(true);
    long stalled = System.nanoTime();
    it.all.receiver.letPass();
    gate.open(200); // their verdicts are held back, too
    long stall = Duration.ofSeconds(Scene.LEASE_SEC + 3).toNanos();
    for (long left = stall; left > 0; left = stall - (System.nanoTime() - stalled)) {
      assertEquals(200, it.all.api.status("/health/live"));
      assertEquals(200, it.all.worker.status("/health/live"));
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
    }
    it.network.hold(false);
    Duration apiBack = it.all.api.awaitReady(Duration.ofSeconds(5));
    it.all.worker.awaitReady(Duration.ofSeconds(5));
    Account account =
        it.end(
            "the network stalls for longer than a lease, and delivers all of it late",
            "ready again after " + apiBack.toMillis() + " ms");
    assertTrue(account.refused() > 0, "calls were refused");
    assertTrue(
        account.refusalMillis() <= COMMAND_TIMEOUT_MS + 1000,
        "a refusal took " + account.refusalMillis() + " ms");
  }

  @Test
  void brokenAndResetConnectionsAreReopened() throws Exception {
    Behind it = new Behind();
    for (int i = 0; i < CUTS; i++) {
      it.network.halfClose();
      it.ledger.awaitMore(PER_SECOND / 2);
      it.network.reset();
      it.ledger.awaitMore(PER_SECOND / 2);
    }
    Account account = it.end("connections to Redis half-closed and reset, 5 times each", "");
    assertEquals(0, account.refused());
  }
}
