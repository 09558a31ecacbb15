package io.taskrunner.store;

import io.taskrunner.task.Retry;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a queue; null is "none" or "unset".
 *
 * @param weight its share of the workers under saturation, 1 to 100
 * @param maxDispatchesPerSec starts per second, above 0; null for no limit
 * @param maxBurst starts that may happen at once; null for {@link #defaultBurst}
 * @param maxConcurrent attempts that run at once; null for no limit
 * @param retry default for its tasks
 * @param timeout default for one attempt of its tasks
 * @param deadRetention how long dead tasks are kept
 * @param deadMax how many dead tasks are kept
 * @param deadMaxBytes how many bytes of dead tasks are kept
 * @param doneMax how many succeeded and cancelled tasks are kept
 */
// Flat row: one component for each setting of a queue.
public record QueueSettings(
    int weight,
    @Nullable Double maxDispatchesPerSec,
    @Nullable Integer maxBurst,
    @Nullable Integer maxConcurrent,
    Retry retry,
    @Nullable Duration timeout,
    Duration deadRetention,
    int deadMax,
    long deadMaxBytes,
    int doneMax) {

  /** The highest rate, in starts per second, that can be set on a queue or a host. */
  public static final double RATE_MAX = 1_000_000;

  /** The form of a queue's name. */
  public static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  /** The same, or the full name of a queue of Google Cloud Tasks. */
  public static final Pattern ANY_NAME =
      Pattern.compile(
          NAME.pattern()
              + "|projects/[A-Za-z0-9:.-]{1,200}/locations/[A-Za-z0-9-]{1,100}"
              + "/queues/[A-Za-z0-9-]{1,100}");

  /** The queues that always exist, with their weights. */
  public static final Map<String, Integer> BUILT_IN = Map.of("critical", 6, "default", 3, "low", 1);

  /** The settings of a queue without any of its own. */
  public static QueueSettings defaults(int weight) {
    return new QueueSettings(
        weight,
        null,
        null,
        null,
        Retry.UNSET,
        null,
        Duration.ofDays(30),
        100_000,
        256L * 1024 * 1024,
        100_000);
  }

  /** The default weight of a queue. */
  public static int defaultWeight(String name) {
    return BUILT_IN.getOrDefault(name, 1);
  }

  /** The default burst of a rate: a fifth of a second's starts, 1 to 100. */
  public static int defaultBurst(double perSec) {
    return (int) Math.clamp(Math.ceil(perSec / 5), 1, 100);
  }
}
