package io.taskrunner.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.SentinelSet;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The master of a Sentinel set dies. */
@Tag("faults")
@Timeout(300)
class SentinelFaultsTest {

  private static final int PER_SECOND = 150;
  private static final int KILLS = Integer.getInteger("faults.kills", 10);
  private static final long GAP_MAX_MILLIS = 10_000;

  @RegisterExtension final Scene scene = new Scene();

  @Test
  void killingTheMasterTimeAndAgainLosesNothing() throws Exception {
    SentinelSet set = scene.sentinels();
    ProgramProcess api = scene.program("api", set.environment(), "REDIS_WAIT_REPLICAS", "1");
    ProgramProcess worker = scene.program("worker", set.environment(), "REDIS_WAIT_REPLICAS", "1");
    Receiver receiver = scene.receiver();
    Ledger ledger = scene.ledger(api, receiver, PER_SECOND);
    api.awaitReady();
    worker.awaitReady();

    ledger.begin();
    List<Long> gaps = new ArrayList<>();
    for (int i = 0; i < KILLS; i++) {
      set.awaitWhole();
      ledger.awaitMore(PER_SECOND);
      long killed = System.nanoTime();
      int dead = set.killMaster();
      set.awaitMasterOtherThan(dead);
      ledger.awaitMore(PER_SECOND);
      gaps.add(ledger.gapMillis(killed, System.nanoTime()));
      set.restart(dead);
    }
    set.awaitWhole();
    ledger.awaitMore(PER_SECOND);
    ledger.end();

    Account account = ledger.settle(set.settings());
    Table.add(
        "the master killed -9, " + KILLS + " times, 3 nodes and 3 Sentinels",
        account,
        "gaps " + gaps + " ms; replicas ≥ " + account.replicasMin());
    Scene.assertNothingLost(account);
    assertEquals(0, account.broken(), "each call got an answer");
    assertTrue(account.replicasMin() >= 1, "an answer said replicas=" + account.replicasMin());
    gaps.forEach(gap -> assertTrue(gap < GAP_MAX_MILLIS, "a gap of " + gap + " ms"));
    assertTrue(account.again() <= KILLS * Scene.SLOTS, "delivered again: " + account.again());
  }

  @Test
  void aMasterThatStandsStillIsLeftForTheNextOne() throws Exception {
    SentinelSet set = scene.sentinels();
    ProgramProcess api = scene.program("api", set.environment());
    ProgramProcess worker = scene.program("worker", set.environment());
    Ledger ledger = scene.ledger(api, scene.receiver(), PER_SECOND);
    api.awaitReady();
    worker.awaitReady();

    ledger.begin();
    ledger.awaitMore(PER_SECOND);
    long frozen = System.nanoTime();
    int still = set.freezeMaster();
    set.awaitMasterOtherThan(still);
    ledger.awaitMore(PER_SECOND);
    long gap = ledger.gapMillis(frozen, System.nanoTime());
    set.thaw(still); // and is made a replica
    set.awaitWhole();
    ledger.awaitMore(PER_SECOND);
    ledger.end();

    Account account = ledger.settle(set.settings());
    Table.add(
        "the master stands still, another takes over, and it comes back",
        account,
        "replicas ≥ " + account.replicasMin());
    Scene.assertNothingLost(account);
    assertEquals(0, account.broken(), "each call got an answer");
    assertTrue(account.replicasMin() >= 1, "an answer said replicas=" + account.replicasMin());
    assertTrue(gap < GAP_MAX_MILLIS, "a gap of " + gap + " ms");
    assertTrue(account.again() <= Scene.SLOTS, "delivered again: " + account.again());
  }
}
