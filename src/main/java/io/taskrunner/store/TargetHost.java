package io.taskrunner.store;

import org.jspecify.annotations.Nullable;

/**
 * A host that tasks are sent to, with limits of its own; they hold for all clients and queues
 * together.
 *
 * @param name as {@link io.taskrunner.task.TargetUrl#hostOf} gives it: of all its ports that have
 *     no limits of their own, or with one
 * @param maxConcurrent attempts that run at once; null for no limit
 * @param maxDispatchesPerSec starts per second, above 0; null for no limit. As many may come at
 *     once as {@link QueueSettings#defaultBurst} says
 * @param revision another with each change
 */
public record TargetHost(
    String name,
    @Nullable Integer maxConcurrent,
    @Nullable Double maxDispatchesPerSec,
    long revision) {

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
