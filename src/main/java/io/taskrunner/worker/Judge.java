package io.taskrunner.worker;

import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.CloudRetryPolicy;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.RetryRule;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import io.taskrunner.telemetry.Tracing;
import io.taskrunner.worker.WorkerMeters.Ending;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Turns the outcome of an attempt into the verdict for the store, and records it in the meters and
 * the log. The rule itself is {@link RetryRule#judge}; this class computes its arguments: the
 * task's settings over its queue's over the worker's, and times on the store's clock, which is the
 * claim's time plus what has passed since.
 *
 * <p>Used only by the thread of the claim loop, except {@link #failed}.
 */
final class Judge {

  private static final Logger LOG = LoggerFactory.getLogger(Judge.class);

  /** The shortest delay of a retry after a failed attempt that would have been the last. */
  private static final Duration AFTER_PROBE = Duration.ofSeconds(1);

  private final WorkerOptions options;
  private final RandomGenerator random;
  private final WorkerMeters meters;

  Judge(WorkerOptions options, RandomGenerator random, WorkerMeters meters) {
    this.options = options;
    this.random = random;
    this.meters = meters;
  }

  /** The timeout of an attempt: the task's, else its queue's, at most the worker's. */
  Duration timeout(Claim claim) {
    Duration said =
        claim.spec().timeout() != null ? claim.spec().timeout() : claim.rules().timeout();
    return said == null || said.compareTo(options.taskTimeout()) > 0 ? options.taskTimeout() : said;
  }

  /**
   * The verdict on a run that has ended.
   *
   * @return null for none, because this worker no longer holds the task
   */
  @Nullable PendingVerdict judge(Run run) {
    Claim claim = run.claim();
    if (run.lostClaim() == claim.number()) {
      return null;
    }
    Outcome outcome = run.outcome();
    BreakerReport breaker = run.request().breaker();
    if (outcome instanceof Outcome.Cancelled && !run.cancelled()) {
      // Aborted for an older claim that was lost, just before a newer one of ours arrived.
      return pending(claim, new Verdict.PutBack(Duration.ZERO), null, breaker, run.endNanos());
    }
    Instant start = run.first().start().now().plusNanos(run.startNanos() - run.claimedNanos());
    Duration took = Duration.ofNanos(run.endNanos() - run.startNanos());
    Verdict verdict = verdict(claim, outcome, start, took, run.cancelled());
    if (claim.start().probe() && breaker instanceof BreakerReport.Failed) {
      verdict = uncounted(verdict);
    }
    Attempt attempt =
        verdict instanceof Verdict.PutBack
            ? null
            : attempt(claim.start().attempt(), start, took, outcome);
    tell(claim, verdict, outcome, took);
    return pending(claim, verdict, attempt, breaker, run.endNanos());
  }

  /** The verdict on a claim whose attempt could not be started, because of a bug. */
  PendingVerdict unbegun(Claim claim, long claimedNanos, long nowNanos) {
    Instant start = claim.start().now().plusNanos(nowNanos - claimedNanos);
    Outcome outcome = ourFault();
    Verdict verdict = verdict(claim, outcome, start, Duration.ZERO, false);
    tell(claim, verdict, outcome, Duration.ZERO);
    Attempt attempt = attempt(claim.start().attempt(), start, Duration.ZERO, outcome);
    return pending(claim, verdict, attempt, new BreakerReport.None(), nowNanos);
  }

  /** The outcome of an attempt that failed because of a bug. */
  Outcome failed(TaskId id, Throwable bug) {
    LOG.atError().addKeyValue("task_id", id).setCause(bug).log("unexpected error in an attempt");
    return ourFault();
  }

  private static Outcome ourFault() {
    return new Outcome.Unanswered(AttemptError.CONNECTION_LOST, "the worker failed");
  }

  private Verdict verdict(
      Claim claim, Outcome outcome, Instant start, Duration took, boolean cancelled) {
    Duration sinceFirst = Duration.between(claim.start().first().orElse(start), start).plus(took);
    Verdict verdict =
        rule(claim).judge(outcome, claim.start().attempt(), sinceFirst, random::nextDouble);
    if (verdict instanceof Verdict.Retry(Duration in) && claim.express()) {
      // A requested task waits from the request on.
      Instant called = Objects.requireNonNull(claim.cloud()).calledFor().orElse(start);
      Duration left = in.minus(Duration.between(called, start.plus(took)));
      verdict = new Verdict.Retry(left.isNegative() ? Duration.ZERO : left);
    }
    return cancelled && !(verdict instanceof Verdict.Succeed) ? new Verdict.Cancel() : verdict;
  }

  /** A failed probe consumes no attempt: the fault is the host's, not the task's. */
  private static Verdict uncounted(Verdict verdict) {
    return switch (verdict) {
      case Verdict.Retry(Duration in) -> new Verdict.PutBack(in);
      case Verdict.Bury _ -> new Verdict.PutBack(AFTER_PROBE);
      default -> verdict;
    };
  }

  private RetryRule rule(Claim claim) {
    CloudRetryPolicy cloud = claim.rules().cloud();
    return cloud != null
        ? cloud
        : claim.spec().retry().over(claim.rules().retry()).policy(options.maxRetry());
  }

  private static Attempt attempt(int number, Instant start, Duration took, Outcome outcome) {
    return switch (outcome) {
      case Outcome.Answered(int status, _, String excerpt) ->
          new Attempt(number, start, took, OptionalInt.of(status), Optional.empty(), "", excerpt);
      case Outcome.TimedOut(Duration limit) ->
          unanswered(
              number,
              start,
              took,
              AttemptError.TIMEOUT,
              "no complete response within " + seconds(limit));
      case Outcome.Unanswered(AttemptError error, String detail) ->
          unanswered(number, start, took, error, detail);
      case Outcome.Cancelled _ ->
          unanswered(number, start, took, AttemptError.CONNECTION_LOST, "cancelled");
      case Outcome.CutOff _ ->
          unanswered(number, start, took, AttemptError.CONNECTION_LOST, "aborted");
      case Outcome.NotReady _ ->
          unanswered(number, start, took, AttemptError.CONNECT_FAILED, "not ready");
    };
  }

  private static String seconds(Duration time) {
    return BigDecimal.valueOf(time.toMillis(), 3).stripTrailingZeros().toPlainString() + " s";
  }

  private static Attempt unanswered(
      int number, Instant start, Duration took, AttemptError error, String detail) {
    return new Attempt(number, start, took, OptionalInt.empty(), Optional.of(error), detail);
  }

  private void tell(Claim claim, Verdict verdict, Outcome outcome, Duration took) {
    Ending ending =
        switch (verdict) {
          case Verdict.Succeed _ -> Ending.SUCCEEDED;
          case Verdict.Retry _ -> Ending.RETRY;
          case Verdict.Bury _ -> Ending.DEAD;
          case Verdict.Cancel _ -> Ending.CANCELLED;
          case Verdict.PutBack _, Verdict.Hold _ -> null;
        };
    if (ending != null) {
      meters.attempt(claim.queue(), ending, took.toNanos());
    }
    if (verdict instanceof Verdict.Bury) {
      describe(LOG.atInfo(), claim, outcome, took).log("the task is dead");
    } else if (LOG.isDebugEnabled()) {
      describe(LOG.atDebug(), claim, outcome, took)
          .addKeyValue("then", ending == null ? "put_back" : ending.word())
          .log("the attempt ended");
    }
  }

  private static LoggingEventBuilder describe(
      LoggingEventBuilder event, Claim claim, Outcome outcome, Duration took) {
    LoggingEventBuilder about =
        Tracing.traceId(claim.spec().traceparent())
            .map(traceId -> event.addKeyValue("trace_id", traceId))
            .orElse(event);
    LoggingEventBuilder described =
        about
            .addKeyValue("task_id", claim.id())
            .addKeyValue("queue", claim.queue())
            .addKeyValue("client_id", claim.clientId())
            .addKeyValue("host", claim.spec().request().url().hostAndPort())
            .addKeyValue("attempt", claim.start().attempt())
            .addKeyValue("duration_ms", took.toMillis());
    return switch (outcome) {
      case Outcome.Answered(int status, _, _) -> described.addKeyValue("status", status);
      case Outcome.TimedOut _ -> described.addKeyValue("error", AttemptError.TIMEOUT.word());
      case Outcome.Unanswered(AttemptError error, _) ->
          described.addKeyValue("error", error.word());
      case Outcome.NotReady _ -> described.addKeyValue("error", "not_ready");
      case Outcome.CutOff _ -> described.addKeyValue("error", "cut_off");
      case Outcome.Cancelled _ -> described.addKeyValue("error", "cancelled");
    };
  }

  private static PendingVerdict pending(
      Claim claim,
      Verdict verdict,
      @Nullable Attempt attempt,
      BreakerReport breaker,
      long knownNanos) {
    return new PendingVerdict(claim.id(), claim.number(), verdict, attempt, breaker, knownNanos);
  }
}
