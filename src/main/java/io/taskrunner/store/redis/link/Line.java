package io.taskrunner.store.redis.link;

import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.RedisException;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import java.util.concurrent.CompletableFuture;

/**
 * A connection that enqueues alone use, one group at a time, since waiting for replicas blocks it.
 *
 * <p>WAIT speaks of what its own connection wrote. On one that was made anew since, maybe to a
 * master that never saw the write, it says nothing; nor on one whose script wrote nothing, because
 * an earlier call had: so {@code enqueue.lua} writes what it finds again. And losses are counted,
 * and a WAIT counts only when there was none since the write was sent.
 */
public final class Line {

  private final StatefulRedisConnection<byte[], byte[]> connection;
  private volatile int losses;

  Line(StatefulRedisConnection<byte[], byte[]> connection) {
    this.connection = connection;
    connection.addListener(
        new RedisConnectionStateListener() {
          @Override
          @SuppressWarnings("NonAtomicOperationOnVolatileField") // the connection's own loop alone
          public void onRedisDisconnected(RedisChannelHandler<?, ?> lost) {
            losses++;
          }
        });
  }

  public RedisAsyncCommands<byte[], byte[]> commands() {
    return connection.async();
  }

  /** Waits until this many replicas have what was written here; tells how many had it in time. */
  public CompletableFuture<Long> awaitReplicas(int count, long millis) {
    try {
      return connection.async().waitForReplication(count, millis).toCompletableFuture();
    } catch (RedisException notSent) {
      return CompletableFuture.failedFuture(notSent);
    }
  }

  /** How often the connection was lost. */
  public int losses() {
    return losses;
  }
}
