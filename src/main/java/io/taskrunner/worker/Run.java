package io.taskrunner.worker;

import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Outcome;
import org.jspecify.annotations.Nullable;

/**
 * An attempt that runs here, from its claim to its verdict.
 *
 * <p>The loop makes it, may put a newer claim in place of the first, and ends it. Others read the
 * claim, and ask for the request to be cut off. The outcome is written by the thread that completes
 * the request, before it hands the run to the loop.
 */
final class Run {

  /** No claim: they begin at 1. */
  static final long NONE = 0;

  private final Performer.Request request;
  private final long claimedNanos;
  private final long startNanos;
  private final Claim first;
  private volatile Claim claim;
  private volatile long lostClaim = NONE;
  private volatile boolean cancelled;
  private @Nullable Outcome outcome;
  private long endNanos;

  /**
   * @param claimedNanos when {@code claim.now()} was
   * @param startNanos when the request was begun
   */
  Run(Claim claim, Performer.Request request, long claimedNanos, long startNanos) {
    this.claim = claim;
    this.first = claim;
    this.request = request;
    this.claimedNanos = claimedNanos;
    this.startNanos = startNanos;
  }

  /** The claim by which the task is held now. */
  Claim claim() {
    return claim;
  }

  /** The claim by which the request was begun. */
  Claim first() {
    return first;
  }

  /** Goes on under a newer claim of the same task. */
  void adopt(Claim newer) {
    claim = newer;
  }

  /** The task was called off: the request is cut off. */
  void cancel() {
    cancelled = true;
    request.cancel();
  }

  /** The task was called off while it ran. */
  boolean cancelled() {
    return cancelled;
  }

  /** A claim of this run is no longer this worker's; false when it goes on under a newer one. */
  boolean lose(long number) {
    if (claim.number() != number) {
      return false;
    }
    lostClaim = number;
    request.cancel();
    return true;
  }

  /** The claim that was lost, or {@link #NONE}. */
  long lostClaim() {
    return lostClaim;
  }

  /** The worker stops: the request is cut off. */
  void cutOff() {
    request.cutOff();
  }

  /** Notes what the request came to. */
  void end(Outcome result, long nowNanos) {
    outcome = result;
    endNanos = nowNanos;
  }

  /** What the request came to. */
  Outcome outcome() {
    Outcome known = outcome;
    if (known == null) {
      throw new IllegalStateException("outcome: none (expected: one, since the run has ended)");
    }
    return known;
  }

  Performer.Request request() {
    return request;
  }

  long claimedNanos() {
    return claimedNanos;
  }

  long startNanos() {
    return startNanos;
  }

  long endNanos() {
    return endNanos;
  }
}
