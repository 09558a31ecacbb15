package io.taskrunner.store.redis;

import io.taskrunner.store.ForwardingWorkStore;
import io.taskrunner.store.SeriesStore.Failure;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.redis.record.SeriesRecord.Event;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Counts for the series what a worker's calls came to: attempts when they begin, and their verdicts
 * once the store has accepted them: each once, and a late one never.
 */
final class CountedWork extends ForwardingWorkStore {

  /** Tasks that are held at once, beyond which some were left over. */
  private static final int HELD_MAX = 20_000;

  private final SeriesCounts counts;
  private final InstantSource clock;
  private final Map<TaskId, Claim> held = new ConcurrentHashMap<>();

  CountedWork(WorkStore store, SeriesCounts counts, InstantSource clock) {
    super(store);
    this.counts = counts;
    this.clock = clock;
  }

  @Override
  public Exchange exchange(List<Settlement> verdicts, ClaimRequest claim) {
    Exchange exchange = super.exchange(verdicts, claim);
    settled(verdicts, exchange.settled());
    exchange.claims().forEach(this::began);
    if (exchange.atGates().count() > 0) {
      exchange.atGates().answer().thenAccept(answer -> answer.passed().forEach(this::began));
    }
    exchange.recovered().forEach(this::recovered);
    return exchange;
  }

  @Override
  public List<Settled> settle(String workerId, List<Settlement> verdicts) {
    List<Settled> settled = super.settle(workerId, verdicts);
    settled(verdicts, settled);
    return settled;
  }

  @Override
  public List<Ended> renew(String workerId, Duration lease, List<Running> running) {
    List<Ended> ended = super.renew(workerId, lease, running);
    for (Ended one : ended) {
      if (!one.cancelled()) {
        held.computeIfPresent(one.id(), (_, claim) -> claim.number() == one.claim() ? null : claim);
      }
    }
    return ended;
  }

  private void began(Claim claim) {
    if (held.size() >= HELD_MAX) {
      held.clear();
    }
    Claim known = held.put(claim.id(), claim);
    if (known == null || known.number() != claim.number()) { // else the answer was repeated
      counts.lag(claim.queue(), Duration.between(claim.start().due(), claim.start().now()));
    }
  }

  private void settled(List<Settlement> verdicts, List<Settled> results) {
    for (int i = 0; i < results.size(); i++) {
      Settlement verdict = verdicts.get(i);
      Claim claim = held.get(verdict.id());
      if (claim != null
          && claim.number() == verdict.claim()
          && held.remove(verdict.id(), claim)
          && results.get(i) != Settled.LATE) { // repeated: the answer to the first was lost
        count(claim, verdict);
      }
    }
  }

  private void count(Claim claim, Settlement settled) {
    String queue = claim.queue();
    Attempt attempt = settled.attempt();
    if (attempt == null) {
      return; // no attempt was made
    }
    counts.duration(queue, attempt.duration());
    switch (settled.verdict()) {
      case Verdict.Succeed _ -> counts.count(queue, Event.SUCCEEDED, 1);
      case Verdict.Bury _ -> {
        counts.count(queue, Event.DIED, 1);
        failed(claim, attempt);
      }
      case Verdict.Retry _ -> failed(claim, attempt);
      case Verdict.Cancel _, Verdict.PutBack _, Verdict.Hold _ -> {}
    }
  }

  private void failed(Claim claim, Attempt attempt) {
    counts.count(claim.queue(), Event.FAILED, 1);
    String cause =
        attempt.error().isPresent()
            ? attempt.error().get().word()
            : AttemptError.wordOf(attempt.status().orElse(0));
    Instant ended = attempt.start().plus(attempt.duration());
    counts.failure(
        new Failure(
            ended,
            claim.id(),
            claim.queue(),
            claim.spec().request().url().hostAndPort(),
            cause,
            attempt.number()));
  }

  /** The task of a worker that died or was isolated: its attempt has failed. */
  private void recovered(Recovered task) {
    counts.count(task.queue(), Event.FAILED, 1);
    if (task.dead()) {
      counts.count(task.queue(), Event.DIED, 1);
    }
    String cause = AttemptError.LEASE_LOST.word();
    counts.failure(new Failure(clock.instant(), task.id(), task.queue(), "", cause, 0));
  }
}
