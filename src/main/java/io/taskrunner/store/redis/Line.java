package io.taskrunner.store.redis;

import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;

/**
 * A connection that enqueues alone use, one group at a time, since waiting for replicas blocks it.
 *
 * <p>WAIT speaks of what its own connection wrote. Lettuce may have reconnected in between, to a
 * master that never saw the write, and repeat the WAIT there: it then says nothing. So losses are
 * counted, and a WAIT counts only when there was none since the write was sent.
 */
final class Line {

  private final StatefulRedisConnection<byte[], byte[]> connection;
  private volatile int losses;

  Line(StatefulRedisConnection<byte[], byte[]> connection) {
    this.connection = connection;
    connection.addListener(
        new RedisConnectionStateListener() {
          @Override
          @SuppressWarnings("NonAtomicOperationOnVolatileField") // the connection's own loop alone
          public void onRedisDisconnected(io.lettuce.core.RedisChannelHandler<?, ?> lost) {
            losses++;
          }
        });
  }

  RedisAsyncCommands<byte[], byte[]> commands() {
    return connection.async();
  }

  /** How often the connection was lost. */
  int losses() {
    return losses;
  }
}
