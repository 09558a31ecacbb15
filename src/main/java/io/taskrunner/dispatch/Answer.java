package io.taskrunner.dispatch;

import io.taskrunner.task.Outcome;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The part of a response that is kept while it arrives. Its body is counted, not kept. */
final class Answer {

  /** How much of a body is read, in bytes; the rest is discarded unread. */
  static final int BODY_MAX = 64 * 1024;

  /** Maximum size of the head, in bytes. */
  static final int HEAD_MAX = 32 * 1024;

  /** Maximum number of interim responses (1xx) that a target may send. */
  static final int INTERIM_MAX = 100;

  private int status;
  private int interim;
  private int bodyBytes;
  private @Nullable String retryAfter;
  private @Nullable String date;

  /** Whether the head has arrived. */
  boolean hasBegun() {
    return status != 0;
  }

  /** Processes the head; returns false when its status is not a valid HTTP status. */
  boolean begin(int code, @Nullable String retryAfterHeader, @Nullable String dateHeader) {
    status = code;
    retryAfter = retryAfterHeader;
    date = dateHeader;
    return code >= 200 && code <= 999;
  }

  /** Processes an interim response; returns false when there were too many. */
  boolean interim() {
    return ++interim <= INTERIM_MAX;
  }

  /** Processes a chunk of the body; returns false when the response is longer than the limit. */
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
