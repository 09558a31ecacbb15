package io.taskrunner.task;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One finished attempt in the log of a task.
 *
 * @param number 1 for the first
 * @param start when the request started
 * @param duration until its outcome was known
 * @param status the target's HTTP status; empty when none was received
 * @param error why no status was received; empty when one was
 * @param detail a sentence on the error, at most {@value #DETAIL_MAX} characters; may be empty
 * @param excerpt the beginning of the body of a response that was a failure; may be empty
 */
public record Attempt(
    int number,
    Instant start,
    Duration duration,
    OptionalInt status,
    Optional<AttemptError> error,
    String detail,
    String excerpt) {

  /** The longest detail that is kept, in characters. */
  public static final int DETAIL_MAX = 256;

  /** Cuts an over-long detail. */
  public Attempt {
    if (detail.length() > DETAIL_MAX) {
      detail = detail.substring(0, DETAIL_MAX);
    }
  }

  /** An attempt without an excerpt. */
  public Attempt(
      int number,
      Instant start,
      Duration duration,
      OptionalInt status,
      Optional<AttemptError> error,
      String detail) {
    this(number, start, duration, status, error, detail, "");
  }
}
