package io.taskrunner.client;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;

/**
 * A client's API key: {@code tr_} and 32 random bytes. Only its SHA-256 is stored and used for
 * look-up.
 */
public final class ApiKey {

  /** The prefix of every key. */
  public static final String PREFIX = "tr_";

  private static final int BYTES = 32;

  private ApiKey() {}

  /** A new key. */
  public static String make(SecureRandom random) {
    return make(PREFIX, random);
  }

  static String make(String prefix, SecureRandom random) {
    byte[] bytes = new byte[BYTES];
    random.nextBytes(bytes);
    return prefix + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /** The hexadecimal SHA-256 that identifies a key in the store. */
  public static String digest(String key) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }
}
