package io.taskrunner.dispatch;

import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Outcome;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Starts attempts. A test may decide when, and how, they end. */
@FunctionalInterface
public interface Performer {

  /**
   * Starts an attempt. Never blocks.
   *
   * @param timeout the longest that it may take
   */
  Request perform(Claim claim, Duration timeout);

  /** An attempt in progress. */
  interface Request {

    /**
     * Completes, on any thread, when the attempt has ended; exceptionally only because of a bug.
     */
    CompletableFuture<Outcome> outcome();

    /** The attempt's evidence for its host's breaker; none until the outcome is known. */
    BreakerReport breaker();

    /**
     * Aborts the attempt, because the task was cancelled or is held by another worker: its outcome
     * is {@code Cancelled} unless it is known already.
     */
    void cancel();

    /**
     * Aborts the attempt, because this worker stops: its outcome is {@code CutOff} unless it is
     * known already.
     */
    void cutOff();
  }
}
