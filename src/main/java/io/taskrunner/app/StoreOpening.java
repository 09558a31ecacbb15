package io.taskrunner.app;

import io.taskrunner.config.CannotStart;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.NotPermitted;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.store.redis.link.Shared;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the store, with the retries that a start needs when everything starts at once. */
final class StoreOpening {

  private static final Logger LOG = LoggerFactory.getLogger(StoreOpening.class);

  private StoreOpening() {}

  /**
   * Opens the store, retrying while Redis is unavailable, as {@code REDIS_CONNECT_RETRIES} and
   * {@code REDIS_RETRY_INTERVAL_SEC} set.
   *
   * @param shared to run on and to count in; empty for loops of its own, and no count
   * @param endAsked opens when the program is to shut down
   * @throws CannotStart Redis stayed unavailable, or holds data that this version cannot read
   * @throws InterruptedException the program is to shut down
   */
  static RedisStore open(StoreOptions options, Optional<Shared> shared, CountDownLatch endAsked)
      throws CannotStart, InterruptedException {
    RedisSettings redis = options.redis();
    for (int left = redis.connectRetries(); ; left--) {
      try {
        return RedisStore.open(options, shared);
      } catch (StoreUnavailable away) {
        String reason = innermost(away);
        if (left == 0) {
          throw new CannotStart(
              "Redis at "
                  + redis.where()
                  + " cannot be used ("
                  + reason
                  + "). Start a Redis there, set REDIS_URL to another one, or use ./task-runner dev,"
                  + " which has a Redis of its own.",
              away);
        }
        LOG.warn(
            "Redis at {} cannot be used yet ({}); retrying every {} s, {} more times",
            redis.where(),
            reason,
            redis.retryInterval().toSeconds(),
            left);
      } catch (NotPermitted refused) {
        throw new CannotStart(String.valueOf(refused.getMessage()), refused, CannotStart.MISUSED);
      } catch (IllegalStateException newer) {
        throw new CannotStart(String.valueOf(newer.getMessage()), newer);
      }
      if (endAsked.await(redis.retryInterval().toMillis(), TimeUnit.MILLISECONDS)) {
        throw new InterruptedException();
      }
    }
  }

  /** The root cause, as Redis or the system words it. */
  private static String innermost(Throwable thrown) {
    Throwable inner = thrown;
    while (inner.getCause() != null) {
      inner = inner.getCause();
    }
    return inner.getMessage() == null ? inner.getClass().getSimpleName() : inner.getMessage();
  }
}
