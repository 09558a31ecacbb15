package io.taskrunner.store.redis;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** Stands for texts of any length in keys. */
final class Digests {

  private Digests() {}

  static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(Keys.bytes(text));
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }
}
