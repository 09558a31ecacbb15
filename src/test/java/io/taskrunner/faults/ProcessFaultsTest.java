package io.taskrunner.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.faults.Receiver.Gate;
import io.taskrunner.telemetry.Meters;
import io.taskrunner.testkit.Ports;
import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.RedisServer;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Processes of the program are killed, or frozen. */
@Tag("faults")
@Timeout(180)
class ProcessFaultsTest {

  private static final int PER_SECOND = 100;

  @RegisterExtension final Scene scene = new Scene();

  @Test
  void tasksOfAKilledWorkerAreRunByAnother() throws Exception {
    RedisServer redis = scene.redis(Ports.free(), "everysec");
    Map<String, String> on = Scene.on(redis.port());
    Installation all = new Installation(scene, on, PER_SECOND);
    ProgramProcess second = scene.program("worker", on);
    second.awaitReady();

    all.begin();
    all.ledger.awaitMore(2 * PER_SECOND);
    Gate gate = all.receiver.hold();
    all.receiver.awaitHeld(gate, 2 * Scene.SLOTS); // each slot of both is taken
    all.worker.kill();
    all.receiver.letPass();
    gate.open(200);
    all.ledger.awaitMore(Scene.LEASE_SEC * PER_SECOND);

    Account account = all.ledger.settle(redis.settings());
    Table.add("a worker killed -9, another goes on", account, "in flight: " + Scene.SLOTS);
    Scene.assertNothingLost(account);
    assertEquals(0, account.refused() + account.broken(), "the API was not touched");
    assertEquals(Scene.SLOTS, account.again(), "exactly what was in flight comes again");
  }

  @Test
  void anApiThatIsKilledAndRestartedNeitherLosesNorDuplicates() throws Exception {
    RedisServer redis = scene.redis(Ports.free(), "everysec");
    Map<String, String> on = Scene.on(redis.port());
    String port = Integer.toString(Ports.free());
    ProgramProcess api = scene.program("api", on, "PORT", port);
    ProgramProcess worker = scene.program("worker", on);
    Receiver receiver = scene.receiver();
    Ledger ledger = scene.patientLedger(api, receiver, PER_SECOND);
    api.awaitReady();
    worker.awaitReady();

    ledger.begin();
    ledger.awaitMore(2 * PER_SECOND);
    api.kill();
    ProgramProcess again = scene.program("api", on, "PORT", port);
    again.awaitReady();
    ledger.awaitMore(3 * PER_SECOND);

    Account account = ledger.settle(redis.settings());
    Table.add("the API killed -9 and started again", account, "calls are repeated by their keys");
    Scene.assertNothingLost(account);
    assertTrue(account.broken() > 0, "calls were broken off");
    assertEquals(0, account.again());
  }

  @Test
  void lateResultsOfAPausedWorkerAreIgnored() throws Exception {
    RedisServer redis = scene.redis(Ports.free(), "everysec");
    Map<String, String> on = Scene.on(redis.port());
    Installation all = new Installation(scene, on, PER_SECOND);

    all.begin();
    all.ledger.awaitMore(PER_SECOND);
    Gate gate = all.receiver.hold();
    Set<String> held = all.receiver.awaitHeld(gate, Scene.SLOTS);
    all.worker.freeze();
    all.receiver.letPass();
    ProgramProcess other = scene.program("worker", on);
    other.awaitReady();
    all.receiver.awaitDeliveries(held, 2);
    gate.open(400); // each of these would end its task as dead, if it counted
    all.worker.thaw();
    awaitOutdone(all.worker, Scene.SLOTS);
    all.ledger.awaitMore(2 * PER_SECOND);

    Account account = all.ledger.settle(redis.settings());
    Table.add("a worker stands still past its leases", account, "in flight: " + Scene.SLOTS);
    Scene.assertNothingLost(account);
    assertEquals(0, account.refused() + account.broken(), "the API was not touched");
    assertEquals(Scene.SLOTS, account.again(), "exactly what was in flight comes again");
  }

  /**
   * Waits until a worker has learned of each of these attempts that it is not its own any more:
   * from the renewal, which aborts it, or from the verdict of its answer, whichever is first.
   */
  private static void awaitOutdone(ProgramProcess worker, int attempts)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    String metrics = worker.get("/metrics").body();
    while (counted(metrics, Meters.LEASES_LOST) + counted(metrics, Meters.LATE_ANSWERS)
        < attempts) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("not all of its attempts are given up:\n" + metrics);
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
      metrics = worker.get("/metrics").body();
    }
  }

  private static double counted(String metrics, String counter) {
    return metrics
        .lines()
        .filter(line -> line.startsWith(counter + "_total"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }
}
