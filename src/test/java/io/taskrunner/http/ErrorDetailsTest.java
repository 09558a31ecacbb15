package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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

/** The sentences of error responses name what was rejected, and why. On a real Redis. */
class ErrorDetailsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String ID = "0193abcd-0000-7000-8000-000000000000";

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

  private static void assertDetail(int status, String detail, Reply reply) {
    assertEquals(status, reply.status(), reply.body());
    assertEquals(detail, reply.json().path("detail").asText());
  }

  private String enqueued(String more) {
    return served
        .post("/v1/enqueue", "{\"client_id\":\"abc\",\"task\":{\"url\":\"http://h/\"}" + more + "}")
        .json()
        .path("task_id")
        .asText();
  }

  @Test
  void aMissingObjectIsNamed() {
    Map<String, String> details =
        Map.of(
            "/v1/queues/mail", "No queue \"mail\". An admin can create it.",
            "/v1/schedules/nightly", "No schedule \"nightly\".",
            "/admin/tiers/gold", "No tier \"gold\".",
            "/admin/clients/get?client_id=shop", "No client \"shop\". An admin can create it.",
            "/admin/clients/shop/keys", "No client \"shop\". An admin can create it.",
            "/admin/clients/shop/signing-secret", "No client \"shop\". An admin can create it.",
            "/admin/hosts/h.example", "Host \"h.example\" has no settings.",
            "/v1/tasks/x",
                "No task \"x\": it never existed, its retention is over, or it belongs to another client.",
            "/v1/operations/x",
                "No operation \"x\": it never existed, is no longer kept, or belongs to another client.",
            "/v1/nowhere", "No path \"/v1/nowhere\".");
    details.forEach((path, detail) -> assertDetail(404, detail, served.get(path)));
    assertDetail(
        404,
        "The circuit breaker of host \"h.example\" is already closed.",
        served.call("DELETE", "/admin/breakers/h.example", null));
    assertDetail(404, "No admin key \"ci\".", served.call("DELETE", "/admin/keys/ci", null));
    assertEquals(200, served.post("/admin/clients/set", "{\"client_id\":\"shop\"}").status());
    assertDetail(
        404,
        "Client \"shop\" has no key \"k\".",
        served.call("DELETE", "/admin/clients/shop/keys/k", null));
    assertDetail(
        404,
        "Client \"shop\" has no signing secret. PUT creates one.",
        served.get("/admin/clients/shop/signing-secret"));
  }

  @Test
  void aLongNameIsShortened() {
    assertDetail(
        404,
        "No queue \"" + "q".repeat(64) + "…\". An admin can create it.",
        served.get("/v1/queues/" + "q".repeat(65)));
  }

  @Test
  void theQueueOfATaskIsNamed() {
    assertDetail(
        404,
        "No queue \"mail\". An admin can create it.",
        served.post(
            "/v1/enqueue",
            "{\"client_id\":\"abc\",\"queue\":\"mail\",\"task\":{\"url\":\"http://h/\"}}"));
    served.post("/admin/clients/set", "{\"client_id\":\"abc\",\"allowed_queues\":[\"low\"]}");
    assertDetail(
        403,
        "Client \"abc\" may not use queue \"critical\", which is not in its allowed_queues.",
        served.post(
            "/v1/enqueue",
            "{\"client_id\":\"abc\",\"queue\":\"critical\",\"task\":{\"url\":\"http://h/\"}}"));
  }

  @Test
  void aFailedPreconditionIsExplained() {
    String path = "/v1/queues/mail";
    assertDetail(
        412,
        "If-Match does not hold: nothing of this name exists. Nothing was changed.",
        served.call("PUT", path, "{}", "If-Match", "*"));
    String etag = served.call("PUT", path, "{}").header("etag");
    assertDetail(
        412,
        "If-Match does not hold: the current ETag is " + etag + ". Nothing was changed.",
        served.call("PUT", path, "{}", "If-Match", "\"another\""));
    assertDetail(
        412,
        "If-None-Match: * does not hold: it exists already. Nothing was changed.",
        served.call("PUT", path, "{}", "If-None-Match", "*"));
    assertDetail(
        412,
        "If-Match does not hold: the current ETag is " + etag + ". Nothing was changed.",
        served.call("DELETE", path, null, "If-Match", "\"another\""));
  }

  @Test
  void theHostAndOriginOfARejectedCallAreNamed() {
    assertDetail(
        421,
        "Host: \"elsewhere.example\" (expected: localhost, 127.0.0.1 or [::1], because this server"
            + " listens only on a loopback address).",
        served.get("/version", "Host", "elsewhere.example"));
    String start = "Pages of other sites cannot make calls that change something (";
    assertDetail(
        403,
        start + "Origin: \"https://elsewhere.example\").",
        served.post("/v1/enqueue", "{}", "Origin", "https://elsewhere.example"));
    assertDetail(
        403,
        start + "Sec-Fetch-Site: \"cross-site\").",
        served.post("/v1/enqueue", "{}", "Sec-Fetch-Site", "cross-site"));
  }

  @Test
  void theTypeAndEncodingOfARejectedBodyAreNamed() {
    assertDetail(
        415,
        "Content-Type: \"text/plain\" (expected: application/json)",
        served.post("/v1/enqueue", "{}", "Content-Type", "text/plain"));
    assertDetail(
        415,
        "Content-Type: \"text/plain\" (expected: application/json or application/yaml)",
        served.post("/admin/config", "{}", "Content-Type", "text/plain"));
    assertDetail(
        415,
        "Content-Encoding: \"gzip\" (expected: none)",
        served.post("/v1/enqueue", "{}", "Content-Encoding", "gzip"));
  }

  @Test
  void theStateOfATaskIsNamed() {
    String later = enqueued(",\"delay\":60");
    String path = "/v1/tasks/" + later;
    assertDetail(
        409,
        "Task " + later + " is scheduled; only a dead task can be retried.",
        served.post(path + "/retry", null));
    assertEquals(204, served.call("DELETE", path, null).status());
    assertDetail(
        409,
        "Task " + later + " has already finished: it is cancelled.",
        served.call("DELETE", path, null));
    assertDetail(
        409,
        "Task " + later + " is cancelled; only a scheduled task or one in retry can be run now.",
        served.post(path + "/run", null));
  }

  @Test
  void objectsThatCannotBeDeletedAreNamed() {
    assertDetail(
        409,
        "The built-in queue \"low\" cannot be deleted.",
        served.call("DELETE", "/v1/queues/low", null));
    served.call("PUT", "/v1/queues/mail", "{}");
    enqueued(",\"queue\":\"mail\",\"delay\":60");
    assertDetail(
        409,
        "Queue \"mail\" has tasks. Add ?force=true to delete them too.",
        served.call("DELETE", "/v1/queues/mail", null));
    served.call("PUT", "/admin/tiers/gold", "{\"max_concurrent\":1,\"requests_per_min\":1}");
    served.post("/admin/clients/set", "{\"client_id\":\"abc\",\"tier\":\"gold\"}");
    assertDetail(
        409,
        "Tier \"gold\" is in use. Move its clients to another tier first.",
        served.call("DELETE", "/admin/tiers/gold", null));
  }

  @Test
  void aRejectedDocumentNamesWhatIsMissingAndInUse() {
    assertDetail(
        400,
        "schedules.s.queue: \"mail\" (expected: a queue that exists or is in the document)",
        served.post(
            "/admin/config",
            "{\"schedules\":{\"s\":{\"client_id\":\"abc\",\"queue\":\"mail\",\"interval_sec\":60,"
                + "\"task\":{\"url\":\"http://h/\"}}}}"));
    assertDetail(
        400,
        "clients.abc.tier: \"gold\" (expected: a tier that exists or is in the document)",
        served.post("/admin/config", "{\"clients\":{\"abc\":{\"tier\":\"gold\"}}}"));
    served.call("PUT", "/v1/queues/mail", "{}");
    enqueued(",\"queue\":\"mail\",\"delay\":60");
    assertDetail(
        400,
        "queues: \"mail\" has tasks and cannot be pruned (expected: named in the document, or empty)",
        served.post("/admin/config?prune=true", "{\"queues\":{}}"));
  }

  @Test
  void credentialsThatDoNotSufficeAreExplained() {
    try (Served keyed = new Served(Setup.serve().required(), store)) {
      String[] admin = {"X-Admin-Key", Served.ADMIN};
      String key = keyed.post("/admin/clients/abc/keys", null, admin).json().path("key").asText();
      assertTrue(key.isEmpty(), "the client does not exist yet");
      keyed.post("/admin/clients/set", "{\"client_id\":\"abc\"}", admin);
      key = keyed.post("/admin/clients/abc/keys", null, admin).json().path("key").asText();
      String task = "{\"client_id\":\"abc\",\"task\":{\"url\":\"http://h/\"}}";
      assertDetail(
          401,
          "This call requires an API key: send it as Authorization: Bearer, or as X-Api-Key.",
          keyed.post("/v1/enqueue", task));
      assertDetail(
          401, "The API key is invalid.", keyed.post("/v1/enqueue", task, "X-API-Key", "tr_x"));
      assertDetail(
          401, "The admin key is invalid.", keyed.get("/v1/queues", "X-Admin-Key", "wrong"));
      assertDetail(
          401,
          "Authorization must be \"Bearer\" and an API key.",
          keyed.get("/v1/queues", "Authorization", "Basic abc"));
      assertDetail(401, "This call requires an API key or an admin key.", keyed.get("/v1/queues"));
      assertDetail(
          401, "This call requires an admin key (X-Admin-Key).", keyed.get("/admin/tiers"));
      assertDetail(
          403, "This call requires an admin key.", keyed.get("/admin/tiers", "X-API-Key", key));
      assertDetail(
          403,
          "The METRICS_TOKEN is valid only for metrics.",
          keyed.post("/v1/enqueue", task, "Authorization", "Bearer " + Served.METRICS));
      assertDetail(
          403,
          "The METRICS_TOKEN is valid only for metrics.",
          keyed.get("/v1/queues", "Authorization", "Bearer " + Served.METRICS));
      assertDetail(
          401,
          "This call requires the METRICS_TOKEN as bearer token, or an admin key.",
          keyed.get("/metrics"));
      assertDetail(
          403,
          "Metrics require the METRICS_TOKEN or an admin key.",
          keyed.get("/metrics", "X-API-Key", key));
      assertDetail(
          403,
          "The key is of client \"abc\", but the call names client \"xyz\".",
          keyed.post("/v1/enqueue", task.replace("abc", "xyz"), "X-API-Key", key));
      assertDetail(401, "Client \"abc\" requires its API key.", served.post("/v1/enqueue", task));
    }
  }

  @Test
  void aDisabledClientIsNamed() {
    served.post("/admin/clients/set", "{\"client_id\":\"abc\",\"enabled\":false}");
    assertDetail(
        403,
        "Client \"abc\" is disabled or deleted.",
        served.post("/v1/enqueue", "{\"client_id\":\"abc\",\"task\":{\"url\":\"http://h/\"}}"));
    assertEquals(
        404, served.get("/v1/tasks/" + ID).status(), "other calls of the admin are not affected");
  }
}
