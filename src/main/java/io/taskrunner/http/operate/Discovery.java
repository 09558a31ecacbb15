package io.taskrunner.http.operate;

import com.linecorp.armeria.common.HttpMethod;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.RSAKey;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Route;
import io.taskrunner.store.TokenKeys;
import io.taskrunner.store.TokenKeys.SigningKey;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;

/**
 * The documents with which receivers verify the tokens of tasks: the issuer's discovery document
 * (OpenID Connect Discovery 1.0 §3), its keys (RFC 7517), and the same keys as PEM by their ids, as
 * Google's own libraries read them.
 */
public final class Discovery {

  private static final String KEYS = "/.well-known/jwks.json";
  private static final String KEEP = "public, max-age=" + TokenKeys.KEPT_BY_RECEIVERS.toSeconds();

  private final String issuer;
  private final TokenKeys keys;

  /**
   * Of an issuer.
   *
   * @param issuer its address, without a slash at the end
   */
  public Discovery(String issuer, TokenKeys keys) {
    this.issuer = issuer;
    this.keys = keys;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(
            HttpMethod.GET, "/.well-known/openid-configuration", Access.ANYONE, _ -> document()),
        Route.of(HttpMethod.GET, KEYS, Access.ANYONE, _ -> keys()),
        Route.of(HttpMethod.GET, "/oauth2/v1/certs", Access.ANYONE, _ -> pems()));
  }

  private Answer document() {
    return answer(
        JsonOut.object(out -> {
          out.text("issuer", issuer);
          out.text("jwks_uri", issuer + KEYS);
          out.texts("response_types_supported", List.of("id_token"));
          out.texts("subject_types_supported", List.of("public"));
          out.texts("id_token_signing_alg_values_supported", List.of("RS256"));
          out.texts(
              "claims_supported",
              List.of("aud", "azp", "email", "email_verified", "exp", "iat", "iss", "sub"));
        }));
  }

  private Answer keys() {
    List<RSAKey> open =
        keys.shown().stream()
            .map(key ->
                new RSAKey.Builder(key.open())
                    .keyID(key.id())
                    .keyUse(KeyUse.SIGNATURE)
                    .algorithm(JWSAlgorithm.RS256)
                    .build())
            .toList();
    return answer(new JWKSet(List.copyOf(open)).toString(true).getBytes(StandardCharsets.UTF_8));
  }

  private Answer pems() {
    return answer(
        JsonOut.object(out -> {
          for (SigningKey key : keys.shown()) {
            out.text(key.id(), pem(key));
          }
        }));
  }

  private static String pem(SigningKey key) {
    Base64.Encoder lines = Base64.getMimeEncoder(64, new byte[] {'\n'});
    return "-----BEGIN PUBLIC KEY-----\n"
        + lines.encodeToString(key.open().getEncoded())
        + "\n-----END PUBLIC KEY-----\n";
  }

  private static Answer answer(byte[] json) {
    return Answer.ok(json).with("cache-control", KEEP);
  }
}
