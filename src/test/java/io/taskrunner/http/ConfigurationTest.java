package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.testkit.RedisExtension;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The entire configuration as one document, on a real Redis. */
class ConfigurationTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String[] YAML = {"Content-Type", "application/yaml"};

  private static final String DOCUMENT =
      """
      version: 1
      tiers:
        gold: {max_concurrent: 7, requests_per_min: 700}
      queues:
        low:
        mail:
          weight: 2
          max_dispatches_per_sec: 2.5
          retry: {max_retries: 3, min_backoff_sec: 0.5}
          timeout_sec: 30
      clients:
        shop:
          tier: gold
          rate_limit: {requests_per_min: 10}
          max_waiting: 100
          allowed_queues: [mail, projects/shop/*]
          service_accounts: ["*"]
        no: {enabled: false}
        "123": {}
      """
              .replace("  no:", "  nobody:")
          + """
          hosts:
            api.example.com: {max_concurrent: 5, breaker_failure_threshold: 0, breaker_timeout_sec: 7}
            flaky.example.com: {breaker_max_requests: 1}
            "[::1]:8080": {max_concurrent: null, max_dispatches_per_sec: 0.5}
          schedules:
            nightly:
              client_id: shop
              queue: mail
              cron: "0 3 * * *"
              time_zone: Europe/Berlin
              overlap: skip
              task: {url: "http://h/?a=b", headers: {X-A: b}, body: "{}"}
              labels: {kind: report}
            often: {client_id: nobody, interval_sec: 60, task: {url: "http://h/", method: get}}
          """;

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

  private static void refused(int status, String code, Reply reply) {
    assertEquals(status + " " + code, reply.status() + " " + reply.code(), reply.body());
  }

  private JsonNode applied(String query, String document, String... headers) {
    Reply reply = served.post("/admin/config" + query, document, headers);
    assertEquals(200, reply.status(), reply.body());
    return reply.json();
  }

  private static List<String> pointers(Reply reply) {
    return StreamSupport.stream(reply.json().path("errors").spliterator(), false)
        .map(error -> error.path("pointer").asText())
        .toList();
  }

  @Test
  void anExportCreatesTheSameConfigurationElsewhere() {
    applied("", DOCUMENT, YAML);
    String json = served.get("/admin/config").body();
    String yaml = served.get("/admin/config?format=yaml").body();
    assertEquals(
        "gold", served.get("/admin/clients/get?client_id=shop").json().path("tier").asText());
    assertEquals(3, served.get("/v1/queues/mail").json().at("/retry/max_retries").asInt());
    for (String[] exported :
        new String[][] {{json, "application/json"}, {yaml, "text/yaml; x=y"}}) {
      REDIS.redis().sync().flushall();
      served.close();
      store.close();
      start();
      assertNotEquals(json, served.get("/admin/config").body());
      JsonNode changes = applied("", exported[0], "Content-Type", exported[1]).path("changes");
      assertEquals("[\"gold\"]", changes.at("/tiers/created").toString());
      assertEquals("[\"mail\"]", changes.at("/queues/created").toString());
      assertEquals("[\"123\",\"nobody\",\"shop\"]", changes.at("/clients/created").toString());
      assertEquals(json, served.get("/admin/config").body());
      assertEquals(yaml, served.get("/admin/config?format=yaml").body());
    }
    assertFalse(json.contains("null"), json); // Unset fields are not in it.
  }

  private static String schedule(String url, String authorization) {
    return "{\"schedules\":{\"s\":{\"client_id\":\"abc\",\"interval_sec\":60,\"task\":{\"url\":\""
        + url
        + "\",\"headers\":{\"Authorization\":\""
        + authorization
        + "\"}}}}}";
  }

  private String secrets() {
    var request = store.schedules().get("s").orElseThrow().settings().spec().request();
    return request.url().value() + " " + request.headers().getFirst().value();
  }

  @Test
  void aMaskedSecretOfAScheduleIsKept() {
    String masked = schedule("http://h/?token=***", "***");
    Reply unknown = served.post("/admin/config", masked);
    refused(400, "invalid_request", unknown);
    assertEquals(List.of("/schedules/s/task"), pointers(unknown));
    applied("", schedule("http://h/?token=t1", "Bearer a"));
    String exported = served.get("/admin/config").body();
    assertFalse(exported.contains("t1") || exported.contains("Bearer"), exported);
    assertEquals(1, applied("", exported).at("/changes/schedules/unchanged").asInt());
    assertEquals("http://h/?token=t1 Bearer a", secrets());
    applied("", schedule("http://h/?token=***", "Bearer b"));
    assertEquals("http://h/?token=t1 Bearer b", secrets());
    applied("", schedule("http://h/?token=t2", "***"));
    assertEquals("http://h/?token=t2 Bearer b", secrets());
    refused(
        400,
        "invalid_request",
        served.post("/admin/config", schedule("http://other/?token=***", "***")));
    assertEquals("http://h/?token=t2 Bearer b", secrets());
  }

  @Test
  void theCallbackOfAScheduleIsExportedAndKeepsItsSecret() {
    String document =
        "{\"schedules\":{\"s\":{\"client_id\":\"abc\",\"interval_sec\":60,\"task\":{\"url\":\"http://h/\"},"
            + "\"callback\":{\"url\":\"http://c/?key=k1\",\"on\":[\"dead\"]}}}}";
    applied("", document);
    String exported = served.get("/admin/config").body();
    assertTrue(exported.contains("http://c/?key=***"), exported);
    assertEquals(1, applied("", exported).at("/changes/schedules/unchanged").asInt());
    applied("", document.replace("k1", "***").replace("60", "90"));
    assertEquals(
        "http://c/?key=k1",
        store.schedules().get("s").orElseThrow().settings().spec().callback().url().value());
    refused(
        400,
        "invalid_request",
        served.post("/admin/config", document.replace("k1", "***").replace("//c/", "//d/")));
  }

  @Test
  void theQueueAndClientOfAScheduleMustExist() {
    Reply reply =
        served.post(
            "/admin/config",
            "{\"queues\":{\"mail\":{}},\"schedules\":{\"s\":{\"client_id\":\"abc\",\"queue\":\"none\","
                + "\"interval_sec\":60,\"task\":{\"url\":\"http://h/\"}},\"t\":{\"client_id\":\"abc\","
                + "\"queue\":\"mail\",\"cron\":\"x\",\"task\":{\"url\":\"h\"}}}}");
    refused(400, "invalid_request", reply);
    assertEquals(List.of("/schedules/t/cron", "/schedules/t/task/url"), pointers(reply));
    Reply queue =
        served.post(
            "/admin/config",
            "{\"schedules\":{\"s\":{\"client_id\":\"abc\",\"queue\":\"none\","
                + "\"interval_sec\":60,\"task\":{\"url\":\"http://h/\"}}}}");
    refused(400, "invalid_request", queue);
    assertEquals(List.of("/schedules/s/queue"), pointers(queue));
  }

  @Test
  void applyingADocumentTwiceChangesNothing() {
    applied("", DOCUMENT, YAML);
    String tag = served.get("/admin/config").header("etag");
    String queue = served.get("/v1/queues/mail").header("etag");
    int entries = served.get("/admin/audit").json().path("entries").size();
    JsonNode again = applied("", DOCUMENT, YAML);
    assertFalse(again.path("dry_run").asBoolean(true));
    for (String section : List.of("tiers", "queues", "clients", "hosts", "schedules")) {
      for (String what : List.of("created", "updated", "deleted")) {
        assertTrue(again.at("/changes/" + section + "/" + what).isEmpty(), again.toString());
      }
    }
    assertEquals(3, again.at("/changes/clients/unchanged").asInt());
    assertEquals(tag, served.get("/admin/config").header("etag"));
    assertEquals(queue, served.get("/v1/queues/mail").header("etag"));
    assertEquals(entries, served.get("/admin/audit").json().path("entries").size());
  }

  @Test
  void aDryRunReportsAndChangesNothing() {
    String before = served.get("/admin/config").body();
    JsonNode told = applied("?dry_run=true", DOCUMENT, YAML);
    assertTrue(told.path("dry_run").asBoolean());
    assertEquals("[\"mail\"]", told.at("/changes/queues/created").toString());
    assertEquals(1, told.at("/changes/queues/unchanged").asInt()); // low
    assertEquals(before, served.get("/admin/config").body());
    assertEquals(told.path("changes"), applied("", DOCUMENT, YAML).path("changes"));
    String other = "{\"queues\":{\"mail\":{\"weight\":9},\"low\":{}}}";
    JsonNode updated = applied("?dry_run=true&prune=true", other).path("changes");
    assertEquals("[\"mail\"]", updated.at("/queues/updated").toString());
    assertFalse(updated.has("clients")); // An absent section is left unchanged.
  }

  @Test
  void unnamedObjectsAreDeletedOnlyWithPrune() {
    applied("", DOCUMENT, YAML);
    String small = "{\"tiers\":{},\"queues\":{},\"clients\":{\"shop\":{}}}";
    applied("", small);
    assertEquals(200, served.get("/v1/queues/mail").status());
    assertEquals(
        "default", served.get("/admin/clients/get?client_id=shop").json().path("tier").asText());
    JsonNode pruned = applied("?prune=true", small).path("changes");
    assertEquals("[\"gold\"]", pruned.at("/tiers/deleted").toString());
    assertEquals("[\"mail\"]", pruned.at("/queues/deleted").toString());
    assertEquals("[\"123\",\"nobody\"]", pruned.at("/clients/deleted").toString());
    assertEquals(404, served.get("/v1/queues/mail").status());
    assertEquals(404, served.get("/admin/tiers/gold").status());
    assertEquals(200, served.get("/v1/queues/critical").status()); // built in
    assertEquals(
        "config applied", served.get("/admin/audit?limit=1").json().at("/entries/0/what").asText());
    assertEquals(
        "mail",
        served.get("/admin/audit?limit=1").json().at("/entries/0/details/queues_deleted").asText());
  }

  @Test
  void everyErrorIsReportedAndNothingIsChanged() {
    String before = served.get("/admin/config").body();
    Reply reply =
        served.post(
            "/admin/config",
            "{\"version\":2,\"queues\":{\"a b\":{},\"mail\":{\"weight\":0,\"x\":1},\"low\":7},"
                + "\"tiers\":{\"gold\":{\"max_concurrent\":1}},"
                + "\"clients\":{\"ab\":{},\"shop\":{\"allowed_queues\":[\"%\"]}},\"keys\":{}}");
    refused(400, "invalid_request", reply);
    assertEquals(
        List.of(
            "/version",
            "/tiers/gold/requests_per_min",
            "/queues/a b",
            "/queues/mail/weight",
            "/queues/mail/x",
            "/queues/low",
            "/clients/ab",
            "/clients/shop/allowed_queues/0",
            "/keys"),
        pointers(reply),
        reply.body());
    refused(
        400,
        "invalid_request",
        served.post("/admin/config", "{\"clients\":{\"shop\":{\"tier\":\"none\"}}}"));
    refused(400, "invalid_request", served.post("/admin/config?dry_run=1", "{}"));
    refused(400, "invalid_request", served.get("/admin/config?format=xml"));
    refused(400, "invalid_request", served.post("/admin/config", ""));
    assertEquals(before, served.get("/admin/config").body());
  }

  @Test
  void objectsInUseAreNotPruned() {
    applied("", DOCUMENT, YAML);
    Reply tier = served.post("/admin/config?prune=true", "{\"tiers\":{}}");
    refused(400, "invalid_request", tier);
    assertEquals(List.of("/tiers"), pointers(tier));
    assertEquals(
        201,
        served
            .post(
                "/v1/enqueue",
                "{\"client_id\":\"123\",\"queue\":\"mail\",\"task\":{\"url\":\"http://h/\"}}")
            .status());
    Reply queue = served.post("/admin/config?prune=true", "{\"queues\":{}}");
    refused(400, "invalid_request", queue);
    assertEquals(List.of("/queues"), pointers(queue));
    assertTrue(queue.body().contains("mail"), queue.body());
    assertEquals(200, served.get("/v1/queues/mail").status());
  }

  @Test
  void yamlIsParsedStrictly() {
    for (String wrong :
        List.of(
            "queues: [",
            "queues: {mail: {weight: 1}}\nqueues: {}",
            "a: &x 1\nqueues: *x",
            "queues: !!map {}",
            "queues: {7: {}}",
            "- 1",
            "just text",
            "",
            "queues: {}\n---\nqueues: {}",
            "queues: " + "[".repeat(100_000),
            "queues: {mail: {weight: no}}",
            "queues: {mail: {weight: \"1\"}}",
            "\u0000")) {
      refused(400, "invalid_request", served.post("/admin/config", wrong, YAML));
    }
    refused(400, "invalid_request", served.post("/admin/config", "{\"queues\":{}", YAML));
    applied("", "{\"queues\":{}}", YAML); // JSON is YAML
    refused(
        415,
        "unsupported_media_type",
        served.post("/admin/config", "{}", "Content-Type", "text/plain"));
    refused(415, "unsupported_media_type", served.call("PUT", "/v1/queues/q", "a: 1", YAML));
  }

  @Test
  void theCallerChoosesTheFormat() {
    assertEquals("application/json", served.get("/admin/config").header("content-type"));
    for (String accept :
        List.of(
            "application/yaml",
            "text/yaml, */*;q=0.1",
            "application/json;q=0.5, application/yaml;q=0.9")) {
      Reply reply = served.get("/admin/config", "Accept", accept);
      assertEquals("application/yaml", reply.header("content-type"), accept);
      assertTrue(reply.body().startsWith("version: 1\ntiers:\n"), reply.body());
    }
    for (String accept :
        List.of("*/*", "application/yaml;q=0", "application/json, text/yaml;q=0.9")) {
      assertEquals(
          "application/json", served.get("/admin/config", "Accept", accept).header("content-type"));
    }
    assertEquals(
        "application/json",
        served
            .get("/admin/config?format=json", "Accept", "application/yaml")
            .header("content-type"));
  }

  @Test
  void aDocumentWithIfMatchAppliesOnlyToThatState() {
    String tag = served.get("/admin/config").header("etag");
    assertEquals(200, served.call("PUT", "/v1/queues/low", "{\"weight\":2}").status());
    refused(
        412,
        "precondition_failed",
        served.post("/admin/config", "{\"queues\":{\"mail\":{}}}", "If-Match", tag));
    assertEquals(404, served.get("/v1/queues/mail").status());
    String fresh = served.get("/admin/config?format=yaml").header("etag");
    Reply applied = served.post("/admin/config", "{\"queues\":{\"mail\":{}}}", "If-Match", fresh);
    assertEquals(200, applied.status(), applied.body());
    assertEquals(served.get("/admin/config").header("etag"), applied.header("etag"));
    assertEquals(
        200, served.post("/admin/config", "{}", "If-Match", applied.header("etag")).status());
    refused(400, "invalid_request", served.post("/admin/config", "{}", "If-None-Match", "*"));
    String mail = served.get("/v1/queues/mail").header("etag");
    applied("", "{\"queues\":{\"mail\":{\"weight\":5}}}");
    refused(
        412, "precondition_failed", served.call("PUT", "/v1/queues/mail", "{}", "If-Match", mail));
  }

  @Test
  void autoRegisteredClientsAndSecretsAreNotExported() {
    assertEquals(
        201,
        served
            .post("/v1/enqueue", "{\"client_id\":\"guest\",\"task\":{\"url\":\"http://h/\"}}")
            .status());
    applied("", DOCUMENT, YAML);
    String key = served.post("/admin/clients/shop/keys", null).json().path("key").asText();
    String admin = served.post("/admin/keys", "{\"name\":\"a\"}").json().path("key").asText();
    String body = served.get("/admin/config").body();
    for (String hidden : List.of("guest", key, admin, "tr_", "tra_", "secret")) {
      assertFalse(body.contains(hidden), body);
    }
  }

  @Test
  void aSurprisingCronExpressionCausesAWarning() {
    String schedule = "{\"client_id\":\"shop\",\"cron\":\"%s\",\"task\":{\"url\":\"http://h/\"}}";
    String document = "{\"schedules\":{\"odd\":" + schedule.formatted("*/90 * * * *") + "}}";
    JsonNode alone =
        served.call("PUT", "/v1/schedules/odd", schedule.formatted("*/90 * * * *")).json();
    String warning = alone.path("warnings").path(0).asText();
    assertFalse(warning.isEmpty());
    for (String query : List.of("?dry_run=true", "")) {
      JsonNode applied = served.call("POST", "/admin/config" + query, document).json();
      assertEquals("schedules.odd: " + warning, applied.path("warnings").path(0).asText());
    }
    String plain = document.replace("*/90", "*/30");
    JsonNode applied = served.call("POST", "/admin/config", plain).json();
    assertTrue(applied.path("warnings").isMissingNode(), applied.toString());
  }

  @Test
  void pagesContainEverythingButOnePageCannotBePruned() {
    assertEquals(200, served.call("POST", "/admin/config", DOCUMENT, YAML).status());
    JsonNode whole = served.get("/admin/config").json();
    for (int limit : List.of(1, 2, 7, 1000)) {
      List<String> names = new ArrayList<>();
      String cursor = "";
      do {
        JsonNode page = served.get("/admin/config?limit=" + limit + cursor).json();
        int things = 0;
        for (String section : List.of("tiers", "queues", "clients", "hosts", "schedules")) {
          for (Map.Entry<String, JsonNode> one : page.path(section).properties()) {
            assertEquals(whole.path(section).path(one.getKey()), one.getValue());
            names.add(section + "/" + one.getKey());
            things++;
          }
        }
        assertTrue(things <= limit);
        JsonNode next = page.path("next_cursor");
        cursor = next.isNull() ? null : "&cursor=" + next.asText();
        if (limit == 7 && cursor != null) {
          assertEquals(
              400, served.call("POST", "/admin/config?prune=true", page.toString()).status());
        }
      } while (cursor != null);
      List<String> all = new ArrayList<>();
      for (String section : List.of("tiers", "queues", "clients", "hosts", "schedules")) {
        whole.path(section).fieldNames().forEachRemaining(name -> all.add(section + "/" + name));
      }
      assertEquals(Set.copyOf(all), Set.copyOf(names));
      assertEquals(all.size(), names.size());
    }
    assertEquals(400, served.get("/admin/config?cursor=x").status());
    assertEquals(400, served.get("/admin/config?limit=1001").status());
  }

  @Test
  void aLargeDocumentIsExportedOnlyInPages() {
    String body = "x".repeat(300_000);
    for (int i = 0; i < 15; i++) {
      String schedule =
          "{\"client_id\":\"shop\",\"interval_sec\":60,\"task\":{\"url\":\"http://h/\",\"body\":\""
              + body
              + "\"}}";
      assertEquals(201, served.call("PUT", "/v1/schedules/s" + i, schedule).status());
    }
    Reply whole = served.get("/admin/config");
    assertEquals(400, whole.status());
    assertEquals("limit", whole.json().at("/errors/0/parameter").asText());
    assertEquals(200, served.get("/admin/config?limit=10").status());
  }
}
