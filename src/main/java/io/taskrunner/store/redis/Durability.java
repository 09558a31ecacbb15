package io.taskrunner.store.redis;

import io.taskrunner.config.RedisSettings;

/**
 * How many replicas must have a task before its call is answered: {@code REDIS_WAIT_REPLICAS}.
 *
 * <p>Left to itself it is 1 with Sentinel or a cluster, and 1 from the moment when the master is
 * seen with a replica. It stays 1 when that replica is gone: a promise that was once given is not
 * taken back in the moment when it would count.
 */
final class Durability {

  private final boolean auto;
  private volatile int replicas;

  Durability(RedisSettings settings) {
    boolean replicated = !(settings.target() instanceof RedisSettings.Target.Node);
    auto = settings.waitReplicas().isEmpty();
    replicas = settings.waitReplicas().orElse(replicated ? 1 : 0);
  }

  /** How many must have it; 0 for none. */
  int replicas() {
    return replicas;
  }

  /** Whether it is 0 and stays so. */
  boolean never() {
    return !auto && replicas == 0;
  }

  /** The master has replicas. */
  void replicated() {
    if (auto) {
      replicas = 1;
    }
  }
}
