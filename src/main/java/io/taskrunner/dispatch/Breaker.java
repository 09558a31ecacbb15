package io.taskrunner.dispatch;

import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.TargetUrl;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * This worker's part of the circuit breakers: it counts consecutive failures per host and port. The
 * store decides on the threshold, whether a breaker is open, and which attempts are probes.
 *
 * <p>A host without a recent failure uses no memory; at most {@value #HOSTS_MAX} are kept, and the
 * one that failed longest ago is dropped first. Thread-safe.
 */
final class Breaker {

  /** Maximum number of hosts kept. */
  static final int HOSTS_MAX = 10_000;

  private static final BreakerReport NONE = new BreakerReport.None();
  private static final BreakerReport GOOD = new BreakerReport.Good();

  private enum Evidence {
    GOOD,
    BAD,
    NONE
  }

  private record Failures(int inARow, Instant last) {}

  private final Duration interval;
  private final InstantSource clock;
  private final Map<String, Failures> hosts =
      new LinkedHashMap<>(); // by last failure; guarded by itself
  private volatile boolean noneKnown = true; // avoids the lock and the name for most attempts

  /**
   * @param interval a count is reset after this long without a failure
   */
  Breaker(Duration interval, InstantSource clock) {
    this.interval = interval;
    this.clock = clock;
  }

  /**
   * Evaluates an outcome.
   *
   * @param probe whether the attempt was a probe of a half-open breaker; the store counts such
   *     failures
   */
  BreakerReport record(TargetUrl url, Outcome outcome, boolean probe) {
    return switch (evidence(outcome)) {
      case NONE -> NONE;
      case GOOD -> {
        if (!noneKnown) {
          forget(url.hostAndPort());
        }
        yield probe ? GOOD : NONE;
      }
      case BAD -> new BreakerReport.Failed(probe ? 1 : count(url.hostAndPort()));
    };
  }

  /** Resets the count of a host and port. */
  void forget(String host) {
    synchronized (hosts) {
      hosts.remove(host);
      noneKnown = hosts.isEmpty();
    }
  }

  private int count(String host) {
    synchronized (hosts) {
      Instant now = clock.instant();
      Failures before = hosts.remove(host);
      int failures =
          before != null && before.last.plus(interval).isAfter(now) ? before.inARow + 1 : 1;
      hosts.put(host, new Failures(failures, now));
      if (hosts.size() > HOSTS_MAX) {
        hosts.remove(hosts.keySet().iterator().next());
      }
      noneKnown = false;
      return failures;
    }
  }

  private static Evidence evidence(Outcome outcome) {
    return switch (outcome) {
      case Outcome.Answered(int status, _, _) -> status >= 500 ? Evidence.BAD : Evidence.GOOD;
      case Outcome.TimedOut _ -> Evidence.BAD;
      case Outcome.Unanswered(AttemptError error, _) ->
          error == AttemptError.BLOCKED_ADDRESS ? Evidence.NONE : Evidence.BAD;
      case Outcome.NotReady _, Outcome.CutOff _, Outcome.Cancelled _ -> Evidence.NONE;
    };
  }
}
