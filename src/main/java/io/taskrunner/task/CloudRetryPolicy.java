package io.taskrunner.task;

import java.time.Duration;
import java.util.function.DoubleSupplier;

/**
 * Google's rule for the retries of Cloud Tasks: whatever is not 2xx is retried, without jitter,
 * until both limits are spent. {@code lua/lib/retry.lua} holds the same for lost leases.
 *
 * @param maxAttempts with the first, from 1; -1 for no limit
 * @param maxDuration since the first attempt; zero when not said
 * @param minBackoff the wait before the first retry
 * @param maxBackoff the longest wait
 * @param maxDoublings how often the wait doubles before it grows by a constant step
 */
public record CloudRetryPolicy(
    int maxAttempts,
    Duration maxDuration,
    Duration minBackoff,
    Duration maxBackoff,
    int maxDoublings)
    implements RetryRule {

  @Override
  public Verdict judge(Outcome outcome, int attempt, Duration sinceFirst, DoubleSupplier random) {
    return switch (outcome) {
      case Outcome.Answered(int status, _) when status / 100 == 2 -> new Verdict.Succeed();
      case Outcome.Answered _, Outcome.TimedOut _, Outcome.Unanswered _ ->
          spent(attempt, sinceFirst) ? new Verdict.Bury() : new Verdict.Retry(backoff(attempt));
      case Outcome.NotReady(Duration retryIn) -> new Verdict.PutBack(retryIn);
      case Outcome.CutOff _ -> new Verdict.PutBack(Duration.ZERO);
      case Outcome.Cancelled _ -> new Verdict.Cancel();
    };
  }

  /**
   * Whether an attempt was the last: both limits are spent. A duration that is not said counts as
   * spent; so do attempts without a limit where a duration is said.
   */
  boolean spent(int attempt, Duration sinceFirst) {
    boolean timed = maxDuration.isPositive();
    boolean attemptsSpent = maxAttempts < 0 ? timed : attempt >= maxAttempts;
    return attemptsSpent && (!timed || sinceFirst.compareTo(maxDuration) >= 0);
  }

  /** The wait after failed attempt {@code n}, from 1: doubling, then growing by a constant step. */
  public Duration backoff(int n) {
    double min = minBackoff.toMillis();
    if (min == 0) {
      return Duration.ZERO;
    }
    double wait =
        n - 1 <= maxDoublings
            ? min * Math.pow(2, n - 1.0)
            : min * Math.pow(2, maxDoublings) * (n - maxDoublings);
    return Duration.ofMillis((long) Math.min(wait, maxBackoff.toMillis()));
  }
}
