package io.taskrunner.store.redis.link;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.sentinel.api.StatefulRedisSentinelConnection;
import io.netty.channel.Channel;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes dead connections, twice a second. Lettuce reconnects automatically, and queries the
 * Sentinels again, but only when it detects that a connection is lost. It does not detect
 *
 * <ul>
 *   <li>a server that is frozen, or behind a network that drops all packets;
 *   <li>a single connection that a firewall forgot;
 *   <li>a master that became a replica while the connection was open;
 *   <li>a master that is isolated from its Sentinels, which have promoted another, but not from us.
 * </ul>
 *
 * <p>The health check uses a separate connection, which no other reply blocks, and a byte on any
 * connection to the server shows that it is alive: a slow or large reply is no reason to close a
 * connection.
 *
 * <p>The Sentinels' report is used when more than half of the configured ones agree.
 */
final class Watch implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Watch.class);
  private static final long EVERY_MILLIS = 500;
  private static final long ANSWER_MILLIS = 400;
  private static final long HUNG_NANOS = TimeUnit.SECONDS.toNanos(3);

  /**
   * A check that is this late means that this process was paused; it indicates nothing about Redis.
   */
  private static final long LATE_NANOS = TimeUnit.SECONDS.toNanos(2);

  /** Each connection is used at least once in this many checks. */
  private static final int LOOKS_A_USE = 10;

  private final RedisClient client;
  private final StatefulRedisConnection<byte[], byte[]> pulse;
  private final Runnable useAll;
  private final long silentNanos;
  private final Set<Channel> channels;
  private final Optional<RedisURI> sentinels;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("redis-watch").factory());

  // Confined to the timer's thread.
  private final Map<RedisURI, CompletableFuture<StatefulRedisSentinelConnection<String, String>>>
      connections = new HashMap<>();
  private @Nullable RedisFuture<List<Object>> beat;
  private long lookedNanos = System.nanoTime();
  private long hungNanos;
  private int looks;

  /**
   * Starts watching.
   *
   * @param pulse a connection without large replies
   * @param useAll sends a command on each of the other connections
   * @param mostSilent how long a connection may receive no byte of a reply
   * @param channels all open ones, which are closed when they are dead
   * @param sentinels the Sentinels to query for the master; empty for a standalone node
   */
  Watch(
      RedisClient client,
      StatefulRedisConnection<byte[], byte[]> pulse,
      Runnable useAll,
      Duration mostSilent,
      Set<Channel> channels,
      Optional<RedisURI> sentinels) {
    this.client = client;
    this.pulse = pulse;
    this.useAll = useAll;
    this.silentNanos = mostSilent.toNanos() + HUNG_NANOS;
    this.channels = channels;
    this.sentinels = sentinels;
    timer.scheduleWithFixedDelay(this::look, EVERY_MILLIS, EVERY_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void look() {
    try {
      long before = lookedNanos;
      lookedNanos = System.nanoTime();
      if (lookedNanos - before < LATE_NANOS) {
        judgeNode(before);
        judgeConnections();
      }
      askNode();
      sentinels.ifPresent(this::askSentinels);
    } catch (RedisException away) {
      LOG.atDebug()
          .addKeyValue("reason", String.valueOf(away.getMessage()))
          .log("the connections to Redis could not be checked; trying again");
    } catch (RuntimeException bug) {
      LOG.error("unexpected error while checking the connections to Redis; trying again", bug);
    }
  }

  /** The server hangs when no connection has received a byte from it in spite of a request. */
  private void judgeNode(long before) {
    boolean heard = channels.stream().anyMatch(channel -> Silence.brokenSince(channel, before));
    hungNanos = heard || !pulse.isOpen() ? 0 : hungNanos + lookedNanos - before;
    if (hungNanos > HUNG_NANOS) {
      hungNanos = 0;
      cut(channels, "Redis does not answer");
      beat = null;
    }
  }

  private void judgeConnections() {
    cut(
        channels.stream().filter(channel -> Silence.lasts(channel, silentNanos)).toList(),
        "they receive nothing, although Redis answers on others");
  }

  private void askNode() {
    if (beat != null && beat.toCompletableFuture().isDone()) {
      if (sentinels.isPresent() && isReplica(beat)) {
        cut(channels, "the node is no longer the master");
      }
      beat = null;
    }
    if (beat == null) {
      beat = pulse.async().role();
    }
    if (++looks % LOOKS_A_USE == 0) {
      useAll.run();
    }
  }

  private static boolean isReplica(RedisFuture<List<Object>> answered) {
    CompletableFuture<List<Object>> role = answered.toCompletableFuture();
    return !role.isCompletedExceptionally()
        && role.join().getFirst() instanceof byte[] word
        && !Keys.text(word).equals("master");
  }

  private void askSentinels(RedisURI all) {
    List<CompletableFuture<SocketAddress>> answers = new ArrayList<>();
    for (RedisURI sentinel : all.getSentinels()) {
      answers.add(
          connections
              .computeIfAbsent(sentinel, this::connect)
              .thenCompose(told -> told.async().getMasterAddrByName(all.getSentinelMasterId()))
              .completeOnTimeout(null, ANSWER_MILLIS, TimeUnit.MILLISECONDS)
              .exceptionally(_ -> null));
    }
    Map<SocketAddress, Integer> votes = new HashMap<>();
    for (CompletableFuture<SocketAddress> answer : answers) {
      SocketAddress master = answer.join();
      if (master != null) {
        votes.merge(master, 1, Integer::sum);
      }
    }
    connections.values().removeIf(CompletableFuture::isCompletedExceptionally);
    votes.forEach((master, count) -> {
      if (2 * count > all.getSentinels().size()) {
        cut(
            channels.stream().filter(channel -> leadsElsewhere(channel, master)).toList(),
            "the Sentinels name another master");
      }
    });
  }

  private CompletableFuture<StatefulRedisSentinelConnection<String, String>> connect(
      RedisURI sentinel) {
    return client.connectSentinelAsync(StringCodec.UTF8, sentinel).toCompletableFuture();
  }

  private static boolean leadsElsewhere(Channel channel, SocketAddress master) {
    return channel.remoteAddress() instanceof InetSocketAddress to
        && master instanceof InetSocketAddress named
        && (to.getPort() != named.getPort()
            || (!named.isUnresolved() && !to.getAddress().equals(named.getAddress())));
  }

  private static void cut(Collection<Channel> channels, String reason) {
    List<Channel> standing = channels.stream().filter(Channel::isActive).toList();
    if (!standing.isEmpty()) {
      LOG.atWarn()
          .addKeyValue("redis", standing.getFirst().remoteAddress())
          .addKeyValue("connections", standing.size())
          .addKeyValue("reason", reason)
          .log("closing connections to Redis, to reopen them");
      standing.forEach(Channel::close);
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
    connections
        .values()
        .forEach(connection -> connection.thenAccept(StatefulConnection::closeAsync));
  }
}
