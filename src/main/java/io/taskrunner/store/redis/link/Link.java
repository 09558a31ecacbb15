package io.taskrunner.store.redis.link;

import io.lettuce.core.RedisException;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.taskrunner.store.StoreUnavailable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Access to the node that holds some keys, with its retry timeout.
 *
 * <p>A command that fails because its node is unavailable, loading or was replaced is retried until
 * {@code REDIS_COMMAND_TIMEOUT_MS} has passed: every script can be repeated. The node is looked up
 * again each time, because a cluster may have moved the keys.
 */
public final class Link {

  private static final long PAUSE_MIN_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long PAUSE_MAX_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private static final long AWAY_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Supplier<Node> node;
  private final Runnable doubt;
  private final Duration patience;

  /** When the last command was given up; 0 when one succeeded since. */
  private volatile long gaveUpNanos;

  /**
   * Creates a link.
   *
   * @param node the node that holds the keys now; raises {@link RedisException} when none is known
   * @param doubt called when a command failed: another node may hold them
   * @param patience how long a call is retried
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
  public Node node() {
    return node.get();
  }

  /**
   * A command failed because Redis is unavailable: checks whether another node now holds the keys.
   */
  public void doubt() {
    doubt.run();
  }

  /**
   * Waits for the reply of a command, and retries it while Redis is unavailable.
   *
   * @throws StoreUnavailable the timeout has passed
   */
  public <T> T patiently(Function<RedisAsyncCommands<byte[], byte[]>, CompletionStage<T>> command) {
    long deadline = System.nanoTime() + patience.toNanos();
    long pause = PAUSE_MIN_NANOS;
    while (true) {
      try {
        T answer = Answers.await(command.apply(node().calls()), deadline);
        gaveUpNanos = 0;
        return answer;
      } catch (StoreUnavailable late) {
        gaveUpNanos = System.nanoTime();
        throw late;
      } catch (RedisException failure) {
        if (!Answers.isOutage(failure)) {
          throw failure;
        }
        doubt();
        if (System.nanoTime() + pause > deadline) {
          gaveUpNanos = System.nanoTime();
          throw new StoreUnavailable("Redis is not reachable", failure);
        }
        LockSupport.parkNanos(pause);
        pause = Math.min(pause * 2, PAUSE_MAX_NANOS);
      }
    }
  }

  /** A command about one of several things. */
  public interface Command<A, T> {
    CompletionStage<T> begin(RedisAsyncCommands<byte[], byte[]> redis, A what);
  }

  /**
   * Sends a command for each of several things at once, so that they share a round trip, and waits
   * for all, each with the full timeout; the replies in the same order.
   */
  public <A, T> List<T> each(List<A> some, Command<A, T> command) {
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

  /** Sends a command; a failure is reported in the returned future. */
  public <T> CompletableFuture<T> begin(
      Function<RedisAsyncCommands<byte[], byte[]>, CompletionStage<T>> command) {
    try {
      return command.apply(node().calls()).toCompletableFuture();
    } catch (RedisException notSent) {
      return CompletableFuture.failedFuture(notSent);
    }
  }

  /** Waits for a command that was sent, and retries it while Redis is unavailable. */
  public <T> T patiently(
      CompletableFuture<T> begun,
      Function<RedisAsyncCommands<byte[], byte[]>, CompletionStage<T>> command) {
    return patiently(redis -> begun.isCompletedExceptionally() ? command.apply(redis) : begun);
  }

  /** Whether the last command was given up, and none has succeeded since, for some seconds. */
  boolean seemsAway() {
    long gaveUp = gaveUpNanos;
    return gaveUp != 0 && System.nanoTime() - gaveUp < AWAY_NANOS;
  }

  /** How long a call is retried. */
  public Duration patience() {
    return patience;
  }
}
