package io.taskrunner.dispatch;

import io.taskrunner.dispatch.DispatchOptions.BreakerOptions;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.TargetUrl;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * This worker's part of the circuit breakers: it counts failures in a row per host and port, and
 * tells when one is to open.
 *
 * <p>Whether a breaker is open for all workers, and who may probe it, is the store's to say. Here
 * an open host only keeps what is already in hand from being sent, until the store would let a
 * probe out. A host without a recent failure takes no memory; at most {@value #HOSTS_MAX} are
 * remembered, the one that failed longest ago is forgotten first. Safe for use by many threads.
 */
final class Breaker {

  /** How many hosts are remembered. */
  static final int HOSTS_MAX = 10_000;

  private static final BreakerReport NONE = new BreakerReport.None();
  private static final BreakerReport GOOD = new BreakerReport.Good();
  private static final BreakerReport BAD = new BreakerReport.Bad();
  private static final BreakerReport TRIP = new BreakerReport.Trip();

  private enum Evidence {
    GOOD,
    BAD,
    NONE
  }

  private record Host(int failures, Instant lastFailure, Instant openUntil) {}

  private final BreakerOptions options;
  private final InstantSource clock;
  private final Map<String, Host> hosts =
      new LinkedHashMap<>(); // by last failure; guarded by itself
  private volatile boolean noneKnown = true; // spares the usual attempt the lock and the name

  Breaker(BreakerOptions options, InstantSource clock) {
    this.options = options;
    this.clock = clock;
  }

  /** How long a host's breaker stays open; empty when a request may go out. */
  Optional<Duration> openFor(TargetUrl url) {
    if (noneKnown) {
      return Optional.empty();
    }
    synchronized (hosts) {
      Host host = hosts.get(url.hostAndPort());
      Duration left =
          host == null ? Duration.ZERO : Duration.between(clock.instant(), host.openUntil);
      return left.isPositive() ? Optional.of(left) : Optional.empty();
    }
  }

  /**
   * Takes an outcome as evidence.
   *
   * @param probe whether the attempt tried out a half-open breaker
   */
  BreakerReport record(TargetUrl url, Outcome outcome, boolean probe) {
    Evidence evidence = evidence(outcome);
    if (options.failureThreshold() == 0 || evidence == Evidence.NONE) {
      return probe && evidence != Evidence.NONE ? evidence == Evidence.GOOD ? GOOD : BAD : NONE;
    }
    if (evidence == Evidence.GOOD) {
      good(url, probe);
      return probe ? GOOD : NONE;
    }
    return bad(url.hostAndPort(), probe);
  }

  private void good(TargetUrl url, boolean probe) {
    if (noneKnown) {
      return;
    }
    synchronized (hosts) {
      Host host = hosts.get(url.hostAndPort());
      // A late good answer to a request from before the breaker opened says nothing new.
      if (host != null && (probe || !isOpen(host, clock.instant()))) {
        hosts.remove(url.hostAndPort());
        noneKnown = hosts.isEmpty();
      }
    }
  }

  private BreakerReport bad(String name, boolean probe) {
    synchronized (hosts) {
      Instant now = clock.instant();
      Host host = hosts.get(name);
      if (probe) {
        remember(name, new Host(0, now, now.plus(options.timeout())));
        return BAD;
      }
      if (host != null && isOpen(host, now)) {
        return NONE;
      }
      int before =
          host != null && host.lastFailure.plus(options.interval()).isAfter(now)
              ? host.failures
              : 0;
      int failures = before + 1;
      if (failures < options.failureThreshold()) {
        remember(name, new Host(failures, now, Instant.MIN));
        return NONE;
      }
      remember(name, new Host(0, now, now.plus(options.timeout())));
      return TRIP;
    }
  }

  private static boolean isOpen(Host host, Instant now) {
    return host.openUntil.isAfter(now);
  }

  private void remember(String name, Host host) {
    hosts.remove(name);
    hosts.put(name, host);
    if (hosts.size() > HOSTS_MAX) {
      hosts.remove(hosts.keySet().iterator().next());
    }
    noneKnown = false;
  }

  private static Evidence evidence(Outcome outcome) {
    return switch (outcome) {
      case Outcome.Answered(int status, _) -> status >= 500 ? Evidence.BAD : Evidence.GOOD;
      case Outcome.TimedOut _ -> Evidence.BAD;
      case Outcome.Unanswered(AttemptError error, _) ->
          error == AttemptError.BLOCKED_ADDRESS ? Evidence.NONE : Evidence.BAD;
      case Outcome.BreakerOpen _, Outcome.NotReady _, Outcome.CutOff _, Outcome.Cancelled _ ->
          Evidence.NONE;
    };
  }
}
