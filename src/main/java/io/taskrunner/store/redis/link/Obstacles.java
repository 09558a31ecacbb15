package io.taskrunner.store.redis.link;

import java.util.List;
import java.util.Set;

/**
 * What keeps the tasks of a shard from starting, as read each second: so an enqueue can report it
 * without a command of its own.
 */
public final class Obstacles {

  private volatile boolean paused;
  private volatile Set<String> openHosts = Set.of();

  /**
   * A fresh reading.
   *
   * @param allPaused whether all queues are paused
   * @param open some of the hosts whose circuit breaker is open
   */
  public void read(boolean allPaused, List<String> open) {
    paused = allPaused;
    openHosts = Set.copyOf(open);
  }

  /** Whether all queues are paused. */
  public boolean allPaused() {
    return paused;
  }

  /** Whether the circuit breaker of a host and port is open. */
  public boolean isOpen(String hostAndPort) {
    return openHosts.contains(hostAndPort);
  }
}
