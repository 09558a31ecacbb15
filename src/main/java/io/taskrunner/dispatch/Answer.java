package io.taskrunner.dispatch;

import io.taskrunner.task.Outcome;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is kept of an answer while it comes in. Its body is counted, not kept. */
final class Answer {

  /** How much of a body is read, in bytes; the rest is discarded unread. */
  static final int BODY_MAX = 64 * 1024;

  /** How long the head may be, in bytes. */
  static final int HEAD_MAX = 32 * 1024;

  /** How many interim answers (1xx) a target may send. */
  static final int INTERIM_MAX = 100;

  private int status;
  private int interim;
  private int bodyBytes;
  private @Nullable String retryAfter;
  private @Nullable String date;

  /** Whether the head has come. */
  boolean hasBegun() {
    return status != 0;
  }

  /** Takes the head; returns false when its status is none that HTTP knows. */
  boolean begin(int code, @Nullable String retryAfterHeader, @Nullable String dateHeader) {
    status = code;
    retryAfter = retryAfterHeader;
    date = dateHeader;
    return code >= 200 && code <= 999;
  }

  /** Takes an interim answer; returns false when there were too many. */
  boolean interim() {
    return ++interim <= INTERIM_MAX;
  }

  /** Takes a piece of the body; returns false when the answer is longer than is read. */
  boolean body(int bytes) {
    bodyBytes += bytes;
    return bodyBytes <= BODY_MAX;
  }

  Outcome outcome(InstantSource clock) {
    Optional<Duration> wait =
        retryAfter == null ? Optional.empty() : RetryAfter.parse(retryAfter, date, clock.instant());
    return new Outcome.Answered(status, wait);
  }
}
