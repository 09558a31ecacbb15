package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.testkit.RedisExtension;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A client's own rate limit, of which each half can be set alone. On a real Redis. */
class ClientLimitsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private RedisStore store;
  private Served served;

  @BeforeEach
  void start() {
    store = RedisStore.open(StoreOptions.defaults(REDIS.settings()));
    served = new Served(Setup.local(), store);
  }

  @AfterEach
  void stop() {
    served.close();
    store.close();
  }

  private JsonNode set(String rateLimit) {
    Reply reply =
        served.post(
            "/admin/clients/set", "{\"client_id\":\"abc\",\"rate_limit\":" + rateLimit + "}");
    assertEquals(200, reply.status(), reply.body());
    return reply.json().path("rate_limit");
  }

  private static void assertLimits(int maxConcurrent, int requestsPerMin, JsonNode rateLimit) {
    assertEquals(maxConcurrent, rateLimit.path("max_concurrent").asInt());
    assertEquals(requestsPerMin, rateLimit.path("requests_per_min").asInt());
  }

  private JsonNode exported() {
    return served.get("/admin/config").json().at("/clients/abc");
  }

  @Test
  void aNewClientWithHalfOfALimitHasTheOtherHalfOfItsTier() {
    assertLimits(7, 50, set("{\"max_concurrent\":7}"));
    assertEquals("{\"max_concurrent\":7}", exported().path("rate_limit").toString());
    assertEquals(204, served.call("DELETE", "/admin/clients/delete?client_id=abc", null).status());
    assertLimits(3, 9, set("{\"requests_per_min\":9}"));
    assertEquals("{\"requests_per_min\":9}", exported().path("rate_limit").toString());
  }

  @Test
  void settingOneHalfKeepsTheOther() {
    set("{\"max_concurrent\":7}");
    assertLimits(7, 9, set("{\"requests_per_min\":9}"));
    assertLimits(8, 9, set("{\"max_concurrent\":8}"));
    assertLimits(3, 9, set("{\"max_concurrent\":null}"));
    assertLimits(3, 9, set("{}"));
    assertLimits(3, 50, set("null"));
  }

  @Test
  void theUnsetHalfFollowsTheTier() {
    set("{\"max_concurrent\":7}");
    Reply moved = served.post("/admin/clients/set", "{\"client_id\":\"abc\",\"tier\":\"premium\"}");
    assertLimits(7, 1000, moved.json().path("rate_limit"));
  }

  @Test
  void bothHalvesApplyToAnEnqueue() {
    set("{\"requests_per_min\":1}");
    String task = "{\"client_id\":\"abc\",\"task\":{\"url\":\"http://h/\"}}";
    Reply accepted = served.post("/v1/enqueue", task);
    assertEquals(201, accepted.status(), accepted.body());
    assertLimits(3, 1, accepted.json().path("rate_limit"));
    Reply over = served.post("/v1/enqueue", task);
    assertEquals(429, over.status(), over.body());
    assertEquals(
        "Client \"abc\" has reached its limit of 1 tasks per minute.",
        over.json().path("detail").asText());
  }

  @Test
  void invalidHalvesAreRejectedByNameAndChangeNothing() {
    set("{\"max_concurrent\":7}");
    Map<String, String> invalid =
        Map.of(
            "{\"max_concurrent\":0}",
                "rate_limit.max_concurrent: 0 (expected: a whole number from 1 to 1000000000)",
            "{\"requests_per_min\":\"9\"}",
                "rate_limit.requests_per_min: \"9\" (expected: a whole number from 1 to 1000000000)",
            "{\"requests_per_min\":1.5}",
                "rate_limit.requests_per_min: 1.5 (expected: a whole number from 1 to 1000000000)",
            "{\"per_min\":9}", "rate_limit.per_min: unknown field",
            "[]", "rate_limit: an array (expected: an object)");
    invalid.forEach((rateLimit, detail) -> {
      Reply reply =
          served.post(
              "/admin/clients/set", "{\"client_id\":\"abc\",\"rate_limit\":" + rateLimit + "}");
      assertEquals(400, reply.status(), reply.body());
      assertEquals(detail, reply.json().path("detail").asText());
    });
    assertLimits(7, 50, served.get("/admin/clients/get?client_id=abc").json().path("rate_limit"));
  }

  @Test
  void aDocumentWithHalfOfALimitUnsetsTheOther() {
    set("{\"max_concurrent\":7,\"requests_per_min\":9}");
    Reply applied =
        served.post(
            "/admin/config", "{\"clients\":{\"abc\":{\"rate_limit\":{\"max_concurrent\":5}}}}");
    assertEquals(200, applied.status(), applied.body());
    assertLimits(5, 50, served.get("/admin/clients/get?client_id=abc").json().path("rate_limit"));
  }
}
