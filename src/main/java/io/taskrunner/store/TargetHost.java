package io.taskrunner.store;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A host that tasks are sent to, with limits or a circuit breaker of its own; they apply to all
 * clients and queues together.
 *
 * @param name as {@link io.taskrunner.task.TargetUrl#hostOf} gives it: with a port, or without one
 *     for all ports that have no limits of their own
 * @param maxConcurrent attempts that run at once; null for no limit
 * @param maxDispatchesPerSec starts per second, above 0; null for no limit. Its burst is {@link
 *     QueueSettings#defaultBurst}
 * @param breaker when its breaker opens
 * @param revision differs after each change
 */
public record TargetHost(
    String name,
    @Nullable Integer maxConcurrent,
    @Nullable Double maxDispatchesPerSec,
    Breaker breaker,
    long revision) {

  /** A host without breaker settings. */
  public TargetHost(
      String name,
      @Nullable Integer maxConcurrent,
      @Nullable Double maxDispatchesPerSec,
      long revision) {
    this(name, maxConcurrent, maxDispatchesPerSec, Breaker.UNSET, revision);
  }

  /**
   * The breaker settings of a host; null for the general setting.
   *
   * @param failureThreshold failures in a row that open it; 0 for never
   * @param timeout the longest time between probes, in whole seconds
   * @param maxRequests concurrent probes when it becomes half-open
   */
  public record Breaker(
      @Nullable Integer failureThreshold,
      @Nullable Duration timeout,
      @Nullable Integer maxRequests) {

    /** All unset. */
    public static final Breaker UNSET = new Breaker(null, null, null);
  }

  /**
   * A breaker that is not closed.
   *
   * @param host with its port
   * @param since when it opened
   * @param probesFrom when probes may be sent
   * @param halfOpen whether that time has passed
   * @param probing running probes
   * @param allowed maximum number of concurrent probes
   * @param waiting tasks that wait for it; includes some that were cancelled in the meantime
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
     * Whether it belongs to this host, whose name is given with a port, or without one for all of
     * its ports.
     */
    public boolean isOf(String name) {
      return host.equals(name) || host.substring(0, host.lastIndexOf(':')).equals(name);
    }

    /**
     * This combined with its state in another shard: it is half-open when it is so in all shards.
     */
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

  /** Maximum number of hosts with limits: all are read at once. */
  public static final int MOST = 1000;

  /**
   * The load of a host.
   *
   * @param running attempts that run or are about to run
   * @param waiting due tasks that wait for capacity; includes some that were cancelled in the
   *     meantime
   */
  public record Load(TargetHost host, long running, long waiting) {

    /** This plus its load in another shard. */
    public Load plus(Load other) {
      return new Load(host, running + other.running, waiting + other.waiting);
    }
  }
}
