package io.taskrunner.faults;

import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.Proxy;
import io.taskrunner.testkit.SentinelSet;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The master of a Sentinel set dies, or is isolated. */
@Tag("faults")
@Timeout(300)
class SentinelFaultsTest {

  private static final int PER_SECOND = 150;
  private static final int KILLS = Integer.getInteger("faults.kills", 10);
  private static final int COMMAND_TIMEOUT_MS = 2000;
  private static final long GAP_MAX_MILLIS = 10_000;

  @RegisterExtension final Scene scene = new Scene();

  @Test
  void killingTheMasterRepeatedlyLosesNothing() throws Exception {
    SentinelSet set = scene.sentinels();
    Installation all =
        new Installation(scene, set.environment(), PER_SECOND, "REDIS_WAIT_REPLICAS", "1");

    all.begin();
    List<Long> gaps = new ArrayList<>();
    for (int i = 0; i < KILLS; i++) {
      set.awaitWhole();
      all.ledger.awaitMore(PER_SECOND);
      long killed = System.nanoTime();
      int dead = set.killMaster();
      gaps.add(gapOfFailover(set, dead, all.ledger, killed));
      set.restart(dead);
    }
    set.awaitWhole();
    all.ledger.awaitMore(PER_SECOND);

    Account account = all.ledger.settle(set.settings());
    Table.add(
        "the master killed -9, " + KILLS + " times, 3 nodes and 3 Sentinels",
        account,
        "gaps " + gaps + " ms; replicas ≥ " + account.replicasMin());
    assertKept(account);
    gaps.forEach(gap -> assertTrue(gap < GAP_MAX_MILLIS, "a gap of " + gap + " ms"));
    assertTrue(account.again() <= KILLS * Scene.SLOTS, "delivered again: " + account.again());
  }

  @Test
  void aFrozenMasterIsReplacedByTheNext() throws Exception {
    SentinelSet set = scene.sentinels();
    Installation all = new Installation(scene, set.environment(), PER_SECOND);

    all.begin();
    all.ledger.awaitMore(PER_SECOND);
    long frozen = System.nanoTime();
    int still = set.freezeMaster();
    long gap = gapOfFailover(set, still, all.ledger, frozen);
    set.thaw(still); // and becomes a replica
    set.awaitWhole();
    all.ledger.awaitMore(PER_SECOND);

    Account account = all.ledger.settle(set.settings());
    Table.add(
        "the master stands still, another takes over, and it comes back",
        account,
        "replicas ≥ " + account.replicasMin());
    assertKept(account);
    assertTrue(gap < GAP_MAX_MILLIS, "a gap of " + gap + " ms");
    assertTrue(account.again() <= Scene.SLOTS, "delivered again: " + account.again());
  }

  @Test
  void aMasterThatOnlyClientsReachIsReplacedByTheNext() throws Exception {
    SentinelSet set = scene.divisibleSentinels();
    Installation all =
        new Installation(scene, set.environment(), PER_SECOND, "REDIS_WAIT_REPLICAS", "1");

    all.begin();
    all.ledger.awaitMore(PER_SECOND);
    long divided = System.nanoTime();
    int former = set.theMaster();
    set.divide(former, true);
    long gap = gapOfFailover(set, former, all.ledger, divided);
    assertTrue(set.isMaster(former), "it still takes itself for the master");

    Account account = all.ledger.settle(set.settings());
    Table.add(
        "the master is isolated from replicas and Sentinels, not from callers",
        account,
        "a gap of %d ms; replicas ≥ %d".formatted(gap, account.replicasMin()));
    assertKept(account);
    assertTrue(gap < GAP_MAX_MILLIS, "a gap of " + gap + " ms");
    // In addition to running tasks: calls of the gap, made at the former master and repeated at the
    // next.
    long inGap = gap * PER_SECOND / 1000;
    assertTrue(account.again() <= Scene.SLOTS + inGap, "delivered again: " + account.again());
  }

  @Test
  void anApiThatReachesOnlyTheFormerMasterAcceptsNothing() throws Exception {
    SentinelSet set = scene.divisibleSentinels();
    List<Proxy> ways = set.sentinelPorts().stream().map(scene::proxy).toList();
    Map<String, String> isolated = new HashMap<>(set.environment());
    isolated.put(
        "REDIS_SENTINEL_ADDR",
        ways.stream().map(way -> "127.0.0.1:" + way.port()).collect(joining(",")));
    String patience = Integer.toString(COMMAND_TIMEOUT_MS);
    ProgramProcess api =
        scene.program(
            "api", isolated, "REDIS_WAIT_REPLICAS", "1", "REDIS_COMMAND_TIMEOUT_MS", patience);
    ProgramProcess worker = scene.program("worker", set.environment());
    Receiver receiver = scene.receiver();
    Ledger ledger = scene.ledger(api, receiver, PER_SECOND);
    api.awaitReady();
    worker.awaitReady();

    ledger.begin();
    ledger.awaitMore(PER_SECOND);
    int former = set.theMaster();
    ways.forEach(way -> way.swallow(true));
    set.divide(former, true);
    set.awaitMasterOtherThan(former);
    ledger.awaitRefused(PER_SECOND * 5); // all of them at the former master
    assertTrue(set.isMaster(former), "it still takes itself for the master");
    ways.forEach(way -> way.swallow(false));
    set.divide(former, false);
    set.awaitWhole();
    ledger.awaitMore(2 * PER_SECOND);

    Account account = ledger.settle(set.settings());
    Table.add(
        "the API and the former master are isolated together from all others",
        account,
        "replicas ≥ " + account.replicasMin());
    assertKept(account);
    assertTrue(account.again() <= Scene.SLOTS, "delivered again: " + account.again());
  }

  /** Waits until another is the master and takes tasks; returns how long none was taken, in ms. */
  private static long gapOfFailover(SentinelSet set, int former, Ledger ledger, long sinceNanos)
      throws InterruptedException {
    set.awaitMasterOtherThan(former);
    ledger.awaitMore(PER_SECOND);
    return ledger.gapMillis(sinceNanos, System.nanoTime());
  }

  private static void assertKept(Account account) {
    Scene.assertNothingLost(account);
    assertEquals(0, account.broken(), "each call got an answer");
    assertTrue(account.replicasMin() >= 1, "an answer said replicas=" + account.replicasMin());
  }
}
