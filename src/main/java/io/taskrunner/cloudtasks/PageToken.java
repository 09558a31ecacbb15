package io.taskrunner.cloudtasks;

import io.taskrunner.store.PageSecretStore;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Where the next page begins: {@code end of its life · cursor}, behind a code over both and what is
 * listed (HMAC-SHA256), so that a token is of use for that alone and nobody else can make one. The
 * secret is the store's, so every replica takes the tokens of the others.
 */
final class PageToken {

  private static final Duration LIFE = Duration.ofHours(2);

  private static final int CODE = 16;

  private static final int SECRET = 32;

  private static final int LENGTH_MAX = 4096;

  private final PageSecretStore store;
  private final SecureRandom random;
  private final InstantSource clock;
  private volatile byte @Nullable [] secret;

  PageToken(PageSecretStore store, SecureRandom random, InstantSource clock) {
    this.store = store;
    this.random = random;
    this.clock = clock;
  }

  /**
   * A token.
   *
   * @param listed what is listed: the parent and the filter
   */
  String make(String listed, String cursor) {
    long end = clock.instant().plus(LIFE).getEpochSecond();
    byte[] text = (end + " " + cursor).getBytes(StandardCharsets.UTF_8);
    byte[] token = Arrays.copyOf(code(listed, text), CODE + text.length);
    System.arraycopy(text, 0, token, CODE, text.length);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(token);
  }

  /**
   * The cursor of a token; null for none.
   *
   * @throws Failure it is none of ours, of another list, or too old
   */
  @Nullable String read(String listed, String token) {
    if (token.isEmpty()) {
      return null;
    }
    byte[] bytes;
    try {
      bytes = Base64.getUrlDecoder().decode(token.length() > LENGTH_MAX ? "" : token);
    } catch (IllegalArgumentException notBase64) {
      throw unknown();
    }
    if (bytes.length <= CODE) {
      throw unknown();
    }
    byte[] text = Arrays.copyOfRange(bytes, CODE, bytes.length);
    if (!MessageDigest.isEqual(code(listed, text), Arrays.copyOf(bytes, CODE))) {
      throw unknown();
    }
    String[] parts = new String(text, StandardCharsets.UTF_8).split(" ", 2);
    if (Long.parseLong(parts[0]) < clock.instant().getEpochSecond()) {
      throw Failure.invalid("The page token has expired; list from the first page again.");
    }
    return parts[1];
  }

  private byte[] code(String listed, byte[] text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(secret(), "HmacSHA256"));
      mac.update(listed.getBytes(StandardCharsets.UTF_8));
      mac.update((byte) 0);
      return Arrays.copyOf(mac.doFinal(text), CODE);
    } catch (GeneralSecurityException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }

  private byte[] secret() {
    byte[] known = secret;
    if (known == null) {
      byte[] offered = new byte[SECRET];
      random.nextBytes(offered);
      known = store.secret(offered);
      secret = known;
    }
    return known;
  }

  private static Failure unknown() {
    return Failure.invalid(
        "The page token is not valid; it holds for the parent and filter that it was given for.");
  }
}
