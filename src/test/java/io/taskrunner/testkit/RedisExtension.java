package io.taskrunner.testkit;

import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.taskrunner.config.RedisSettings;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** A real Redis for a test class, emptied before each test. Register it in a static field. */
public final class RedisExtension
    implements BeforeAllCallback, BeforeEachCallback, AfterAllCallback {

  private @Nullable RedisServer server;
  private @Nullable RedisClient client;
  private @Nullable StatefulRedisConnection<String, String> connection;

  @Override
  public void beforeAll(ExtensionContext context) {
    server = RedisServer.start();
    client = RedisClient.create("redis://127.0.0.1:" + server.port());
    connection = client.connect();
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    redis().sync().flushall();
  }

  @Override
  public void afterAll(ExtensionContext context) {
    if (client != null) {
      client.shutdown();
    }
    if (server != null) {
      server.close();
    }
  }

  /** Settings that reach it. */
  public RedisSettings settings() {
    return server().settings();
  }

  /** A connection for inspecting the data. */
  public StatefulRedisConnection<String, String> redis() {
    if (connection == null) {
      throw new IllegalStateException("not started");
    }
    return connection;
  }

  /** Another one, for keys and values that are no text; ends with the class. */
  public RedisCommands<byte[], byte[]> bytes() {
    if (client == null) {
      throw new IllegalStateException("not started");
    }
    return client.connect(ByteArrayCodec.INSTANCE).sync();
  }

  /** A connection that listens; the caller closes it. */
  public StatefulRedisPubSubConnection<String, String> listen() {
    if (client == null) {
      throw new IllegalStateException("not started");
    }
    return client.connectPubSub();
  }

  /** The process. */
  public RedisServer server() {
    if (server == null) {
      throw new IllegalStateException("not started");
    }
    return server;
  }
}
