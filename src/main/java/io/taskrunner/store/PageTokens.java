package io.taskrunner.store;

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
 * Tokens that continue a list: {@code end of its life · cursor}, preceded by an HMAC-SHA256 over
 * both and the list, so that a token is accepted for that list only and cannot be forged. The
 * secret is kept in the store, so every replica accepts the tokens of the others.
 */
public final class PageTokens {

  /** How long a token is accepted. */
  public static final Duration LIFE = Duration.ofHours(2);

  private static final int CODE = 16;

  private static final int SECRET = 32;

  private static final int LENGTH_MAX = 4096;

  private final PageSecretStore store;
  private final SecureRandom random;
  private final InstantSource clock;
  private volatile byte @Nullable [] secret;

  /** A token that is not accepted. */
  public static final class BadToken extends Exception {
    private static final long serialVersionUID = 1;

    private final boolean expired;

    private BadToken(boolean expired) {
      super(null, null, false, false);
      this.expired = expired;
    }

    /** Whether it has expired. */
    public boolean hasExpired() {
      return expired;
    }
  }

  /** Tokens of an installation. */
  public PageTokens(PageSecretStore store, SecureRandom random, InstantSource clock) {
    this.store = store;
    this.random = random;
    this.clock = clock;
  }

  /**
   * Creates a token. May block, and raise {@link StoreUnavailable}.
   *
   * @param listed the list and its filter
   */
  public String make(String listed, String cursor) {
    long end = clock.instant().plus(LIFE).getEpochSecond();
    byte[] text = (end + " " + cursor).getBytes(StandardCharsets.UTF_8);
    byte[] token = Arrays.copyOf(code(listed, text), CODE + text.length);
    System.arraycopy(text, 0, token, CODE, text.length);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(token);
  }

  /**
   * The cursor of a token. May block, and raise {@link StoreUnavailable}.
   *
   * @throws BadToken it is invalid, of another list, or expired
   */
  public String read(String listed, String token) throws BadToken {
    byte[] bytes;
    try {
      bytes = Base64.getUrlDecoder().decode(token.length() > LENGTH_MAX ? "" : token);
    } catch (IllegalArgumentException notBase64) {
      throw new BadToken(false);
    }
    if (bytes.length <= CODE) {
      throw new BadToken(false);
    }
    byte[] text = Arrays.copyOfRange(bytes, CODE, bytes.length);
    if (!MessageDigest.isEqual(code(listed, text), Arrays.copyOf(bytes, CODE))) {
      throw new BadToken(false);
    }
    String[] parts = new String(text, StandardCharsets.UTF_8).split(" ", 2);
    if (Long.parseLong(parts[0]) < clock.instant().getEpochSecond()) {
      throw new BadToken(true);
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
}
