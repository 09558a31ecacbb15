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
 * What the requests of a client's tasks are signed with: a secret of the specification Standard
 * Webhooks 1.0.
 *
 * @param type how it signs
 * @param bytes the secret itself; for ed25519 the private seed and behind it the public key
 */
public record SigningSecret(Type type, byte[] bytes) {

  /** For how long a secret signs on beside the one that replaced it. */
  public static final Duration OVERLAP = Duration.ofHours(24);

  /** So many sign at once at most: one and those that it replaced a short while ago. */
  public static final int MOST = 5;

  private static final int HMAC_BYTES = 32;

  private static final int HALF = 32;

  /** How a secret signs. */
  public enum Type {
    /** HMAC-SHA256: who verifies knows the secret too. */
    HMAC('h', "v1"),
    /** Ed25519 (RFC 8032): who verifies needs the public key alone. */
    ED25519('e', "v1a");

    private final char letter;
    private final String version;

    Type(char letter, String version) {
      this.letter = letter;
      this.version = version;
    }

    /** The word of the API. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** Stands for it where secrets are kept. */
    public char letter() {
      return letter;
    }

    /** What its signatures begin with in the header. */
    public String version() {
      return version;
    }

    /** The type of a word of the API; empty for any other. */
    public static Optional<Type> ofWord(String word) {
      return Arrays.stream(values()).filter(type -> type.word().equals(word)).findFirst();
    }

    /** The type of a letter where secrets are kept. */
    public static Type ofLetter(char letter) {
      return Arrays.stream(values())
          .filter(type -> type.letter == letter)
          .findFirst()
          .orElseThrow(() ->
              new IllegalArgumentException("signing secret: " + letter + " (expected: h or e)"));
    }
  }

  /** A fresh one. */
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

  /** As it is told once, to whom it is made for. */
  public String text() {
    return (type == Type.HMAC ? "whsec_" : "whsk_") + Base64.getEncoder().encodeToString(bytes);
  }

  /** What may be told to anyone; empty where there is nothing of the kind. */
  public Optional<String> publicKey() {
    return type == Type.HMAC
        ? Optional.empty()
        : Optional.of(
            "whpk_"
                + Base64.getEncoder().encodeToString(Arrays.copyOfRange(bytes, HALF, 2 * HALF)));
  }

  /** Never tells the secret. */
  @Override
  public String toString() {
    return "SigningSecret[" + type.word() + "]";
  }
}
