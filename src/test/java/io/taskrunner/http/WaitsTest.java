package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.store.WorkersStore;
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

/** Each reason for which a task waits is caused, and named; afterwards it is gone. */
class WaitsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String WORKER = "00000000000000aa";

  private RedisStore store;
  private Served served;
  private int claims;

  @BeforeEach
  void start() {
    store = RedisStore.open(StoreOptions.defaults(REDIS.settings()));
    served = new Served(Setup.local(), store);
    beat(10, 0);
  }

  @AfterEach
  void stop() {
    served.close();
    store.close();
  }

  private void beat(int slots, int running) {
    store
        .workers()
        .beat(new WorkersStore.Facts(WORKER, "w", "1", slots, running, false, Instant.EPOCH));
  }

  private String enqueue(String client, String more) {
    return served
        .post(
            "/v1/enqueue",
            "{\"client_id\":\""
                + client
                + "\","
                + more
                + "\"task\":{\"url\":\"https://h.example/\"}}")
        .json()
        .path("task_id")
        .asText();
  }

  private List<Claim> claim(int most) {
    return store
        .works()
        .getFirst()
        .exchange(List.of(), new ClaimRequest(WORKER, ++claims, most, Duration.ofSeconds(30), 5, 0))
        .claims();
  }

  private void fail(Claim claim, Verdict verdict) {
    Attempt attempt =
        new Attempt(
            1,
            Instant.EPOCH,
            Duration.ZERO,
            OptionalInt.empty(),
            Optional.of(AttemptError.TIMEOUT),
            "");
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
                    new BreakerReport.Failed(5))));
  }

  private List<String> reasons(String id, String... headers) {
    JsonNode answer = served.get("/v1/tasks/" + id + "/wait", headers).json();
    return answer.path("reasons").findValuesAsText("reason");
  }

  @Test
  void aTaskThatIsNotDueWaitsForItsTimeOnly() {
    served.post("/v1/queues/default/pause", "");
    assertEquals(List.of("not_due"), reasons(enqueue("abc", "\"delay\":60,")));
  }

  @Test
  void pausesAndMissingWorkersAreNamedAndLeaveAgain() {
    String id = enqueue("abc", "");
    assertEquals(List.of("turn"), reasons(id));
    served.post("/v1/queues/default/pause", "");
    served.post("/admin/dispatch/pause", "");
    assertEquals(List.of("dispatch_paused", "queue_paused"), reasons(id));
    served.post("/v1/queues/default/resume", "");
    served.post("/admin/dispatch/resume", "");
    beat(10, 10);
    assertEquals(List.of("slots_busy"), reasons(id));
    store.workers().gone(WORKER);
    assertEquals(List.of("no_worker"), reasons(id));
  }

  @Test
  void limitsOfTheQueueAndTheClientAreNamedWithNumbersForAdminsOnly() {
    served.call("PUT", "/v1/queues/default", "{\"max_concurrent\":1}");
    served.post(
        "/admin/clients/set",
        "{\"client_id\":\"abc\",\"rate_limit\":{\"max_concurrent\":1,\"requests_per_min\":100}}");
    enqueue("abc", "");
    String waiting = enqueue("abc", "");
    assertEquals(1, claim(5).size());
    assertEquals(List.of("queue_max_concurrent", "client_max_concurrent"), reasons(waiting));
    String key = served.post("/admin/clients/abc/keys", "{}").json().path("key").asText();
    JsonNode reason = served.get("/v1/tasks/" + waiting + "/wait").json().at("/reasons/0");
    assertEquals("1 of 1", reason.path("running") + " of " + reason.path("limit"));
    JsonNode own =
        served.get("/v1/tasks/" + waiting + "/wait", "X-API-Key", key).json().at("/reasons/0");
    assertEquals("null of null", own.path("running") + " of " + own.path("limit"));
    assertEquals(
        404, served.get("/v1/tasks/" + waiting + "/wait", "X-API-Key", otherKey()).status());
  }

  private String otherKey() {
    served.post("/admin/clients/set", "{\"client_id\":\"other\"}");
    return served.post("/admin/clients/other/keys", "{}").json().path("key").asText();
  }

  @Test
  void anOpenCircuitBreakerAndABackoffAreNamed() {
    enqueue("abc", "");
    String waiting = enqueue("abc", "");
    String retried = enqueue("abc", "");
    List<Claim> claimed = claim(1);
    fail(claimed.getFirst(), new Verdict.Bury());
    claim(5); // meets the breaker, and sets the others aside
    assertEquals(List.of("circuit_breaker"), reasons(waiting));
    served.call("DELETE", "/admin/breakers/h.example:443", null);
    assertEquals(List.of("turn"), reasons(retried));
  }

  @Test
  void aRunningTaskWaitsForNothing() {
    String id = enqueue("abc", "");
    claim(1);
    assertEquals(List.of(), reasons(id));
  }
}
