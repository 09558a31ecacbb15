package io.taskrunner.store.redis.record;

import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** The settings of a queue, as fields of its {@code flow}. */
public final class FlowFields {

  private FlowFields() {}

  /**
   * Name and value alternately; an empty value is none.
   *
   * @param revision of the change that sets them
   * @param shards the number of shards of the queue: with more than one, a gate enforces its limits
   */
  public static Args write(String name, QueueSettings settings, long revision, int shards) {
    Double rate = settings.maxDispatchesPerSec();
    Integer burst = settings.maxBurst();
    boolean limited = rate != null || settings.maxConcurrent() != null;
    Integer defaultBurst = rate == null ? null : QueueSettings.defaultBurst(rate);
    return new Args(26)
        .field("name", name)
        .field("rev", revision)
        .field("weight", settings.weight())
        .field("max_concurrent", settings.maxConcurrent())
        .field("rate", rate)
        .field("gated", limited && shards > 1 ? 1 : null)
        .field("own_burst", burst)
        .field("burst", burst != null ? burst : defaultBurst)
        .field("dead_retention_ms", settings.deadRetention().toMillis())
        .field("dead_max", settings.deadMax())
        .field("dead_max_bytes", settings.deadMaxBytes())
        .field("done_max", settings.doneMax())
        .field("policy", Policy.write(settings.retry(), settings.timeout()));
  }

  /** Fields by name; values keep their bytes as characters. */
  public static Map<String, String> read(Map<byte[], byte[]> raw) {
    Map<String, String> fields = HashMap.newHashMap(raw.size());
    raw.forEach((name, value) ->
        fields.put(Keys.text(name), new String(value, StandardCharsets.ISO_8859_1)));
    return fields;
  }

  public static long revision(Map<String, String> flow) {
    return Long.parseLong(flow.getOrDefault("rev", "0"));
  }

  public static QueueSettings settings(Map<String, String> flow) {
    Policy policy =
        Policy.of(flow.getOrDefault("policy", "").getBytes(StandardCharsets.ISO_8859_1));
    return new QueueSettings(
        integer(flow, "weight", 1),
        flow.containsKey("rate") ? Double.valueOf(flow.get("rate")) : null,
        flow.containsKey("own_burst") ? Integer.valueOf(flow.get("own_burst")) : null,
        flow.containsKey("max_concurrent") ? Integer.valueOf(flow.get("max_concurrent")) : null,
        policy.retry(),
        policy.timeout(),
        Duration.ofMillis(Long.parseLong(flow.getOrDefault("dead_retention_ms", "2592000000"))),
        integer(flow, "dead_max", 100_000),
        Long.parseLong(flow.getOrDefault("dead_max_bytes", "268435456")),
        integer(flow, "done_max", 100_000));
  }

  private static int integer(Map<String, String> flow, String name, int otherwise) {
    return Integer.parseInt(flow.getOrDefault(name, Integer.toString(otherwise)));
  }
}
