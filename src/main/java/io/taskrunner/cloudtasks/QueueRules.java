package io.taskrunner.cloudtasks;

import com.google.cloud.tasks.v2.Queue.State;
import com.google.cloud.tasks.v2.RateLimits;
import com.google.cloud.tasks.v2.RetryConfig;
import com.google.iam.v1.Policy;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.FieldMaskUtil;
import io.taskrunner.cloudtasks.v1.Queue;
import io.taskrunner.cloudtasks.v1.StoredQueue;
import io.taskrunner.store.CloudStore.CloudQueue;
import io.taskrunner.store.CloudStore.Retries;
import io.taskrunner.store.CloudStore.Settings;
import java.time.Duration;
import java.util.List;

/**
 * The permitted settings of a queue, their defaults, and the view of a queue. Zero means unset, as
 * in proto3.
 */
final class QueueRules {

  private static final double RATE_MAX = 500;
  private static final int CONCURRENT_MAX = 5000;
  private static final int CONCURRENT = 1000;
  private static final int ATTEMPTS = 100;
  private static final int DOUBLINGS = 16;
  private static final Duration MIN_BACKOFF = Duration.ofMillis(100);
  private static final Duration MAX_BACKOFF = Duration.ofHours(1);

  /** Fields that cannot be changed, and are ignored in a mask. */
  private static final List<String> OUTPUT_ONLY =
      List.of("name", "state", "purge_time", "rate_limits.max_burst_size");

  private static final FieldMaskUtil.MergeOptions REPLACING =
      new FieldMaskUtil.MergeOptions()
          .setReplaceMessageFields(true)
          .setReplacePrimitiveFields(true)
          .setReplaceRepeatedFields(true);

  private QueueRules() {}

  /**
   * A queue with every field set.
   *
   * @throws Failure a field is invalid
   */
  static Queue whole(Queue given) {
    Queue.Builder queue = given.toBuilder();
    queue.clearState().clearPurgeTime();
    queue.setRateLimits(limits(given.getRateLimits()));
    queue.setRetryConfig(retries(given.getRetryConfig()));
    double sampling = given.getStackdriverLoggingConfig().getSamplingRatio();
    check(
        sampling >= 0 && sampling <= 1,
        "StackdriverLoggingConfig.samplingRatio must be between 0.0 and 1.0.");
    if (given.hasHttpTarget()) {
      HttpTargets.check(given.getHttpTarget());
    }
    return queue.build();
  }

  private static RateLimits limits(RateLimits given) {
    double rate = given.getMaxDispatchesPerSecond();
    check(rate >= 0, "RateLimits.maxDispatchesPerSecond cannot be negative.");
    check(rate <= RATE_MAX, "RateLimits.maxDispatchesPerSecond must be less than or equal to 500.");
    int concurrent = given.getMaxConcurrentDispatches();
    check(concurrent >= 0, "RateLimits.maxConcurrentDispatches cannot be negative.");
    check(
        concurrent <= CONCURRENT_MAX,
        "RateLimits.maxConcurrentDispatches must be less than or equal to 5000.");
    double inForce = rate == 0 ? RATE_MAX : rate;
    return RateLimits.newBuilder()
        .setMaxDispatchesPerSecond(inForce)
        .setMaxBurstSize((int) Math.clamp(Math.ceil(inForce / 5), 10, 100))
        .setMaxConcurrentDispatches(concurrent == 0 ? CONCURRENT : concurrent)
        .build();
  }

  private static RetryConfig retries(RetryConfig given) {
    int attempts = given.getMaxAttempts();
    check(attempts >= -1, "RetryConfig.maxAttempts must be greater or equal to -1.");
    int doublings = given.getMaxDoublings();
    check(doublings >= 0, "RetryConfig.maxDoublings cannot be negative.");
    Duration longest = Times.duration("RetryConfig.maxRetryDuration", given.getMaxRetryDuration());
    check(!longest.isNegative(), "RetryConfig.maxRetryDuration cannot be negative.");
    Duration min =
        given.hasMinBackoff()
            ? Times.duration("RetryConfig.minBackoff", given.getMinBackoff())
            : MIN_BACKOFF;
    check(!min.isNegative(), "RetryConfig.minBackoff cannot be negative.");
    Duration max =
        given.hasMaxBackoff()
            ? Times.duration("RetryConfig.maxBackoff", given.getMaxBackoff())
            : MAX_BACKOFF;
    check(!max.isNegative(), "RetryConfig.maxBackoff cannot be negative.");
    check(
        min.compareTo(max) <= 0,
        "RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.");
    RetryConfig.Builder retries =
        RetryConfig.newBuilder()
            .setMaxAttempts(attempts == 0 ? ATTEMPTS : attempts)
            .setMinBackoff(Times.duration(min))
            .setMaxBackoff(Times.duration(max))
            .setMaxDoublings(doublings == 0 ? DOUBLINGS : doublings);
    if (longest.toSeconds() > 0) {
      retries.setMaxRetryDuration(Times.duration(Duration.ofSeconds(longest.toSeconds())));
    }
    return retries.build();
  }

  private static void check(boolean fine, String otherwise) {
    if (!fine) {
      throw Failure.invalid(otherwise);
    }
  }

  /**
   * A queue after a change.
   *
   * @param paths the fields to take from {@code given}, in either spelling; none for all
   * @return not {@link #whole} yet
   * @throws Failure there is no such field
   */
  static Queue changed(Queue before, Queue given, List<String> paths) {
    if (paths.isEmpty() || paths.contains("*")) {
      return given;
    }
    Queue.Builder after = before.toBuilder();
    for (String path : paths) {
      String field = snake(path);
      if (!FieldMaskUtil.isValid(Queue.getDescriptor(), field)) {
        throw Failure.invalid("updateMask: a queue has no field \"" + path + "\".");
      }
      if (!OUTPUT_ONLY.contains(field)) {
        FieldMaskUtil.merge(FieldMaskUtil.fromString(field), given, after, REPLACING);
      }
    }
    return after.build();
  }

  private static String snake(String path) {
    StringBuilder snake = new StringBuilder();
    path.chars()
        .forEach(c -> {
          if (c >= 'A' && c <= 'Z') {
            snake.append('_').append((char) (c - 'A' + 'a'));
          } else {
            snake.append((char) c);
          }
        });
    return snake.toString();
  }

  /** The settings that the engine applies and keeps of a queue that is {@link #whole}. */
  static Settings settings(Queue whole, Policy policy) {
    RateLimits limits = whole.getRateLimits();
    RetryConfig retry = whole.getRetryConfig();
    return new Settings(
        limits.getMaxDispatchesPerSecond(),
        limits.getMaxBurstSize(),
        limits.getMaxConcurrentDispatches(),
        new Retries(
            retry.getMaxAttempts(),
            Times.duration("", retry.getMaxRetryDuration()),
            Times.duration("", retry.getMinBackoff()),
            Times.duration("", retry.getMaxBackoff()),
            retry.getMaxDoublings()),
        StoredQueue.newBuilder().setQueue(whole).setPolicy(policy).build().toByteArray());
  }

  /** The stored settings of a queue. */
  static StoredQueue stored(CloudQueue queue) {
    try {
      return StoredQueue.parseFrom(queue.settings().echoed());
    } catch (InvalidProtocolBufferException notOurs) {
      throw new IllegalStateException(
          "the stored record of queue " + queue.name() + " cannot be read", notOurs);
    }
  }

  /** A queue as callers see it. */
  static Queue shown(CloudQueue queue) {
    Queue.Builder shown = stored(queue).getQueue().toBuilder();
    shown.setName(queue.name().toString());
    shown.setState(state(queue));
    queue.purged().ifPresent(at -> shown.setPurgeTime(Times.timestamp(at)));
    return shown.build();
  }

  static State state(CloudQueue queue) {
    return queue.paused() ? State.PAUSED : State.RUNNING;
  }
}
