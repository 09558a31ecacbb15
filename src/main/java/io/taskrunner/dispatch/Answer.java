package io.taskrunner.dispatch;

import io.netty.buffer.ByteBuf;
import io.taskrunner.task.Excerpt;
import io.taskrunner.task.Outcome;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The part of a response that is kept while it arrives. Its body is counted; only the beginning of
 * that of a failure is kept.
 */
final class Answer {

  /** How much of a body is read, in bytes; the rest is discarded unread. */
  static final int BODY_MAX = 64 * 1024;

  /** Maximum size of the head, in bytes. */
  static final int HEAD_MAX = 32 * 1024;

  /** Maximum number of interim responses (1xx) that a target may send. */
  static final int INTERIM_MAX = 100;

  private static final byte[] EMPTY = new byte[0];

  private final int excerptMax;
  private byte[] excerpt = EMPTY;
  private int status;
  private int interim;
  private int bodyBytes;
  private @Nullable String retryAfter;
  private @Nullable String date;

  /**
   * A response that has not begun.
   *
   * @param excerptMax how much of the body of a failure is kept, in bytes
   */
  Answer(int excerptMax) {
    this.excerptMax = excerptMax;
  }

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
  boolean body(ByteBuf part) {
    int size = part.readableBytes();
    int kept = excerpt.length;
    if (kept < excerptMax && size > 0 && !isSuccess()) {
      int more = Math.min(size, excerptMax - kept);
      excerpt = Arrays.copyOf(excerpt, kept + more);
      part.getBytes(part.readerIndex(), excerpt, kept, more);
    }
    bodyBytes += size;
    return bodyBytes <= BODY_MAX;
  }

  private boolean isSuccess() {
    return status / 100 == 2;
  }

  Outcome outcome(InstantSource clock) {
    Optional<Duration> wait =
        retryAfter == null ? Optional.empty() : RetryAfter.parse(retryAfter, date, clock.instant());
    return new Outcome.Answered(
        status, wait, excerpt.length == 0 ? "" : Excerpt.of(excerpt, excerptMax));
  }
}
