package io.taskrunner.client;

import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.interfaces.EdECPrivateKey;
import java.security.spec.NamedParameterSpec;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;

/**
 * A secret that signs the requests of a client's tasks, according to Standard Webhooks 1.0.
 *
 * @param type its signature type
 * @param bytes the secret itself; for ed25519 the private seed followed by the public key
 */
public record SigningSecret(Type type, byte[] bytes) {

  /** How long a replaced secret continues to sign. */
  public static final Duration OVERLAP = Duration.ofHours(24);

  /** Maximum number of active secrets: the current one and recently replaced ones. */
  public static final int MOST = 5;

  private static final int HMAC_BYTES = 32;

  private static final int HALF = 32;

  /** The signature type of a secret. */
  public enum Type {
    /** HMAC-SHA256: receivers need the secret. */
    HMAC('h', "v1"),
    /** Ed25519 (RFC 8032): receivers need only the public key. */
    ED25519('e', "v1a");

    private final char letter;
    private final String version;

    Type(char letter, String version) {
      this.letter = letter;
      this.version = version;
    }

    /** Its name in the API. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** Its letter in the store. */
    public char letter() {
      return letter;
    }

    /** The prefix of its signatures in the header. */
    public String version() {
      return version;
    }

    /** The type with a name in the API; empty for any other. */
    public static Optional<Type> ofWord(String word) {
      return Arrays.stream(values()).filter(type -> type.word().equals(word)).findFirst();
    }

    /** The type with a letter in the store. */
    public static Type ofLetter(char letter) {
      return Arrays.stream(values())
          .filter(type -> type.letter == letter)
          .findFirst()
          .orElseThrow(() ->
              new IllegalArgumentException("signing secret: " + letter + " (expected: h or e)"));
    }
  }

  /** A new secret. */
  public static SigningSecret make(Type type, SecureRandom random) {
    return switch (type) {
      case HMAC -> {
        byte[] bytes = new byte[HMAC_BYTES];
        random.nextBytes(bytes);
        yield new SigningSecret(type, bytes);
      }
      case ED25519 -> new SigningSecret(type, keyPair(random));
    };
  }

  private static byte[] keyPair(SecureRandom random) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("Ed25519");
      generator.initialize(NamedParameterSpec.ED25519, random);
      KeyPair pair = generator.generateKeyPair();
      byte[] seed = ((EdECPrivateKey) pair.getPrivate()).getBytes().orElseThrow();
      byte[] open = pair.getPublic().getEncoded(); // X.509, which ends with the key itself
      byte[] both = Arrays.copyOf(seed, 2 * HALF);
      System.arraycopy(open, open.length - HALF, both, HALF, HALF);
      return both;
    } catch (GeneralSecurityException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }

  /** The private half of ed25519. */
  public byte[] seed() {
    return Arrays.copyOf(bytes, HALF);
  }

  /** The form shown once, to its owner. */
  public String text() {
    return (type == Type.HMAC ? "whsec_" : "whsk_") + Base64.getEncoder().encodeToString(bytes);
  }

  /** The public key; empty for types without one. */
  public Optional<String> publicKey() {
    return type == Type.HMAC
        ? Optional.empty()
        : Optional.of(
            "whpk_"
                + Base64.getEncoder().encodeToString(Arrays.copyOfRange(bytes, HALF, 2 * HALF)));
  }

  /** Does not contain the secret. */
  @Override
  public String toString() {
    return "SigningSecret[" + type.word() + "]";
  }
}
