package io.taskrunner.store.redis.link;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisException;
import io.taskrunner.store.StoreUnavailable;
import java.io.IOException;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits for a reply of Redis, and classifies its failure. */
public final class Answers {

  private Answers() {}

  /** Waits for one reply until a time of {@link System#nanoTime}. */
  public static <T> T await(CompletionStage<T> reply, long deadline) {
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

  /**
   * Whether a failure means that Redis is unavailable, which passes, rather than an error of the
   * command.
   */
  public static boolean isOutage(Throwable failure) {
    if (failure instanceof RedisCommandExecutionException refused) {
      // Redis 6.2 puts a prefix before the error that a script received.
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
    // Lettuce cancels commands in flight when their connection breaks.
    return failure instanceof RedisException
        || failure instanceof IOException
        || failure instanceof CancellationException;
  }

  /** Whether Redis rejected a write because its memory is full. */
  public static boolean isFull(Throwable failure) {
    return failure instanceof RedisCommandExecutionException refused
        && String.valueOf(refused.getMessage()).contains("OOM");
  }

  /** The failure inside the wrappers that futures put around it. */
  public static Throwable cause(Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  /** Redis' message about a missing permission; empty for any other failure. */
  public static Optional<String> refusal(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof RedisCommandExecutionException) {
        String words = String.valueOf(cause.getMessage());
        if (words.contains("NOPERM") || words.contains("The user executing the script")) {
          return Optional.of(words.lines().findFirst().orElse(words));
        }
      }
    }
    return Optional.empty();
  }
}
