package io.taskrunner.store.redis.link;

import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A connection that only listens, to any number of channels; Lettuce subscribes anew by itself. */
public final class Subscriber {

  static final RedisCodec<String, byte[]> CODEC =
      RedisCodec.of(StringCodec.UTF8, ByteArrayCodec.INSTANCE);

  private static final String NO_CHANNEL = "none";
  private static final long SUBSCRIBED_WITHIN_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final StatefulRedisPubSubConnection<String, byte[]> connection;
  private final Map<String, Channel> channels = new ConcurrentHashMap<>();

  /**
   * What is listened for.
   *
   * @param message takes each message
   * @param stands the subscription stands, for the first time or again: what was sent while it did
   *     not is lost
   */
  public record Channel(Consumer<byte[]> message, Runnable stands) {}

  Subscriber(StatefulRedisPubSubConnection<String, byte[]> connection) {
    this.connection = connection;
    connection.addListener(
        new RedisPubSubAdapter<>() {
          @Override
          public void message(String name, byte[] message) {
            Channel channel = channels.get(name);
            if (channel != null) {
              channel.message().accept(message);
            }
          }

          @Override
          public void subscribed(String name, long count) {
            Channel channel = channels.get(name);
            if (channel != null) {
              channel.stands().run();
            }
          }
        });
  }

  /**
   * Listens to a channel; returns when the subscription stands.
   *
   * @throws io.lettuce.core.RedisException Redis is away
   * @throws io.taskrunner.store.StoreUnavailable it did not respond
   */
  public void listen(String name, Channel channel) {
    channels.put(name, channel);
    Answers.await(connection.async().subscribe(name), System.nanoTime() + SUBSCRIBED_WITHIN_NANOS);
  }

  /** Makes Redis send something, so that a connection that was lost unnoticed is found. */
  void ask() {
    if (connection.isOpen()) {
      connection.async().unsubscribe(NO_CHANNEL);
    }
  }

  /** Listens to a channel no more. */
  public void forget(String name) {
    channels.remove(name);
    if (connection.isOpen()) {
      connection.async().unsubscribe(name);
    }
  }
}
