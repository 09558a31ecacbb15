package io.taskrunner.store;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A host that tasks are sent to, with limits or a circuit breaker of its own; they hold for all
 * clients and queues together.
 *
 * @param name as {@link io.taskrunner.task.TargetUrl#hostOf} gives it: of all its ports that have
 *     no limits of their own, or with one
 * @param maxConcurrent attempts that run at once; null for no limit
 * @param maxDispatchesPerSec starts per second, above 0; null for no limit. As many may come at
 *     once as {@link QueueSettings#defaultBurst} says
 * @param breaker when its breaker opens
 * @param revision another with each change
 */
public record TargetHost(
    String name,
    @Nullable Integer maxConcurrent,
    @Nullable Double maxDispatchesPerSec,
    Breaker breaker,
    long revision) {

  /** One that says nothing of its breaker. */
  public TargetHost(
      String name,
      @Nullable Integer maxConcurrent,
      @Nullable Double maxDispatchesPerSec,
      long revision) {
    this(name, maxConcurrent, maxDispatchesPerSec, Breaker.UNSET, revision);
  }

  /**
   * What a host says of its breaker; null for the general setting.
   *
   * @param failureThreshold failures in a row that open it; 0 for never
   * @param timeout the longest time between probes, in whole seconds
   * @param maxRequests probes at once when it begins to be half open
   */
  public record Breaker(
      @Nullable Integer failureThreshold,
      @Nullable Duration timeout,
      @Nullable Integer maxRequests) {

    /** Says nothing. */
    public static final Breaker UNSET = new Breaker(null, null, null);
  }

  /**
   * A breaker that is not closed.
   *
   * @param host with its port
   * @param since when it opened
   * @param probesFrom when probes may go out
   * @param halfOpen whether that time has come
   * @param probing probes that run
   * @param allowed how many may run at once
   * @param waiting tasks that wait for it; also some that were called off meanwhile
   */
  public record Open(
      String host,
      Instant since,
      Instant probesFrom,
      boolean halfOpen,
      long probing,
      long allowed,
      long waiting) {

    /**
     * Whether it is of this host, whose name is given with a port, or without for all of its ports.
     */
    public boolean isOf(String name) {
      return host.equals(name) || host.substring(0, host.lastIndexOf(':')).equals(name);
    }

    /** The same with what it is elsewhere: it is half open when it is so everywhere. */
    public Open plus(Open other) {
      return new Open(
          host,
          since.isBefore(other.since) ? since : other.since,
          probesFrom.isAfter(other.probesFrom) ? probesFrom : other.probesFrom,
          halfOpen && other.halfOpen,
          probing + other.probing,
          allowed + other.allowed,
          waiting + other.waiting);
    }
  }

  /** So many may have limits: all are read at once. */
  public static final int MOST = 1000;

  /**
   * What a host has to do.
   *
   * @param running attempts that run, or are about to
   * @param waiting tasks that are due and wait for room; also some that were called off meanwhile
   */
  public record Load(TargetHost host, long running, long waiting) {

    /** The same with what it has to do elsewhere. */
    public Load plus(Load other) {
      return new Load(host, running + other.running, waiting + other.waiting);
    }
  }
}
