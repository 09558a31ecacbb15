package io.taskrunner.store.redis;

import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Ended;
import io.taskrunner.store.WorkStore.Exchange;
import io.taskrunner.store.WorkStore.GateAnswer;
import io.taskrunner.store.WorkStore.Running;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.task.TaskId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A process of a {@link MixedHistory}: its store, its worker, and its running attempts. */
final class MixedProcess {

  final RedisStore store;
  final String worker;
  final Map<TaskId, Claim> held = new LinkedHashMap<>();
  private final MixedHistory history;
  private final long[] requests = new long[MixedHistory.SHARDS];
  private final int[] slots = new int[MixedHistory.SHARDS];
  private final boolean[] unanswered = new boolean[MixedHistory.SHARDS];

  /** A worker that claims by itself. */
  private static final class Deaf implements WorkStore.Listener {
    @Override
    public void wake() {}

    @Override
    public void cancelled(TaskId id) {}
  }

  MixedProcess(MixedHistory history, RedisStore store, String worker) {
    this.history = history;
    this.store = store;
    this.worker = worker;
    for (WorkStore work : store.works()) {
      work.listen(worker, new Deaf());
    }
  }

  /** Claims, or repeats a claim that was not answered. */
  void claim(int shard, int most, List<Settlement> verdicts) {
    if (!unanswered[shard] || history.chance(20)) {
      requests[shard]++;
      slots[shard] = most;
    }
    unanswered[shard] = true;
    verdicts.forEach(one -> ended(one.id(), one.claim()));
    Exchange exchange =
        store
            .works()
            .get(shard)
            .exchange(
                verdicts,
                new ClaimRequest(
                    worker,
                    requests[shard],
                    slots[shard],
                    MixedHistory.LEASE,
                    Stage.MAX_RETRIES,
                    0));
    unanswered[shard] = false;
    exchange.claims().forEach(this::begin);
    GateAnswer answer = exchange.atGates().answer().toCompletableFuture().join();
    answer.passed().forEach(this::begin);
    settle(shard, verdicts.subList(exchange.settled().size(), verdicts.size()));
    settle(
        shard,
        answer.refused().stream()
            .map(one ->
                MixedHistory.settlement(one.claim(), one.verdict(), new BreakerReport.None()))
            .toList());
    history.note(
        "%s claims %d in %d: %s, and at gates %s of %d",
        name(),
        slots[shard],
        shard,
        words(exchange.claims()),
        words(answer.passed()),
        exchange.atGates().count());
  }

  private static List<String> words(List<Claim> claims) {
    return claims.stream().map(one -> one.queue() + " " + one.id() + "#" + one.number()).toList();
  }

  private void begin(Claim claim) {
    history.promises.started(this, claim, MixedHistory.LEASE.toMillis());
    held.put(claim.id(), claim);
    history.others().delivered(claim);
  }

  void settle(int shard, List<Settlement> verdicts) {
    verdicts.forEach(one -> {
      history.note("%s settles %s#%d: %s", name(), one.id(), one.claim(), one.verdict());
      ended(one.id(), one.claim());
    });
    int settled = 0;
    while (settled < verdicts.size()) { // the store may take only the first of them
      settled +=
          store
              .works()
              .get(shard)
              .settle(worker, verdicts.subList(settled, verdicts.size()))
              .size();
    }
  }

  /** A verdict was sent, or the task is not its own any more. */
  void ended(TaskId id, long claim) {
    held.remove(id);
    history.promises.ended(id, claim);
  }

  /** Renews its running attempts in all shards, except for a few that it forgets. */
  void renew() {
    for (int shard = 0; shard < MixedHistory.SHARDS; shard++) {
      int here = shard;
      List<Running> named =
          held.values().stream()
              .filter(claim -> claim.id().shard() == here && !history.chance(10))
              .map(claim -> new Running(claim.id(), claim.number()))
              .toList();
      List<Ended> gone = store.works().get(shard).renew(worker, MixedHistory.LEASE, named);
      named.forEach(
          one -> history.promises.renewed(one.id(), one.claim(), MixedHistory.LEASE.toMillis()));
      gone.forEach(one -> ended(one.id(), one.claim()));
    }
  }

  String name() {
    return worker.substring(13);
  }
}
