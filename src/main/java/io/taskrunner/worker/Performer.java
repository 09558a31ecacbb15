package io.taskrunner.worker;

import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Outcome;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Begins attempts; the room {@code dispatch} is the one that does. */
public interface Performer {

  /**
   * Begins an attempt. Never blocks.
   *
   * @param timeout the longest that it may take
   */
  Request perform(Claim claim, Duration timeout);

  /** An attempt that is under way. */
  interface Request {

    /** Completes, on any thread, when the attempt is over. Never completes exceptionally but by a bug. */
    CompletableFuture<Outcome> outcome();

    /** What the attempt says of its host's breaker; to be asked once the outcome is known. */
    BreakerReport breaker();

    /** Cuts the attempt off: its outcome is {@code Cancelled} unless it is known already. */
    void cancel();

    /** Cuts the attempt off: its outcome is {@code CutOff} unless it is known already. */
    void cutOff();
  }
}
