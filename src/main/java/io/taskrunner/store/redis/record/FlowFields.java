package io.taskrunner.store.redis.record;

import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.redis.link.Keys;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The settings of a queue, as fields of its {@code flow}. */
public final class FlowFields {

  private FlowFields() {}

  /**
   * Name and value in turn; an empty value is none.
   *
   * @param revision of the change that sets them
   * @param shards over how many the queue is spread: with more than one, its limits are kept by a
   *     gate
   */
  public static List<byte[]> write(String name, QueueSettings settings, long revision, int shards) {
    List<byte[]> fields = new ArrayList<>();
    Double rate = settings.maxDispatchesPerSec();
    Integer burst = settings.maxBurst();
    put(fields, "name", name);
    put(fields, "rev", revision);
    put(fields, "weight", settings.weight());
    put(fields, "max_concurrent", settings.maxConcurrent());
    put(fields, "rate", rate);
    boolean limited = rate != null || settings.maxConcurrent() != null;
    put(fields, "gated", limited && shards > 1 ? 1 : null);
    put(fields, "own_burst", burst);
    put(
        fields,
        "burst",
        burst != null ? burst : rate != null ? QueueSettings.defaultBurst(rate) : null);
    put(fields, "dead_retention_ms", settings.deadRetention().toMillis());
    put(fields, "dead_max", settings.deadMax());
    put(fields, "dead_max_bytes", settings.deadMaxBytes());
    put(fields, "done_max", settings.doneMax());
    fields.add(Keys.bytes("policy"));
    fields.add(TaskCodec.policy(settings.retry(), settings.timeout()));
    return fields;
  }

  private static void put(List<byte[]> fields, String name, @Nullable Object value) {
    fields.add(Keys.bytes(name));
    fields.add(value == null ? new byte[0] : Keys.bytes(value.toString()));
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
    TaskCodec.Policy policy =
        TaskCodec.Policy.of(flow.getOrDefault("policy", "").getBytes(StandardCharsets.ISO_8859_1));
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
