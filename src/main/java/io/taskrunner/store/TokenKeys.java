package io.taskrunner.store;

import io.taskrunner.store.TokenStore.Held;
import io.taskrunner.store.TokenStore.Key;
import io.taskrunner.store.TokenStore.Offer;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The keys that sign identity tokens, and the opaque token: those from the settings, or else the
 * installation's own, which are created on first use.
 *
 * <p>A later key is published for {@link #SHOWN_BEFORE} before it signs, so that receivers that
 * cache keys know it by then; and for a while after its last signature.
 */
public final class TokenKeys {

  /** How long receivers may cache the keys. */
  public static final Duration KEPT_BY_RECEIVERS = Duration.ofHours(1);

  private static final Duration SHOWN_BEFORE = KEPT_BY_RECEIVERS.multipliedBy(2);
  private static final Duration SHOWN_AFTER = Duration.ofDays(1);
  private static final Duration FRESH = Duration.ofMinutes(1);
  private static final int KEY_BITS = 2048;
  private static final int OPAQUE_BYTES = 32;

  private final TokenStore store;
  private final List<RSAPrivateCrtKey> given;
  private final Optional<String> opaque;
  private final Duration lifetime;
  private final SecureRandom random;
  private final ReentrantLock reading = new ReentrantLock();
  private volatile @Nullable Known known;

  /**
   * A key.
   *
   * @param id identifies it
   */
  public record SigningKey(String id, RSAPrivateCrtKey secret, RSAPublicKey open) {}

  /** The values read, and when, by {@link System#nanoTime}. */
  private record Known(List<SigningKey> keys, SigningKey signs, String opaque, long at) {}

  /**
   * Keys of an installation.
   *
   * @param given the first signs, all are published; empty for generated keys
   * @param opaque the opaque token; empty for a generated one
   * @param lifetime how long a generated key signs
   */
  public TokenKeys(
      TokenStore store,
      List<RSAPrivateCrtKey> given,
      Optional<String> opaque,
      Duration lifetime,
      SecureRandom random) {
    this.store = store;
    this.given = List.copyOf(given);
    this.opaque = opaque;
    this.lifetime = lifetime;
    this.random = random;
  }

  /** All keys that receivers may encounter. May block, and raise {@link StoreUnavailable}. */
  public List<SigningKey> shown() {
    return known().keys();
  }

  /** The key that signs now. May block, and raise {@link StoreUnavailable}. */
  public SigningKey signing() {
    return known().signs();
  }

  /** The opaque token. May block, and raise {@link StoreUnavailable}. */
  public String opaque() {
    return known().opaque();
  }

  private Known known() {
    Known read = known;
    if (read != null && System.nanoTime() - read.at() < FRESH.toNanos()) {
      return read;
    }
    reading.lock();
    try {
      Known meanwhile = known;
      if (meanwhile != null && meanwhile != read) {
        return meanwhile;
      }
      Known now = read();
      known = now;
      return now;
    } catch (StoreUnavailable away) {
      if (read != null) {
        return read; // as good as it was a minute ago
      }
      throw away;
    } finally {
      reading.unlock();
    }
  }

  private Known read() {
    if (!given.isEmpty() && opaque.isPresent()) {
      return own(given, opaque.get());
    }
    Held held = ask(null);
    boolean lacksKey =
        given.isEmpty()
            && (held.keys().isEmpty()
                || !held.keys().getFirst().made().plus(lifetime).isAfter(held.now()));
    boolean lacksOpaque = opaque.isEmpty() && held.opaque().isEmpty();
    if (lacksKey || lacksOpaque) {
      held = ask(new Offer(lacksKey ? make() : new byte[0], lacksOpaque ? makeOpaque() : ""));
    }
    String says = opaque.orElse(held.opaque());
    if (!given.isEmpty()) {
      return own(given, says);
    }
    Held all = held;
    List<SigningKey> keys = all.keys().stream().map(key -> signingKey(key.pkcs8())).toList();
    int signs = 0;
    for (Key key : all.keys()) {
      if (!key.made().plus(SHOWN_BEFORE).isAfter(all.now()) || signs == keys.size() - 1) {
        break;
      }
      signs++;
    }
    return new Known(keys, keys.get(signs), says, System.nanoTime());
  }

  private static Known own(List<RSAPrivateCrtKey> given, String opaque) {
    List<SigningKey> keys = given.stream().map(TokenKeys::signingKey).toList();
    return new Known(keys, keys.getFirst(), opaque, System.nanoTime());
  }

  private Held ask(@Nullable Offer offer) {
    return store.held(
        offer, lifetime.toMillis(), lifetime.plus(SHOWN_BEFORE).plus(SHOWN_AFTER).toMillis());
  }

  private byte[] make() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
      generator.initialize(KEY_BITS, random);
      return generator.generateKeyPair().getPrivate().getEncoded();
    } catch (GeneralSecurityException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }

  private String makeOpaque() {
    byte[] bytes = new byte[OPAQUE_BYTES];
    random.nextBytes(bytes);
    return "tr_access_" + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /**
   * Reads private RSA keys.
   *
   * @param pem one or several, PKCS #8 in PEM (RFC 7468)
   * @throws IllegalArgumentException there is none, or one is invalid; the message names it
   */
  public static List<RSAPrivateCrtKey> read(String pem) {
    String begin = "-----BEGIN PRIVATE KEY-----";
    String end = "-----END PRIVATE KEY-----";
    List<RSAPrivateCrtKey> keys = new java.util.ArrayList<>();
    for (int at = pem.indexOf(begin); at >= 0; at = pem.indexOf(begin, at + 1)) {
      int from = at + begin.length();
      int to = pem.indexOf(end, from);
      try {
        byte[] der = Base64.getMimeDecoder().decode(pem.substring(from, to < 0 ? from : to));
        keys.add(secret(der));
      } catch (IllegalArgumentException | GeneralSecurityException | ClassCastException wrong) {
        throw new IllegalArgumentException(
            "key " + (keys.size() + 1) + " is not a private RSA key in PKCS #8", wrong);
      }
    }
    if (keys.isEmpty()) {
      throw new IllegalArgumentException("the file has no \"" + begin + "\"");
    }
    return keys;
  }

  private static RSAPrivateCrtKey secret(byte[] pkcs8) throws GeneralSecurityException {
    return (RSAPrivateCrtKey)
        KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
  }

  private static SigningKey signingKey(byte[] pkcs8) {
    try {
      return signingKey(secret(pkcs8));
    } catch (GeneralSecurityException notWhatWeStored) {
      throw new IllegalStateException("a stored key cannot be read", notWhatWeStored);
    }
  }

  private static SigningKey signingKey(RSAPrivateCrtKey secret) {
    try {
      RSAPublicKey open =
          (RSAPublicKey)
              KeyFactory.getInstance("RSA")
                  .generatePublic(
                      new RSAPublicKeySpec(secret.getModulus(), secret.getPublicExponent()));
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(open.getEncoded());
      return new SigningKey(HexFormat.of().formatHex(digest, 0, 10), secret, open);
    } catch (GeneralSecurityException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }
}
