package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * A cause of failure has the same name in a task, a summary, and the filters of lists and
 * operations.
 */
class CausesTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String WORKER = "00000000000000aa";

  private RedisStore store;
  private Served served;
  private long request;

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

  /** A task whose only attempt came to this. */
  private String finished(Verdict verdict, OptionalInt status, Optional<AttemptError> error) {
    String body = "{\"client_id\":\"abc\",\"task\":{\"url\":\"http://h/\"}}";
    String id = served.post("/v1/enqueue", body).json().path("task_id").asText();
    WorkStore work = store.works().getFirst();
    Claim claim =
        work.exchange(
                List.of(), new ClaimRequest(WORKER, ++request, 1, Duration.ofSeconds(30), 5, 0))
            .claims()
            .getFirst();
    Attempt attempt = new Attempt(1, Instant.EPOCH, Duration.ofMillis(1), status, error, "");
    work.settle(
        WORKER,
        List.of(
            new Settlement(
                claim.id(),
                claim.number(),
                verdict,
                attempt,
                Duration.ZERO,
                new BreakerReport.None())));
    return id;
  }

  private void assertCause(String expected, String id) {
    JsonNode task = served.get("/v1/tasks/" + id).json();
    JsonNode listed =
        served.get("/v1/tasks?view=basic&state=" + task.path("state").asText()).json();
    assertEquals(expected, task.path("last_error").asText());
    for (JsonNode each : listed.path("tasks")) {
      if (each.path("task_id").asText().equals(id)) {
        assertEquals(expected, each.path("last_error").asText());
        return;
      }
    }
    throw new AssertionError(id + " is not listed: " + listed);
  }

  private List<String> listed(String query) {
    Reply reply = served.get("/v1/tasks?state=dead&" + query);
    assertEquals(200, reply.status(), reply.body());
    return reply.json().path("tasks").findValuesAsText("task_id");
  }

  @Test
  void aCauseHasOneNameEverywhere() {
    String failed = finished(new Verdict.Bury(), OptionalInt.of(503), Optional.empty());
    String late =
        finished(new Verdict.Bury(), OptionalInt.empty(), Optional.of(AttemptError.TIMEOUT));
    String good = finished(new Verdict.Succeed(), OptionalInt.of(204), Optional.empty());
    assertCause("http_503", failed);
    assertCause("timeout", late);
    assertTrue(served.get("/v1/tasks/" + good).json().path("last_error").isNull());
    assertEquals(
        List.of("http_503", "timeout"),
        served.get("/v1/queues/default/dead/summary").json().findValuesAsText("error").stream()
            .sorted()
            .toList());
    assertEquals(List.of(failed), listed("error=http_503"));
    assertEquals(List.of(failed), listed("error=http_503&status=503"));
    assertEquals(List.of(late), listed("error=timeout"));
    assertEquals(List.of(), listed("error=http_404"));
    Reply started =
        served.post(
            "/v1/operations",
            "{\"action\":\"retry\",\"filter\":{\"state\":\"dead\",\"error\":\"http_503\"}}");
    assertEquals(202, started.status(), started.body());
    assertEquals(503, started.json().at("/filter/status").asInt());
  }

  @Test
  void anUnknownOrContradictoryCauseIsRejected() {
    for (String query :
        List.of("error=http_999", "error=http", "error=500", "error=http_503&status=404")) {
      Reply reply = served.get("/v1/tasks?" + query);
      assertEquals(400, reply.status(), query + ": " + reply.body());
      assertTrue(reply.body().contains("or http_ and the status, such as http_503"), reply.body());
    }
    Reply operation =
        served.post(
            "/v1/operations",
            "{\"action\":\"retry\",\"filter\":{\"state\":\"dead\",\"error\":\"http_503\",\"status\":404}}");
    assertEquals(400, operation.status(), operation.body());
    assertEquals("/filter/error", operation.json().at("/errors/0/pointer").asText());
  }
}
