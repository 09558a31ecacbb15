package io.taskrunner.store.redis.record;

import io.taskrunner.store.CloudStore.CloudQueue;
import io.taskrunner.store.CloudStore.QueueName;
import io.taskrunner.store.CloudStore.Retries;
import io.taskrunner.store.CloudStore.Settings;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.task.CloudRetryPolicy;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The settings of a queue of Cloud Tasks, as fields of its {@code flow}. It keeps dead tasks like
 * any other queue, and none that succeeded.
 */
public final class CloudFields {

  private CloudFields() {}

  /** Name and value in turn. */
  public static List<byte[]> write(QueueName name, Settings settings) {
    QueueSettings usual = QueueSettings.defaults(1);
    Retries retry = settings.retry();
    List<byte[]> fields = new ArrayList<>();
    put(fields, "name", name.toString());
    put(fields, "weight", "1");
    put(fields, "rate", Double.toString(settings.maxDispatchesPerSecond()));
    put(fields, "burst", Integer.toString(settings.maxBurstSize()));
    put(fields, "own_burst", Integer.toString(settings.maxBurstSize()));
    put(fields, "max_concurrent", Integer.toString(settings.maxConcurrentDispatches()));
    put(fields, "dead_retention_ms", Long.toString(usual.deadRetention().toMillis()));
    put(fields, "dead_max", Integer.toString(usual.deadMax()));
    put(fields, "dead_max_bytes", Long.toString(usual.deadMaxBytes()));
    put(fields, "done_max", Integer.toString(usual.doneMax()));
    fields.add(Keys.bytes("policy"));
    fields.add(
        TaskCodec.policy(
            new CloudRetryPolicy(
                retry.maxAttempts(),
                retry.maxRetryDuration(),
                retry.minBackoff(),
                retry.maxBackoff(),
                retry.maxDoublings())));
    fields.add(Keys.bytes("echoed"));
    fields.add(settings.echoed());
    return fields;
  }

  private static void put(List<byte[]> fields, String name, String value) {
    fields.add(Keys.bytes(name));
    fields.add(Keys.bytes(value));
  }

  /** Reads a queue; empty when there is none. */
  public static Optional<CloudQueue> read(QueueName name, Map<byte[], byte[]> raw) {
    Map<String, String> flow = FlowFields.read(raw);
    if (!flow.containsKey("gen")) {
      return Optional.empty();
    }
    CloudRetryPolicy retry =
        Objects.requireNonNull(TaskCodec.Policy.of(bytes(field(flow, "policy"))).cloud());
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
