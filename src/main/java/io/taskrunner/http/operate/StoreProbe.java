package io.taskrunner.http.operate;

import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.SystemStore;
import io.taskrunner.store.SystemStore.Health;
import io.taskrunner.telemetry.Probe;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Whether the store answers. Concurrent callers share a request, a result is reused for a moment,
 * and no caller waits longer than {@value #PATIENCE_MILLIS} ms for one, however long the store
 * itself tries.
 */
public final class StoreProbe implements Probe {

  private static final long PATIENCE_MILLIS = 800;

  private static final long GOOD_NANOS = 500_000_000;

  private static final long ASK_AGAIN_NANOS = 1_000_000_000;

  private final SystemStore store;
  private @Nullable CompletableFuture<Health> question;
  private long askedNanos;

  /** Over a store. */
  public StoreProbe(SystemStore store) {
    this.store = store;
  }

  @Override
  public String name() {
    return "redis";
  }

  @Override
  public boolean healthy() {
    return health().isPresent();
  }

  @Override
  public String detail() {
    return "";
  }

  /** The store's report of itself; empty when it does not answer. */
  public Optional<Health> health() {
    try {
      return Optional.of(ask().get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS));
    } catch (TimeoutException noAnswer) {
      return Optional.empty();
    } catch (ExecutionException failed) {
      if (failed.getCause() instanceof StoreUnavailable) {
        return Optional.empty();
      }
      throw new IllegalStateException(
          "the health of the store could not be determined", failed.getCause());
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  private synchronized CompletableFuture<Health> ask() {
    long now = System.nanoTime();
    if (question == null || now - askedNanos > (question.isDone() ? GOOD_NANOS : ASK_AGAIN_NANOS)) {
      CompletableFuture<Health> asked = new CompletableFuture<>();
      Thread.ofVirtual()
          .name("store-probe")
          .start(() -> {
            try {
              asked.complete(store.health());
            } catch (RuntimeException failure) {
              asked.completeExceptionally(failure);
            }
          });
      question = asked;
      askedNanos = now;
    }
    return question;
  }
}
