package io.taskrunner.task;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a task, or a queue, says about retries; null is "not said".
 *
 * @param maxRetries 0 to 100
 * @param minBackoff the wait before the first retry
 * @param maxBackoff the longest wait
 * @param maxDoublings how often the wait doubles before it grows by a constant step
 * @param maxDuration since the first attempt; after it no retry is made
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

  /** These settings, with {@code fallback}'s where these say nothing. */
  public Retry over(Retry fallback) {
    return new Retry(
        maxRetries != null ? maxRetries : fallback.maxRetries,
        minBackoff != null ? minBackoff : fallback.minBackoff,
        maxBackoff != null ? maxBackoff : fallback.maxBackoff,
        maxDoublings != null ? maxDoublings : fallback.maxDoublings,
        maxDuration != null ? maxDuration : fallback.maxDuration,
        retryClientErrors != null ? retryClientErrors : fallback.retryClientErrors);
  }

  /** The whole policy, with the documented defaults where nothing is said. */
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
