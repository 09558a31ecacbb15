package io.taskrunner.store.redis.link;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The data in one slot of a cluster, and the access to it: a part of the tasks, or the
 * configuration.
 *
 * @param number from 0; the configuration has {@link #CONFIGURATION}
 * @param keys its keys
 * @param link the access to the node that holds them
 * @param moves its scripts
 * @param obstacles what keeps its tasks from starting
 */
public record Shard(int number, Keys keys, Link link, Moves moves, Obstacles obstacles) {

  /** The number of the configuration, which is no shard of tasks. */
  public static final int CONFIGURATION = -1;

  /** A key of this shard. */
  public byte[] key(String name) {
    return keys.key(name);
  }

  /** A hash of this shard; empty when there is none. */
  public Map<byte[], byte[]> hash(String name) {
    return link.patiently(redis -> redis.hgetall(key(name)));
  }

  /** A field of a hash. */
  public byte @Nullable [] field(String name, String field) {
    return link.patiently(redis -> redis.hget(key(name), Keys.bytes(field)));
  }

  /** A value of this shard. */
  public byte @Nullable [] value(String name) {
    return link.patiently(redis -> redis.get(key(name)));
  }
}
