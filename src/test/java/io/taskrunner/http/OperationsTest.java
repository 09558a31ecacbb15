package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.OperationStore.Run;
import io.taskrunner.store.OperationStore.Step;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The calls under {@code /v1/operations}, over real HTTP and a real Redis. */
class OperationsTest {

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

  private String key(String client, String allowedQueues) {
    String body = "{\"client_id\":\"" + client + "\",\"allowed_queues\":" + allowedQueues + "}";
    assertTrue(served.post("/admin/clients/set", body, ADMIN).status() / 100 == 2);
    Reply made = served.post("/admin/clients/" + client + "/keys", "{}", ADMIN);
    assertEquals(201, made.status(), made.body());
    return made.json().path("key").asText();
  }

  private static String[] with(String key) {
    return new String[] {"Authorization", "Bearer " + key};
  }

  private String enqueued(String client, String... headers) {
    Reply reply =
        served.post(
            "/v1/enqueue",
            "{\"client_id\":\"" + client + "\",\"delay\":900,\"task\":{\"url\":\"http://h/\"}}",
            headers);
    assertEquals(201, reply.status(), reply.body());
    return reply.json().path("task_id").asText();
  }

  private Reply begin(String body, String... headers) {
    return served.post("/v1/operations", body, headers);
  }

  private String begun(String body, String... headers) {
    Reply reply = begin(body, headers);
    assertEquals(202, reply.status(), reply.body());
    return reply.json().path("operation_id").asText();
  }

  /** Acts as the runner until everything has ended. */
  private void carryOut() {
    List<Run> runs =
        store.operations().lease("00000000000000aa", Duration.ofSeconds(30), List.of());
    for (Run run : runs) {
      while (!(run.step(100) instanceof Step.Over)) {}
    }
  }

  private JsonNode operation(String id) {
    Reply reply = served.get("/v1/operations/" + id, ADMIN);
    assertEquals(200, reply.status(), reply.body());
    return reply.json();
  }

  private void assertRefused(int status, String code, Reply reply) {
    assertEquals(status + " " + code, reply.status() + " " + reply.code(), reply.body());
  }

  @Test
  void anOperationIsShownFromStartToEnd() {
    String task = enqueued("abc");
    Reply begun =
        begin("{\"action\":\"cancel\",\"filter\":{\"queue\":\"default\"},\"per_sec\":2.5}", ADMIN);
    assertEquals(202, begun.status(), begun.body());
    JsonNode now = begun.json();
    assertEquals("cancel", now.path("action").asText());
    assertEquals("{\"queue\":\"default\"}", now.path("filter").toString());
    assertTrue(now.path("to_queue").isNull());
    assertEquals(2.5, now.path("per_sec").asDouble());
    assertFalse(now.path("dry_run").asBoolean(true));
    assertEquals("running", now.path("state").asText());
    assertEquals(1, now.path("total").asInt());
    assertEquals("[]", now.path("sample").toString());
    assertTrue(now.path("finished_time").isNull());
    assertFalse(now.has("error"));
    carryOut();
    JsonNode then = operation(now.path("operation_id").asText());
    assertEquals("done", then.path("state").asText());
    assertEquals(1, then.path("done").asInt());
    assertEquals(0, then.path("failed").asInt());
    assertEquals(0, then.path("skipped").asInt());
    assertEquals(1, then.path("total").asInt());
    assertEquals("[\"" + task + "\"]", then.path("sample").toString());
    assertFalse(then.path("finished_time").isNull());
    assertEquals("cancelled", served.get("/v1/tasks/" + task, ADMIN).json().path("state").asText());
  }

  @Test
  void selectedTasksAreOneOperation() {
    String first = enqueued("abc");
    String second = enqueued("abc");
    String other = enqueued("abc");
    Reply begun =
        begin(
            "{\"action\":\"cancel\",\"filter\":{\"ids\":[\"%s\",\"%s\"]}}".formatted(first, second),
            ADMIN);
    assertEquals(202, begun.status(), begun.body());
    assertEquals(
        "[\"" + first + "\",\"" + second + "\"]", begun.json().at("/filter/ids").toString());
    carryOut();
    assertEquals(2, operation(begun.json().path("operation_id").asText()).path("done").asInt());
    assertEquals(
        "cancelled", served.get("/v1/tasks/" + first, ADMIN).json().path("state").asText());
    assertEquals(
        "scheduled", served.get("/v1/tasks/" + other, ADMIN).json().path("state").asText());
    for (String ids : List.of("[]", "[\"x\"]", "\"x\"", "[1]")) {
      Reply reply = begin("{\"action\":\"cancel\",\"filter\":{\"ids\":" + ids + "}}", ADMIN);
      assertRefused(400, "invalid_request", reply);
      assertTrue(
          reply.json().at("/errors/0/pointer").asText().startsWith("/filter/ids"), reply.body());
    }
  }

  @Test
  void anEmptyFilterIsRejected() {
    for (String filter : List.of("{}", "{\"host\":\"h\"}", "{\"queue\":null}")) {
      Reply reply = begin("{\"action\":\"delete\",\"filter\":" + filter + "}", ADMIN);
      assertRefused(400, "invalid_request", reply);
      assertEquals("/filter", reply.json().at("/errors/0/pointer").asText());
      assertTrue(reply.json().path("detail").asText().contains("neither queue nor state"));
    }
    for (String body : List.of("{\"action\":\"delete\"}", "{}")) {
      assertRefused(400, "invalid_request", begin(body, ADMIN));
    }
    assertEquals(0, operations(ADMIN).size());
  }

  private JsonNode operations(String... headers) {
    return served.get("/v1/operations", headers).json().path("operations");
  }

  @Test
  void allErrorsAreReportedTogether() {
    Reply reply =
        begin(
            "{\"action\":\"eat\",\"filter\":{\"queue\":\"a b\",\"state\":\"gone\",\"client_id\":\"x\",\"label\":\"a\","
                + "\"host\":\"a/b\",\"status\":99,\"error\":\"oops\",\"created_after\":\"now\",\"created_before\":1,"
                + "\"due_after\":\"x\",\"due_before\":\"y\",\"more\":1},\"to_queue\":\"a/b\",\"per_sec\":0,\"dry_run\":1,\"x\":1}",
            ADMIN);
    assertRefused(400, "invalid_request", reply);
    List<String> pointers =
        reply.json().path("errors").valueStream().map(e -> e.path("pointer").asText()).toList();
    List<String> expected =
        Stream.of(
                "action",
                "filter/queue",
                "filter/state",
                "filter/client_id",
                "filter/label",
                "filter/host",
                "filter/status",
                "filter/error",
                "filter/created_after",
                "filter/created_before",
                "filter/due_after",
                "filter/due_before",
                "filter/more",
                "to_queue",
                "per_sec",
                "dry_run",
                "x")
            .map(name -> "/" + name)
            .toList();
    assertEquals(
        List.copyOf(expected).stream().sorted().toList(), pointers.stream().sorted().toList());
  }

  @Test
  void impossibleOperationsAreRejected() {
    String queue = "\"filter\":{\"queue\":\"default\"}";
    assertRefused(400, "invalid_request", begin("{\"action\":\"move\"," + queue + "}", ADMIN));
    assertRefused(
        400,
        "invalid_request",
        begin("{\"action\":\"move\",\"to_queue\":\"default\"," + queue + "}", ADMIN));
    assertRefused(
        400,
        "invalid_request",
        begin("{\"action\":\"run\",\"to_queue\":\"low\"," + queue + "}", ADMIN));
    String cloud = "projects/p/locations/l/queues/q";
    Reply ofCloud =
        begin(
            "{\"action\":\"move\",\"to_queue\":\"low\",\"filter\":{\"queue\":\"" + cloud + "\"}}",
            ADMIN);
    assertRefused(400, "invalid_request", ofCloud);
    assertTrue(ofCloud.body().contains("cannot be moved"), ofCloud.body());
    assertRefused(
        400,
        "invalid_request",
        begin("{\"action\":\"move\",\"to_queue\":\"" + cloud + "\"," + queue + "}", ADMIN));
    Reply wrongState = begin("{\"action\":\"retry\",\"filter\":{\"state\":\"ready\"}}", ADMIN);
    assertRefused(400, "invalid_request", wrongState);
    assertTrue(
        wrongState.json().path("detail").asText().contains("one of dead"), wrongState.body());
    assertRefused(
        404,
        "queue_not_found",
        begin("{\"action\":\"run\",\"filter\":{\"queue\":\"nowhere\"}}", ADMIN));
    assertRefused(
        404,
        "queue_not_found",
        begin("{\"action\":\"move\",\"to_queue\":\"nowhere\"," + queue + "}", ADMIN));
    assertEquals(0, operations(ADMIN).size());
  }

  @Test
  void anOperationCanBeStoppedOnce() {
    String id = begun("{\"action\":\"run\",\"filter\":{\"queue\":\"default\"}}", ADMIN);
    assertEquals(204, served.call("DELETE", "/v1/operations/" + id, null, ADMIN).status());
    assertEquals("stopped", operation(id).path("state").asText());
    assertEquals(204, served.call("DELETE", "/v1/operations/" + id, null, ADMIN).status());
    String done = begun("{\"action\":\"run\",\"filter\":{\"queue\":\"default\"}}", ADMIN);
    carryOut();
    assertRefused(
        409, "already_finished", served.call("DELETE", "/v1/operations/" + done, null, ADMIN));
    String nothing = "/v1/operations/00000000-0000-4000-8000-000000000000";
    assertRefused(404, "operation_not_found", served.get(nothing, ADMIN));
    assertRefused(404, "operation_not_found", served.call("DELETE", nothing, null, ADMIN));
    assertEquals(
        List.of(done, id),
        operations(ADMIN).valueStream().map(one -> one.path("operation_id").asText()).toList());
    assertRefused(400, "invalid_request", served.get("/v1/operations?limit=0", ADMIN));
    assertEquals(1, served.get("/v1/operations?limit=1", ADMIN).json().path("operations").size());
  }

  @Test
  void aClientKeyAffectsOnlyItsOwnTasks() {
    String[] one = with(key("one", "null"));
    String[] two = with(key("two", "[\"default\"]"));
    String own = enqueued("one", one);
    String other = enqueued("two", two);
    String id = begun("{\"action\":\"cancel\",\"filter\":{\"state\":\"scheduled\"}}", one);
    assertEquals("one", operation(id).at("/filter/client_id").asText());
    carryOut();
    assertEquals(1, operation(id).path("done").asInt());
    assertEquals("cancelled", served.get("/v1/tasks/" + own, ADMIN).json().path("state").asText());
    assertEquals(
        "scheduled", served.get("/v1/tasks/" + other, ADMIN).json().path("state").asText());

    assertEquals(200, served.get("/v1/operations/" + id, one).status());
    assertRefused(404, "operation_not_found", served.get("/v1/operations/" + id, two));
    assertRefused(
        404, "operation_not_found", served.call("DELETE", "/v1/operations/" + id, null, two));
    String ofAdmin = begun("{\"action\":\"run\",\"filter\":{\"queue\":\"default\"}}", ADMIN);
    assertRefused(404, "operation_not_found", served.get("/v1/operations/" + ofAdmin, one));
    assertEquals(1, operations(one).size());
    assertEquals(0, operations(two).size());
    assertEquals(2, operations(ADMIN).size());

    assertRefused(
        403,
        "client_mismatch",
        begin("{\"action\":\"run\",\"filter\":{\"queue\":\"low\",\"client_id\":\"two\"}}", one));
    assertRefused(
        403,
        "queue_not_allowed",
        begin(
            "{\"action\":\"move\",\"to_queue\":\"low\",\"filter\":{\"queue\":\"default\"}}", two));
    assertRefused(
        401, "unauthenticated", begin("{\"action\":\"run\",\"filter\":{\"queue\":\"default\"}}"));
  }

  @Test
  void operationsOverTheLimitAreRejected() {
    String[] one = with(key("one", "null"));
    String body = "{\"action\":\"run\",\"filter\":{\"queue\":\"default\"}}";
    for (int i = 0; i < OperationStore.OWN_MAX; i++) {
      begun(body, one);
    }
    Reply reply = begin(body, one);
    assertRefused(429, "too_many_operations", reply);
    assertEquals("10", reply.header("retry-after"));
    begun(body, ADMIN);
    carryOut();
    begun(body, one);
  }
}
