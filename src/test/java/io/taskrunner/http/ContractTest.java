package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.AdminKeyStore.Put;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.store.WorkersStore;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The contract over real HTTP and a real Redis; the test acts as the worker. */
class ContractTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String WORKER = "00000000000000aa";

  private RedisStore store;
  private Served served;
  private long wish;

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

  private static String task(String more) {
    return "{\"client_id\":\"abc\",\"task\":{\"url\":\"http://h/p?token=s&a=b\"}" + more + "}";
  }

  private String enqueued(String body) {
    Reply reply = served.post("/v1/enqueue", body);
    assertEquals(201, reply.status(), reply.body());
    return reply.json().path("task_id").asText();
  }

  /** The tasks for a worker, which asks again at once when something is due. */
  private List<Claim> claim(int most) {
    List<Claim> claims = exchange(most);
    return claims.isEmpty() ? exchange(most) : claims;
  }

  private List<Claim> exchange(int most) {
    wish++;
    return store
        .works()
        .getFirst()
        .exchange(List.of(), new ClaimRequest(WORKER, wish, most, Duration.ofSeconds(30), 5, 0))
        .claims();
  }

  private void settle(
      Claim claim, Verdict verdict, OptionalInt status, Optional<AttemptError> error) {
    Attempt attempt =
        new Attempt(
            claim.start().attempt(),
            Instant.EPOCH,
            Duration.ofMillis(12),
            status,
            error,
            status.isPresent() ? "" : "because",
            status.isPresent() ? "{\"why\":\"no\"}" : "");
    store
        .works()
        .getFirst()
        .settle(
            WORKER,
            List.of(
                new Settlement(
                    claim.id(),
                    claim.number(),
                    verdict,
                    attempt,
                    Duration.ZERO,
                    new BreakerReport.None())));
  }

  private void assertRefused(int status, String code, Reply reply) {
    assertEquals(status + " " + code, reply.status() + " " + reply.code(), reply.body());
  }

  private static String admin(String limits) {
    return "{\"client_id\":\"abc\",\"rate_limit\":" + limits + "}";
  }

  @Test
  void aTaskIsShownAsGivenExceptItsSecrets() {
    String id =
        enqueued(
            "{\"client_id\":\"abc\",\"queue\":\"low\",\"delay\":1000,\"labels\":{\"k\":\"v\"},\"retry\":{\"max_retries\":7},"
                + "\"task\":{\"url\":\"http://h/p?token=s&a=b\",\"method\":\"put\",\"headers\":{\"X-A\":\"b\",\"Authorization\":\"s\"},"
                + "\"body\":\"héllo\"}}");
    JsonNode task = served.get("/v1/tasks/" + id).json();
    assertEquals(id, task.path("task_id").asText());
    assertEquals("abc", task.path("client_id").asText());
    assertEquals("low", task.path("queue").asText());
    assertEquals("scheduled", task.path("state").asText());
    assertEquals("{\"k\":\"v\"}", task.path("labels").toString());
    assertEquals(
        "{\"url\":\"http://h/p?token=***&a=b\",\"method\":\"PUT\",\"headers\":{\"X-A\":\"b\",\"Authorization\":\"***\"},\"body\":\"héllo\",\"body_bytes\":6}",
        task.path("request").toString());
    assertEquals(7, task.path("max_retries").asInt());
    assertTrue(task.path("last_error").isNull());
    assertTrue(task.path("attempts").isEmpty());
    Instant created = Instant.parse(task.path("created_time").asText());
    assertEquals(created.plusSeconds(1000), Instant.parse(task.path("scheduled_time").asText()));
    JsonNode bytes =
        served
            .get(
                "/v1/tasks/"
                    + enqueued(
                        "{\"client_id\":\"abc\",\"task\":{\"url\":\"http://h\",\"body_base64\":\"/w==\"}}"))
            .json();
    assertEquals("/w==", bytes.path("request").path("body_base64").asText());
    assertEquals(5, bytes.path("max_retries").asInt());
    assertEquals(
        "{\"max_retries\":5,\"min_backoff_sec\":20,\"max_backoff_sec\":3600,\"max_doublings\":16,\"max_duration_sec\":null,\"retry_client_errors\":false}",
        bytes.path("retry").toString());
  }

  @Test
  void theRetriesOfATaskAreItsOwnOverItsQueuesOverTheDefaults() {
    served.call(
        "PUT", "/v1/queues/slow", "{\"retry\":{\"max_retries\":2,\"max_duration_sec\":90.5}}");
    String id =
        enqueued(
            "{\"client_id\":\"abc\",\"queue\":\"slow\",\"retry\":{\"max_retries\":9,\"retry_client_errors\":true},\"task\":{\"url\":\"http://h\"}}");
    String retry =
        "{\"max_retries\":9,\"min_backoff_sec\":20,\"max_backoff_sec\":3600,\"max_doublings\":16,\"max_duration_sec\":90.5,\"retry_client_errors\":true}";
    assertEquals(retry, served.get("/v1/tasks/" + id).json().path("retry").toString());
    assertEquals(retry, served.get("/v1/tasks?queue=slow").json().at("/tasks/0/retry").toString());
  }

  private String copy(String of, String more) {
    return "{\"copy_of\":\"" + of + "\"" + more + "}";
  }

  @Test
  void aTaskIsCopiedWithItsSecretsAndChanges() {
    String id =
        enqueued(
            "{\"client_id\":\"abc\",\"queue\":\"low\",\"delay\":1000,\"labels\":{\"k\":\"v\"},\"retry\":{\"max_retries\":7},"
                + "\"callback\":{\"url\":\"http://c/?token=s\",\"on\":[\"dead\"]},"
                + "\"task\":{\"url\":\"http://h/p?token=s&a=b\",\"method\":\"PUT\",\"headers\":{\"Authorization\":\"s3\",\"X-A\":\"b\"},\"body\":\"x\"}}");
    TaskId copied = TaskId.parse(enqueued(copy(id, ""))).orElseThrow();
    Task before = store.tasks().get(TaskId.parse(id).orElseThrow()).orElseThrow();
    Task after = store.tasks().get(copied).orElseThrow();
    assertEquals("low", after.queue());
    assertEquals(TaskState.READY, after.state());
    assertEquals(before.spec().request().url(), after.spec().request().url());
    assertEquals(before.spec().request().headers(), after.spec().request().headers());
    assertArrayEquals(before.spec().request().body(), after.spec().request().body());
    assertEquals(before.spec().callback(), after.spec().callback());
    assertEquals(before.spec().labels(), after.spec().labels());
    assertEquals(before.spec().retry(), after.spec().retry());
    String changed =
        enqueued(
            copy(
                id,
                ",\"queue\":\"default\",\"task\":{\"url\":\"http://h/other\",\"headers\":{\"Authorization\":\"***\"},\"body_base64\":\"/w==\"}"));
    Task with = store.tasks().get(TaskId.parse(changed).orElseThrow()).orElseThrow();
    assertEquals("default", with.queue());
    assertEquals("http://h/other", with.spec().request().url().value());
    assertEquals(
        List.of(new TargetRequest.Header("Authorization", "s3")), with.spec().request().headers());
    assertEquals("PUT", with.spec().request().method());
    assertEquals(1, with.spec().request().body().length);
  }

  @Test
  void aCopyNeverSendsSecretsToAnotherPlace() {
    String id =
        enqueued(
            "{\"client_id\":\"abc\",\"task\":{\"url\":\"http://h/\",\"headers\":{\"X-Token\":\"s\"}}}");
    for (String url : List.of("https://h/", "http://h:81/", "http://evil/")) {
      String more = ",\"task\":{\"url\":\"" + url + "\"}";
      Reply refused = served.post("/v1/enqueue", copy(id, more));
      assertRefused(400, "invalid_request", refused);
      assertEquals("/task", refused.json().at("/errors/0/pointer").asText());
    }
    enqueued(copy(id, ",\"task\":{\"url\":\"http://other/\",\"headers\":{}}"));
    assertRefused(
        404,
        "task_not_found",
        served.post("/v1/enqueue", copy("019a8f6c-3c2e-7000-9b4f-0d1e2f3a4000", "")));
    assertRefused(400, "invalid_request", served.post("/v1/enqueue", copy("x", "")));
  }

  @Test
  void aBodyThatIsNoLongerKeptMustBeGiven() {
    String id = enqueued(task(",\"delay\":60"));
    String bodied =
        enqueued(
            "{\"client_id\":\"abc\",\"delay\":60,\"task\":{\"url\":\"http://h\",\"body\":\"x\"}}");
    served.call("DELETE", "/v1/tasks/" + id, null);
    served.call("DELETE", "/v1/tasks/" + bodied, null);
    enqueued(copy(id, ""));
    Reply refused = served.post("/v1/enqueue", copy(bodied, ""));
    assertEquals("/task/body", refused.json().at("/errors/0/pointer").asText(), refused.body());
    enqueued(copy(bodied, ",\"task\":{\"body\":\"\"}"));
  }

  @Test
  void tasksAreCountedAndAnUnknownQueueIsNotFound() {
    enqueued("{\"client_id\":\"abc\",\"delay\":60,\"task\":{\"url\":\"http://h\"}}");
    enqueued("{\"client_id\":\"xyz\",\"delay\":60,\"task\":{\"url\":\"http://h\"}}");
    assertEquals(
        "{\"count\":2,\"examined\":0,\"next_cursor\":null}",
        served.get("/v1/tasks/count?queue=default&state=scheduled").body());
    assertEquals(2, served.get("/v1/tasks/count").json().path("count").asInt());
    assertEquals(1, served.get("/v1/tasks/count?client_id=abc").json().path("count").asInt());
    for (String path : List.of("/v1/tasks", "/v1/tasks/count")) {
      assertRefused(404, "queue_not_found", served.get(path + "?queue=nowhere"));
      assertRefused(404, "queue_not_found", served.get(path + "?queue=nowhere&client_id=abc"));
      assertEquals(200, served.get(path + "?queue=critical").status());
      String cloud = "projects/p/locations/l/queues/q";
      assertEquals(200, served.get(path + "?queue=" + cloud).status(), "made by its first task");
    }
  }

  @Test
  void whatWasAskedForStaysWhenATaskIsRetried() {
    String id = enqueued("{\"client_id\":\"abc\",\"delay\":3600,\"task\":{\"url\":\"http://h\"}}");
    JsonNode waits = served.get("/v1/tasks/" + id).json();
    String asked = waits.path("scheduled_time").asText();
    assertEquals(asked, waits.path("next_attempt_time").asText());
    assertTrue(waits.path("finished_time").isNull());
    served.post("/v1/tasks/" + id + "/run", "{}");
    Claim claim = claim(1).getFirst();
    JsonNode runs = served.get("/v1/tasks/" + id).json();
    assertTrue(runs.path("next_attempt_time").isNull());
    settle(claim, new Verdict.Retry(Duration.ofSeconds(60)), OptionalInt.of(503), Optional.empty());
    JsonNode retries = served.get("/v1/tasks?state=retry&view=basic").json().at("/tasks/0");
    assertEquals(asked, retries.path("scheduled_time").asText());
    Instant next = Instant.parse(retries.path("next_attempt_time").asText());
    assertTrue(next.isBefore(Instant.parse(asked)), next + " is a minute from now");
    served.post("/v1/tasks/" + id + "/run", "{}");
    settle(claim(1).getFirst(), new Verdict.Bury(), OptionalInt.of(500), Optional.empty());
    JsonNode dead = served.get("/v1/tasks/" + id).json();
    assertEquals(asked, dead.path("scheduled_time").asText());
    assertTrue(dead.path("next_attempt_time").isNull());
    assertTrue(dead.path("finished_time").isTextual());
  }

  @Test
  void theAttemptsOfATaskAreShown() {
    String id = enqueued(task(""));
    settle(
        claim(1).getFirst(),
        new Verdict.Retry(Duration.ZERO),
        OptionalInt.of(503),
        Optional.empty());
    settle(
        claim(1).getFirst(),
        new Verdict.Bury(),
        OptionalInt.empty(),
        Optional.of(AttemptError.TIMEOUT));
    JsonNode task = served.get("/v1/tasks/" + id).json();
    assertEquals("dead", task.path("state").asText());
    assertEquals("timeout", task.path("last_error").asText());
    assertEquals(
        "[{\"number\":1,\"start_time\":\"1970-01-01T00:00:00.000Z\",\"duration_ms\":12,\"status\":503,\"detail\":\"\",\"excerpt\":\"{\\\"why\\\":\\\"no\\\"}\"},"
            + "{\"number\":2,\"start_time\":\"1970-01-01T00:00:00.000Z\",\"duration_ms\":12,\"error\":\"timeout\",\"detail\":\"because\"}]",
        task.path("attempts").toString());
    assertRefused(409, "not_runnable", served.post("/v1/tasks/" + id + "/run", "{}"));
    assertRefused(409, "already_finished", served.call("DELETE", "/v1/tasks/" + id, null));
    Reply again = served.post("/v1/tasks/" + id + "/retry", null);
    assertEquals(200, again.status());
    assertEquals("ready", again.json().path("state").asText());
    assertRefused(409, "not_dead", served.post("/v1/tasks/" + id + "/retry", ""));
  }

  @Test
  void aWaitingTaskCanBeRunOrCancelled() {
    String id = enqueued(task(",\"delay\":1000"));
    Reply run = served.post("/v1/tasks/" + id + "/run", null);
    assertEquals(200, run.status(), run.body());
    assertEquals("ready", run.json().path("state").asText());
    assertRefused(
        400, "invalid_request", served.post("/v1/tasks/" + id + "/run", "{\"now\":true}"));
    assertEquals(204, served.call("DELETE", "/v1/tasks/" + id, null).status());
    assertEquals("cancelled", served.get("/v1/tasks/" + id).json().path("state").asText());
    assertTrue(claim(1).isEmpty());
    assertRefused(
        404,
        "task_not_found",
        served.call("DELETE", "/v1/tasks/0193abcd-0000-7000-8000-000000000000", null));
  }

  @Test
  void theSameIdempotencyKeyCreatesOneTask() {
    Reply first = served.post("/v1/enqueue", task(",\"idempotency_key\":\"k\",\"delay\":60"));
    assertEquals(201, first.status());
    Reply second =
        served.post(
            "/v1/enqueue", task(",\"delay\":60.0,\"queue\":\"default\""), "Idempotency-Key", "k");
    assertEquals(200, second.status(), second.body());
    assertEquals("duplicate", second.json().path("status").asText());
    assertEquals(first.json().path("task_id"), second.json().path("task_id"));
    assertEquals(first.json().path("scheduled_time"), second.json().path("scheduled_time"));
    assertEquals("49", second.header("x-ratelimit-remaining"));
    assertTrue(second.header("x-durability").startsWith("replicas="));
    assertRefused(
        422,
        "idempotency_key_reused",
        served.post("/v1/enqueue", task(",\"idempotency_key\":\"k\"")));
    Reply both =
        served.post("/v1/enqueue", task(",\"idempotency_key\":\"k\""), "Idempotency-Key", "other");
    assertRefused(400, "invalid_request", both);
    assertEquals("Idempotency-Key", both.json().path("errors").path(0).path("header").asText());
  }

  @Test
  void aRejectedCallUsesUpNoRate() {
    assertEquals(
        200, served.post("/admin/clients/set", admin("{\"requests_per_min\":2}")).status());
    enqueued(task(",\"idempotency_key\":\"k\""));
    assertEquals(
        "0", served.post("/v1/enqueue", task(",\"delay\":1")).header("x-ratelimit-remaining"));
    Reply refused = served.post("/v1/enqueue", task(""));
    assertRefused(429, "rate_limited", refused);
    int retryAfter = Integer.parseInt(refused.header("retry-after"));
    assertTrue(retryAfter >= 1 && retryAfter <= 61, refused.header("retry-after"));
    assertEquals(2, refused.json().path("requests_per_min").asInt());
    assertEquals("abc", refused.json().path("client_id").asText());
    assertEquals(200, served.post("/v1/enqueue", task(",\"idempotency_key\":\"k\"")).status());
    assertEquals(1, Double.valueOf(scraped("task_runner_rate_limit_refusals_total")).intValue());
    assertEquals(
        2,
        Double.valueOf(scraped("task_runner_tasks_enqueued_total{queue=\"default\"}")).intValue());
    Reply lowered =
        served.post(
            "/v1/enqueue",
            "{\"client_id\":\"other\",\"rate_limit\":{\"max_concurrent\":1,\"requests_per_min\":99},\"task\":{\"url\":\"http://h\"}}");
    assertEquals(
        "{\"max_concurrent\":1,\"requests_per_min\":50}",
        lowered.json().path("rate_limit").toString());
  }

  private String scraped(String series) {
    return served
        .get("/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith(series + " "))
        .map(line -> line.substring(series.length() + 1))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aBatchReportsTheResultOfEachItem() {
    served.post("/admin/clients/set", "{\"client_id\":\"low-only\",\"allowed_queues\":[\"low\"]}");
    Reply reply =
        served.post(
            "/v1/enqueue/batch",
            "{\"client_id\":\"abc\",\"queue\":\"low\",\"tasks\":["
                + "{\"task\":{\"url\":\"http://h/1\"},\"idempotency_key\":\"k\"},"
                + "{\"task\":{\"url\":\"http://h/1\"},\"idempotency_key\":\"k\",\"queue\":\"low\"},"
                + "{\"task\":{\"url\":\"nope\"},\"dealy\":1},"
                + "7,"
                + "{\"task\":{\"url\":\"http://h/2\"},\"queue\":\"nowhere\"},"
                + "{\"task\":{\"url\":\"http://h/3\"},\"client_id\":\"low-only\",\"queue\":\"default\"},"
                + "{\"task\":{\"url\":\"http://h/4\"},\"client_id\":\"low-only\"}]}");
    assertEquals(207, reply.status(), reply.body());
    JsonNode json = reply.json();
    assertEquals(2, json.path("enqueued").asInt(), reply.body());
    assertEquals(1, json.path("duplicate").asInt());
    assertEquals(4, json.path("rejected").asInt());
    JsonNode results = json.path("results");
    assertEquals("enqueued", results.path(0).path("status").asText());
    assertEquals("duplicate", results.path(1).path("status").asText());
    assertEquals(results.path(0).path("task_id"), results.path(1).path("task_id"));
    assertEquals(
        "{\"status\":\"rejected\",\"code\":\"invalid_request\",\"detail\":\"task.url: must begin with http:// or https://; dealy: unknown field\"}",
        results.path(2).toString());
    assertEquals("tasks.3: 7 (expected: an object)", results.path(3).path("detail").asText());
    assertEquals("queue_not_found", results.path(4).path("code").asText());
    assertEquals("queue_not_allowed", results.path(5).path("code").asText());
    assertEquals(
        "low",
        served
            .get("/v1/tasks/" + results.path(6).path("task_id").asText())
            .json()
            .path("queue")
            .asText());
  }

  @Test
  void errorsOutsideTheItemsRejectTheBatch() {
    String item = "{\"task\":{\"url\":\"http://h\"}}";
    for (String body :
        List.of(
            "{}",
            "{\"client_id\":\"abc\"}",
            "{\"client_id\":\"abc\",\"tasks\":[]}",
            "{\"client_id\":\"abc\",\"tasks\":{}}",
            "{\"client_id\":\"abc\",\"tasks\":[" + (item + ",").repeat(1000) + item + "]}",
            "{\"client_id\":\"a\",\"tasks\":[" + item + "]}",
            "{\"client_id\":\"abc\",\"tasks\":[" + item + "],\"dealy\":1}",
            "{\"client_id\":\"abc\",\"tasks\":[" + item + "],\"delay\":-1}",
            "{\"client_id\":\"abc\",\"tasks\":[" + item + "],\"idempotency_key\":\"k\"}",
            "{\"client_id\":\"abc\",\"tasks\":[" + item + "],\"retry\":{\"max\":1}}")) {
      assertRefused(400, "invalid_request", served.post("/v1/enqueue/batch", body));
    }
    String good = "{\"client_id\":\"abc\",\"tasks\":[" + item + "]}";
    assertRefused(
        400, "invalid_request", served.post("/v1/enqueue/batch", good, "Idempotency-Key", "k"));
    String keyed =
        served
            .post("/admin/clients/set", "{\"client_id\":\"abc\"}")
            .json()
            .path("client_id")
            .asText();
    assertEquals(201, served.post("/admin/clients/" + keyed + "/keys", null).status());
    assertRefused(401, "unauthenticated", served.post("/v1/enqueue/batch", good));
    served.post("/admin/clients/set", "{\"client_id\":\"abc\",\"enabled\":false}");
    assertRefused(403, "client_disabled", served.post("/v1/enqueue/batch", good));
  }

  @Test
  void aBatchOfAThousandIsAccepted() {
    served.post("/admin/clients/set", admin("{\"requests_per_min\":1000}"));
    String item = "{\"task\":{\"url\":\"http://h\",\"body\":\"" + "x".repeat(2000) + "\"}}";
    Reply reply =
        served.post(
            "/v1/enqueue/batch",
            "{\"client_id\":\"abc\",\"tasks\":[" + (item + ",").repeat(999) + item + "]}");
    assertEquals(1000, reply.json().path("enqueued").asInt(), reply.body());
    assertEquals(1000, served.get("/v1/queues/default").json().path("stats").path("ready").asInt());
  }

  @Test
  void tasksAreListedPageByPage() {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      ids.add(enqueued(task(",\"delay\":" + (100 + i) + ",\"labels\":{\"n\":\"" + i % 2 + "\"}")));
    }
    List<String> seen = new ArrayList<>();
    String cursor = "";
    do {
      JsonNode page = served.get("/v1/tasks?queue=default&state=scheduled&limit=2" + cursor).json();
      seen.addAll(page.path("tasks").findValuesAsText("task_id"));
      cursor =
          page.path("next_cursor").isNull() ? "" : "&cursor=" + page.path("next_cursor").asText();
    } while (!cursor.isEmpty());
    assertEquals(ids, seen);
    assertEquals(
        List.of(ids.get(3), ids.get(1)),
        served
            .get("/v1/tasks?label=n:1&state=scheduled")
            .json()
            .path("tasks")
            .findValuesAsText("task_id"));
    JsonNode none = served.get("/v1/tasks?client_id=nobody").json();
    assertEquals(0, none.path("tasks").size());
    assertTrue(none.path("next_cursor").isNull());
    for (String query :
        List.of(
            "limit=0",
            "limit=1001",
            "limit=x",
            "state=done",
            "queue=a%20b",
            "client_id=a",
            "label=x",
            "label=:x",
            "cursor=!",
            "limit=1&limit=2")) {
      Reply reply = served.get("/v1/tasks?" + query);
      assertRefused(400, "invalid_request", reply);
      assertEquals(
          query.substring(0, query.indexOf('=')),
          reply.json().path("errors").path(0).path("parameter").asText(),
          query);
    }
  }

  @Test
  void queuesAreCreatedChangedPausedAndDeleted() {
    Reply made =
        served.call(
            "PUT",
            "/v1/queues/mail",
            "{\"weight\":5,\"max_dispatches_per_sec\":2.5,\"retry\":{\"max_retries\":2},\"timeout_sec\":30}");
    assertEquals(201, made.status(), made.body());
    assertEquals(
        "{\"name\":\"mail\",\"weight\":5,\"paused\":false,\"max_dispatches_per_sec\":2.5,\"max_burst\":1,\"max_concurrent\":null,"
            + "\"retry\":{\"max_retries\":2},\"timeout_sec\":30,\"dead_retention_sec\":2592000,\"dead_max\":100000,"
            + "\"dead_max_bytes\":268435456,\"done_max\":100000,\"stats\":{\"scheduled\":0,\"ready\":0,\"active\":0,\"retry\":0,"
            + "\"dead\":0,\"succeeded\":0,\"cancelled\":0,\"oldest_ready_age_sec\":0}}",
        made.body());
    assertEquals(made.body(), served.get("/v1/queues/mail").body());
    assertTrue(served.post("/v1/queues/mail/pause", null).json().path("paused").asBoolean());
    Reply replaced = served.call("PUT", "/v1/queues/mail", null);
    assertEquals(200, replaced.status());
    assertEquals(1, replaced.json().path("weight").asInt());
    assertTrue(replaced.json().path("paused").asBoolean(), "a pause stays");
    enqueued(task(",\"queue\":\"mail\""));
    assertTrue(claim(1).isEmpty());
    assertEquals(1, served.get("/v1/queues/mail").json().path("stats").path("ready").asInt());
    assertRefused(409, "queue_not_empty", served.call("DELETE", "/v1/queues/mail", null));
    assertEquals(200, served.post("/v1/queues/mail/purge", "{}").status());
    assertEquals(0, served.get("/v1/queues/mail").json().path("stats").path("ready").asInt());
    assertFalse(served.post("/v1/queues/mail/resume", "").json().path("paused").asBoolean(true));
    assertEquals(204, served.call("DELETE", "/v1/queues/mail?force=true", null).status());
    assertRefused(404, "queue_not_found", served.get("/v1/queues/mail"));
    assertRefused(404, "queue_not_found", served.post("/v1/enqueue", task(",\"queue\":\"mail\"")));
    for (String name : List.of("critical", "default", "low")) {
      assertRefused(
          409, "built_in", served.call("DELETE", "/v1/queues/" + name + "?force=true", null));
    }
    assertEquals(
        List.of("critical", "default", "low"),
        served.get("/v1/queues").json().path("queues").findValuesAsText("name"));
    assertEquals(6, served.call("PUT", "/v1/queues/critical", "{}").json().path("weight").asInt());
  }

  @Test
  void invalidQueuesAreRejected() {
    for (String path :
        List.of(
            "/v1/queues/nowhere/pause",
            "/v1/queues/nowhere/resume",
            "/v1/queues/nowhere/purge",
            "/v1/queues/nowhere/dead/replay")) {
      assertRefused(404, "queue_not_found", served.post(path, null));
    }
    assertRefused(404, "queue_not_found", served.call("DELETE", "/v1/queues/nowhere/dead", null));
    assertRefused(404, "queue_not_found", served.call("DELETE", "/v1/queues/nowhere", null));
    assertRefused(
        400, "invalid_request", served.call("DELETE", "/v1/queues/default?force=maybe", null));
    assertRefused(400, "invalid_request", served.call("PUT", "/v1/queues/a%20b", "{}"));
    for (String body :
        List.of(
            "{\"weight\":0}",
            "{\"weight\":101}",
            "{\"weight\":1.5}",
            "{\"max_dispatches_per_sec\":0}",
            "{\"max_burst\":0}",
            "{\"max_concurrent\":-1}",
            "{\"name\":\"q\"}",
            "{\"retry\":{\"x\":1}}",
            "{\"timeout_sec\":0}",
            "{\"dead_max\":-1}",
            "[]")) {
      assertRefused(400, "invalid_request", served.call("PUT", "/v1/queues/q", body));
    }
    assertRefused(404, "queue_not_found", served.get("/v1/queues/q"));
  }

  @Test
  void deadTasksAreReplayedOrDropped() {
    for (int i = 0; i < 3; i++) {
      enqueued(task(""));
    }
    for (Claim claim : claim(3)) {
      settle(claim, new Verdict.Bury(), OptionalInt.of(400), Optional.empty());
    }
    assertEquals(3, served.get("/v1/queues/default").json().path("stats").path("dead").asInt());
    Reply replayed =
        served.post("/v1/queues/default/dead/replay", "{\"limit\":1,\"client_id\":\"abc\"}");
    assertEquals(200, replayed.status(), replayed.body());
    assertEquals(1, replayed.json().path("replayed").asInt());
    assertEquals("default", replayed.json().path("name").asText());
    assertEquals(2, replayed.json().path("stats").path("dead").asInt());
    assertEquals(
        0,
        served
            .post("/v1/queues/default/dead/replay", "{\"client_id\":\"nobody\"}")
            .json()
            .path("replayed")
            .asInt());
    assertRefused(
        400, "invalid_request", served.post("/v1/queues/default/dead/replay", "{\"limit\":0}"));
    assertEquals(204, served.call("DELETE", "/v1/queues/default/dead", null).status());
    // The store drops them step by step.
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (served.get("/v1/queues/default").json().path("stats").path("dead").asInt() > 0) {
      assertTrue(System.nanoTime() < deadline, "dropped tasks are still there");
    }
    assertEquals(
        0, served.post("/v1/queues/default/dead/replay", null).json().path("replayed").asInt());
  }

  @Test
  void theGlobalPauseStopsAllQueues() {
    enqueued(task(""));
    assertEquals("{\"paused\":true}", served.post("/admin/dispatch/pause", null).body());
    assertTrue(claim(1).isEmpty());
    assertEquals("{\"paused\":false}", served.post("/admin/dispatch/resume", null).body());
    assertEquals(1, claim(1).size());
  }

  @Test
  void clientsAreSetShownAndDeleted() {
    Reply made =
        served.call("PUT", "/admin/clients/set", "{\"client_id\":\"abc\",\"tier\":\"premium\"}");
    assertEquals(200, made.status(), made.body());
    JsonNode client = made.json();
    assertEquals(
        "{\"max_concurrent\":20,\"requests_per_min\":1000}", client.path("rate_limit").toString());
    assertTrue(client.path("enabled").asBoolean());
    assertTrue(client.path("allowed_queues").isNull());
    Instant.parse(client.path("created_at").asText());
    Instant.parse(client.path("updated_at").asText());
    assertEquals(
        "{\"max_concurrent\":20,\"requests_per_min\":7}",
        set(admin("{\"requests_per_min\":7}")).path("rate_limit").toString());
    assertEquals(
        "{\"max_concurrent\":3,\"requests_per_min\":7}",
        set(admin("{\"max_concurrent\":3}")).path("rate_limit").toString());
    assertEquals(
        "{\"max_concurrent\":3,\"requests_per_min\":1000}",
        set(admin("{\"requests_per_min\":null}")).path("rate_limit").toString());
    assertEquals(
        "{\"max_concurrent\":20,\"requests_per_min\":1000}",
        set(admin("null")).path("rate_limit").toString());
    assertEquals(
        "[\"low\"]",
        set("{\"client_id\":\"abc\",\"allowed_queues\":[\"low\"]}")
            .path("allowed_queues")
            .toString());
    assertEquals("premium", set("{\"client_id\":\"abc\",\"enabled\":false}").path("tier").asText());
    JsonNode got = served.get("/admin/clients/get?client_id=abc").json();
    assertFalse(got.path("enabled").asBoolean(true));
    assertEquals("[\"low\"]", got.path("allowed_queues").toString());
    assertTrue(
        set("{\"client_id\":\"abc\",\"allowed_queues\":null}").path("allowed_queues").isNull());
    assertEquals(
        "[\"projects/p/*\",\"projects/p/locations/l/queues/q\"]",
        set("{\"client_id\":\"abc\",\"allowed_queues\":"
                + "[\"projects/p/*\",\"projects/p/locations/l/queues/q\"]}")
            .path("allowed_queues")
            .toString());
    assertFalse(got.has("service_accounts"));
    assertEquals(
        "[\"a@example.com\"]",
        set("{\"client_id\":\"abc\",\"service_accounts\":[\"a@example.com\"]}")
            .path("service_accounts")
            .toString());
    assertFalse(set("{\"client_id\":\"abc\",\"service_accounts\":null}").has("service_accounts"));
    JsonNode list = served.get("/admin/clients").json();
    assertEquals(1, list.path("count").asInt());
    assertEquals("abc", list.path("clients").path(0).path("client_id").asText());
    assertRefused(403, "client_disabled", served.post("/v1/enqueue", task("")));
    assertEquals(204, served.call("DELETE", "/admin/clients/delete?client_id=abc", null).status());
    assertRefused(404, "client_not_found", served.get("/admin/clients/get?client_id=abc"));
    assertRefused(
        404,
        "client_not_found",
        served.call("DELETE", "/admin/clients/delete?client_id=abc", null));
    assertRefused(403, "client_disabled", served.post("/v1/enqueue", task("")));
    assertRefused(400, "invalid_request", served.get("/admin/clients/get"));
    assertRefused(
        400,
        "invalid_request",
        served.post("/admin/clients/set", "{\"client_id\":\"abc\",\"tier\":\"gold\"}"));
    for (String body :
        List.of(
            "{}",
            "{\"client_id\":\"abc\",\"enabled\":1}",
            admin("{\"requests_per_min\":0}"),
            admin("5"),
            "{\"client_id\":\"abc\",\"allowed_queues\":[\"a b\"]}",
            "{\"client_id\":\"abc\",\"allowed_queues\":[\"projects/p/queues/q\"]}",
            "{\"client_id\":\"abc\",\"service_accounts\":[\"a,b\"]}",
            "{\"client_id\":\"abc\",\"x\":1}")) {
      assertRefused(400, "invalid_request", served.post("/admin/clients/set", body));
    }
    assertRefused(
        415,
        "unsupported_media_type",
        served.post("/admin/clients/set", "{}", "Content-Type", "text/plain"));
  }

  private JsonNode set(String body) {
    Reply reply = served.post("/admin/clients/set", body);
    assertEquals(200, reply.status(), reply.body());
    return reply.json();
  }

  @Test
  void keysAreCreatedRotatedAndRevoked() {
    assertRefused(404, "client_not_found", served.post("/admin/clients/abc/keys", null));
    set("{\"client_id\":\"abc\"}");
    Reply made = served.post("/admin/clients/abc/keys", null);
    assertEquals(201, made.status());
    assertEquals("no-store", made.header("cache-control"));
    String key = made.json().path("key").asText();
    assertTrue(key.matches("tr_[A-Za-z0-9_-]{43}"), key);
    assertTrue(made.json().path("name").isNull());
    assertEquals("[\"enqueue\",\"read\",\"operate\"]", made.json().path("scopes").toString());
    String other = served.post("/admin/clients/abc/keys", "{}").json().path("key").asText();
    for (String wrong :
        List.of(
            "{\"scopes\":[]}",
            "{\"scopes\":[\"write\"]}",
            "{\"scopes\":[\"read\",\"read\"]}",
            "{\"scopes\":\"read\"}",
            "{\"name\":\"a b\"}",
            "{\"name\":\"\"}",
            "{\"scope\":[\"read\"]}")) {
      Reply refused = served.post("/admin/clients/abc/keys", wrong);
      assertRefused(400, "invalid_request", refused);
      assertEquals(1, refused.json().path("errors").size(), refused.body());
    }
    Reply narrow =
        served.post(
            "/admin/clients/abc/keys", "{\"name\":\"ci\",\"scopes\":[\"operate\",\"read\"]}");
    assertEquals(201, narrow.status(), narrow.body());
    String[] reader = {"X-API-Key", narrow.json().path("key").asText()};
    assertEquals(200, served.get("/v1/tasks", reader).status());
    assertRefused(403, "scope_missing", served.post("/v1/enqueue", task(""), reader));
    Reply listed = served.get("/admin/clients/abc/keys");
    assertEquals(3, listed.json().path("keys").size());
    assertFalse(listed.body().contains("tr_"), listed.body());
    JsonNode ci =
        listed
            .json()
            .path("keys")
            .valueStream()
            .filter(item -> item.path("name").asText().equals("ci"))
            .findAny()
            .orElseThrow();
    assertEquals(narrow.json().path("key_id"), ci.path("key_id"));
    assertEquals("[\"read\",\"operate\"]", ci.path("scopes").toString());
    assertTrue(Instant.parse(ci.path("created_at").asText()).isAfter(Instant.EPOCH));
    assertRefused(404, "client_not_found", served.get("/admin/clients/nobody/keys"));
    assertNotEquals(key, other);
    assertRefused(401, "unauthenticated", served.post("/v1/enqueue", task("")));
    assertEquals(
        201, served.post("/v1/enqueue", task(""), "Authorization", "Bearer " + key).status());
    assertEquals(
        201,
        served
            .post("/v1/enqueue", "{\"task\":{\"url\":\"http://h\"}}", "X-API-Key", other)
            .status());
    String keyId = made.json().path("key_id").asText();
    assertEquals(204, served.call("DELETE", "/admin/clients/abc/keys/" + keyId, null).status());
    assertRefused(
        401,
        "unauthenticated",
        served.post("/v1/enqueue", task(""), "Authorization", "Bearer " + key));
    assertEquals(201, served.post("/v1/enqueue", task(""), "X-API-Key", other).status());
    assertRefused(
        404, "key_not_found", served.call("DELETE", "/admin/clients/abc/keys/" + keyId, null));
    assertRefused(
        404,
        "client_not_found",
        served.call("DELETE", "/admin/clients/nobody/keys/" + keyId, null));
    assertEquals(
        0, REDIS.redis().sync().keys("*").stream().filter(name -> name.contains(key)).count());
  }

  @Test
  void adminKeysAreCreatedShownOnceReplacedAndRevoked() {
    Reply made = served.post("/admin/keys", "{\"name\":\"deploys\"}");
    assertEquals(201, made.status(), made.body());
    assertEquals("no-store", made.header("cache-control"));
    String first = made.json().path("key").asText();
    assertTrue(first.matches("tra_[A-Za-z0-9_-]{43}"), first);
    assertFalse(made.json().path("read_only").asBoolean(true));
    assertEquals(200, served.get("/admin/keys", "X-Admin-Key", first).status());
    assertEquals(201, served.post("/admin/keys", "{\"name\":\"see\",\"read_only\":true}").status());
    Reply listed = served.get("/admin/keys");
    assertEquals(List.of("deploys", "see"), listed.json().path("keys").findValuesAsText("name"));
    assertTrue(listed.json().at("/keys/1/read_only").asBoolean());
    assertFalse(listed.body().contains("tra_"), listed.body());
    assertRefused(409, "key_exists", served.post("/admin/keys", "{\"name\":\"deploys\"}"));
    assertEquals(200, served.get("/admin/keys", "X-Admin-Key", first).status());
    String second =
        served
            .post("/admin/keys", "{\"name\":\"deploys\",\"replace\":true,\"keep_sec\":3600}")
            .json()
            .path("key")
            .asText();
    assertEquals(200, served.get("/admin/keys", "X-Admin-Key", first).status());
    Reply both = served.get("/admin/keys", "X-Admin-Key", second);
    assertTrue(both.json().at("/keys/0/ends_at").isNull(), both.body());
    assertTrue(both.json().at("/keys/1/ends_at").isTextual(), both.body());
    assertEquals(
        "admin key replaced", served.get("/admin/audit").json().at("/entries/0/what").asText());
    second =
        served
            .post("/admin/keys", "{\"name\":\"deploys\",\"replace\":true}")
            .json()
            .path("key")
            .asText();
    assertRefused(401, "unauthenticated", served.get("/admin/keys", "X-Admin-Key", first));
    assertEquals(200, served.get("/admin/keys", "X-Admin-Key", second).status());
    assertEquals(204, served.call("DELETE", "/admin/keys/deploys", null).status());
    assertRefused(401, "unauthenticated", served.get("/admin/keys", "X-Admin-Key", second));
    assertRefused(404, "key_not_found", served.call("DELETE", "/admin/keys/deploys", null));
    for (String wrong :
        List.of(
            "{}",
            "{\"name\":\"root\"}",
            "{\"name\":\"loopback\"}",
            "{\"name\":\"a b\"}",
            "{\"name\":\"x\",\"read_only\":1}",
            "{\"name\":\"x\",\"keep_sec\":1}",
            "{\"name\":\"x\",\"replace\":true,\"keep_sec\":2592001}",
            "{\"name\":\"x\",\"scopes\":[]}")) {
      assertRefused(400, "invalid_request", served.post("/admin/keys", wrong));
    }
    for (String hidden : List.of(first, second)) {
      assertFalse(
          REDIS.redis().sync().hgetall("tr:{config}:admin_keys").toString().contains(hidden));
    }
    for (int i = 0; i < 99; i++) {
      assertEquals(
          Put.MADE, store.adminKeys().put("k" + i, "digest" + i, false, false, Duration.ZERO));
    }
    assertRefused(409, "too_many_keys", served.post("/admin/keys", "{\"name\":\"more\"}"));
    assertEquals(201, served.post("/admin/keys", "{\"name\":\"k7\",\"replace\":true}").status());
  }

  @Test
  void changesOfAdminsAreInTheAuditTrail() {
    String key = served.post("/admin/keys", "{\"name\":\"deploys\"}").json().path("key").asText();
    String[] deploys = {"X-Admin-Key", key, "X-Request-ID", "my-call-7"};
    assertEquals(200, served.post("/v1/queues/low/pause", null, deploys).status());
    set("{\"client_id\":\"abc\"}");
    String secret = served.post("/admin/clients/abc/keys", null).json().path("key").asText();
    assertRefused(404, "queue_not_found", served.post("/v1/queues/none/pause", null, deploys));
    Reply all = served.get("/admin/audit");
    assertEquals(
        List.of("key created", "client set", "queue paused", "admin key created"),
        all.json().path("entries").findValuesAsText("what"));
    assertTrue(all.json().path("next_cursor").isNull());
    assertFalse(all.body().contains(key) || all.body().contains(secret), all.body());
    JsonNode paused = served.get("/admin/audit?who=deploys").json().path("entries").path(0);
    assertEquals("deploys", paused.path("who").asText());
    assertEquals("my-call-7", paused.path("request_id").asText());
    assertEquals("{\"queue\":\"low\"}", paused.path("details").toString());
    assertTrue(Instant.parse(paused.path("time").asText()).isAfter(Instant.EPOCH));
    assertEquals(
        "loopback", served.get("/admin/audit?what=client").json().at("/entries/0/who").asText());
    JsonNode page = served.get("/admin/audit?limit=3").json();
    JsonNode rest =
        served.get("/admin/audit?limit=3&cursor=" + page.path("next_cursor").asText()).json();
    assertEquals(List.of("admin key created"), rest.path("entries").findValuesAsText("what"));
    assertTrue(rest.path("next_cursor").isNull());
    assertRefused(400, "invalid_request", served.get("/admin/audit?cursor=x"));
    assertRefused(400, "invalid_request", served.get("/admin/audit?limit=0"));
  }

  @Test
  void workersAreListedUntilTheyStopAndTheirSlotsAreCounted() {
    store
        .workers()
        .beat(
            new WorkersStore.Facts(
                WORKER, "host-a", "1.2.3", 4, 1, false, Instant.ofEpochSecond(1)));
    JsonNode worker = served.get("/admin/workers").json().path("workers").path(0);
    assertEquals(WORKER, worker.path("id").asText());
    assertEquals("host-a", worker.path("host").asText());
    assertEquals("1.2.3", worker.path("version").asText());
    assertEquals(4, worker.path("slots").asInt());
    assertEquals(1, worker.path("running").asInt());
    assertTrue(worker.path("alive").asBoolean());
    assertEquals("1970-01-01T00:00:01.000Z", worker.path("started_time").asText());

    enqueued("{\"client_id\":\"abc\",\"task\":{\"url\":\"http://h/\"}}");
    enqueued("{\"client_id\":\"abc\",\"task\":{\"url\":\"http://h/\"}}");
    JsonNode stats = served.get("/v1/stats").json();
    assertEquals(2, stats.path("ready").asInt());
    assertEquals(1, stats.path("workers").asInt());
    assertEquals(4, stats.path("slots").asInt());
    assertEquals(0.5, stats.path("ready_per_slot").asDouble());

    store.workers().gone(WORKER);
    assertEquals("{\"workers\":[]}", served.get("/admin/workers").body());
    assertEquals(2.0, served.get("/v1/stats").json().path("ready_per_slot").asDouble());
  }

  @Test
  void tiersAreListedCreatedAndDeleted() {
    assertEquals(
        "{\"tiers\":{\"free\":{\"max_concurrent\":1,\"requests_per_min\":10},\"basic\":{\"max_concurrent\":5,\"requests_per_min\":100},"
            + "\"premium\":{\"max_concurrent\":20,\"requests_per_min\":1000},\"enterprise\":{\"max_concurrent\":50,\"requests_per_min\":5000},"
            + "\"default\":{\"max_concurrent\":3,\"requests_per_min\":50}}}",
        served.get("/admin/tiers").body());
    Reply put =
        served.call("PUT", "/admin/tiers/gold", "{\"max_concurrent\":9,\"requests_per_min\":99}");
    assertEquals(200, put.status());
    assertEquals(
        9,
        served
            .get("/admin/tiers")
            .json()
            .path("tiers")
            .path("gold")
            .path("max_concurrent")
            .asInt());
    assertEquals("gold", set("{\"client_id\":\"abc\",\"tier\":\"gold\"}").path("tier").asText());
    assertRefused(409, "tier_in_use", served.call("DELETE", "/admin/tiers/gold", null));
    set("{\"client_id\":\"abc\",\"tier\":\"free\"}");
    assertEquals(204, served.call("DELETE", "/admin/tiers/gold", null).status());
    assertRefused(404, "tier_not_found", served.call("DELETE", "/admin/tiers/gold", null));
    assertRefused(409, "built_in", served.call("DELETE", "/admin/tiers/free", null));
    assertRefused(
        400, "invalid_request", served.call("PUT", "/admin/tiers/gold", "{\"max_concurrent\":9}"));
    assertRefused(
        400,
        "invalid_request",
        served.call("PUT", "/admin/tiers/g%20d", "{\"max_concurrent\":9,\"requests_per_min\":1}"));
  }

  @Test
  void signingSecretsAreCreatedRotatedShownAndDeleted() {
    String path = "/admin/clients/abc/signing-secret";
    assertRefused(404, "client_not_found", served.call("PUT", path, null));
    assertRefused(404, "client_not_found", served.get(path));
    assertRefused(404, "client_not_found", served.call("DELETE", path, null));
    set("{\"client_id\":\"abc\"}");
    assertRefused(404, "signing_secret_not_found", served.get(path));
    assertRefused(404, "signing_secret_not_found", served.call("DELETE", path, null));
    for (String wrong :
        List.of("{\"type\":\"rsa\"}", "{\"type\":1}", "{\"secret\":\"whsec_AAAA\"}")) {
      assertRefused(400, "invalid_request", served.call("PUT", path, wrong));
    }
    assertRefused(404, "signing_secret_not_found", served.get(path));

    Reply made = served.call("PUT", path, null);
    assertEquals(201, made.status(), made.body());
    assertEquals("no-store", made.header("cache-control"));
    String secret = made.json().path("secret").asText();
    assertTrue(secret.matches("whsec_[A-Za-z0-9+/]{43}="), secret);
    assertEquals(
        "{\"type\":\"hmac\",\"secret\":\""
            + secret
            + "\",\"public_key\":null,\"previous_valid_until\":null}",
        made.body());
    assertRefused(401, "unauthenticated", served.post("/v1/enqueue", task("")));

    Reply rotated = served.call("PUT", path, "{\"type\":\"ed25519\"}");
    assertEquals(200, rotated.status(), rotated.body());
    String pair = rotated.json().path("secret").asText();
    String open = rotated.json().path("public_key").asText();
    assertTrue(pair.matches("whsk_[A-Za-z0-9+/]{86}=="), "a key pair");
    assertTrue(open.matches("whpk_[A-Za-z0-9+/]{43}="), open);
    Instant until = Instant.parse(rotated.json().path("previous_valid_until").asText());
    assertTrue(until.isAfter(Instant.parse("2026-01-01T00:00:00Z")), until.toString());

    Reply shown = served.get(path);
    assertEquals("ed25519", shown.json().path("type").asText());
    assertEquals(open, shown.json().path("public_key").asText());
    assertEquals(
        until.toString(),
        Instant.parse(shown.json().path("previous_valid_until").asText()).toString());
    JsonNode previous = shown.json().path("previous");
    assertEquals(1, previous.size());
    assertEquals("hmac", previous.get(0).path("type").asText());
    assertTrue(previous.get(0).path("public_key").isNull());
    for (String said :
        List.of(
            shown.body(),
            served.get("/admin/clients").body(),
            served.get("/admin/clients/get?client_id=abc").body())) {
      assertFalse(said.contains(secret.substring(6)) || said.contains(pair.substring(5)), said);
    }

    for (int i = 0; i < 3; i++) {
      assertEquals(200, served.call("PUT", path, "{}").status());
    }
    Reply tooMany = served.call("PUT", path, null);
    assertRefused(409, "too_many_signing_secrets", tooMany);
    assertTrue(tooMany.json().path("detail").asText().contains("DELETE"), tooMany.body());
    assertEquals(204, served.call("DELETE", path, null).status());
    assertRefused(404, "signing_secret_not_found", served.call("DELETE", path, null));
    assertEquals(201, served.call("PUT", path, null).status());
  }

  @Test
  void theBacklogLimitsOfAClientAreSetShownAndEnforced() {
    JsonNode client = set("{\"client_id\":\"abc\"}");
    assertTrue(client.path("max_waiting").isNull(), client.toString());
    assertTrue(client.path("max_waiting_bytes").isNull(), client.toString());
    client = set("{\"client_id\":\"abc\",\"max_waiting\":2,\"max_waiting_bytes\":10}");
    assertEquals(2, client.path("max_waiting").asInt());
    assertEquals(10, client.path("max_waiting_bytes").asInt());
    client = set("{\"client_id\":\"abc\",\"tier\":\"basic\"}");
    assertEquals(2, client.path("max_waiting").asInt(), "what is left out keeps its value");
    for (String wrong :
        List.of(
            "\"max_waiting\":0",
            "\"max_waiting\":\"many\"",
            "\"max_waiting\":1000000001",
            "\"max_waiting_bytes\":0",
            "\"max_waiting_bytes\":1.5",
            "\"max_waiting_bytes\":100000000000001")) {
      assertRefused(
          400,
          "invalid_request",
          served.post("/admin/clients/set", "{\"client_id\":\"abc\"," + wrong + "}"));
    }

    String big =
        "{\"client_id\":\"abc\",\"task\":{\"url\":\"http://h/\",\"body\":\"12345678901\"}}";
    Reply refused = served.post("/v1/enqueue", big);
    assertRefused(429, "backlog_full", refused);
    assertEquals("5", refused.header("retry-after"));
    assertEquals("abc", refused.json().path("client_id").asText());
    assertEquals(10, refused.json().path("max_waiting_bytes").asInt());
    assertEquals(0, refused.json().path("waiting_bytes").asInt());
    assertEquals(
        "The bodies of the unfinished tasks of client \"abc\" have 0 bytes; 11 more would exceed its max_waiting_bytes of 10.",
        refused.json().path("detail").asText());
    String item = "{\"task\":{\"url\":\"http://h/\"}}";
    Reply batch =
        served.post(
            "/v1/enqueue/batch",
            "{\"client_id\":\"abc\",\"tasks\":[" + item + "," + item + "," + item + "]}");
    assertEquals(2, batch.json().path("enqueued").asInt(), batch.body());
    assertEquals("backlog_full", batch.json().path("results").get(2).path("code").asText());
    refused = served.post("/v1/enqueue", task(""));
    assertRefused(429, "backlog_full", refused);
    assertEquals(
        "Client \"abc\" has 2 unfinished tasks and has reached its max_waiting of 2.",
        refused.json().path("detail").asText());
    assertEquals(2, refused.json().path("waiting").asInt());
    assertEquals(2, refused.json().path("max_waiting").asInt());

    client = set("{\"client_id\":\"abc\",\"max_waiting\":null}");
    assertTrue(client.path("max_waiting").isNull(), client.toString());
    assertEquals(10, client.path("max_waiting_bytes").asInt());
    enqueued(task(""));
  }

  @Test
  void theCallbackOfATaskIsValidatedStoredAndShown() {
    String good = "\"url\":\"https://h/done?key=s\"";
    for (Map.Entry<String, String> wrong :
        Map.of(
                "{}",
                "/callback/url",
                "{\"url\":\"ftp://h/\"}",
                "/callback/url",
                "{\"url\":\"http://u@h/\"}",
                "/callback/url",
                "{" + good + ",\"on\":[]}",
                "/callback/on",
                "{" + good + ",\"on\":[\"failed\"]}",
                "/callback/on/0",
                "{" + good + ",\"on\":\"dead\"}",
                "/callback/on",
                "{" + good + ",\"headers\":{\"webhook-id\":\"x\"}}",
                "/callback/headers/webhook-id",
                "{" + good + ",\"body\":\"x\"}",
                "/callback/body",
                "\"http://h/\"",
                "/callback")
            .entrySet()) {
      Reply reply = served.post("/v1/enqueue", task(",\"callback\":" + wrong.getKey()));
      assertRefused(400, "invalid_request", reply);
      assertEquals(
          wrong.getValue(),
          reply.json().path("errors").get(0).path("pointer").asText(),
          reply.body());
    }
    String id =
        enqueued(
            task(
                ",\"idempotency_key\":\"k\",\"labels\":{\"a\":\"b\"},\"callback\":{"
                    + good
                    + ",\"headers\":{\"X-Token\":\"s\",\"X-A\":\"b\"}}"));
    JsonNode task = served.get("/v1/tasks/" + id).json();
    assertEquals(
        "{\"url\":\"https://h/done?key=***\",\"headers\":{\"X-Token\":\"***\",\"X-A\":\"b\"},\"on\":[\"succeeded\",\"dead\"]}",
        task.path("callback").toString());
    assertTrue(task.path("callback_of").isMissingNode());
    assertRefused(
        422,
        "idempotency_key_reused",
        served.post(
            "/v1/enqueue",
            task(
                ",\"idempotency_key\":\"k\",\"labels\":{\"a\":\"b\"},\"callback\":{"
                    + good
                    + ",\"on\":[\"dead\"],\"headers\":{\"X-Token\":\"s\",\"X-A\":\"b\"}}")));
    settle(claim(1).getFirst(), new Verdict.Succeed(), OptionalInt.of(204), Optional.empty());
    Claim told = claim(1).getFirst();
    JsonNode callback = served.get("/v1/tasks/" + told.id()).json();
    assertEquals(id, callback.path("callback_of").asText());
    assertTrue(callback.path("callback").isMissingNode());
    assertEquals("https://h/done?key=***", callback.path("request").path("url").asText());
    assertTrue(
        callback.path("request").path("body").asText().contains("\"labels\":{\"a\":\"b\"}"),
        callback.toString());

    Reply batch =
        served.post(
            "/v1/enqueue/batch",
            "{\"client_id\":\"abc\",\"tasks\":[{\"task\":{\"url\":\"http://h/\"},\"callback\":{"
                + good
                + ",\"on\":[\"cancelled\"]}},{\"task\":{\"url\":\"http://h/\"},\"callback\":{}}]}");
    assertEquals("enqueued", batch.json().path("results").get(0).path("status").asText());
    assertEquals("invalid_request", batch.json().path("results").get(1).path("code").asText());
  }

  @Test
  void tasksAreSearchedAndDeadTasksAreSummarized() {
    String id = enqueued(task(""));
    enqueued(task(",\"delay\":100"));
    JsonNode byHost = served.get("/v1/tasks?host=H&state=ready").json();
    assertEquals(id, byHost.at("/tasks/0/task_id").asText());
    assertEquals(1, byHost.path("tasks").size());
    assertEquals(1, byHost.path("examined").asInt());
    assertEquals(2, served.get("/v1/tasks?host=h:80").json().path("tasks").size());
    assertEquals(0, served.get("/v1/tasks?host=h:81").json().path("tasks").size());
    assertEquals(
        0, served.get("/v1/tasks?created_before=2026-01-01T00:00:00Z").json().path("tasks").size());
    assertEquals(
        2, served.get("/v1/tasks?due_after=2026-01-01T00:00:00Z").json().path("tasks").size());
    Reply wrong =
        served.get(
            "/v1/tasks?host=a%20b&status=99&error=bad&created_after=x&created_before=x&due_after=x&due_before=x");
    assertEquals(400, wrong.status());
    List<String> parameters = new ArrayList<>();
    wrong.json().path("errors").forEach(e -> parameters.add(e.path("parameter").asText()));
    assertEquals(
        List.of(
            "host",
            "status",
            "error",
            "created_after",
            "created_before",
            "due_after",
            "due_before"),
        parameters);
    JsonNode summary = served.get("/v1/queues/default/dead/summary").json();
    assertEquals("default", summary.path("queue").asText());
    assertEquals(0, summary.path("total").asInt());
    assertEquals(0, summary.path("groups").size());
    assertRefused(404, "queue_not_found", served.get("/v1/queues/none/dead/summary"));
  }
}
