package io.taskrunner.store.redis;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * The names of keys, for Java's few direct reads; scripts spell theirs in {@code lua/lib}.
 *
 * <p>Everything of one shard begins with {@code <prefix>:{<shard>}:}, so that it lies in one slot
 * of a cluster.
 */
record Keys(String prefix, String tag) {

  private static final String CONFIG = "config";

  static Keys shard(String prefix, int shard) {
    return new Keys(prefix, Integer.toString(shard));
  }

  static Keys config(String prefix) {
    return new Keys(prefix, CONFIG);
  }

  /** A key of this shard. */
  byte[] key(String name) {
    return bytes(base() + name);
  }

  String base() {
    return prefix + ":{" + tag + "}:";
  }

  /** The two keys that every script is given. */
  byte[][] ofScript() {
    return new byte[][] {key("shard"), key("absent")};
  }

  /** The channel that a worker listens to. */
  String channel(String workerId) {
    return base() + "wake:" + workerId;
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static byte[] bytes(long number) {
    return bytes(Long.toString(number));
  }

  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** The 8 bytes of a worker's name of 16 hexadecimal characters. */
  static byte[] worker(String workerId) {
    byte[] bytes = HexFormat.of().parseHex(workerId);
    if (bytes.length != 8) {
      throw new IllegalArgumentException(
          "worker id: " + workerId + " (expected: 16 hexadecimal characters)");
    }
    return bytes;
  }
}
