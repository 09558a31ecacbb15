package io.taskrunner.task;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The retry settings of a task or a queue; null is "unset".
 *
 * @param maxRetries 0 to 100
 * @param minBackoff the wait before the first retry
 * @param maxBackoff the longest wait
 * @param maxDoublings how often the wait doubles before it grows by a constant step
 * @param maxDuration since the first attempt; no retries after it
 * @param retryClientErrors whether 3xx and 4xx are retried too
 */
public record Retry(
    @Nullable Integer maxRetries,
    @Nullable Duration minBackoff,
    @Nullable Duration maxBackoff,
    @Nullable Integer maxDoublings,
    @Nullable Duration maxDuration,
    @Nullable Boolean retryClientErrors) {

  /** All unset. */
  public static final Retry UNSET = new Retry(null, null, null, null, null, null);

  /** These settings, with {@code fallback}'s for unset ones. */
  public Retry over(Retry fallback) {
    return new Retry(
        maxRetries != null ? maxRetries : fallback.maxRetries,
        minBackoff != null ? minBackoff : fallback.minBackoff,
        maxBackoff != null ? maxBackoff : fallback.maxBackoff,
        maxDoublings != null ? maxDoublings : fallback.maxDoublings,
        maxDuration != null ? maxDuration : fallback.maxDuration,
        retryClientErrors != null ? retryClientErrors : fallback.retryClientErrors);
  }

  /** The complete policy, with the documented defaults for unset values. */
  public RetryPolicy policy(int defaultMaxRetries) {
    return new RetryPolicy(
        maxRetries != null ? maxRetries : defaultMaxRetries,
        minBackoff != null ? minBackoff : RetryPolicy.MIN_BACKOFF,
        maxBackoff != null ? maxBackoff : RetryPolicy.MAX_BACKOFF,
        maxDoublings != null ? maxDoublings : RetryPolicy.MAX_DOUBLINGS,
        maxDuration,
        retryClientErrors != null && retryClientErrors);
  }
}
