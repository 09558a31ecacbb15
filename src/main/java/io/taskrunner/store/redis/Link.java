package io.taskrunner.store.redis;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.taskrunner.store.StoreUnavailable;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The way to the node that holds some keys, and the patience with it.
 *
 * <p>A command that fails since its node is away, loading or was changed is repeated until {@code
 * REDIS_COMMAND_TIMEOUT_MS} is over: every script can be repeated. Each time the node is looked up
 * anew, since a cluster may have moved the keys.
 */
final class Link {

  private static final long PAUSE_MIN_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long PAUSE_MAX_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private static final long AWAY_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Supplier<Node> node;
  private final Runnable doubt;
  private final Duration patience;

  /** When the last command was given up; 0 when one was answered since. */
  private volatile long gaveUpNanos;

  /**
   * A way.
   *
   * @param node the node that holds the keys now; raises {@link RedisException} when none is known
   * @param doubt a command failed: another node may hold them
   * @param patience how long a call goes on trying
   */
  Link(Supplier<Node> node, Runnable doubt, Duration patience) {
    this.node = node;
    this.doubt = doubt;
    this.patience = patience;
  }

  /**
   * The node that holds the keys now.
   *
   * @throws RedisException none is known
   */
  Node node() {
    return node.get();
  }

  /** A command failed since Redis is away: asks whether another node holds the keys by now. */
  void doubt() {
    doubt.run();
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
        T answer = await(command.apply(node().calls()), deadline);
        gaveUpNanos = 0;
        return answer;
      } catch (StoreUnavailable late) {
        gaveUpNanos = System.nanoTime();
        throw late;
      } catch (RedisException failure) {
        if (!isOutage(failure)) {
          throw failure;
        }
        doubt();
        if (System.nanoTime() + pause > deadline) {
          gaveUpNanos = System.nanoTime();
          throw new StoreUnavailable("Redis is away", failure);
        }
        LockSupport.parkNanos(pause);
        pause = Math.min(pause * 2, PAUSE_MAX_NANOS);
      }
    }
  }

  /** A command about one of several things. */
  interface Command<A, T> {
    CompletionStage<T> begin(RedisAsyncCommands<byte[], byte[]> redis, A what);
  }

  /**
   * Begins a command for each of some things at once, so that they share a round trip, and waits
   * for all, each as patiently as any; the answers in the same order.
   */
  <A, T> List<T> each(List<A> some, Command<A, T> command) {
    List<CompletableFuture<T>> begun = new ArrayList<>(some.size());
    for (A what : some) {
      begun.add(begin(redis -> command.begin(redis, what)));
    }
    List<T> answers = new ArrayList<>(some.size());
    for (int i = 0; i < some.size(); i++) {
      A what = some.get(i);
      answers.add(patiently(begun.get(i), redis -> command.begin(redis, what)));
    }
    return answers;
  }

  /** Begins a command; a failure is in the answer. */
  <T> CompletableFuture<T> begin(
      Function<RedisAsyncCommands<byte[], byte[]>, CompletionStage<T>> command) {
    try {
      return command.apply(node().calls()).toCompletableFuture();
    } catch (RedisException notSent) {
      return CompletableFuture.failedFuture(notSent);
    }
  }

  /** Waits for a command that was begun, and repeats it while Redis is away. */
  <T> T patiently(
      CompletableFuture<T> begun,
      Function<RedisAsyncCommands<byte[], byte[]>, CompletionStage<T>> command) {
    return patiently(redis -> begun.isCompletedExceptionally() ? command.apply(redis) : begun);
  }

  /** Waits for one answer until a time of {@link System#nanoTime}. */
  static <T> T await(CompletionStage<T> reply, long deadline) {
    try {
      return reply
          .toCompletableFuture()
          .get(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new StoreUnavailable("interrupted while waiting for Redis", interrupted);
    } catch (TimeoutException late) {
      throw new StoreUnavailable("Redis did not answer in time", late);
    } catch (ExecutionException | CompletionException | CancellationException failed) {
      Throwable cause = cause(failed);
      if (cause instanceof RedisException redis) {
        throw redis;
      }
      if (isOutage(cause)) {
        throw new RedisException("the connection was lost", cause);
      }
      throw cause instanceof RuntimeException other ? other : new IllegalStateException(cause);
    }
  }

  /** Whether the last command was given up, and none was answered since, for some seconds. */
  boolean seemsAway() {
    long gaveUp = gaveUpNanos;
    return gaveUp != 0 && System.nanoTime() - gaveUp < AWAY_NANOS;
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
          || message.startsWith("MOVED")
          || message.startsWith("ASK ")
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
}
