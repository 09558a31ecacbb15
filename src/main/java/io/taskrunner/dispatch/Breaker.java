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
 * This worker's part of the circuit breakers: it counts failures in a row per host and port. How
 * many are too many, whether a breaker is open, and which attempts are probes, is the store's to
 * say.
 *
 * <p>A host without a recent failure takes no memory; at most {@value #HOSTS_MAX} are remembered,
 * the one that failed longest ago is forgotten first. Safe for use by many threads.
 */
final class Breaker {

  /** How many hosts are remembered. */
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
  private volatile boolean noneKnown = true; // spares the usual attempt the lock and the name

  /**
   * @param interval a count is forgotten after so long without a failure
   */
  Breaker(Duration interval, InstantSource clock) {
    this.interval = interval;
    this.clock = clock;
  }

  /**
   * Takes an outcome as evidence.
   *
   * @param probe whether the attempt tried out a half-open breaker; such failures are counted by
   *     the store
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

  /** Begins the count of a host and port anew. */
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
      case Outcome.Answered(int status, _) -> status >= 500 ? Evidence.BAD : Evidence.GOOD;
      case Outcome.TimedOut _ -> Evidence.BAD;
      case Outcome.Unanswered(AttemptError error, _) ->
          error == AttemptError.BLOCKED_ADDRESS ? Evidence.NONE : Evidence.BAD;
      case Outcome.NotReady _, Outcome.CutOff _, Outcome.Cancelled _ -> Evidence.NONE;
    };
  }
}
