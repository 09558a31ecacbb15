package io.taskrunner.dispatch;

import io.taskrunner.client.SigningSecret;
import io.taskrunner.store.SigningStore;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetRequest.Header;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.NamedParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Signs requests according to Standard Webhooks 1.0: {@code webhook-id} is the task id, {@code
 * webhook-timestamp} is when this attempt was signed, and {@code webhook-signature} holds a
 * signature of {@code id.timestamp.body} for each active secret of the client.
 *
 * <p>Secrets are cached by client, with their version. A claim contains the version that it needs:
 * if the cached one is older, they are reloaded, so that a change applies to every later claim.
 * They are also reloaded each minute, in case the store has lost the latest version.
 */
public final class Signer {

  /** The size up to which HMAC signs a body in a few microseconds. */
  private static final int SHORT_BODY = 16 * 1024;

  private static final int CLIENTS_MAX = 10_000;

  private static final Duration FRESH = Duration.ofMinutes(1);

  private static final Base64.Encoder BASE64 = Base64.getEncoder();

  private final SigningStore store;
  private final InstantSource clock;
  private final Map<String, Known> known = new ConcurrentHashMap<>();

  /** The secrets of a client, and when they were read, by {@link System#nanoTime}. */
  private record Known(long version, List<Key> keys, long at) {}

  /**
   * A secret, ready to sign.
   *
   * @param until when it expires; null for never
   */
  private sealed interface Key {
    @Nullable Instant until();

    /**
     * @param fresh never updated, so that any thread may copy it
     */
    record Hmac(Mac fresh, @Nullable Instant until) implements Key {}

    record Ed25519(PrivateKey secret, @Nullable Instant until) implements Key {}
  }

  /** Uses the secrets of a store. */
  public Signer(SigningStore store, InstantSource clock) {
    this.store = store;
    this.clock = clock;
  }

  /** The request with its signatures, if they can be computed immediately; never blocks. */
  public Optional<TargetRequest> signAtOnce(Claim claim) {
    Known now = recent(claim);
    boolean quick =
        now != null
            && claim.spec().request().body().length <= SHORT_BODY
            && now.keys().stream().allMatch(Key.Hmac.class::isInstance);
    return now != null && quick ? Optional.of(sign(claim, now)) : Optional.empty();
  }

  /**
   * The request with its signatures. May block.
   *
   * @return empty when the client's secrets are missing
   * @throws StoreUnavailable they cannot be read
   */
  public Optional<TargetRequest> sign(Claim claim) {
    Known now = recent(claim);
    if (now == null) {
      now = read(claim.clientId());
    }
    return now == null ? Optional.empty() : Optional.of(sign(claim, now));
  }

  private @Nullable Known recent(Claim claim) {
    Known read = known.get(claim.clientId());
    return read != null
            && read.version() >= claim.signing()
            && System.nanoTime() - read.at() < FRESH.toNanos()
        ? read
        : null;
  }

  private @Nullable Known read(String clientId) {
    long now = System.nanoTime();
    Optional<SigningStore.Held> held = store.held(clientId);
    if (held.isEmpty()) {
      known.remove(clientId);
      return null;
    }
    Known read =
        new Known(
            held.get().version(), held.get().secrets().stream().map(Signer::key).toList(), now);
    if (known.size() >= CLIENTS_MAX) {
      known.clear();
    }
    known.merge(clientId, read, (a, b) -> a.version() > b.version() ? a : b);
    return read;
  }

  private static Key key(SigningStore.Signing signing) {
    SigningSecret secret = signing.secret();
    Instant until = signing.until().orElse(null);
    try {
      return switch (secret.type()) {
        case HMAC -> {
          Mac mac = Mac.getInstance("HmacSHA256");
          mac.init(new SecretKeySpec(secret.bytes(), "HmacSHA256"));
          yield new Key.Hmac(mac, until);
        }
        case ED25519 ->
            new Key.Ed25519(
                KeyFactory.getInstance("Ed25519")
                    .generatePrivate(
                        new EdECPrivateKeySpec(NamedParameterSpec.ED25519, secret.seed())),
                until);
      };
    } catch (GeneralSecurityException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }

  private TargetRequest sign(Claim claim, Known by) {
    TargetRequest request = claim.spec().request();
    Instant now = clock.instant();
    String id = claim.id().toString();
    String timestamp = Long.toString(now.getEpochSecond());
    byte[] head = (id + '.' + timestamp + '.').getBytes(StandardCharsets.US_ASCII);
    StringBuilder signatures = new StringBuilder(96);
    for (Key key : by.keys()) {
      Instant until = key.until();
      if (until == null || until.isAfter(now)) {
        signatures.append(signatures.isEmpty() ? "" : " ").append(signature(key, head, request));
      }
    }
    return request.with(
        List.of(
            new Header("webhook-id", id),
            new Header("webhook-timestamp", timestamp),
            new Header("webhook-signature", signatures.toString())));
  }

  private static String signature(Key key, byte[] head, TargetRequest request) {
    try {
      return switch (key) {
        case Key.Hmac(Mac fresh, _) -> {
          Mac mac = (Mac) fresh.clone();
          mac.update(head);
          yield SigningSecret.Type.HMAC.version()
              + ","
              + BASE64.encodeToString(mac.doFinal(request.body()));
        }
        case Key.Ed25519(PrivateKey secret, _) -> {
          Signature signature = Signature.getInstance("Ed25519");
          signature.initSign(secret);
          signature.update(head);
          signature.update(request.body());
          yield SigningSecret.Type.ED25519.version()
              + ","
              + BASE64.encodeToString(signature.sign());
        }
      };
    } catch (GeneralSecurityException | CloneNotSupportedException everyJdkDoes) {
      throw new IllegalStateException(everyJdkDoes);
    }
  }
}
