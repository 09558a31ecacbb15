package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import io.taskrunner.config.ServerSettings.Mode;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.Queue;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.TokenKeys;
import io.taskrunner.telemetry.Probe;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Health, metrics, the prefix, and the routes of a worker. */
class OperateTest {

  private static Probe probe(AtomicBoolean alive) {
    return new Probe() {
      @Override
      public String name() {
        return "worker";
      }

      @Override
      public boolean healthy() {
        return alive.get();
      }

      @Override
      public String detail() {
        return "3 of 10 slots in use";
      }
    };
  }

  @Test
  void readyMeansThatRedisAnswersAndTheWorkerIsAlive() throws InterruptedException {
    FakeStores stores = new FakeStores();
    AtomicBoolean alive = new AtomicBoolean(true);
    try (Served served = new Served(Setup.local().probes(probe(alive)), stores)) {
      assertEquals(200, served.get("/health/ready").status());
      assertEquals(200, served.get("/health").status());
      alive.set(false);
      Reply dead = served.get("/health/ready");
      assertEquals(503, dead.status());
      assertEquals("not_ready", dead.code());
      assertEquals(200, served.get("/health/live").status());
      alive.set(true);
      assertEquals(200, served.get("/health/ready").status());
      served.server.drain();
      assertEquals(503, served.get("/health").status());
      assertEquals(200, served.get("/v1/queues").status(), "still served");
      assertEquals(200, served.get("/health/live").status());
    }
  }

  @Test
  void anUnreachableStoreIsReportedWithoutInternalDetails() {
    FakeStores stores = new FakeStores();
    stores.away = true;
    try (Served served = new Served(Setup.local(), stores)) {
      Reply ready = served.get("/health/ready");
      assertEquals(503, ready.status());
      Reply queues = served.get("/v1/queues");
      assertEquals(503, queues.status());
      assertEquals("store_unavailable", queues.code());
      assertEquals("1", queues.header("retry-after"));
      assertFalse(
          queues.body().toLowerCase(java.util.Locale.ROOT).contains("lettuce"), queues.body());
      Reply metrics = served.get("/metrics");
      assertEquals(200, metrics.status());
      assertFalse(metrics.body().contains("task_runner_queue_tasks{"));
      assertTrue(metrics.body().contains("task_runner_store_up 0.0"), metrics.body());
      JsonNode detail = served.get("/health/detailed").json();
      assertEquals("not_ready", detail.path("status").asText());
      assertTrue(detail.path("redis").path("role").isNull());
    }
  }

  @Test
  void theDetailOfHealthListsTheParts() {
    AtomicBoolean alive = new AtomicBoolean(true);
    try (Served served = new Served(Setup.local().probes(probe(alive)), new FakeStores())) {
      JsonNode detail = served.get("/health/detailed").json();
      assertEquals("ready", detail.path("status").asText());
      assertEquals("both", detail.path("mode").asText());
      assertEquals("1.2.3", detail.path("version").asText());
      assertEquals("abc", detail.path("commit").asText());
      assertEquals("2026-01-01T00:00:00Z", detail.path("build_time").asText());
      assertEquals("master", detail.path("redis").path("role").asText());
      assertEquals(0.123, detail.path("redis").path("latency_ms").asDouble());
      assertEquals("3 of 10 slots in use", detail.path("worker").path("detail").asText());
      assertEquals(
          List.of("no append-only file"), // an open API is no risk on a developer's own machine
          detail.path("warnings").valueStream().map(JsonNode::asText).toList());
      assertEquals(
          "{\"version\":\"1.2.3\",\"commit\":\"abc\",\"build_time\":\"2026-01-01T00:00:00Z\"}",
          served.get("/version").body());
    }
  }

  @Test
  void tasksOfPausedQueuesAreCountedButDoNotAge() {
    FakeStores stores = new FakeStores();
    Queue.Stats waiting = new Queue.Stats(0, 3, 0, 0, 0, 0, 0, 60);
    stores.queues.put("held", new Queue("held", QueueSettings.defaults(1), true, waiting, 0));
    stores.queues.put("open", new Queue("open", QueueSettings.defaults(1), false, waiting, 0));
    try (Served served = new Served(Setup.local(), stores)) {
      String text = served.get("/metrics").body();
      assertTrue(
          text.contains("task_runner_queue_tasks{queue=\"held\",state=\"ready\"} 3.0"), text);
      assertTrue(text.contains("task_runner_queue_oldest_ready_seconds{queue=\"held\"} 0.0"), text);
      assertTrue(
          text.contains("task_runner_queue_oldest_ready_seconds{queue=\"open\"} 60.0"), text);
    }
  }

  @Test
  void warnsThatTheApiIsOpenWhereOthersCanReachIt() {
    try (Served served = new Served(Setup.serve(), new FakeStores())) {
      assertEquals(
          "CLIENT_AUTH is open: anyone who can reach this port can enqueue without a key.",
          served
              .get("/health/detailed", "X-Admin-Key", Served.ADMIN)
              .json()
              .path("warnings")
              .path(0)
              .asText());
    }
  }

  @Test
  void queueMetricsBeyondTheFirstHundredAreSummed() {
    FakeStores stores = new FakeStores();
    for (int i = 0; i < 100; i++) {
      String name = String.format("q%03d", i);
      stores.queues.put(
          name,
          new Queue(
              name, QueueSettings.defaults(1), false, new Queue.Stats(0, 1, 0, 0, 0, 0, 0, i), 0));
    }
    try (Served served = new Served(Setup.local(), stores)) {
      String text = served.get("/metrics").body();
      assertTrue(
          text.contains("task_runner_queue_tasks{queue=\"default\",state=\"ready\"} 2.0"), text);
      assertTrue(text.contains("task_runner_queue_oldest_ready_seconds{queue=\"default\"} 7.5"));
      assertTrue(text.contains("task_runner_queue_tasks{queue=\"other\",state=\"ready\"} 3.0"));
      assertTrue(text.contains("task_runner_queue_oldest_ready_seconds{queue=\"other\"} 99.0"));
      assertFalse(text.contains("queue=\"q097\""));
      assertTrue(text.contains("task_runner_rate_limit_refusals_total 0.0"));
      assertTrue(text.contains("task_runner_store_up 1.0"));
      assertTrue(text.contains("task_runner_process{mode=\"both\",version=\"1.2.3\"} 1.0"), text);
      served.get("/v1/queues/default");
      served.get("/nowhere");
      text = served.get("/metrics").body();
      assertTrue(
          text.contains(
              "task_runner_http_request_duration_seconds_count{method=\"GET\",route=\"/v1/queues/{name}\",status=\"200\"} 1"),
          text);
      assertTrue(
          text.contains(
              "task_runner_http_request_duration_seconds_bucket{method=\"GET\",route=\"unmatched\",status=\"404\",le=\"+Inf\"} 1"));
    }
  }

  @Test
  void underAPrefixOnlyHealthAndMetricsStayAtTheRoot() {
    try (Served served = new Served(Setup.local().prefix("/x/y"), new FakeStores())) {
      for (String path :
          List.of(
              "/x/y/v1/queues",
              "/x/y/health",
              "/health",
              "/health/live",
              "/health/detailed",
              "/metrics",
              "/x/y/metrics",
              "/x/y",
              "/x/y/",
              "/x/y/docs")) {
        assertEquals(200, served.get(path).status(), path);
      }
      for (String path :
          List.of(
              "/v1/queues",
              "/",
              "/docs",
              "/openapi.json",
              "/version",
              "/x/yv1/queues",
              "/x/y/x/y/v1/queues")) {
        assertEquals(404, served.get(path).status(), path);
      }
      assertEquals(
          "/x/y",
          served.get("/x/y/openapi.json").json().path("servers").path(0).path("url").asText());
      assertTrue(served.get("/x/y/").body().contains("href=\"/x/y/docs\""));
    }
  }

  @Test
  void aWorkerServesOnlyHealthMetricsAndVersion() {
    try (Served served = new Served(Setup.serve().mode(Mode.WORKER), new FakeStores())) {
      for (String path :
          List.of(
              "/health",
              "/health/live",
              "/health/ready",
              "/health/detailed",
              "/version",
              "/metrics")) {
        assertEquals(200, served.get(path).status(), path);
      }
      for (String path : List.of("/", "/v1/queues", "/admin/clients", "/docs", "/openapi.json")) {
        assertEquals(404, served.get(path).status(), path);
      }
      assertEquals(404, served.post("/v1/enqueue", "{}").status());
    }
  }

  @Test
  void receiversCanDiscoverTheTokenKeys() throws Exception {
    try (Served served = new Served(Setup.local().prefix("/tasks"), new FakeStores())) {
      JsonNode document = served.get("/tasks/.well-known/openid-configuration").json();
      String issuer = document.path("issuer").asText();
      assertTrue(issuer.matches("http://127\\.0\\.0\\.1:\\d+/tasks"), issuer);
      assertEquals(issuer + "/.well-known/jwks.json", document.path("jwks_uri").asText());
      Reply keys = served.get("/tasks/.well-known/jwks.json");
      assertEquals("public, max-age=3600", keys.header("cache-control"));
      TokenKeys.SigningKey signing = served.tokens.signing();
      RSAKey shown = JWKSet.parse(keys.body()).getKeyByKeyId(signing.id()).toRSAKey();
      assertEquals(signing.open(), shown.toRSAPublicKey());
      assertFalse(shown.isPrivate());
      assertFalse(keys.body().contains("\"d\""), keys.body());
      String pem = served.get("/tasks/oauth2/v1/certs").json().path(signing.id()).asText();
      String der = pem.replaceAll("-----[A-Z ]+-----|\\n", "");
      assertArrayEquals(signing.open().getEncoded(), Base64.getDecoder().decode(der));
    }
  }
}
