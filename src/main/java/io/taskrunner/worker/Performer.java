package io.taskrunner.worker;

import io.taskrunner.dispatch.Dispatcher;
import io.taskrunner.dispatch.Sending;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Outcome;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * Begins attempts. The room {@code dispatch} does so; a test may decide when, and how, they end.
 */
@FunctionalInterface
public interface Performer {

  /**
   * Begins an attempt. Never blocks.
   *
   * @param timeout the longest that it may take
   */
  Request perform(Claim claim, Duration timeout);

  /** The breaker of a host opened or closed: failures that were counted until now count no more. */
  default void countAnew(String hostAndPort) {}

  /** Attempts that are sent over the network. */
  static Performer by(Dispatcher dispatcher) {
    return new Performer() {
      @Override
      public Request perform(Claim claim, Duration timeout) {
        return new Sent(dispatcher.perform(claim, timeout));
      }

      @Override
      public void countAnew(String hostAndPort) {
        dispatcher.countAnew(hostAndPort);
      }
    };
  }

  /** An attempt that is under way. */
  interface Request {

    /** Completes, on any thread, when the attempt is over; exceptionally by a bug only. */
    CompletableFuture<Outcome> outcome();

    /** What the attempt says of its host's breaker; to be asked once the outcome is known. */
    BreakerReport breaker();

    /** Cuts the attempt off: its outcome is {@code Cancelled} unless it is known already. */
    void cancel();

    /** Cuts the attempt off: its outcome is {@code CutOff} unless it is known already. */
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
