package io.taskrunner.task;

import java.time.Duration;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether a failed attempt is retried, and after which wait.
 *
 * @param maxRetries attempts after the first, 0 to 100
 * @param minBackoff the wait before the first retry
 * @param maxBackoff the longest wait
 * @param maxDoublings how often the wait doubles before it grows by a constant step
 * @param maxDuration since the first attempt; null for no limit
 * @param retryClientErrors whether 3xx and every 4xx are retried too
 */
public record RetryPolicy(
    int maxRetries,
    Duration minBackoff,
    Duration maxBackoff,
    int maxDoublings,
    @Nullable Duration maxDuration,
    boolean retryClientErrors)
    implements RetryRule {

  /**
   * Default of {@code min_backoff_sec}: 5 retries after 20, 40, 80, 160 and 320 s less the jitter
   * outlast 8 minutes, which is longer than a restart of the target takes.
   */
  public static final Duration MIN_BACKOFF = Duration.ofSeconds(20);

  /** Default of {@code max_backoff_sec}. */
  public static final Duration MAX_BACKOFF = Duration.ofHours(1);

  /** Default of {@code max_doublings}. */
  public static final int MAX_DOUBLINGS = 16;

  /** The longest {@code Retry-After} that is respected. */
  public static final Duration RETRY_AFTER_MAX = Duration.ofHours(1);

  private static final double JITTER = 0.2;

  @Override
  public Verdict judge(Outcome outcome, int attempt, Duration sinceFirst, DoubleSupplier random) {
    return switch (outcome) {
      case Outcome.Answered(int status, _, _) when status / 100 == 2 -> new Verdict.Succeed();
      case Outcome.Answered(int status, Optional<Duration> wait, _)
          when isTransient(status) || retryClientErrors ->
          retryOrBury(attempt, sinceFirst, wait.orElse(Duration.ZERO), random);
      case Outcome.Answered _ -> new Verdict.Bury();
      case Outcome.TimedOut _ -> retryOrBury(attempt, sinceFirst, Duration.ZERO, random);
      case Outcome.Unanswered(AttemptError error, _) when error == AttemptError.BLOCKED_ADDRESS ->
          new Verdict.Bury();
      case Outcome.Unanswered _ -> retryOrBury(attempt, sinceFirst, Duration.ZERO, random);
      case Outcome.NotReady(Duration retryIn) -> new Verdict.PutBack(retryIn);
      case Outcome.CutOff _ -> new Verdict.PutBack(Duration.ZERO);
      case Outcome.Cancelled _ -> new Verdict.Cancel();
    };
  }

  /**
   * The wait before retry {@code k} (from 1), without jitter: it doubles, then grows by a constant
   * step, up to the cap.
   */
  public Duration backoff(int k) {
    return backoff(k, minBackoff, maxBackoff, maxDoublings);
  }

  static Duration backoff(int k, Duration shortest, Duration longest, int doublings) {
    double min = shortest.toMillis();
    double wait =
        k - 1 <= doublings
            ? min * Math.pow(2, k - 1.0)
            : min * Math.pow(2, doublings) * (k - doublings);
    return Duration.ofMillis((long) Math.min(wait, longest.toMillis()));
  }

  private Verdict retryOrBury(
      int attempt, Duration sinceFirst, Duration atLeast, DoubleSupplier random) {
    boolean spent =
        attempt > maxRetries || (maxDuration != null && sinceFirst.compareTo(maxDuration) >= 0);
    if (spent) {
      return new Verdict.Bury();
    }
    long wait = backoff(attempt).toMillis();
    long jittered = wait - (long) (wait * JITTER * random.getAsDouble());
    long bound = Math.min(atLeast.toMillis(), RETRY_AFTER_MAX.toMillis());
    return new Verdict.Retry(Duration.ofMillis(Math.max(jittered, bound)));
  }

  private static boolean isTransient(int status) {
    return status == 408 || status == 425 || status == 429 || status >= 500;
  }
}
