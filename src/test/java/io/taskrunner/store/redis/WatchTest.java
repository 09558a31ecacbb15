package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.lettuce.core.RedisException;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.taskrunner.config.HostPort;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.redis.link.Answers;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Node;
import io.taskrunner.testkit.Proxy;
import io.taskrunner.testkit.RedisServer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** Closed connections to Redis, and those that stay open. */
@Timeout(120)
class WatchTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final byte[] KEY = Keys.bytes("large");

  private static RedisSettings behind(int port, Duration commandTimeout) {
    RedisSettings any =
        RedisServer.settings(new RedisSettings.Target.Node(new HostPort("127.0.0.1", port)), 1);
    return new RedisSettings(
        any.target(),
        Optional.empty(),
        Optional.empty(),
        false,
        Optional.empty(),
        0,
        "tr",
        1,
        0,
        any.retryInterval(),
        commandTimeout,
        OptionalInt.of(0),
        any.storeMaxBytes(),
        any.storeFullRatio());
  }

  private static <T> T ask(CompletionStage<T> reply) {
    return Answers.await(reply, System.nanoTime() + PATIENCE.toNanos());
  }

  private static void await(BooleanSupplier truth, Duration most) {
    long end = System.nanoTime() + most.toNanos();
    while (!truth.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, "not within " + most);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
  }

  private static boolean answers(RedisAsyncCommands<byte[], byte[]> commands) {
    try {
      return Answers.await(commands.ping(), System.nanoTime() + TimeUnit.SECONDS.toNanos(1))
          != null;
    } catch (RedisException | StoreUnavailable not) {
      return false;
    }
  }

  @Test
  void aLargeReplyOverASlowLineIsNoOutage() {
    try (RedisServer redis = RedisServer.start();
        Proxy network = Proxy.start(redis.port());
        Node node = Node.open(behind(network.port(), PATIENCE), 1, Optional.empty())) {
      ask(node.calls().set(KEY, new byte[10_000_000]));
      network.narrow(2_000_000);
      byte[] large = ask(node.calls().get(KEY));
      assertEquals(10_000_000, large.length);
      assertEquals(0, node.line(0).losses());
    }
  }

  @Test
  void aFrozenRedisIsDetectedWithinSecondsAndUsedAgainLater() throws Exception {
    try (RedisServer redis = RedisServer.start();
        Node node = Node.open(behind(redis.port(), Duration.ofSeconds(5)), 1, Optional.empty())) {
      redis.freeze();
      await(() -> node.line(0).losses() > 0, Duration.ofSeconds(6));
      redis.thaw();
      await(() -> answers(node.calls()), PATIENCE);
      await(() -> answers(node.line(0).commands()), PATIENCE);
    }
  }

  @Test
  void anOutageIsLoggedWithoutStackTraces() throws Exception {
    Logger logger = (Logger) LoggerFactory.getLogger("io.taskrunner.store.redis.link");
    ListAppender<ILoggingEvent> logged = new ListAppender<>();
    logged.start();
    logger.addAppender(logged);
    try (RedisServer redis = RedisServer.start();
        Node node = Node.open(behind(redis.port(), Duration.ofSeconds(5)), 1, Optional.empty())) {
      redis.freeze();
      await(() -> node.line(0).losses() > 0, Duration.ofSeconds(6));
      redis.thaw();
      await(() -> answers(node.calls()), PATIENCE);
    } finally {
      logger.detachAppender(logged);
    }
    List<ILoggingEvent> lines = List.copyOf(logged.list);
    assertTrue(
        lines.stream()
            .anyMatch(
                line -> line.getMessage().equals("closing connections to Redis, to reopen them")),
        lines.toString());
    assertEquals(
        List.of(), lines.stream().filter(line -> line.getThrowableProxy() != null).toList());
  }

  @Test
  void aSingleDroppedConnectionIsReopened() {
    try (RedisServer redis = RedisServer.start();
        Proxy network = Proxy.start(redis.port());
        Node node = Node.open(behind(network.port(), Duration.ofSeconds(1)), 1, Optional.empty())) {
      network.swallow(true);
      node.line(0).commands().ping();
      await(() -> network.silent() > 0, PATIENCE);
      network.swallow(false);
      await(() -> answers(node.line(0).commands()), PATIENCE);
    }
  }
}
