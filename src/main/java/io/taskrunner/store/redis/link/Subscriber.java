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

/**
 * A connection for subscriptions, to any number of channels; Lettuce resubscribes automatically.
 */
public final class Subscriber {

  static final RedisCodec<String, byte[]> CODEC =
      RedisCodec.of(StringCodec.UTF8, ByteArrayCodec.INSTANCE);

  private static final String NO_CHANNEL = "none";
  private static final long SUBSCRIBED_WITHIN_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final StatefulRedisPubSubConnection<String, byte[]> connection;
  private final Map<String, Channel> channels = new ConcurrentHashMap<>();

  /**
   * The callbacks of a subscription.
   *
   * @param message receives each message
   * @param stands called when the subscription is established, for the first time or again:
   *     messages sent before are lost
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
   * Subscribes to a channel; returns when the subscription is established.
   *
   * @throws io.lettuce.core.RedisException Redis is unavailable
   * @throws io.taskrunner.store.StoreUnavailable it did not respond
   */
  public void listen(String name, Channel channel) {
    channels.put(name, channel);
    Answers.await(connection.async().subscribe(name), System.nanoTime() + SUBSCRIBED_WITHIN_NANOS);
  }

  /** Makes Redis send a reply, so that an unnoticed loss of the connection is detected. */
  void ask() {
    if (connection.isOpen()) {
      connection.async().unsubscribe(NO_CHANNEL);
    }
  }

  /** Unsubscribes from a channel. */
  public void forget(String name) {
    channels.remove(name);
    if (connection.isOpen()) {
      connection.async().unsubscribe(name);
    }
  }
}
