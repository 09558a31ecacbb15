package io.taskrunner.store.redis.record;

import io.taskrunner.store.Operation;
import io.taskrunner.store.Operation.Action;
import io.taskrunner.store.Operation.Counts;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Label;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** An operation as the fields of its hash in the configuration. Unset values have no field. */
public final class OperationFields {

  private OperationFields() {}

  /** Name and value alternately, of the request. */
  public static Args write(Order order, @Nullable Long total) {
    Filter filter = order.filter();
    Args fields = new Args(24);
    put(fields, "action", order.action().word());
    put(fields, "to_queue", order.toQueue());
    put(fields, "per_sec", order.perSec());
    put(fields, "dry_run", order.dryRun() ? "1" : null);
    put(fields, "total", total);
    put(fields, "queue", filter.queue());
    put(fields, "of_state", filter.state() == null ? null : filter.state().word());
    put(fields, "client_id", filter.clientId());
    put(fields, "label_name", filter.label() == null ? null : filter.label().name());
    put(fields, "label_value", filter.label() == null ? null : filter.label().value());
    put(fields, "host", filter.host());
    put(fields, "status", filter.status());
    put(fields, "of_error", filter.error() == null ? null : filter.error().code());
    put(fields, "created_after", millis(filter.createdAfter()));
    put(fields, "created_before", millis(filter.createdBefore()));
    put(fields, "due_after", millis(filter.dueAfter()));
    put(fields, "due_before", millis(filter.dueBefore()));
    put(fields, "ids", filter.ids().isEmpty() ? null : packed(filter.ids()));
    return fields;
  }

  private static void put(Args fields, String name, @Nullable Object value) {
    if (value != null) {
      fields.field(name, value);
    }
  }

  private static @Nullable Long millis(@Nullable Instant time) {
    return time == null ? null : time.toEpochMilli();
  }

  /** The operation of a hash, which is not empty. */
  public static Operation read(String id, Map<byte[], byte[]> raw) {
    Map<String, String> fields = FlowFields.read(raw);
    String error = text(fields, "error");
    return new Operation(
        id,
        order(fields),
        time(number(fields, "begun")),
        Operation.State.valueOf(fields.getOrDefault("state", "").toUpperCase(Locale.ROOT)),
        new Counts(number(fields, "done"), number(fields, "failed"), number(fields, "skipped")),
        one(fields, "total", Long::valueOf),
        ids(fields.getOrDefault("sample", "").getBytes(StandardCharsets.ISO_8859_1)),
        time(number(fields, "updated")),
        one(fields, "finished", millis -> time(Long.parseLong(millis))),
        error == null || error.isEmpty() ? null : error);
  }

  private static Order order(Map<String, String> fields) {
    String name = text(fields, "label_name");
    String value = text(fields, "label_value");
    String owner = fields.getOrDefault("owner", "");
    return new Order(
        Action.ofWord(fields.getOrDefault("action", "")).orElseThrow(),
        new Filter(
            text(fields, "queue"),
            one(fields, "of_state", word -> TaskState.ofWord(word).orElseThrow()),
            text(fields, "client_id"),
            name == null || value == null ? null : new Label(name, value),
            text(fields, "host"),
            one(fields, "status", Integer::valueOf),
            one(fields, "of_error", code -> AttemptError.ofCode(Integer.parseInt(code))),
            one(fields, "created_after", millis -> time(Long.parseLong(millis))),
            one(fields, "created_before", millis -> time(Long.parseLong(millis))),
            one(fields, "due_after", millis -> time(Long.parseLong(millis))),
            one(fields, "due_before", millis -> time(Long.parseLong(millis))),
            ids(fields.getOrDefault("ids", "").getBytes(StandardCharsets.ISO_8859_1))),
        owner.isEmpty() ? null : owner,
        text(fields, "to_queue"),
        one(fields, "per_sec", Double::valueOf),
        fields.containsKey("dry_run"));
  }

  private static byte[] packed(List<TaskId> ids) {
    Packed packed = new Packed(ids.size() * TaskId.BYTES);
    ids.forEach(packed::put);
    return packed.toByteArray();
  }

  /** Tasks, as their ids, concatenated. */
  static List<TaskId> ids(byte[] sample) {
    List<TaskId> ids = new ArrayList<>(sample.length / TaskId.BYTES);
    for (int at = 0; at + TaskId.BYTES <= sample.length; at += TaskId.BYTES) {
      ids.add(TaskId.of(Arrays.copyOfRange(sample, at, at + TaskId.BYTES)));
    }
    return ids;
  }

  private static Instant time(long millis) {
    return Instant.ofEpochMilli(millis);
  }

  private static long number(Map<String, String> fields, String name) {
    return Long.parseLong(fields.getOrDefault(name, "0"));
  }

  /** A text; its characters hold bytes. */
  private static @Nullable String text(Map<String, String> fields, String name) {
    return one(
        fields,
        name,
        value -> new String(value.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8));
  }

  private static <T> @Nullable T one(
      Map<String, String> fields, String name, Function<String, T> read) {
    String value = fields.get(name);
    return value == null ? null : read.apply(value);
  }
}
