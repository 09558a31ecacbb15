package io.taskrunner.cli;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.function.UnaryOperator;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/** Verifies signed requests, as receivers do: Standard Webhooks 1.0. */
final class Signatures {

  private static final Duration AGE_MAX = Duration.ofMinutes(5);

  /** What stands before the 32 bytes of an Ed25519 key in its X.509 encoding. */
  private static final byte[] ED25519 = HexFormat.of().parseHex("302a300506032b6570032100");

  private Signatures() {}

  /**
   * Checks a request.
   *
   * @param keys {@code whsec_…} or {@code whpk_…}
   * @param header returns a header by its name, null when it is absent
   * @return null when it is signed with one of the keys, else the reason
   */
  static @Nullable String problem(
      List<String> keys, UnaryOperator<@Nullable String> header, byte[] body, Instant now) {
    String id = header.apply("webhook-id");
    String time = header.apply("webhook-timestamp");
    String signatures = header.apply("webhook-signature");
    if (id == null || time == null || signatures == null) {
      return "not signed";
    }
    if (!time.matches("\\d{1,12}")
        || Duration.between(Instant.ofEpochSecond(Long.parseLong(time)), now)
                .abs()
                .compareTo(AGE_MAX)
            > 0) {
      return "the timestamp " + time + " is more than 5 minutes away";
    }
    byte[] head = (id + "." + time + ".").getBytes(StandardCharsets.UTF_8);
    for (String signature : signatures.split(" ", -1)) {
      for (String key : keys) {
        if (matches(key, signature, head, body)) {
          return null;
        }
      }
    }
    return "signed with another key, or changed";
  }

  private static boolean matches(String key, String signature, byte[] head, byte[] body) {
    try {
      if (key.startsWith("whsec_") && signature.startsWith("v1,")) {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(decoded(key, "whsec_"), "HmacSHA256"));
        mac.update(head);
        return MessageDigest.isEqual(mac.doFinal(body), decoded(signature, "v1,"));
      }
      if (key.startsWith("whpk_") && signature.startsWith("v1a,")) {
        byte[] raw = decoded(key, "whpk_");
        byte[] encoded = new byte[ED25519.length + raw.length];
        System.arraycopy(ED25519, 0, encoded, 0, ED25519.length);
        System.arraycopy(raw, 0, encoded, ED25519.length, raw.length);
        Signature verifier = Signature.getInstance("Ed25519");
        verifier.initVerify(
            KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded)));
        verifier.update(head);
        verifier.update(body);
        return verifier.verify(decoded(signature, "v1a,"));
      }
      return false;
    } catch (GeneralSecurityException | IllegalArgumentException malformed) {
      return false;
    }
  }

  private static byte[] decoded(String text, String prefix) {
    return Base64.getDecoder().decode(text.substring(prefix.length()));
  }
}
