package io.taskrunner.store.redis.record;

import io.taskrunner.store.redis.link.Keys;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** Represents texts of any length in keys. */
public final class Digests {

  private Digests() {}

  public static byte[] sha256(String text) {
    return digest("SHA-256", Keys.bytes(text));
  }

  /** The digest that scripts can compute too. */
  static byte[] sha1(byte[] bytes) {
    return digest("SHA-1", bytes);
  }

  private static byte[] digest(String algorithm, byte[] bytes) {
    try {
      return MessageDigest.getInstance(algorithm).digest(bytes);
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }
}
