package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.EnqueueResult;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.slf4j.LoggerFactory;

/** Accepted calls as seen by a caller, and the rules that all calls share. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CallsTest {

  private static final String TASK =
      "{\"client_id\":\"my-service\",\"task\":{\"url\":\"http://example.com/x\"}}";

  private final FakeStores stores = new FakeStores();
  private Served served;

  @BeforeAll
  void start() {
    served = new Served(Setup.serve(), stores);
  }

  @AfterAll
  void stop() {
    served.close();
  }

  @Test
  void aChangeSucceedsAlthoughTheAuditTrailIsUnavailable() {
    FakeStores stores = new FakeStores();
    try (Served served = new Served(Setup.local(), stores)) {
      assertEquals(200, served.post("/v1/queues/low/pause", null).status());
      assertEquals("queue paused", stores.trail.getFirst().change().what());
      stores.trailAway = true;
      assertEquals(200, served.post("/v1/queues/low/resume", null).status());
      assertEquals(1, stores.trail.size());
    }
  }

  @Test
  void aChangeMissingInTheAuditTrailIsLoggedWithoutAStackTrace() {
    FakeStores stores = new FakeStores();
    stores.trailAway = true;
    Logger logger = (Logger) LoggerFactory.getLogger("io.taskrunner.http.call.Audit");
    ListAppender<ILoggingEvent> logged = new ListAppender<>();
    logged.start();
    logger.addAppender(logged);
    try (Served served = new Served(Setup.local(), stores)) {
      assertEquals(200, served.post("/v1/queues/low/resume", null).status());
    } finally {
      logger.detachAppender(logged);
    }
    List<ILoggingEvent> warnings =
        logged.list.stream().filter(event -> event.getLevel() == Level.WARN).toList();
    assertEquals(1, warnings.size(), warnings.toString());
    assertEquals(
        "the change is missing in the audit trail, and only in this log: queue resumed",
        warnings.getFirst().getFormattedMessage());
    assertNull(warnings.getFirst().getThrowableProxy());
  }

  @Test
  void anEnqueueIsAnsweredAsInTheContract() {
    Reply reply = served.post("/v1/enqueue", TASK, "X-Request-ID", "abc.1-2_3");
    assertEquals(201, reply.status(), reply.body());
    String id = reply.json().path("task_id").asText();
    assertEquals(
        "{\"status\":\"enqueued\",\"task_id\":\""
            + id
            + "\",\"queue\":\"default\",\"client_id\":\"my-service\",\"scheduled_time\":\"2026-01-31T12:00:00.250Z\","
            + "\"rate_limit\":{\"max_concurrent\":3,\"requests_per_min\":50}}",
        reply.body());
    assertEquals("application/json", reply.header("content-type"));
    assertEquals("abc.1-2_3", reply.header("x-request-id"));
    assertEquals("replicas=0", reply.header("x-durability"));
    assertEquals("50", reply.header("x-ratelimit-limit"));
    assertEquals("49", reply.header("x-ratelimit-remaining"));
    assertEquals("1769860861", reply.header("x-ratelimit-reset"));
    assertNull(reply.header("server"));
    assertTrue(
        served.registry.scrape().contains("task_runner_tasks_enqueued_total{queue=\"default\"} "));
  }

  @Test
  void anInvalidRequestIdIsReplaced() {
    for (String given : List.of("a b", "é", "x".repeat(129), "a/b")) {
      String id = served.get("/version", "X-Request-ID", given).header("x-request-id");
      assertTrue(id.matches("[0-9a-f]{16}"), id);
    }
  }

  @Test
  void aProblemListsAllErrorsWithTheirLocations() {
    Reply reply =
        served.post(
            "/v1/enqueue",
            "{\"client_id\":\"x\",\"queue\":\"e-mail!\",\"delay\":-1,\"task\":{\"url\":\"ftp://x\",\"extra\":1},\"what\":2}");
    assertEquals(400, reply.status());
    assertEquals("application/problem+json", reply.header("content-type"));
    assertEquals("about:blank", reply.json().path("type").asText());
    assertEquals("Bad Request", reply.json().path("title").asText());
    assertEquals(400, reply.json().path("status").asInt());
    assertEquals("invalid_request", reply.code());
    assertEquals(reply.header("x-request-id"), reply.json().path("instance").asText());
    List<String> pointers = reply.json().path("errors").findValuesAsText("pointer");
    assertEquals(
        List.of("/client_id", "/queue", "/delay", "/task/url", "/task/extra", "/what"), pointers);
    assertEquals(
        "queue: \"e-mail!\" (expected: 1 to 64 of A-Z a-z 0-9 _ -)",
        reply.json().path("errors").path(1).path("detail").asText());
  }

  @Test
  void headIsGetWithoutTheBody() {
    Reply get = served.get("/version");
    Reply head = served.call("HEAD", "/version", null);
    assertEquals(200, head.status());
    assertEquals("", head.body());
    assertEquals(get.header("content-length"), head.header("content-length"));
    assertEquals(get.header("content-type"), head.header("content-type"));
  }

  @Test
  void unknownMethodsAndPathsAreReported() {
    Reply method = served.call("PATCH", "/v1/queues/default", "{}");
    assertEquals(405, method.status());
    assertEquals("method_not_allowed", method.code());
    assertEquals("DELETE, GET, HEAD, PUT", method.header("allow"));
    assertEquals(405, served.call("OPTIONS", "/v1/enqueue", null).status());
    assertEquals(405, served.call("TRACE", "/v1/enqueue", null).status());
    assertEquals("method_not_allowed", served.call("BREW", "/v1/enqueue", null).code());
    for (String path :
        List.of("/v2", "/v1/enqueue/", "/V1/enqueue", "/v1/tasks/", "/v1/tasks/a/b/c")) {
      Reply reply = served.get(path);
      assertEquals(404, reply.status(), path);
      assertEquals("not_found", reply.code(), path);
    }
  }

  @Test
  void aBodyThatIsTooLongIsRejectedEarly() {
    Reply declared = served.post("/v1/enqueue", "{", "Content-Length", "1048577");
    assertEquals(413, declared.status());
    assertEquals("payload_too_large", declared.code());
    String chunk = "10000\r\n" + " ".repeat(0x10000) + "\r\n";
    Reply chunked = served.post("/v1/enqueue", chunk.repeat(17), "Transfer-Encoding", "chunked");
    assertEquals(413, chunked.status());
    Reply batch = served.post("/v1/enqueue/batch", "{", "Content-Length", "16777217");
    assertEquals(413, batch.status());
    Reply unknown = served.post("/nowhere", "{", "Content-Length", "1048577");
    assertEquals(404, unknown.status(), "the path comes before the body");
  }

  @Test
  void aChunkedBodyIsAccepted() {
    String chunks = Integer.toHexString(TASK.length()) + "\r\n" + TASK + "\r\n0\r\n\r\n";
    assertEquals(201, served.post("/v1/enqueue", chunks, "Transfer-Encoding", "chunked").status());
    String padded = TASK.substring(0, TASK.length() - 1) + " ".repeat(200_000) + "}";
    assertEquals(201, served.post("/v1/enqueue", padded).status());
  }

  @Test
  void otherTypesAndEncodingsAreRejected() {
    for (String type :
        List.of(
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/json; charset=latin1",
            "json")) {
      Reply reply = served.post("/v1/enqueue", TASK, "Content-Type", type);
      assertEquals(415, reply.status(), type);
      assertEquals("unsupported_media_type", reply.code());
    }
    assertEquals(415, served.post("/v1/enqueue", TASK, "Content-Encoding", "gzip").status());
    assertEquals(415, served.post("/v1/enqueue", TASK, "Content-Encoding", "identity").status());
    for (String type :
        List.of(
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"")) {
      assertEquals(201, served.post("/v1/enqueue", TASK, "Content-Type", type).status(), type);
    }
  }

  @Test
  void everyRejectionOfTheStoreHasItsCode() {
    record Case(EnqueueResult result, int status, String code) {}
    for (Case each :
        List.of(
            new Case(new EnqueueResult.KeyReused(), 422, "idempotency_key_reused"),
            new Case(new EnqueueResult.QueueNotFound(), 404, "queue_not_found"),
            new Case(new EnqueueResult.QueueNotAllowed(), 403, "queue_not_allowed"),
            new Case(new EnqueueResult.ClientDisabled(), 403, "client_disabled"),
            new Case(new EnqueueResult.KeyRequired(), 401, "unauthenticated"),
            new Case(new EnqueueResult.ClientUnknown(), 401, "unauthenticated"),
            new Case(new EnqueueResult.TooManyClients(), 429, "too_many_clients"),
            new Case(new EnqueueResult.StoreFull(), 429, "store_full"))) {
      Reply reply = enqueueComingTo(each.result());
      assertEquals(each.status(), reply.status(), reply.body());
      assertEquals(each.code(), reply.code());
      assertEquals(each.status() == 401, reply.header("www-authenticate") != null);
    }
  }

  @Test
  void aRateLimitedClientGetsRetryAfter() {
    EnqueueResult.Quota spent =
        new EnqueueResult.Quota(FakeStores.QUOTA.limits(), 0, FakeStores.NOW.plusSeconds(31));
    Reply reply =
        enqueueComingTo(new EnqueueResult.RateLimited(spent, java.time.Duration.ofMillis(1001)));
    assertEquals(429, reply.status());
    assertEquals("rate_limited", reply.code());
    assertEquals("2", reply.header("retry-after"));
    assertEquals("my-service", reply.json().path("client_id").asText());
    assertEquals(50, reply.json().path("requests_per_min").asInt());
    assertEquals(2, reply.json().path("retry_after").asInt());
    assertEquals("50", reply.header("x-ratelimit-limit"));
    assertEquals("0", reply.header("x-ratelimit-remaining"));
    assertFalse(reply.headers().containsKey("x-durability"));
  }

  private Reply enqueueComingTo(EnqueueResult result) {
    var usual = stores.onEnqueue;
    stores.onEnqueue = _ -> CompletableFuture.completedFuture(result);
    try {
      return served.post("/v1/enqueue", TASK);
    } finally {
      stores.onEnqueue = usual;
    }
  }
}
