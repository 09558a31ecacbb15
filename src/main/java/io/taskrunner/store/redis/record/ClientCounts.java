package io.taskrunner.store.redis.record;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The counters of a client on its shard: the field {@code counts} of its hash, which {@code
 * lua/lib/client.lua} writes.
 *
 * @param running tasks that are being attempted
 * @param live tasks that wait or run
 * @param bytes of the bodies of those
 * @param accepted tasks of the last minute, as far as they were not counted out yet
 */
public record ClientCounts(long running, long live, long bytes, long accepted) {

  private static final ClientCounts NONE = new ClientCounts(0, 0, 0, 0);

  /** Reads the field; null where nothing was counted yet. */
  public static ClientCounts of(byte @Nullable [] packed) {
    if (packed == null) {
      return NONE;
    }
    ByteBuffer in = ByteBuffer.wrap(packed);
    return new ClientCounts(
        Packed.number(in, 4), Packed.number(in, 4), Packed.number(in, 6), Packed.number(in, 4));
  }
}
