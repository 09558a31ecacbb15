package io.taskrunner.store.redis.doctor;

import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.task.TaskId;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A violation.
 *
 * @param kind the kind of violation, such as {@code task_in_no_set}
 * @param key the affected key, without its prefix, but with its shard where there are several; ids
 *     of tasks in their canonical form
 * @param detail a description
 */
public record Finding(String kind, String key, String detail) {

  private static final int TASK = "task:".length();

  public static Finding of(byte[] kind, byte[] key, byte[] detail) {
    return new Finding(text(kind), readable(key), text(detail));
  }

  Finding in(Shard shard) {
    return new Finding(kind, "{" + shard.number() + "}:" + key, detail);
  }

  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static String readable(byte[] key) {
    return text(key).startsWith("task:") && key.length == TASK + TaskId.BYTES
        ? "task:" + TaskId.of(Arrays.copyOfRange(key, TASK, key.length))
        : text(key);
  }
}
