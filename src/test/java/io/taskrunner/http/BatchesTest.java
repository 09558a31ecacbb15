package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.testkit.RedisExtension;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The status of a batch, and the defaults of its items, on a real Redis. */
class BatchesTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String ITEM = "{\"task\":{\"url\":\"http://h/\"}}";

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

  private Reply batch(String defaults, String... items) {
    return served.post(
        "/v1/enqueue/batch",
        "{\"client_id\":\"abc\"" + defaults + ",\"tasks\":[" + String.join(",", items) + "]}");
  }

  private JsonNode task(Reply reply, int index) {
    String id = reply.json().at("/results/" + index + "/task_id").asText();
    return served.get("/v1/tasks/" + id).json();
  }

  @Test
  void answers207WhenSomeItemsWereRejectedByTheRateLimit() {
    String[] items = new String[51];
    Arrays.fill(items, ITEM);
    assertEquals(200, batch("", ITEM).status());
    Reply some = batch("", items);
    assertEquals(207, some.status());
    assertEquals(49, some.json().path("enqueued").asInt());
    assertEquals("rate_limited", some.json().at("/results/50/code").asText());
    Reply none = batch("", ITEM, ITEM);
    assertEquals(429, none.status());
    assertEquals("rate_limited", none.code());
    assertNotNull(none.header("Retry-After"));
    assertEquals(2, none.json().path("errors").size());
    assertEquals("/tasks/1", none.json().at("/errors/1/pointer").asText());
  }

  @Test
  void answersTheStatusOfTheFirstRejectionWhenAllWereRejected() {
    Reply invalid = batch("", "{\"task\":{\"url\":\"nope\"}}", "{}");
    assertEquals("400 invalid_request", invalid.status() + " " + invalid.code());
    assertEquals(
        "All 2 tasks were rejected; the first: task.url: must begin with http:// or https://",
        invalid.json().path("detail").asText());
    Reply missing = batch(",\"queue\":\"nowhere\"", ITEM);
    assertEquals("404 queue_not_found", missing.status() + " " + missing.code());
  }

  @Test
  void defaultsOfTheBatchApplyToItemsThatDoNotSetThem() {
    Reply reply =
        batch(
            ",\"delay\":3600,\"labels\":{\"import\":\"17\",\"a\":\"1\"},\"retry\":{\"max_retries\":9,\"max_backoff_sec\":60},\"retention_sec\":77,\"callback\":{\"url\":\"http://h/done\"}",
            ITEM,
            "{\"task\":{\"url\":\"http://h/\"},\"schedule_time\":\"2030-01-01T00:00:00Z\",\"labels\":{\"a\":\"2\"},\"retry\":{\"max_retries\":1}}");
    assertEquals(200, reply.status(), reply.body());
    JsonNode first = task(reply, 0);
    assertEquals("scheduled", first.path("state").asText());
    assertEquals("{\"a\":\"1\",\"import\":\"17\"}", first.path("labels").toString());
    assertEquals(9, first.path("max_retries").asInt());
    assertEquals("http://h/done", first.at("/callback/url").asText());
    JsonNode second = task(reply, 1);
    assertEquals("2030-01-01T00:00:00.000Z", second.path("scheduled_time").asText());
    assertEquals("{\"a\":\"2\",\"import\":\"17\"}", second.path("labels").toString());
    assertEquals(1, second.path("max_retries").asInt());
  }
}
