package io.taskrunner.dispatch;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.TokenKeys;
import io.taskrunner.store.TokenKeys.SigningKey;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.Token;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Date;

/** Creates the tokens of requests: a new one for each, as Cloud Tasks does. */
public final class Bearers {

  /** The lifetime of a token, the same as Google's. */
  private static final Duration LIVES = Duration.ofHours(1);

  private final TokenKeys keys;
  private final InstantSource clock;

  /** Uses these keys. */
  public Bearers(TokenKeys keys, InstantSource clock) {
    this.keys = keys;
    this.clock = clock;
  }

  /**
   * The request with its token as {@code Authorization}. May block.
   *
   * @throws StoreUnavailable the keys cannot be read
   */
  public TargetRequest authorize(TargetRequest request) {
    Token token = request.token();
    return token == null ? request : request.authorized("Bearer " + text(token));
  }

  private String text(Token token) {
    return switch (token) {
      case Token.Access _ -> keys.opaque();
      case Token.Identity identity -> signed(identity);
    };
  }

  /** The claims are those of Google's ID tokens for service accounts. */
  private String signed(Token.Identity identity) {
    SigningKey key = keys.signing();
    Instant now = clock.instant();
    JWTClaimsSet claims =
        new JWTClaimsSet.Builder()
            .issuer(identity.issuer())
            .audience(identity.audience())
            .subject(identity.account())
            .claim("azp", identity.account())
            .claim("email", identity.account())
            .claim("email_verified", true)
            .issueTime(Date.from(now))
            .expirationTime(Date.from(now.plus(LIVES)))
            .build();
    JWSHeader header =
        new JWSHeader.Builder(JWSAlgorithm.RS256).type(JOSEObjectType.JWT).keyID(key.id()).build();
    SignedJWT jwt = new SignedJWT(header, claims);
    try {
      jwt.sign(new RSASSASigner(key.secret()));
    } catch (JOSEException unusableKey) {
      throw new IllegalStateException(unusableKey);
    }
    return jwt.serialize();
  }
}
