package io.taskrunner.cloudtasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import io.taskrunner.cloudtasks.CloudProgram.Reply;
import io.taskrunner.testkit.ScriptedTarget;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The tokens of tasks, from the call to the target, which verifies them as usual. */
class TokensTest {

  private static final String ADMIN = "admin-sesame";
  private static final String QUEUE = "projects/p/locations/l/queues/q";

  private static CloudProgram program;
  private static ScriptedTarget target;

  @BeforeAll
  static void start() throws Exception {
    target = ScriptedTarget.start();
    program =
        CloudProgram.start(
            "ADMIN_API_KEY", ADMIN,
            "CLOUD_TASKS_AUTH", "required",
            "CLOUD_TASKS_OPEN_TOKENS", "false",
            "PUBLIC_URL", "https://tasks.example.com/");
    String name = "{\"name\":\"" + QUEUE + "\"}";
    assertEquals(200, admin("POST", "/v2/projects/p/locations/l/queues", name).status());
  }

  @AfterAll
  static void stop() {
    program.close();
    target.close();
  }

  private static Reply admin(String method, String path, String body) throws Exception {
    return program.call(method, path, body, "X-Admin-Key", ADMIN);
  }

  private static String task(String path, String token) {
    return """
    {"task": {"httpRequest": {"url": "%s", "headers": {"authorization": "Basic own"}, %s}}}\
    """
        .formatted(target.url(path), token);
  }

  /** The token that the next request carries. */
  private static String carried() throws Exception {
    String header = target.next().header("Authorization");
    assertTrue(header != null && header.startsWith("Bearer "), header);
    return header.substring("Bearer ".length());
  }

  private static JWTClaimsSet verified(String token) throws Exception {
    JWKSet keys = JWKSet.parse(program.call("GET", "/.well-known/jwks.json", null).raw().body());
    SignedJWT jwt = SignedJWT.parse(token);
    assertTrue(
        jwt.verify(new RSASSAVerifier(keys.getKeyByKeyId(jwt.getHeader().getKeyID()).toRSAKey())));
    return jwt.getJWTClaimsSet();
  }

  @Test
  void anOidcTokenIdentifiesTheCaller() throws Exception {
    String said = "\"oidcToken\": {\"serviceAccountEmail\": \"a@example.com\"}";
    assertEquals(200, admin("POST", "/v2/" + QUEUE + "/tasks", task("/hook?x=1", said)).status());
    JWTClaimsSet claims = verified(carried());
    assertEquals("https://tasks.example.com", claims.getIssuer());
    assertEquals(List.of(target.url("/hook?x=1")), claims.getAudience());
    assertEquals("a@example.com", claims.getStringClaim("email"));
    long lives = claims.getExpirationTime().getTime() - claims.getIssueTime().getTime();
    assertEquals(3_600_000, lives);
    assertEquals(
        "https://tasks.example.com/.well-known/jwks.json",
        program
            .call("GET", "/.well-known/openid-configuration", null)
            .json()
            .path("jwks_uri")
            .asText());
  }

  @Test
  void anAccessTokenIsNotShownToTheCaller() throws Exception {
    String said = "\"oauthToken\": {\"serviceAccountEmail\": \"a@example.com\"}";
    Reply made = admin("POST", "/v2/" + QUEUE + "/tasks", task("/", said));
    assertEquals(200, made.status());
    String token = carried();
    assertTrue(token.startsWith("tr_access_"), token);
    assertTrue(!made.raw().body().contains(token));
  }

  @Test
  void tasksGetTheTokenOfTheirQueue() throws Exception {
    String queue = QUEUE + "-2";
    String settings =
        """
        {"name": "%s", "httpTarget": {"oidcToken": {
          "serviceAccountEmail": "q@example.com", "audience": "https://b"}}}\
        """
            .formatted(queue);
    assertEquals(200, admin("POST", "/v2/projects/p/locations/l/queues", settings).status());
    String plain = "{\"task\": {\"httpRequest\": {\"url\": \"" + target.url("/") + "\"}}}";
    Reply made = admin("POST", "/v2/" + queue + "/tasks", plain);
    assertEquals(200, made.status());
    assertNull(made.json().at("/httpRequest").get("oidcToken"));
    JWTClaimsSet claims = verified(carried());
    assertEquals("q@example.com", claims.getStringClaim("email"));
    assertEquals(List.of("https://b"), claims.getAudience());
  }

  @Test
  void aClientMayUseItsServiceAccounts() throws Exception {
    String named = "{\"client_id\": \"abc\", \"service_accounts\": [\"a@example.com\"]}";
    assertEquals(200, admin("POST", "/admin/clients/set", named).status());
    String key = admin("POST", "/admin/clients/abc/keys", "{}").json().path("key").asText();
    for (String account : List.of("a@example.com", "b@example.com")) {
      String body = task("/", "\"oidcToken\": {\"serviceAccountEmail\": \"" + account + "\"}");
      Reply made =
          program.call("POST", "/v2/" + QUEUE + "/tasks", body, "Authorization", "Bearer " + key);
      if (account.startsWith("a")) {
        assertEquals(200, made.status(), made.raw().body());
        assertEquals(account, verified(carried()).getStringClaim("email"));
      } else {
        assertEquals(403, made.status());
        assertTrue(made.error().contains("service_accounts"), made.error());
      }
    }
  }
}
