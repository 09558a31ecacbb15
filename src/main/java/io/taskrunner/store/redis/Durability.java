package io.taskrunner.store.redis;

import io.taskrunner.config.RedisSettings;

/**
 * The number of replicas that must have a task before its call returns: {@code
 * REDIS_WAIT_REPLICAS}.
 *
 * <p>By default it is 1 with Sentinel or a cluster, and 1 once the master was seen with a replica.
 * It stays 1 when that replica is lost: the guarantee is not dropped at the moment when it matters.
 */
final class Durability {

  private static final int LINES = 4;

  private final boolean auto;
  private volatile int replicas;

  Durability(RedisSettings settings) {
    boolean replicated = !(settings.target() instanceof RedisSettings.Target.Node);
    auto = settings.waitReplicas().isEmpty();
    replicas = settings.waitReplicas().orElse(replicated ? 1 : 0);
  }

  /** The required number of replicas; 0 for none. */
  int replicas() {
    return replicas;
  }

  /** How many groups of enqueues of a shard may wait for their replicas at once. */
  int lines() {
    boolean never = !auto && replicas == 0;
    return never ? 1 : LINES;
  }

  /** The master has replicas. */
  void replicated() {
    if (auto) {
      replicas = 1;
    }
  }
}
