package io.taskrunner.store.redis;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.ConnectionBuilder;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DefaultClientResources;
import io.lettuce.core.resource.Delay;
import io.lettuce.core.resource.NettyCustomizer;
import io.netty.channel.Channel;
import io.taskrunner.config.HostPort;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.redis.RedisStore.Shared;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The connections to Redis, and the patience with it.
 *
 * <p>Lettuce reconnects by itself, and asks the Sentinels anew each time. A command that fails
 * since the master is away, loading or was changed is repeated until {@code
 * REDIS_COMMAND_TIMEOUT_MS} is over: every script can be repeated.
 *
 * <p>Enqueues, the claim loop and everything else have connections of their own, so that none waits
 * behind another's large replies, nor behind the replicas that an enqueue may wait for.
 */
final class Link implements AutoCloseable {

  private static final Duration CONNECT_MAX = Duration.ofSeconds(2);
  private static final Duration RECONNECT_MAX = Duration.ofMillis(500);
  private static final long PAUSE_MIN_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long PAUSE_MAX_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private final ClientResources resources;
  private final RedisClient client;
  private final List<Line> lines;
  private final StatefulRedisConnection<byte[], byte[]> exchanges;
  private final StatefulRedisConnection<byte[], byte[]> calls;
  private final Watch watch;
  private final Duration patience;

  private Link(
      ClientResources resources,
      RedisClient client,
      RedisURI uri,
      Set<Channel> channels,
      int lines,
      Duration patience) {
    this.resources = resources;
    this.client = client;
    this.patience = patience;
    // Event loops are given out in turn, and a first line that shares one with the claim loop's
    // connection lets enqueues overtake the worker.
    this.exchanges = client.connect(ByteArrayCodec.INSTANCE);
    this.lines =
        Stream.generate(() -> new Line(client.connect(ByteArrayCodec.INSTANCE)))
            .limit(lines)
            .toList();
    this.calls = client.connect(ByteArrayCodec.INSTANCE);
    this.watch =
        new Watch(
            client,
            calls,
            channels,
            Optional.of(uri).filter(named -> !named.getSentinels().isEmpty()));
  }

  /**
   * Connects.
   *
   * @param lines how many groups of enqueues may wait for replicas at once
   * @param shared to run on and to count in; empty for loops of its own, and no count
   * @throws StoreUnavailable Redis does not answer, or refuses us
   */
  static Link open(RedisSettings settings, int lines, Optional<Shared> shared) {
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
    RedisClient client = RedisClient.create(resources, uri);
    client.setOptions(
        ClientOptions.builder()
            .protocolVersion(ProtocolVersion.RESP2)
            .replayFilter(_ -> true) // what was on its way is repeated by those who sent it
            .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
            .socketOptions(
                SocketOptions.builder().connectTimeout(CONNECT_MAX).tcpNoDelay(true).build())
            .build());
    try {
      return new Link(resources, client, uri, channels, lines, settings.commandTimeout());
    } catch (RedisException away) {
      client.shutdown(Duration.ZERO, Duration.ofSeconds(1));
      resources.shutdown(0, 1, TimeUnit.SECONDS);
      throw new StoreUnavailable("Redis does not answer", away);
    }
  }

  /** Keeps the connections to data nodes; those to Sentinels come and go as they are asked. */
  private static NettyCustomizer keepIn(Set<Channel> channels, boolean sentinels) {
    return new NettyCustomizer() {
      @Override
      public void afterChannelInitialized(Channel channel) {
        String uri = String.valueOf(channel.attr(ConnectionBuilder.REDIS_URI).get());
        if (!sentinels || uri.startsWith(RedisURI.URI_SCHEME_REDIS_SENTINEL)) {
          channels.add(channel);
          channel.closeFuture().addListener(_ -> channels.remove(channel));
        }
      }
    };
  }

  private static RedisURI uri(RedisSettings settings) {
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

  /** Where enqueues go. */
  List<Line> lines() {
    return lines;
  }

  /** Where everything goes that has no connection of its own. */
  RedisAsyncCommands<byte[], byte[]> calls() {
    return calls.async();
  }

  /** Writes several commands of the claim loop at once: they share one round trip. */
  void pipeline(java.util.function.Consumer<RedisAsyncCommands<byte[], byte[]>> commands) {
    synchronized (exchanges) {
      exchanges.setAutoFlushCommands(false);
      try {
        commands.accept(exchanges.async());
      } finally {
        // In this order: an answer may at once lead to another command, which nobody would flush.
        exchanges.setAutoFlushCommands(true);
        exchanges.flushCommands();
      }
    }
  }

  /** A connection that only listens. */
  StatefulRedisPubSubConnection<String, byte[]> listening() {
    return client.connectPubSub(
        io.lettuce.core.codec.RedisCodec.of(
            io.lettuce.core.codec.StringCodec.UTF8, ByteArrayCodec.INSTANCE));
  }

  /** Runs a script; a lost script cache is answered by sending the whole text once more. */
  static <T> CompletionStage<T> run(
      RedisAsyncCommands<byte[], byte[]> commands, Script script, byte[][] keys, byte[]... args) {
    CompletionStage<T> reply =
        dispatch(commands, CommandType.EVALSHA, Keys.bytes(script.digest()), keys, args);
    return reply.exceptionallyCompose(failure ->
        cause(failure) instanceof RedisNoScriptException
            ? dispatch(commands, CommandType.EVAL, script.text(), keys, args)
            : CompletableFuture.failedFuture(failure));
  }

  @SuppressWarnings("unchecked")
  private static <T> CompletionStage<T> dispatch(
      RedisAsyncCommands<byte[], byte[]> commands,
      CommandType type,
      byte[] script,
      byte[][] keys,
      byte[]... args) {
    CommandArgs<byte[], byte[]> all =
        new CommandArgs<>(ByteArrayCodec.INSTANCE)
            .add(script)
            .add(keys.length)
            .addKeys(keys)
            .addValues(args);
    return (CompletionStage<T>) commands.dispatch(type, new ReplyOutput(), all);
  }

  /**
   * Waits for what a command answers, and repeats it while Redis is away.
   *
   * @throws StoreUnavailable the patience is over
   */
  <T> T patiently(Function<RedisAsyncCommands<byte[], byte[]>, CompletionStage<T>> command) {
    long deadline = System.nanoTime() + patience.toNanos();
    long pause = PAUSE_MIN_NANOS;
    while (true) {
      try {
        return await(command.apply(calls()), deadline);
      } catch (RedisException failure) {
        if (!isOutage(failure)) {
          throw failure;
        }
        if (System.nanoTime() + pause > deadline) {
          throw new StoreUnavailable("Redis is away", failure);
        }
        LockSupport.parkNanos(pause);
        pause = Math.min(pause * 2, PAUSE_MAX_NANOS);
      }
    }
  }

  /** Waits for one answer until a time of {@link System#nanoTime}. */
  static <T> T await(CompletionStage<T> reply, long deadline) {
    try {
      return reply
          .toCompletableFuture()
          .get(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
    } catch (CancellationException cut) {
      throw new RedisException("the connection was lost", cut);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new StoreUnavailable("interrupted while waiting for Redis", interrupted);
    } catch (TimeoutException late) {
      throw new StoreUnavailable("Redis did not answer in time", late);
    } catch (ExecutionException | CompletionException failed) {
      Throwable cause = cause(failed);
      if (cause instanceof RedisException redis) {
        throw redis;
      }
      if (cause instanceof RuntimeException other) {
        throw other;
      }
      if (cause instanceof IOException broken) {
        throw new RedisException(broken);
      }
      throw new IllegalStateException(cause);
    }
  }

  /** How long a call goes on trying. */
  Duration patience() {
    return patience;
  }

  /** Whether a failure is Redis' absence, which passes, rather than a fault of the command. */
  static boolean isOutage(Throwable failure) {
    if (failure instanceof RedisCommandExecutionException refused) {
      // Redis 6.2 puts words of its own before what a script was refused with.
      String message = String.valueOf(refused.getMessage()).toUpperCase(Locale.ROOT);
      return message.contains("READONLY")
          || message.startsWith("LOADING")
          || message.startsWith("MASTERDOWN")
          || message.startsWith("CLUSTERDOWN")
          || message.startsWith("TRYAGAIN")
          || message.startsWith("BUSY")
          || message.contains("MISCONF")
          || message.contains("NOREPLICAS")
          || message.startsWith("UNBLOCKED");
    }
    // Lettuce cancels what was on its way over a connection that broke.
    return failure instanceof RedisException
        || failure instanceof IOException
        || failure instanceof CancellationException;
  }

  /** Whether Redis refused to write since its memory is full. */
  static boolean isFull(Throwable failure) {
    return failure instanceof RedisCommandExecutionException refused
        && String.valueOf(refused.getMessage()).contains("OOM");
  }

  static Throwable cause(Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  @Override
  public void close() {
    watch.close();
    client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    resources.shutdown(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
  }
}
