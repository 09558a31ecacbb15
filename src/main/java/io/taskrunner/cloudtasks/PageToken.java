package io.taskrunner.cloudtasks;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * Where the next page begins: {@code end of its life · cursor}, behind a digest of both and of what
 * is listed, so that a token is of use for that alone.
 */
final class PageToken {

  private static final Duration LIFE = Duration.ofHours(2);

  private static final int DIGEST = 12;

  private PageToken() {}

  /**
   * A token.
   *
   * @param listed what is listed: the parent and the filter
   */
  static String make(String listed, String cursor, Instant now) {
    byte[] text = (now.plus(LIFE).getEpochSecond() + " " + cursor).getBytes(StandardCharsets.UTF_8);
    byte[] digest = digest(listed, text);
    byte[] token = Arrays.copyOf(digest, DIGEST + text.length);
    System.arraycopy(text, 0, token, DIGEST, text.length);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(token);
  }

  /**
   * The cursor of a token; null for none.
   *
   * @throws Failure it is none of ours, of another list, or too old
   */
  static @Nullable String read(String listed, String token, Instant now) {
    if (token.isEmpty()) {
      return null;
    }
    byte[] bytes;
    try {
      bytes = Base64.getUrlDecoder().decode(token);
    } catch (IllegalArgumentException notBase64) {
      throw unknown();
    }
    if (bytes.length <= DIGEST) {
      throw unknown();
    }
    byte[] text = Arrays.copyOfRange(bytes, DIGEST, bytes.length);
    if (!MessageDigest.isEqual(digest(listed, text), Arrays.copyOf(bytes, DIGEST))) {
      throw unknown();
    }
    String[] parts = new String(text, StandardCharsets.UTF_8).split(" ", 2);
    if (Long.parseLong(parts[0]) < now.getEpochSecond()) {
      throw Failure.invalid("The page token has expired; list from the first page again.");
    }
    return parts[1];
  }

  private static byte[] digest(String listed, byte[] text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(listed.getBytes(StandardCharsets.UTF_8));
      digest.update((byte) 0);
      return Arrays.copyOf(digest.digest(text), DIGEST);
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }

  private static Failure unknown() {
    return Failure.invalid(
        "The page token is not valid; it holds for the parent and filter that it was given for.");
  }
}
