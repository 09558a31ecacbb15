package io.taskrunner.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.client.SigningSecret;
import io.taskrunner.dispatch.Performer;
import io.taskrunner.dispatch.Signed;
import io.taskrunner.dispatch.Signer;
import io.taskrunner.store.SigningStore;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetRequest.Header;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Attempts of a client that signs carry signatures, or are not sent. */
class SignedTest {

  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  /** The bytes before the 32 bytes of a public key (RFC 8410). */
  private static final byte[] X509_HEAD = HexFormat.of().parseHex("302a300506032b6570032100");

  private final ScriptedPerformer sends = new ScriptedPerformer();
  private final Secrets store = new Secrets();
  private Instant now = Claims.NOW;
  private final Performer performer = new Signed(sends, new Signer(store, () -> now));

  /** Returns the test's value. */
  private static final class Secrets implements SigningStore {
    volatile @Nullable Held held;
    volatile boolean away;
    volatile int asked;
    volatile CountDownLatch goOn = new CountDownLatch(0);

    @Override
    public Put put(String clientId, SigningSecret secret) {
      throw new AssertionError("put");
    }

    @Override
    public Ended end(String clientId) {
      throw new AssertionError("ended");
    }

    @Override
    public Optional<Held> held(String clientId) {
      assertEquals("client", clientId);
      asked++;
      try {
        goOn.await();
      } catch (InterruptedException stop) {
        throw new IllegalStateException(stop);
      }
      if (away) {
        throw new StoreUnavailable("away", null);
      }
      return Optional.ofNullable(held);
    }
  }

  private static SigningSecret secret(SigningSecret.Type type) {
    return SigningSecret.make(type, new SecureRandom());
  }

  private static SigningStore.Signing signing(SigningSecret secret, @Nullable Instant until) {
    return new SigningStore.Signing(secret, Claims.NOW, Optional.ofNullable(until));
  }

  private void holds(long version, SigningStore.Signing... secrets) {
    store.held = new SigningStore.Held(version, List.of(secrets));
  }

  private ScriptedPerformer.Begun sent(Claim claim) throws Exception {
    performer.perform(claim, TIMEOUT);
    return sends.next();
  }

  private static Map<String, String> headers(ScriptedPerformer.Begun begun) {
    return begun.claim.spec().request().headers().stream()
        .collect(Collectors.toMap(Header::name, Header::value));
  }

  private static Claim with(Claim claim, byte[] body) {
    TargetRequest bare = claim.spec().request();
    return claim.with(
        claim
            .spec()
            .with(new TargetRequest(bare.method(), bare.url(), bare.headers(), body, false)));
  }

  /** RFC 2104 and the specification, in the plainest code. */
  private static String hmac(SigningSecret secret, String signed) throws Exception {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(secret.bytes(), "HmacSHA256"));
    byte[] digest = mac.doFinal(signed.getBytes(StandardCharsets.ISO_8859_1));
    return "v1," + Base64.getEncoder().encodeToString(digest);
  }

  private static boolean isSigned(SigningSecret secret, String signature, byte[] signed)
      throws Exception {
    String open = secret.publicKey().orElseThrow();
    assertTrue(open.startsWith("whpk_"), open);
    byte[] key = Base64.getDecoder().decode(open.substring(5));
    byte[] x509 = Arrays.copyOf(X509_HEAD, 44);
    System.arraycopy(key, 0, x509, 12, 32);
    Signature verifier = Signature.getInstance("Ed25519");
    verifier.initVerify(
        KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(x509)));
    verifier.update(signed);
    assertTrue(signature.startsWith("v1a,"), signature);
    return verifier.verify(Base64.getDecoder().decode(signature.substring(4)));
  }

  @Test
  void requestsOfAClientWithoutASecretAreSentUnchanged() {
    Claim claim = Claims.claim(1);
    performer.perform(claim, TIMEOUT);
    assertEquals(1, sends.unseen());
    assertEquals(0, store.asked);
  }

  @Test
  void theSignatureCoversIdTimestampAndBody() throws Exception {
    SigningSecret secret = secret(SigningSecret.Type.HMAC);
    holds(7, signing(secret, null));
    byte[] body = {'{', (byte) 0xFF, 0, '}'};
    Claim claim = with(Claims.signed(1, 7), body);
    Map<String, String> headers = headers(sent(claim));
    String seconds = Long.toString(Claims.NOW.getEpochSecond());
    assertEquals(claim.id().toString(), headers.get("webhook-id"));
    assertEquals(seconds, headers.get("webhook-timestamp"));
    String signed = claim.id() + "." + seconds + ".{\u00ff\0}";
    assertEquals(hmac(secret, signed), headers.get("webhook-signature"));
  }

  @Test
  void emptyAndLongBodiesAreSigned() throws Exception {
    SigningSecret secret = secret(SigningSecret.Type.HMAC);
    holds(7, signing(secret, null));
    Claim empty = Claims.signed(1, 7);
    String head = empty.id() + "." + Claims.NOW.getEpochSecond() + ".";
    assertEquals(hmac(secret, head), headers(sent(empty)).get("webhook-signature"));
    byte[] body = new byte[1 << 20];
    Arrays.fill(body, (byte) 'x');
    String signed = head + "x".repeat(1 << 20);
    assertEquals(hmac(secret, signed), headers(sent(with(empty, body))).get("webhook-signature"));
    assertEquals(1, store.asked, "a secret that is known is asked for again");
  }

  @Test
  void eachAttemptHasItsOwnTimestamp() throws Exception {
    holds(7, signing(secret(SigningSecret.Type.HMAC), null));
    Map<String, String> first = headers(sent(Claims.signed(1, 7)));
    now = now.plusSeconds(90);
    Map<String, String> second = headers(sent(Claims.signed(1, 7)));
    assertEquals(first.get("webhook-id"), second.get("webhook-id"));
    assertEquals(Long.toString(now.getEpochSecond()), second.get("webhook-timestamp"));
    assertNotEquals(first.get("webhook-signature"), second.get("webhook-signature"));
  }

  @Test
  void oldAndNewSecretsSignTogetherUntilTheOldEnds() throws Exception {
    SigningSecret young = secret(SigningSecret.Type.ED25519);
    SigningSecret old = secret(SigningSecret.Type.HMAC);
    holds(7, signing(young, null), signing(old, now.plusSeconds(60)));
    Claim claim = with(Claims.signed(1, 7), "hello".getBytes(StandardCharsets.UTF_8));
    String[] signatures = headers(sent(claim)).get("webhook-signature").split(" ");
    assertEquals(2, signatures.length);
    String signed = claim.id() + "." + now.getEpochSecond() + ".hello";
    assertTrue(isSigned(young, signatures[0], signed.getBytes(StandardCharsets.UTF_8)));
    assertEquals(hmac(old, signed), signatures[1]);
    now = now.plusSeconds(60);
    String alone = headers(sent(claim)).get("webhook-signature");
    signed = claim.id() + "." + now.getEpochSecond() + ".hello";
    assertTrue(isSigned(young, alone, signed.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void aNewerSecretVersionReloadsTheSecrets() throws Exception {
    SigningSecret first = secret(SigningSecret.Type.HMAC);
    holds(7, signing(first, null));
    sent(Claims.signed(1, 7));
    SigningSecret second = secret(SigningSecret.Type.HMAC);
    holds(8, signing(second, null), signing(first, now.plusSeconds(60)));
    assertEquals(1, headers(sent(Claims.signed(2, 7))).get("webhook-signature").split(" ").length);
    assertEquals(2, headers(sent(Claims.signed(3, 8))).get("webhook-signature").split(" ").length);
    // One that was claimed before the change is signed by both too.
    assertEquals(2, headers(sent(Claims.signed(4, 7))).get("webhook-signature").split(" ").length);
    assertEquals(2, store.asked);
  }

  @Test
  void whileTheSecretCannotBeReadTheTaskWaits() throws Exception {
    store.away = true;
    Performer.Request request = performer.perform(Claims.signed(1, 7), TIMEOUT);
    assertEquals(
        new Outcome.NotReady(Duration.ofSeconds(1)), request.outcome().get(10, TimeUnit.SECONDS));
    assertEquals(0, sends.unseen());
    store.away = false;
    holds(7, signing(secret(SigningSecret.Type.HMAC), null));
    assertTrue(headers(sent(Claims.signed(1, 7))).containsKey("webhook-signature"));
  }

  @Test
  void aMissingSecretNeverMeansUnsigned() throws Exception {
    Performer.Request request = performer.perform(Claims.signed(1, 7), TIMEOUT);
    assertInstanceOf(Outcome.NotReady.class, request.outcome().get(10, TimeUnit.SECONDS));
    assertEquals(0, sends.unseen());
  }

  @Test
  void aTaskCancelledBeforeSigningIsNeverSent() throws Exception {
    holds(7, signing(secret(SigningSecret.Type.HMAC), null));
    store.goOn = new CountDownLatch(1);
    Performer.Request request = performer.perform(Claims.signed(1, 7), TIMEOUT);
    request.cancel();
    assertInstanceOf(Outcome.Cancelled.class, request.outcome().get(10, TimeUnit.SECONDS));
    store.goOn.countDown();
    assertTrue(headers(sent(Claims.signed(2, 7))).containsKey("webhook-signature"));
    assertEquals(0, sends.unseen());
  }

  @Test
  void aSecretIsRecognizedByItsTextAlone() {
    SigningSecret hmac = secret(SigningSecret.Type.HMAC);
    assertEquals(32, Base64.getDecoder().decode(hmac.text().substring("whsec_".length())).length);
    assertNull(hmac.publicKey().orElse(null));
    SigningSecret ed25519 = secret(SigningSecret.Type.ED25519);
    assertEquals(64, Base64.getDecoder().decode(ed25519.text().substring("whsk_".length())).length);
    assertEquals("SigningSecret[hmac]", hmac.toString());
    assertEquals("SigningSecret[ed25519]", ed25519.toString());
  }
}
