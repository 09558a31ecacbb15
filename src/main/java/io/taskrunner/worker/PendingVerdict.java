package io.taskrunner.worker;

import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A verdict on its way to the store. Confined to the thread of the claim loop. */
final class PendingVerdict {

  private static final BreakerReport NOTHING = new BreakerReport.None();

  private final TaskId id;
  private final long claim;
  private final Verdict verdict;
  private final @Nullable Attempt attempt;
  private final BreakerReport breaker;
  private final long knownNanos;
  private long takenNanos;
  private boolean taken;

  /**
   * @param knownNanos when the outcome was known, as {@link System#nanoTime} tells
   */
  PendingVerdict(
      TaskId id,
      long claim,
      Verdict verdict,
      @Nullable Attempt attempt,
      BreakerReport breaker,
      long knownNanos) {
    this.id = id;
    this.claim = claim;
    this.verdict = verdict;
    this.attempt = attempt;
    this.breaker = breaker;
    this.knownNanos = knownNanos;
  }

  /** As it goes to the store at a time. */
  Settlement settlement(long nowNanos) {
    Duration age = Duration.ofNanos(Math.max(0, nowNanos - knownNanos));
    BreakerReport says = taken ? NOTHING : breaker; // What was taken has been counted.
    return new Settlement(id, claim, verdict, attempt, age, says);
  }

  /** Notes that the store took it; the first time counts. */
  void taken(long nowNanos) {
    if (!taken) {
      taken = true;
      takenNanos = nowNanos;
    }
  }

  /** Whether the store took it before, so that it now only goes in case that was forgotten. */
  boolean wasTaken() {
    return taken;
  }

  /** When the store took it first. */
  long takenNanos() {
    return takenNanos;
  }

  TaskId id() {
    return id;
  }

  Verdict verdict() {
    return verdict;
  }
}
