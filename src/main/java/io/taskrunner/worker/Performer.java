package io.taskrunner.worker;

import io.taskrunner.dispatch.Dispatcher;
import io.taskrunner.dispatch.Sending;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Outcome;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * Starts attempts. The package {@code dispatch} implements it; a test may decide when, and how,
 * they end.
 */
@FunctionalInterface
public interface Performer {

  /**
   * Starts an attempt. Never blocks.
   *
   * @param timeout the longest that it may take
   */
  Request perform(Claim claim, Duration timeout);

  /** Attempts that are sent over the network. */
  static Performer by(Dispatcher dispatcher) {
    return (claim, timeout) -> new Sent(dispatcher.perform(claim, timeout));
  }

  /** An attempt in progress. */
  interface Request {

    /**
     * Completes, on any thread, when the attempt has ended; exceptionally only because of a bug.
     */
    CompletableFuture<Outcome> outcome();

    /** The attempt's evidence for its host's breaker; valid once the outcome is known. */
    BreakerReport breaker();

    /** Aborts the attempt: its outcome is {@code Cancelled} unless it is known already. */
    void cancel();

    /** Aborts the attempt: its outcome is {@code CutOff} unless it is known already. */
    void cutOff();
  }

  /** An attempt that the dispatcher sends. */
  record Sent(Sending sending) implements Request {
    @Override
    public CompletableFuture<Outcome> outcome() {
      return sending.outcome();
    }

    @Override
    public BreakerReport breaker() {
      return sending.breaker();
    }

    @Override
    public void cancel() {
      sending.cancel();
    }

    @Override
    public void cutOff() {
      sending.cutOff();
    }
  }
}
