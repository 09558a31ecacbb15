package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.http.Contract.Operation;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.SessionStore;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.testkit.RedisExtension;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Sessions of the dashboard: what a cookie permits, and when it ends. */
class SessionsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String[] ADMIN = {"X-Admin-Key", Served.ADMIN};

  private RedisStore store;
  private Served served;

  @BeforeEach
  void start() {
    store = RedisStore.open(StoreOptions.defaults(REDIS.settings()));
    served = new Served(Setup.serve(), store);
  }

  @AfterEach
  void stop() {
    served.close();
    store.close();
  }

  /** Signs in, and returns the headers of a call of the dashboard. */
  private String[] session(String key) {
    Reply reply = served.post("/v1/session", "{\"key\":\"" + key + "\"}");
    assertEquals(201, reply.status(), reply.body());
    String cookie = reply.header("set-cookie").replaceFirst(";.*", "");
    return new String[] {"Cookie", cookie, "X-Dashboard", "1", "Sec-Fetch-Site", "same-origin"};
  }

  private String adminKey(String name, boolean readOnly) {
    String body = "{\"name\":\"" + name + "\",\"read_only\":" + readOnly + "}";
    return served.post("/admin/keys", body, ADMIN).json().path("key").asText();
  }

  private String clientKey(String scopes) {
    served.post("/admin/clients/set", "{\"client_id\":\"billing\"}", ADMIN);
    return served
        .post("/admin/clients/billing/keys", "{\"scopes\":[" + scopes + "]}", ADMIN)
        .json()
        .path("key")
        .asText();
  }

  @Test
  void aCookieAloneOpensNothing() {
    String[] session = session(Served.ADMIN);
    assertEquals(200, served.get("/v1/queues", session).status());
    assertEquals("no-store", served.get("/v1/queues", session).header("cache-control"));
    assertEquals(401, served.get("/v1/queues", session[0], session[1]).status());
    assertEquals(
        "cross_origin",
        served
            .get(
                "/v1/queues",
                session[0],
                session[1],
                "X-Dashboard",
                "1",
                "Sec-Fetch-Site",
                "same-site")
            .code());
    assertEquals(401, served.get("/metrics", session).status(), "metrics are not for sessions");
    String attributes =
        served.post("/v1/session", "{\"key\":\"" + Served.ADMIN + "\"}").header("set-cookie");
    assertTrue(
        attributes.endsWith("; Path=/; HttpOnly; SameSite=Strict"),
        attributes.replaceFirst("=[^;]*", "=…"));
  }

  @Test
  void theStoreHoldsNoKey() {
    String key = adminKey("deploys", false);
    session(Served.ADMIN);
    String cookie = session(key)[1];
    for (String name : REDIS.redis().sync().keys("tr:{config}:session*")) {
      String value =
          REDIS.redis().sync().type(name).equals("zset")
              ? REDIS.redis().sync().zrange(name, 0, -1).toString()
              : REDIS.redis().sync().get(name);
      for (String secret : List.of(key, Served.ADMIN, cookie.replaceFirst(".*=", ""))) {
        assertFalse((name + value).contains(secret), name);
      }
    }
  }

  @Test
  void aReadOnlySessionAndAClientsChangeNothingThatTheirKeysMayNot() {
    String[] reader = session(adminKey("reader", true));
    String[] client = session(clientKey("\"read\""));
    List<String> changed = new ArrayList<>();
    int tried = 0;
    for (Operation operation : Contract.OF_THIS_BUILD.operations()) {
      if (operation.method().equals("GET")
          || operation.path().matches("/v1/session.*|/v1/schedules/preview")) {
        continue;
      }
      for (String[] session : List.of(reader, client)) {
        Reply reply =
            served.call(operation.method(), operation.path(), forReal(operation), session);
        tried++;
        if (reply.status() != 403
            || !Set.of("read_only", "forbidden", "scope_missing").contains(reply.code())) {
          changed.add(operation + " answered " + reply.status() + " " + reply.body());
        }
      }
    }
    assertTrue(tried > 60, "tried " + tried);
    assertEquals("", String.join("\n", changed));
  }

  /** The example of the body; a dry run changes nothing, and is permitted. */
  private static String forReal(Operation operation) {
    String body = operation.body("application/json");
    return body == null ? null : body.replace("\"dry_run\":true", "\"dry_run\":false");
  }

  @Test
  void aReadOnlySessionMayCountWithADryRun() {
    String[] reader = session(adminKey("reader", true));
    String body = "{\"action\":\"retry\",\"filter\":{\"state\":\"dead\"},\"dry_run\":true}";
    assertEquals(202, served.post("/v1/operations", body, reader).status());
    assertEquals(
        "read_only", served.post("/v1/operations", body.replace("true", "false"), reader).code());
  }

  @Test
  void aSessionEndsWithItsKeyAndWithItsClient() {
    String[] admin = session(adminKey("deploys", false));
    String[] client = session(clientKey("\"read\""));
    served.call("DELETE", "/admin/keys/deploys", null, ADMIN);
    awaitStatus(401, admin);
    assertEquals("null", served.get("/v1/session", admin).json().path("role").asText());
    assertTrue(served.get("/v1/session", admin).header("set-cookie").contains("Max-Age=0"));
    served.post("/admin/clients/set", "{\"client_id\":\"billing\",\"enabled\":false}", ADMIN);
    awaitStatus(403, client);
  }

  @Test
  void anotherAdminKeyEndsTheSessionsOfTheEarlierOne() {
    String[] session = session(Served.ADMIN);
    try (Served other = new Served(Setup.serve().adminKey("another-admin-key"), store)) {
      assertEquals(401, other.get("/v1/queues", session).status());
    }
    assertEquals(200, served.get("/v1/queues", session).status());
  }

  private void awaitStatus(int status, String[] session) {
    long end = System.nanoTime() + 5_000_000_000L;
    while (served.get("/v1/queues", session).status() != status) {
      assertTrue(System.nanoTime() < end, "within 5 s");
    }
  }

  @Test
  void signingOutAndAnAdminEndASession() {
    String[] one = session(Served.ADMIN);
    assertEquals(204, served.call("DELETE", "/v1/session", null, one).status());
    assertEquals(401, served.get("/v1/queues", one).status());
    String[] other = session(adminKey("deploys", false));
    JsonNode open = served.get("/v1/sessions", ADMIN).json().path("sessions");
    assertEquals(1, open.size(), open.toString());
    assertEquals("deploys", open.at("/0/key").asText());
    String id = open.at("/0/id").asText();
    assertEquals(204, served.call("DELETE", "/v1/sessions/" + id, null, ADMIN).status());
    awaitStatus(401, other);
  }

  @Test
  void aKeyHasAtMostFiftySessionsAndTheOldestEnds() {
    String[] first = session(Served.ADMIN);
    String key = adminKey("deploys", false);
    String[] oldest = session(key);
    for (int i = 0; i < SessionStore.OF_A_KEY_MAX; i++) {
      session(key);
    }
    awaitStatus(401, oldest);
    assertEquals(200, served.get("/v1/queues", first).status());
    assertEquals(
        1 + SessionStore.OF_A_KEY_MAX,
        served.get("/v1/sessions", ADMIN).json().path("sessions").size());
  }

  @Test
  void aWrongKeyIsAnsweredLateAndTheSame() {
    long begin = System.nanoTime();
    Reply reply = served.post("/v1/session", "{\"key\":\"tra_wrong\"}");
    assertEquals(
        "unauthenticated The API key is invalid.",
        reply.code() + " " + reply.json().path("detail").asText());
    assertTrue(System.nanoTime() - begin >= 300_000_000L, "after 300 ms");
    assertEquals(null, reply.header("set-cookie"));
  }
}
