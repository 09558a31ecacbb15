package io.taskrunner.task;

import java.time.Duration;
import java.util.function.DoubleSupplier;

/**
 * Google's retry rule of Cloud Tasks: every outcome except 2xx is retried, without jitter, until
 * both limits are exceeded. {@code lua/lib/retry.lua} implements the same for lost leases.
 *
 * @param maxAttempts including the first, from 1; -1 for no limit
 * @param maxDuration since the first attempt; zero when unset
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
      case Outcome.Answered(int status, _, _) when status / 100 == 2 -> new Verdict.Succeed();
      case Outcome.Answered _, Outcome.TimedOut _, Outcome.Unanswered _ ->
          spent(attempt, sinceFirst) ? new Verdict.Bury() : new Verdict.Retry(backoff(attempt));
      case Outcome.NotReady(Duration retryIn) -> new Verdict.PutBack(retryIn);
      case Outcome.CutOff _ -> new Verdict.PutBack(Duration.ZERO);
      case Outcome.Cancelled _ -> new Verdict.Cancel();
    };
  }

  /**
   * Whether an attempt was the last: both limits are exceeded. An unset duration counts as
   * exceeded; so do unlimited attempts if a duration is set.
   */
  boolean spent(int attempt, Duration sinceFirst) {
    boolean timed = maxDuration.isPositive();
    boolean attemptsSpent = maxAttempts < 0 ? timed : attempt >= maxAttempts;
    return attemptsSpent && (!timed || sinceFirst.compareTo(maxDuration) >= 0);
  }

  /** The wait after failed attempt {@code n}, from 1: doubling, then growing by a constant step. */
  public Duration backoff(int n) {
    return RetryPolicy.backoff(n, minBackoff, maxBackoff, maxDoublings);
  }
}
