package io.taskrunner.store.redis.link;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * The names of keys, for Java's few direct reads; scripts build theirs in {@code lua/lib}.
 *
 * <p>All keys of one shard begin with {@code <prefix>:{<shard>}:}, so that they are in one slot of
 * a cluster.
 */
public record Keys(String prefix, String tag) {

  private static final String CONFIG = "config";

  public static Keys shard(String prefix, int shard) {
    return new Keys(prefix, Integer.toString(shard));
  }

  public static Keys config(String prefix) {
    return new Keys(prefix, CONFIG);
  }

  /** A key of this shard. */
  public byte[] key(String name) {
    return bytes(base() + name);
  }

  public String base() {
    return prefix + ":{" + tag + "}:";
  }

  /** The two keys passed to every script. */
  byte[][] ofScript() {
    return new byte[][] {key("shard"), key("absent")};
  }

  /** The channel of a worker. */
  public String channel(String workerId) {
    return base() + "wake:" + workerId;
  }

  public static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  public static byte[] bytes(long number) {
    return bytes(Long.toString(number));
  }

  public static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** The 8 bytes of a worker's name of 16 hexadecimal characters. */
  public static byte[] worker(String workerId) {
    byte[] bytes = HexFormat.of().parseHex(workerId);
    if (bytes.length != 8) {
      throw new IllegalArgumentException(
          "worker id: " + workerId + " (expected: 16 hexadecimal characters)");
    }
    return bytes;
  }
}
