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
 * The way to the node that holds some keys, and the patience with it.
 *
 * <p>A command that fails since its node is away, loading or was changed is repeated until {@code
 * REDIS_COMMAND_TIMEOUT_MS} is over: every script can be repeated. Each time the node is looked up
 * anew, since a cluster may have moved the keys.
 */
public final class Link {

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
  public Node node() {
    return node.get();
  }

  /** A command failed since Redis is away: asks whether another node holds the keys by now. */
  public void doubt() {
    doubt.run();
  }

  /**
   * Waits for what a command answers, and repeats it while Redis is away.
   *
   * @throws StoreUnavailable the patience is over
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
          throw new StoreUnavailable("Redis is away", failure);
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
   * Begins a command for each of some things at once, so that they share a round trip, and waits
   * for all, each as patiently as any; the answers in the same order.
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

  /** Begins a command; a failure is in the answer. */
  public <T> CompletableFuture<T> begin(
      Function<RedisAsyncCommands<byte[], byte[]>, CompletionStage<T>> command) {
    try {
      return command.apply(node().calls()).toCompletableFuture();
    } catch (RedisException notSent) {
      return CompletableFuture.failedFuture(notSent);
    }
  }

  /** Waits for a command that was begun, and repeats it while Redis is away. */
  public <T> T patiently(
      CompletableFuture<T> begun,
      Function<RedisAsyncCommands<byte[], byte[]>, CompletionStage<T>> command) {
    return patiently(redis -> begun.isCompletedExceptionally() ? command.apply(redis) : begun);
  }

  /** Whether the last command was given up, and none was answered since, for some seconds. */
  boolean seemsAway() {
    long gaveUp = gaveUpNanos;
    return gaveUp != 0 && System.nanoTime() - gaveUp < AWAY_NANOS;
  }

  /** How long a call goes on trying. */
  public Duration patience() {
    return patience;
  }
}
