package io.taskrunner.task;

import java.time.Duration;
import java.util.Optional;

/** What one attempt to reach the target came to. */
public sealed interface Outcome {

  /**
   * The target sent a whole answer.
   *
   * @param status its HTTP status
   * @param retryAfter its {@code Retry-After}, when there is one that can be read
   */
  record Answered(int status, Optional<Duration> retryAfter) implements Outcome {}

  /** No whole answer came in time. */
  record TimedOut(Duration limit) implements Outcome {}

  /**
   * No answer came, for another reason.
   *
   * @param error any but {@code TIMEOUT}, {@code LEASE_LOST} and {@code EXPIRED}
   * @param detail a sentence for the task's owner
   */
  record Unanswered(AttemptError error, String detail) implements Outcome {}

  /** Not sent, since what it must carry, such as a signature, cannot be made now. */
  record NotReady(Duration retryIn) implements Outcome {}

  /** Cut off, or not begun, since the worker stops. */
  record CutOff() implements Outcome {}

  /** Cut off since the task was cancelled, or is another worker's by now. */
  record Cancelled() implements Outcome {}
}
