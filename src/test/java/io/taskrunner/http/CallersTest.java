package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.client.Scope;
import io.taskrunner.config.ServerSettings.Mode;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The permissions of callers, and the order of the checks of a call. */
class CallersTest {

  private static final String TASK = "{\"client_id\":\"abc\",\"task\":{\"url\":\"http://h/\"}}";
  private static final String NO_ID = "{\"task\":{\"url\":\"http://h/\"}}";
  private static final String WRONG_KEY = "tr_" + "A".repeat(43);

  private static void assertRefused(int status, String code, Reply reply) {
    assertEquals(status + " " + code, reply.status() + " " + reply.code(), reply.body());
    if (status == 401) {
      assertNotNull(reply.header("www-authenticate"));
    }
  }

  @Test
  void invalidCredentialsAreRejectedOnEveryPath() {
    try (Served served = new Served(Setup.serve(), new FakeStores())) {
      for (String path :
          List.of(
              "/health/live",
              "/version",
              "/docs",
              "/v1/queues",
              "/nowhere",
              "/v1/enqueue",
              "/metrics")) {
        assertRefused(401, "unauthenticated", served.get(path, "X-Admin-Key", "wrong"));
        assertRefused(401, "unauthenticated", served.get(path, "X-Admin-Key", ""));
        assertRefused(
            401, "unauthenticated", served.get(path, "Authorization", "Bearer " + WRONG_KEY));
        assertRefused(401, "unauthenticated", served.get(path, "Authorization", "Bearer x"));
        assertRefused(401, "unauthenticated", served.get(path, "Authorization", "Basic eDp5"));
        assertRefused(401, "unauthenticated", served.get(path, "X-API-Key", WRONG_KEY));
        assertRefused(
            401,
            "unauthenticated",
            served.get(path, "X-API-Key", WRONG_KEY, "X-Admin-Key", Served.ADMIN));
      }
      assertRefused(
          401, "unauthenticated", served.post("/v1/enqueue", TASK, "X-API-Key", WRONG_KEY));
      assertRefused(401, "unauthenticated", served.get("/v1/queues?X-Admin-Key=" + Served.ADMIN));
    }
  }

  @Test
  void anAdminMayDoEverything() {
    try (Served served = new Served(Setup.serve(), new FakeStores())) {
      String[] admin = {"X-Admin-Key", Served.ADMIN};
      assertEquals(200, served.get("/v1/queues", admin).status());
      assertEquals(200, served.get("/v1/tasks", admin).status());
      assertEquals(200, served.get("/admin/clients", admin).status());
      assertEquals(201, served.post("/v1/enqueue", TASK, admin).status());
      assertRefused(400, "invalid_request", served.post("/v1/enqueue", NO_ID, admin));
      assertEquals(200, served.get("/metrics", admin).status());
    }
  }

  @Test
  void aClientWithAKeyMayAccessItsOwnTasks() {
    FakeStores stores = new FakeStores();
    try (Served served = new Served(Setup.serve().required(), stores)) {
      String[] key = {"Authorization", "bearer " + stores.keyOf("abc", List.of("low"))};
      String[] other = {"X-API-Key", stores.keyOf("other", null)};
      assertEquals("abc", served.post("/v1/enqueue", NO_ID, key).json().path("client_id").asText());
      String id = served.post("/v1/enqueue", TASK, key).json().path("task_id").asText();
      assertEquals(201, served.post("/v1/enqueue", NO_ID, other).status());
      assertRefused(403, "client_mismatch", served.post("/v1/enqueue", TASK, other));
      assertRefused(
          403, "client_mismatch", served.post("/v1/enqueue", TASK.replace("abc", "nobody"), key));
      assertRefused(
          403, "client_mismatch", served.post("/v1/enqueue", "{\"client_id\":\"nobody\"}", key));

      assertEquals(200, served.get("/v1/tasks/" + id, key).status());
      assertRefused(404, "task_not_found", served.get("/v1/tasks/" + id, other));
      assertRefused(404, "task_not_found", served.call("DELETE", "/v1/tasks/" + id, null, other));
      assertRefused(
          404, "task_not_found", served.get("/v1/tasks/0193abcd-0000-7000-8000-000000000000", key));
      assertRefused(404, "task_not_found", served.get("/v1/tasks/x", key));
      assertEquals(2, served.get("/v1/tasks", key).json().path("tasks").size());
      assertRefused(403, "client_mismatch", served.get("/v1/tasks?client_id=other", key));

      assertEquals(
          List.of("low"),
          served.get("/v1/queues", key).json().path("queues").findValuesAsText("name"));
      assertEquals(200, served.get("/v1/queues/low", key).status());
      assertRefused(403, "queue_not_allowed", served.get("/v1/queues/default", key));
      assertRefused(404, "queue_not_found", served.get("/v1/queues/nowhere", key));
      assertRefused(403, "forbidden", served.call("PUT", "/v1/queues/low", "{}", key));
      assertRefused(403, "forbidden", served.get("/admin/clients", key));
      assertRefused(403, "forbidden", served.get("/metrics", key));
      assertEquals(200, served.get("/health/live", key).status());
    }
  }

  @Test
  void aKeyPermitsWhatItsScopesAllow() {
    FakeStores stores = new FakeStores();
    try (Served served = new Served(Setup.serve().required(), stores)) {
      for (Scope held : Scope.values()) {
        String[] key = {"X-API-Key", stores.keyOf("abc", null, Set.of(held))};
        assertScope(held, Scope.ENQUEUE, served.post("/v1/enqueue", NO_ID, key));
        assertScope(held, Scope.ENQUEUE, served.post("/v1/enqueue/batch", "{}", key));
        for (String path : List.of("/v1/tasks", "/v1/tasks/x", "/v1/queues", "/v1/queues/low")) {
          assertScope(held, Scope.READ, served.get(path, key));
        }
        assertScope(held, Scope.OPERATE, served.post("/v1/tasks/x/run", null, key));
        assertScope(held, Scope.OPERATE, served.post("/v1/tasks/x/retry", null, key));
        assertScope(held, Scope.OPERATE, served.call("DELETE", "/v1/tasks/x", null, key));
        assertRefused(403, "forbidden", served.get("/admin/clients", key));
        assertRefused(
            400, "invalid_request", served.post("/v1/enqueue", "{", key)); // malformed is first
        assertEquals(200, served.get("/health/live", key).status());
      }
      String enqueues = stores.keyOf("abc", null, Set.of(Scope.ENQUEUE));
      String reads = stores.keyOf("abc", null, Set.of(Scope.READ));
      String[] both = {"X-API-Key", enqueues, "Authorization", "Bearer " + reads};
      assertEquals(201, served.post("/v1/enqueue", NO_ID, both).status());
      assertEquals(200, served.get("/v1/tasks", both).status());
      assertScope(Scope.READ, Scope.OPERATE, served.post("/v1/tasks/x/run", null, both));
    }
  }

  private static void assertScope(Scope held, Scope needed, Reply reply) {
    if (held == needed) {
      assertFalse(reply.body().contains("scope_missing"), reply.body());
    } else {
      assertRefused(403, "scope_missing", reply);
      assertEquals(needed.word(), reply.json().path("scope").asText());
      assertTrue(reply.json().path("detail").asText().contains(needed.word()), reply.body());
    }
  }

  @Test
  void anonymousCallersMayOnlyEnqueue() {
    try (Served served = new Served(Setup.serve(), new FakeStores())) {
      assertEquals(201, served.post("/v1/enqueue", TASK).status());
      assertRefused(401, "unauthenticated", served.get("/v1/tasks"));
      assertRefused(401, "unauthenticated", served.get("/v1/tasks/x"));
      assertRefused(401, "unauthenticated", served.get("/v1/queues"));
      assertRefused(401, "unauthenticated", served.get("/admin/clients"));
      assertRefused(401, "unauthenticated", served.call("PUT", "/v1/queues/q", "{}"));
      assertRefused(401, "unauthenticated", served.get("/metrics"));
      for (String path :
          List.of(
              "/health",
              "/health/live",
              "/health/ready",
              "/health/detailed",
              "/version",
              "/openapi.json",
              "/docs",
              "/")) {
        assertEquals(200, served.get(path).status(), path);
      }
    }
    try (Served served = new Served(Setup.serve().required(), new FakeStores())) {
      assertRefused(401, "unauthenticated", served.post("/v1/enqueue", TASK));
      assertRefused(401, "unauthenticated", served.post("/v1/enqueue", "{\"client_id\":7}"));
      assertRefused(400, "invalid_request", served.post("/v1/enqueue", "{\"client_id\""));
      assertRefused(401, "unauthenticated", served.post("/v1/enqueue/batch", "{}"));
    }
  }

  @Test
  void theStateOfAClientIsReportedBeforeErrorsInItsCall() {
    FakeStores stores = new FakeStores();
    stores.clients.put("off", FakeStores.client("off", false, null));
    String offKey = stores.keyOf("offkey", null);
    stores.clients.put("offkey", FakeStores.client("offkey", false, null));
    stores.keyOf("keyed", null);
    try (Served served = new Served(Setup.serve(), stores)) {
      assertRefused(403, "client_disabled", served.post("/v1/enqueue", "{\"client_id\":\"off\"}"));
      assertRefused(
          401, "unauthenticated", served.post("/v1/enqueue", "{\"client_id\":\"keyed\"}"));
      assertRefused(403, "client_disabled", served.post("/v1/enqueue", "{}", "X-API-Key", offKey));
      assertRefused(403, "client_disabled", served.get("/v1/queues", "X-API-Key", offKey));
      assertRefused(403, "client_disabled", served.get("/v1/tasks?limit=x", "X-API-Key", offKey));
      assertRefused(
          403,
          "client_disabled",
          served.post("/v1/enqueue/batch", "{\"client_id\":\"off\",\"tasks\":[]}"));
      assertRefused(
          401,
          "unauthenticated",
          served.post("/v1/enqueue/batch", "{\"client_id\":\"keyed\",\"tasks\":[{}]}"));
      assertRefused(400, "invalid_request", served.post("/v1/enqueue", "{\"client_id\":\"free\"}"));
    }
  }

  @Test
  void errorsAreReportedInTheOrderOfTheContract() {
    try (Served served = new Served(Setup.local(), new FakeStores())) {
      String[] all = {
        "Host",
        "evil",
        "Origin",
        "http://evil",
        "X-Admin-Key",
        "wrong",
        "Content-Type",
        "text/plain",
        "Content-Length",
        "2000000"
      };
      assertRefused(421, "misdirected", served.post("/nowhere", "{", all));
      all[1] = "localhost";
      assertRefused(403, "cross_origin", served.post("/nowhere", "{", all));
      all[3] = "http://localhost";
      assertRefused(401, "unauthenticated", served.post("/nowhere", "{", all));
      all[4] = "X-Other";
      assertRefused(404, "not_found", served.post("/nowhere", "{", all));
      assertRefused(405, "method_not_allowed", served.call("PUT", "/v1/enqueue", "{", all));
      assertRefused(413, "payload_too_large", served.post("/v1/enqueue", "{", all));
      assertRefused(
          415,
          "unsupported_media_type",
          served.post("/v1/enqueue", "{", "Content-Type", "text/plain"));
      assertRefused(400, "invalid_request", served.post("/v1/enqueue", "{"));
    }
    try (Served served = new Served(Setup.serve(), new FakeStores())) {
      assertRefused(400, "invalid_request", served.call("PUT", "/v1/queues/q", "{"));
      assertRefused(401, "unauthenticated", served.call("PUT", "/v1/queues/q", "{\"x\":1}"));
    }
  }

  @Test
  void aLoopbackListenerAcceptsOnlyLoopbackHosts() {
    try (Served served = new Served(Setup.local(), new FakeStores())) {
      for (String host :
          List.of(
              "localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080")) {
        assertEquals(200, served.get("/health/live", "Host", host).status(), host);
      }
      for (String host :
          List.of(
              "evil.example",
              "localhost.evil.example",
              "127.0.0.2",
              "[::2]",
              "0.0.0.0",
              "localhost.")) {
        assertRefused(421, "misdirected", served.get("/health/live", "Host", host));
        assertRefused(421, "misdirected", served.get("/metrics", "Host", host));
      }
    }
    try (Served served = new Served(Setup.serve(), new FakeStores())) {
      assertEquals(200, served.get("/health/live", "Host", "anything.example").status());
    }
  }

  @Test
  void pagesOfOtherSitesChangeNothing() {
    try (Served served = new Served(Setup.serve(), new FakeStores())) {
      for (String origin :
          List.of(
              "http://evil.example",
              "null",
              "http://api.example:81",
              "https://api.example.evil",
              "file://")) {
        assertRefused(
            403,
            "cross_origin",
            served.post("/v1/enqueue", TASK, "Host", "api.example", "Origin", origin));
      }
      for (String origin :
          List.of("http://api.example", "https://api.example", "HTTP://API.EXAMPLE")) {
        assertEquals(
            201,
            served.post("/v1/enqueue", TASK, "Host", "api.example", "Origin", origin).status(),
            origin);
      }
      assertEquals(
          201,
          served.post("/v1/enqueue", TASK, "Host", "a:8080", "Origin", "http://a:8080").status());
      assertEquals(
          201, served.post("/v1/enqueue", TASK, "Host", "a:80", "Origin", "http://a").status());
      assertRefused(
          403, "cross_origin", served.post("/v1/enqueue", TASK, "Sec-Fetch-Site", "cross-site"));
      assertRefused(
          403, "cross_origin", served.post("/v1/enqueue", TASK, "Sec-Fetch-Site", "same-site"));
      assertRefused(
          403,
          "cross_origin",
          served.call("DELETE", "/nowhere", null, "Sec-Fetch-Site", "cross-site"));
      assertEquals(201, served.post("/v1/enqueue", TASK, "Sec-Fetch-Site", "same-origin").status());
      assertEquals(201, served.post("/v1/enqueue", TASK, "Sec-Fetch-Site", "none").status());
      Reply safe =
          served.get("/version", "Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site");
      assertEquals(200, safe.status());
      assertEquals(null, safe.header("access-control-allow-origin"));
    }
  }

  @Test
  void withoutAnAdminKeyAdminCallsRequireALoopbackListener() {
    try (Served served = new Served(Setup.serve().withoutAdminKey(), new FakeStores())) {
      assertRefused(403, "admin_key_not_configured", served.get("/admin/clients"));
      assertRefused(
          403,
          "admin_key_not_configured",
          served.get("/admin/clients", "X-Admin-Key", "any", "X-Forwarded-For", "127.0.0.1"));
      assertRefused(401, "unauthenticated", served.get("/v1/queues", "X-Admin-Key", "any"));
      assertRefused(401, "unauthenticated", served.get("/v1/queues"));
    }
    try (Served served = new Served(Setup.local(), new FakeStores())) {
      assertEquals(200, served.get("/admin/clients").status());
      assertEquals(200, served.get("/v1/tasks").status());
      assertRefused(401, "unauthenticated", served.get("/admin/clients", "X-Admin-Key", "any"));
    }
    try (Served served = new Served(Setup.local().required(), new FakeStores())) {
      assertRefused(401, "unauthenticated", served.post("/v1/enqueue", TASK));
    }
  }

  @Test
  void aNamedAdminKeyMayDoEverythingAndAReadOnlyOneMayRead() {
    FakeStores stores = new FakeStores();
    String[] named = {"X-Admin-Key", stores.adminKey("deploys", false)};
    String[] reads = {"X-Admin-Key", stores.adminKey("dashboard", true)};
    String client = stores.keyOf("abc", null, Set.of(Scope.READ));
    String unknown = "tra_" + "A".repeat(43);
    for (Setup setup :
        List.of(Setup.serve(), Setup.serve().withoutAdminKey(), Setup.local().required())) {
      try (Served served = new Served(setup, stores)) {
        for (String[] key : List.of(named, reads)) {
          for (String path :
              List.of("/v1/queues", "/v1/tasks", "/admin/clients", "/admin/keys", "/metrics")) {
            assertEquals(200, served.get(path, key).status(), path);
          }
          assertEquals(200, served.call("HEAD", "/admin/clients", null, key).status());
        }
        assertEquals(201, served.post("/v1/enqueue", TASK, named).status());
        assertEquals(201, served.call("PUT", "/v1/queues/made", "{}", named).status());
        assertEquals(204, served.call("DELETE", "/v1/queues/made", null, named).status());
        assertRefused(403, "read_only", served.post("/v1/enqueue", TASK, reads));
        assertRefused(403, "read_only", served.post("/v1/tasks/x/run", null, reads));
        assertRefused(403, "read_only", served.call("PUT", "/v1/queues/made", "{}", reads));
        assertRefused(403, "read_only", served.call("DELETE", "/v1/queues/low", null, reads));
        assertRefused(403, "read_only", served.post("/admin/keys", "{\"name\":\"x\"}", reads));
        assertRefused(403, "read_only", served.post("/admin/dispatch/pause", null, reads));
        assertRefused(400, "invalid_request", served.post("/admin/keys", "{", reads));
        for (String path : List.of("/admin/clients", "/v1/queues", "/health/live", "/nowhere")) {
          assertRefused(401, "unauthenticated", served.get(path, "X-Admin-Key", unknown));
        }
        assertRefused(401, "unauthenticated", served.get("/v1/queues", "X-API-Key", named[1]));
        assertEquals(
            201,
            served
                .post("/v1/enqueue", TASK, named[0], named[1], "X-API-Key", client)
                .status()); // the admin takes precedence over the client
      }
    }
    stores.away = true;
    try (Served served = new Served(Setup.serve(), stores)) {
      assertRefused(503, "store_unavailable", served.get("/admin/keys", named));
      assertEquals(200, served.get("/health/live", named).status());
      assertRefused(401, "unauthenticated", served.get("/metrics", named));
      assertEquals(200, served.get("/metrics", "X-Admin-Key", Served.ADMIN).status());
    }
  }

  @Test
  void metricsRequireTheirToken() {
    String[] token = {"Authorization", "Bearer " + Served.METRICS};
    try (Served served = new Served(Setup.serve(), new FakeStores())) {
      assertEquals(200, served.get("/metrics", token).status());
      assertEquals("both", served.get("/health/detailed", token).json().path("mode").asText());
      assertEquals("{\"status\":\"ready\"}", served.get("/health/detailed").body());
      assertRefused(403, "forbidden", served.get("/v1/queues", token));
      assertRefused(403, "forbidden", served.post("/v1/enqueue", TASK, token));
    }
    for (Setup free : List.of(Setup.local(), Setup.serve().mode(Mode.WORKER))) {
      try (Served served = new Served(free, new FakeStores())) {
        assertEquals(200, served.get("/metrics").status());
        assertEquals(200, served.get("/metrics", token).status());
        assertEquals(
            "standalone",
            served.get("/health/detailed").json().path("redis").path("topology").asText());
      }
    }
  }
}
