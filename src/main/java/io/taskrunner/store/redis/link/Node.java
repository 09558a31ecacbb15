package io.taskrunner.store.redis.link;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.ConnectionBuilder;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.SslOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DefaultClientResources;
import io.lettuce.core.resource.Delay;
import io.lettuce.core.resource.NettyCustomizer;
import io.netty.channel.Channel;
import io.taskrunner.config.HostPort;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.StoreUnavailable;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * The connections to one Redis, or to the node that the Sentinels report as the master.
 *
 * <p>Lettuce reconnects automatically, and queries the Sentinels each time.
 *
 * <p>Enqueues, the claim loop and all other calls have separate connections, so that none waits for
 * another's large replies, nor for the replicas that an enqueue waits for. Another one is used for
 * health checks.
 */
public final class Node implements AutoCloseable {

  private static final Duration CONNECT_MAX = Duration.ofSeconds(2);
  private static final Duration RECONNECT_MAX = Duration.ofMillis(500);

  private final ClientResources resources;
  private final RedisClient client;
  private final RedisURI uri;
  private final Duration patience;
  private final List<Line> lines;
  private final StatefulRedisConnection<byte[], byte[]> exchanges;
  private final StatefulRedisConnection<byte[], byte[]> calls;
  private final StatefulRedisConnection<byte[], byte[]> pulse;
  private final Watch watch;
  private final Headroom headroom = new Headroom();
  private volatile @Nullable Subscriber subscriber;

  private Node(
      ClientResources resources,
      RedisClient client,
      RedisURI uri,
      Set<Channel> channels,
      int lines,
      Duration patience) {
    this.resources = resources;
    this.client = client;
    this.uri = uri;
    this.patience = patience;
    // Event loops are assigned round-robin, and a first line that shares one with the claim loop's
    // connection lets enqueues overtake the worker. The others are opened concurrently: a
    // connection takes several round trips.
    this.exchanges = connect(1).getFirst();
    Line first = new Line(connect(1).getFirst());
    List<StatefulRedisConnection<byte[], byte[]>> others = connect(lines + 1);
    this.calls = others.get(0);
    this.pulse = others.get(1);
    this.lines = Stream.concat(Stream.of(first), others.stream().skip(2).map(Line::new)).toList();
    this.watch =
        new Watch(
            client,
            pulse,
            this::useAll,
            patience,
            channels,
            Optional.of(uri).filter(named -> !named.getSentinels().isEmpty()));
  }

  /** Opens some connections concurrently. */
  private List<StatefulRedisConnection<byte[], byte[]>> connect(int count) {
    long deadline = System.nanoTime() + CONNECT_MAX.plus(patience).toNanos();
    List<CompletionStage<StatefulRedisConnection<byte[], byte[]>>> connecting =
        Stream.generate(() -> client.connectAsync(ByteArrayCodec.INSTANCE, uri))
            .<CompletionStage<StatefulRedisConnection<byte[], byte[]>>>map(one -> one)
            .limit(count)
            .toList();
    return connecting.stream().map(one -> Answers.await(one, deadline)).toList();
  }

  /** Sends a command on each connection, so that an unnoticed loss is detected. */
  private void useAll() {
    Subscriber listening = subscriber;
    if (listening != null) {
      listening.ask();
    }
    Stream.concat(Stream.of(exchanges.async(), calls.async()), lines.stream().map(Line::commands))
        .filter(commands -> commands.getStatefulConnection().isOpen())
        .forEach(RedisAsyncCommands::ping);
  }

  /**
   * Connects.
   *
   * @param lines how many groups of enqueues may wait for replicas at once
   * @param shared event loops and meters to use; empty for loops of its own, and no meters
   * @throws StoreUnavailable Redis does not respond, or rejects the connection
   */
  public static Node open(RedisSettings settings, int lines, Optional<Shared> shared) {
    RedisURI uri = uri(settings);
    Set<Channel> channels = ConcurrentHashMap.newKeySet();
    ClientResources.Builder builder = DefaultClientResources.builder();
    if (shared.isPresent()) {
      builder.eventLoopGroupProvider(new SharedLoops(shared.get().loops()));
      builder.commandLatencyRecorder(new RedisTimes(shared.get().registry()));
    } else {
      builder.ioThreadPoolSize(2);
    }
    ClientResources resources =
        builder
            .computationThreadPoolSize(2)
            .nettyCustomizer(keepIn(channels, !uri.getSentinels().isEmpty()))
            .reconnectDelay(
                Delay.exponential(Duration.ofMillis(5), RECONNECT_MAX, 2, TimeUnit.MILLISECONDS))
            .build();
    RedisClient client = new AsyncClient(resources, uri);
    client.setOptions(
        ClientOptions.builder()
            .protocolVersion(ProtocolVersion.RESP2)
            .replayFilter(_ -> true) // commands in flight are retried by their senders
            .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
            .socketOptions(
                SocketOptions.builder().connectTimeout(CONNECT_MAX).tcpNoDelay(true).build())
            .sslOptions(ssl(settings))
            .build());
    try {
      Node node = new Node(resources, client, uri, channels, lines, settings.commandTimeout());
      node.loadFunctions();
      return node;
    } catch (RedisException | StoreUnavailable away) {
      try {
        client.shutdown(Duration.ZERO, Duration.ofSeconds(1));
      } finally {
        resources.shutdown(0, 1, TimeUnit.SECONDS);
      }
      throw new StoreUnavailable("Redis does not answer", away);
    }
  }

  /**
   * Loads the functions, so that no call has to. If this fails, the first call tries again: see
   * {@link Moves}.
   */
  private void loadFunctions() {
    long deadline = System.nanoTime() + patience.toNanos();
    CompletionStage<?> loading = Library.OF_TASKS.load(calls());
    for (CompletionStage<?> step : List.of(loading, Library.OF_TASKS.deleteOthers(calls()))) {
      try {
        Answers.await(step, deadline);
      } catch (StoreUnavailable | RedisException notNow) {
        LoggerFactory.getLogger(Node.class)
            .atDebug()
            .addKeyValue("reason", String.valueOf(notNow.getMessage()))
            .log("functions were not loaded or deleted");
      }
    }
  }

  /** Tracks the connections to data nodes; those to Sentinels are opened as needed. */
  private static NettyCustomizer keepIn(Set<Channel> channels, boolean sentinels) {
    return new NettyCustomizer() {
      @Override
      public void afterChannelInitialized(Channel channel) {
        String uri = String.valueOf(channel.attr(ConnectionBuilder.REDIS_URI).get());
        if (!sentinels || uri.startsWith(RedisURI.URI_SCHEME_REDIS_SENTINEL)) {
          Silence.measure(channel);
          channels.add(channel);
          channel.closeFuture().addListener(_ -> channels.remove(channel));
        }
      }
    };
  }

  /** The trusted certificates for TLS. */
  static SslOptions ssl(RedisSettings settings) {
    SslOptions.Builder options = SslOptions.builder();
    settings.authorities().ifPresent(file -> options.trustManager(file.toFile()));
    return options.build();
  }

  static RedisURI uri(RedisSettings settings) {
    RedisURI.Builder builder;
    switch (settings.target()) {
      case RedisSettings.Target.Node(HostPort address) ->
          builder = RedisURI.builder().withHost(address.host()).withPort(address.port());
      case RedisSettings.Target.Sentinel sentinel -> {
        builder = RedisURI.builder().withSentinelMasterId(sentinel.master());
        for (HostPort address : sentinel.sentinels()) {
          RedisURI one = RedisURI.create(address.host(), address.port());
          one.setTimeout(CONNECT_MAX);
          one.setSsl(settings.tls());
          sentinel
              .password()
              .ifPresent(password -> one.setCredentialsProvider(credentials("", password.value())));
          builder.withSentinel(one);
        }
      }
      case RedisSettings.Target.Cluster _ ->
          throw new IllegalArgumentException("target: a cluster (expected: one of its nodes)");
    }
    builder
        .withDatabase(settings.database())
        .withSsl(settings.tls())
        .withTimeout(settings.commandTimeout());
    settings
        .password()
        .ifPresent(password -> {
          if (settings.username().isPresent()) {
            builder.withAuthentication(settings.username().get(), password.value());
          } else {
            builder.withPassword(password.value().toCharArray());
          }
        });
    return builder.build();
  }

  private static io.lettuce.core.RedisCredentialsProvider credentials(
      String user, String password) {
    return io.lettuce.core.RedisCredentialsProvider.from(
        () -> io.lettuce.core.RedisCredentials.just(user.isEmpty() ? null : user, password));
  }

  /** A connection for enqueues. */
  public Line line(int index) {
    return lines.get(index);
  }

  /** The connection for all calls without a dedicated one. */
  public RedisAsyncCommands<byte[], byte[]> calls() {
    return calls.async();
  }

  /** For short queries about the node itself, which must not wait for large replies. */
  public RedisAsyncCommands<byte[], byte[]> pulse() {
    return pulse.async();
  }

  /** Writes several commands of the claim loop at once: they share one round trip. */
  public void pipeline(java.util.function.Consumer<RedisAsyncCommands<byte[], byte[]>> commands) {
    synchronized (exchanges) {
      exchanges.setAutoFlushCommands(false);
      try {
        commands.accept(exchanges.async());
      } finally {
        // In this order: a reply may immediately cause another command, which would not be flushed.
        exchanges.setAutoFlushCommands(true);
        exchanges.flushCommands();
      }
    }
  }

  /** The subscribed connection; opened on first use. */
  public synchronized Subscriber subscriber() {
    Subscriber there = subscriber;
    if (there == null) {
      there = new Subscriber(client.connectPubSub(Subscriber.CODEC));
      subscriber = there;
    }
    return there;
  }

  /** The memory still available in it. */
  public Headroom headroom() {
    return headroom;
  }

  @Override
  public void close() {
    watch.close();
    client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    resources.shutdown(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
  }
}
