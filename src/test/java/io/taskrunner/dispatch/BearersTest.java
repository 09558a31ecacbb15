package io.taskrunner.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import io.taskrunner.store.TokenKeys;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetRequest.Header;
import io.taskrunner.task.Token;
import io.taskrunner.testkit.HeldTokens;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The content of a token, and that it replaces the caller's header. */
class BearersTest {

  private static final Instant NOW = Instant.parse("2026-11-24T10:00:00Z");

  private final TokenKeys keys =
      new TokenKeys(
          new HeldTokens(() -> NOW),
          List.of(),
          Optional.of("opaque"),
          Duration.ofDays(90),
          new SecureRandom());
  private final Bearers bearers = new Bearers(keys, () -> NOW);

  private static TargetRequest request(@Nullable Token token) {
    TargetRequest bare = ClaimFixture.to("http://example.com/").build().spec().request();
    return new TargetRequest(
        "POST",
        bare.url(),
        List.of(new Header("X-Own", "1"), new Header("aUTHORIZATION", "Basic x")),
        bare.body(),
        false,
        token);
  }

  @Test
  void anOidcTokenIsSignedWithIssuerAudienceAndExpiry() throws Exception {
    TargetRequest sent =
        bearers.authorize(
            request(new Token.Identity("a@example.com", "https://b/", "https://tasks")));
    assertEquals("X-Own", sent.headers().getFirst().name());
    assertEquals(2, sent.headers().size());
    Header header = sent.headers().getLast();
    assertEquals("Authorization", header.name());
    assertTrue(header.value().startsWith("Bearer "), header.value());
    SignedJWT jwt = SignedJWT.parse(header.value().substring("Bearer ".length()));
    assertEquals(JWSAlgorithm.RS256, jwt.getHeader().getAlgorithm());
    assertEquals(keys.signing().id(), jwt.getHeader().getKeyID());
    assertTrue(jwt.verify(new RSASSAVerifier(keys.shown().getFirst().open())));
    JWTClaimsSet claims = jwt.getJWTClaimsSet();
    assertEquals("https://tasks", claims.getIssuer());
    assertEquals(List.of("https://b/"), claims.getAudience());
    assertEquals("a@example.com", claims.getStringClaim("email"));
    assertEquals(true, claims.getBooleanClaim("email_verified"));
    assertEquals("a@example.com", claims.getSubject());
    assertEquals(Date.from(NOW), claims.getIssueTime());
    assertEquals(Date.from(NOW.plusSeconds(3600)), claims.getExpirationTime());
  }

  @Test
  void anAccessTokenIsThatOfTheInstallation() {
    TargetRequest sent = bearers.authorize(request(new Token.Access("a@example.com", "scope")));
    assertEquals(new Header("Authorization", "Bearer opaque"), sent.headers().getLast());
  }

  @Test
  void aTaskWithoutATokenIsSentUnchanged() {
    TargetRequest own = request(null);
    assertSame(own, bearers.authorize(own));
  }
}
