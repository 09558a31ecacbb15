package io.taskrunner.task;

import java.time.Duration;
import java.util.Optional;

/** The outcome of one attempt. */
public sealed interface Outcome {

  /**
   * The target sent a complete response.
   *
   * @param status its HTTP status
   * @param retryAfter its {@code Retry-After}, if present and valid
   * @param excerpt the beginning of its body, if it is a failure; see {@link Excerpt}
   */
  record Answered(int status, Optional<Duration> retryAfter, String excerpt) implements Outcome {
    /** A response without an excerpt. */
    public Answered(int status, Optional<Duration> retryAfter) {
      this(status, retryAfter, "");
    }
  }

  /** No complete response arrived in time. */
  record TimedOut(Duration limit) implements Outcome {}

  /**
   * No response arrived, for another reason.
   *
   * @param error any but {@code TIMEOUT}, {@code LEASE_LOST} and {@code EXPIRED}
   * @param detail a sentence for the task's owner
   */
  record Unanswered(AttemptError error, String detail) implements Outcome {}

  /** Not sent, because a required part, such as a signature, cannot be created now. */
  record NotReady(Duration retryIn) implements Outcome {}

  /** Aborted, or not started, because the worker stops. */
  record CutOff() implements Outcome {}

  /** Aborted, because the task was cancelled, or is now held by another worker. */
  record Cancelled() implements Outcome {}
}
