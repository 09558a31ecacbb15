package io.taskrunner.store.redis.record;

import io.taskrunner.store.CloudStore.CloudQueue;
import io.taskrunner.store.CloudStore.QueueName;
import io.taskrunner.store.CloudStore.Retries;
import io.taskrunner.store.CloudStore.Settings;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.task.CloudRetryPolicy;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The settings of a queue of Cloud Tasks, as fields of its {@code flow}. It keeps dead tasks like
 * any other queue, but no succeeded ones.
 */
public final class CloudFields {

  private CloudFields() {}

  /** Name and value alternately. */
  public static Args write(QueueName name, Settings settings) {
    QueueSettings usual = QueueSettings.defaults(1);
    Retries retry = settings.retry();
    return new Args(24)
        .field("name", name.toString())
        .field("weight", 1)
        .field("rate", settings.maxDispatchesPerSecond())
        .field("burst", settings.maxBurstSize())
        .field("own_burst", settings.maxBurstSize())
        .field("max_concurrent", settings.maxConcurrentDispatches())
        .field("dead_retention_ms", usual.deadRetention().toMillis())
        .field("dead_max", usual.deadMax())
        .field("dead_max_bytes", usual.deadMaxBytes())
        .field("done_max", usual.doneMax())
        .field(
            "policy",
            Policy.write(
                new CloudRetryPolicy(
                    retry.maxAttempts(),
                    retry.maxRetryDuration(),
                    retry.minBackoff(),
                    retry.maxBackoff(),
                    retry.maxDoublings())))
        .field("echoed", settings.echoed());
  }

  /** Reads a queue; empty when it does not exist. */
  public static Optional<CloudQueue> read(QueueName name, Map<byte[], byte[]> raw) {
    Map<String, String> flow = FlowFields.read(raw);
    if (!flow.containsKey("gen")) {
      return Optional.empty();
    }
    CloudRetryPolicy retry =
        Objects.requireNonNull(Policy.of(bytes(field(flow, "policy"))).cloud());
    Settings settings =
        new Settings(
            Double.parseDouble(field(flow, "rate")),
            Integer.parseInt(field(flow, "burst")),
            Integer.parseInt(field(flow, "max_concurrent")),
            new Retries(
                retry.maxAttempts(),
                retry.maxDuration(),
                retry.minBackoff(),
                retry.maxBackoff(),
                retry.maxDoublings()),
            bytes(flow.getOrDefault("echoed", "")));
    return Optional.of(
        new CloudQueue(
            name,
            settings,
            "1".equals(flow.get("paused")),
            Optional.ofNullable(flow.get("purged"))
                .map(millis -> Instant.ofEpochMilli(Long.parseLong(millis)))));
  }

  private static String field(Map<String, String> flow, String name) {
    return Objects.requireNonNull(flow.get(name), name);
  }

  private static byte[] bytes(String latin1) {
    return latin1.getBytes(StandardCharsets.ISO_8859_1);
  }
}
