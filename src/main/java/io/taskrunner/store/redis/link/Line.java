package io.taskrunner.store.redis.link;

import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.RedisException;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import java.util.concurrent.CompletableFuture;

/**
 * A connection that only enqueues use, one group at a time, because waiting for replicas blocks it.
 *
 * <p>WAIT covers the writes of its own connection. On a connection that was reopened since,
 * possibly to a master that never saw the write, its result is meaningless; also on one whose
 * script wrote nothing, because an earlier call had: so {@code enqueue.lua} rewrites existing data.
 * Connection losses are counted, and the result of a WAIT is used only when there was none since
 * the write was sent.
 */
public final class Line {

  private final StatefulRedisConnection<byte[], byte[]> connection;
  private volatile int losses;

  Line(StatefulRedisConnection<byte[], byte[]> connection) {
    this.connection = connection;
    connection.addListener(
        new RedisConnectionStateListener() {
          @Override
          @SuppressWarnings("NonAtomicOperationOnVolatileField") // only the connection's own loop
          public void onRedisDisconnected(RedisChannelHandler<?, ?> lost) {
            losses++;
          }
        });
  }

  public RedisAsyncCommands<byte[], byte[]> commands() {
    return connection.async();
  }

  /**
   * Waits until this many replicas have the writes of this connection; returns how many had them in
   * time.
   */
  public CompletableFuture<Long> awaitReplicas(int count, long millis) {
    try {
      return connection.async().waitForReplication(count, millis).toCompletableFuture();
    } catch (RedisException notSent) {
      return CompletableFuture.failedFuture(notSent);
    }
  }

  /** The number of times the connection was lost. */
  public int losses() {
    return losses;
  }
}
