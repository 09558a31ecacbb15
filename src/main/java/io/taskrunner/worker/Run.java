package io.taskrunner.worker;

import io.taskrunner.dispatch.Performer;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Outcome;
import org.jspecify.annotations.Nullable;

/**
 * An attempt that runs here, from its claim to its verdict.
 *
 * <p>The loop creates it, may replace the first claim by a newer one, and ends it. Other threads
 * read the claim, and request an abort. The outcome is written by the thread that completes the
 * request, before it passes the run to the loop.
 */
final class Run {

  /** No claim: claim numbers start at 1. */
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
   * @param claimedNanos when {@code claim.start().now()} was
   * @param startNanos when the request started
   */
  Run(Claim claim, Performer.Request request, long claimedNanos, long startNanos) {
    this.claim = claim;
    this.first = claim;
    this.request = request;
    this.claimedNanos = claimedNanos;
    this.startNanos = startNanos;
  }

  /** The claim under which the task is held now. */
  Claim claim() {
    return claim;
  }

  /** The claim under which the request started. */
  Claim first() {
    return first;
  }

  /** Continues under a newer claim of the same task. */
  void adopt(Claim newer) {
    claim = newer;
  }

  /** The task was cancelled: aborts the request. */
  void cancel() {
    cancelled = true;
    request.cancel();
  }

  /** The task was cancelled while it ran. */
  boolean cancelled() {
    return cancelled;
  }

  /**
   * This worker no longer holds a claim of this run; false when the run continues under a newer
   * one.
   */
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

  /** The worker stops: aborts the request. */
  void cutOff() {
    request.cutOff();
  }

  /** Records the outcome of the request. */
  void end(Outcome result, long nowNanos) {
    outcome = result;
    endNanos = nowNanos;
  }

  /** The outcome of the request. */
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
