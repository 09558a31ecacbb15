package io.taskrunner.store.redis.record;

import io.taskrunner.task.CloudRetryPolicy;
import io.taskrunner.task.Retry;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The defaults of a queue for its tasks, as stored in its {@code flow}.
 *
 * @param cloud the retry rule of a queue of Cloud Tasks, which takes precedence; null for others
 */
public record Policy(Retry retry, @Nullable Duration timeout, @Nullable CloudRetryPolicy cloud) {

  /** The length of the retry settings, and of a queue's policy without its timeout. */
  static final int RETRY = 21;

  private static final int UNSET2 = (1 << 16) - 1;
  private static final int CLOUD_RULE = (1 << 16) - 2;

  public static Policy of(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    if (Packed.number(in, 2) == CLOUD_RULE) {
      return cloud(in);
    }
    in.rewind();
    Retry retry = retry(in);
    long timeout = Packed.number(in, 6);
    return new Policy(retry, timeout == Packed.UNSET6 ? null : Duration.ofMillis(timeout), null);
  }

  private static Policy cloud(ByteBuffer in) {
    int attempts = (int) Packed.number(in, 4);
    Duration min = Duration.ofMillis(Packed.number(in, 6));
    Duration max = Duration.ofMillis(Packed.number(in, 6));
    int doublings = (int) Packed.number(in, 4);
    Duration duration = Duration.ofMillis(Packed.number(in, 6));
    // As far as our own settings can express it.
    Retry retry =
        new Retry(
            attempts < 0 ? null : attempts - 1,
            min,
            max,
            doublings,
            duration.isZero() ? null : duration,
            true);
    return new Policy(retry, null, new CloudRetryPolicy(attempts, duration, min, max, doublings));
  }

  /** The defaults of a queue of Cloud Tasks. */
  public static byte[] write(CloudRetryPolicy retry) {
    return new Packed(28)
        .put(CLOUD_RULE, 2)
        .put(retry.maxAttempts(), 4)
        .put(Math.min(retry.minBackoff().toMillis(), Packed.UNSET6), 6)
        .put(Math.min(retry.maxBackoff().toMillis(), Packed.UNSET6), 6)
        .put(retry.maxDoublings(), 4)
        .put(Math.min(retry.maxDuration().toMillis(), Packed.UNSET6), 6)
        .toByteArray();
  }

  /** The defaults of a queue: its retry settings and its timeout. */
  public static byte[] write(Retry retry, @Nullable Duration timeout) {
    Packed out = new Packed(RETRY + 6);
    putRetry(out, retry);
    out.put(timeout == null ? Packed.UNSET6 : timeout.toMillis(), 6);
    return out.toByteArray();
  }

  static void putRetry(Packed out, Retry retry) {
    out.put(retry.maxRetries() == null ? UNSET2 : retry.maxRetries(), 2);
    out.put(retry.minBackoff() == null ? Packed.UNSET4 : retry.minBackoff().toMillis(), 4);
    out.put(retry.maxBackoff() == null ? Packed.UNSET6 : retry.maxBackoff().toMillis(), 6);
    out.put(retry.maxDoublings() == null ? UNSET2 : retry.maxDoublings(), 2);
    out.put(retry.maxDuration() == null ? Packed.UNSET6 : retry.maxDuration().toMillis(), 6);
    Boolean clientErrors = retry.retryClientErrors();
    out.put(clientErrors == null ? 255 : clientErrors ? 1 : 0, 1);
  }

  static Retry retry(ByteBuffer in) {
    int maxRetries = (int) Packed.number(in, 2);
    long min = Packed.number(in, 4);
    long max = Packed.number(in, 6);
    int maxDoublings = (int) Packed.number(in, 2);
    long maxDuration = Packed.number(in, 6);
    int clientErrors = (int) Packed.number(in, 1);
    return new Retry(
        maxRetries == UNSET2 ? null : maxRetries,
        min == Packed.UNSET4 ? null : Duration.ofMillis(min),
        max == Packed.UNSET6 ? null : Duration.ofMillis(max),
        maxDoublings == UNSET2 ? null : maxDoublings,
        maxDuration == Packed.UNSET6 ? null : Duration.ofMillis(maxDuration),
        clientErrors == 255 ? null : clientErrors == 1);
  }
}
