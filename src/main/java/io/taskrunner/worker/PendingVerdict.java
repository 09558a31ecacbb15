package io.taskrunner.worker;

import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A verdict that is being delivered to the store. Confined to the thread of the claim loop. */
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
   * @param knownNanos when the outcome was known, by {@link System#nanoTime}
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

  /** Its form for the store at a time. */
  Settlement settlement(long nowNanos) {
    Duration age = Duration.ofNanos(Math.max(0, nowNanos - knownNanos));
    BreakerReport says = taken ? NOTHING : breaker; // An accepted verdict has been counted.
    return new Settlement(id, claim, verdict, attempt, age, says);
  }

  /** Records that the store accepted it; the first time counts. */
  void taken(long nowNanos) {
    if (!taken) {
      taken = true;
      takenNanos = nowNanos;
    }
  }

  /** Whether the store accepted it before, so that it is sent only in case that was lost. */
  boolean wasTaken() {
    return taken;
  }

  /** When the store first accepted it. */
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
