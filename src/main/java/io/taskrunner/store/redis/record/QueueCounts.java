package io.taskrunner.store.redis.record;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The counters of a queue on a shard: the field {@code counts} of its {@code flow}, which {@code
 * lua/lib/queue.lua} writes.
 *
 * @param running tasks that are being attempted
 * @param ready tasks that wait for a slot only
 * @param retry tasks that wait for their next attempt
 */
public record QueueCounts(long running, long ready, long retry) {

  private static final QueueCounts NONE = new QueueCounts(0, 0, 0);

  /** Reads the field; null where nothing was counted yet. */
  public static QueueCounts of(byte @Nullable [] packed) {
    if (packed == null) {
      return NONE;
    }
    ByteBuffer in = ByteBuffer.wrap(packed);
    return new QueueCounts(Packed.number(in, 4), Packed.number(in, 4), Packed.number(in, 4));
  }
}
