package io.taskrunner.store.redis.record;

import io.taskrunner.store.TaskStore.Label;
import io.taskrunner.store.redis.link.Keys;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/** Represents texts of any length in keys. */
public final class Digests {

  /** The length of the digest of a name. */
  private static final int NAME = 16;

  /** The number of bytes kept of the digest of a label: collisions are resolved later. */
  private static final int LABEL = 8;

  private Digests() {}

  public static byte[] sha256(String text) {
    return digest("SHA-256", Keys.bytes(text));
  }

  /** The digest of the name of a task of Cloud Tasks in keys. */
  public static byte[] ofName(String name) {
    return Arrays.copyOf(sha256(name), NAME);
  }

  /** The digest of a label in keys, from its form in a record; scripts can compute it too. */
  public static String ofLabel(Label label) {
    Packed packed = new Packed(4 + label.name().length() + label.value().length());
    packed.shortText(label.name(), 2).shortText(label.value(), 2);
    return HexFormat.of().formatHex(digest("SHA-1", packed.toByteArray()), 0, LABEL);
  }

  private static byte[] digest(String algorithm, byte[] bytes) {
    try {
      return MessageDigest.getInstance(algorithm).digest(bytes);
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }
}
