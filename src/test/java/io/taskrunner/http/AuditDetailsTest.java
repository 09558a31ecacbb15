package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.testkit.RedisExtension;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The audit trail has each change, with old and new value, and no secret. */
class AuditDetailsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

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

  private void done(String method, String path, String body) {
    Reply reply = served.call(method, path, body);
    assertEquals(2, reply.status() / 100, reply.body());
  }

  private JsonNode last() {
    return served.get("/admin/audit").json().at("/entries/0/details");
  }

  @Test
  void eachChangedFieldIsNamedWithBothValues() {
    done("PUT", "/v1/queues/mail", "{\"weight\":2,\"retry\":{\"max_retries\":3}}");
    done("PUT", "/v1/queues/mail", "{\"weight\":5,\"retry\":{\"max_retries\":3}}");
    assertEquals("{\"queue\":\"mail\",\"weight\":\"2 -> 5\"}", last().toString());
    done("PUT", "/v1/queues/mail", "{\"weight\":5}");
    assertEquals("3 -> nothing", last().path("retry.max_retries").asText());
    done("PUT", "/admin/tiers/gold", "{\"max_concurrent\":1,\"requests_per_min\":10}");
    assertEquals("nothing -> 1", last().path("max_concurrent").asText());
    done("PUT", "/admin/tiers/gold", "{\"max_concurrent\":2,\"requests_per_min\":10}");
    assertEquals("{\"tier\":\"gold\",\"max_concurrent\":\"1 -> 2\"}", last().toString());
    done("PUT", "/admin/hosts/h", "{\"max_concurrent\":1}");
    done("PUT", "/admin/hosts/h", "{\"max_concurrent\":1,\"max_dispatches_per_sec\":0.5}");
    assertEquals(
        "{\"host\":\"h\",\"max_dispatches_per_sec\":\"nothing -> 0.5\"}", last().toString());
    done("POST", "/admin/clients/set", "{\"client_id\":\"acme\"}");
    done(
        "POST",
        "/admin/clients/set",
        "{\"client_id\":\"acme\",\"rate_limit\":{\"requests_per_min\":300},\"allowed_queues\":[\"mail\"]}");
    assertEquals("null -> 300", last().path("rate_limit.requests_per_min").asText());
    assertEquals("null -> [mail]", last().path("allowed_queues").asText());
    done("POST", "/admin/config", "{\"queues\":{\"mail\":{\"weight\":7}}}");
    assertEquals("5 -> 7", last().path("queues.mail.weight").asText());
  }

  @Test
  void aDocumentReportsItsChangesFieldByFieldAlsoInADryRun() {
    done("PUT", "/v1/queues/mail", "{\"weight\":5}");
    String document = "{\"queues\":{\"mail\":{\"weight\":7,\"max_concurrent\":3},\"new\":{}}}";
    for (String path : List.of("/admin/config?dry_run=true", "/admin/config")) {
      JsonNode queues = served.post(path, document).json().at("/changes/queues");
      assertEquals("[\"new\"]", queues.path("created").toString());
      assertEquals(
          "{\"mail\":{\"max_concurrent\":\"nothing -> 3\",\"weight\":\"5 -> 7\"}}",
          queues.path("changed_fields").toString());
    }
    JsonNode again = served.post("/admin/config", document).json().at("/changes/queues");
    assertFalse(again.has("changed_fields"), again.toString());
  }

  @Test
  void aLongValueIsShortened() {
    String schedule =
        "{\"client_id\":\"shop\",\"interval_sec\":60,\"task\":{\"url\":\"http://h/\",\"body\":\"%s\"}}";
    done("PUT", "/v1/schedules/s", schedule.formatted("a".repeat(2000)));
    done("PUT", "/v1/schedules/s", schedule.formatted("b".repeat(2000)));
    assertEquals(
        "a".repeat(500) + "… -> " + "b".repeat(500) + "…", last().path("task.body").asText());
  }

  @Test
  void aChangedSecretIsReportedWithoutItsValue() {
    String schedule =
        "{\"client_id\":\"shop\",\"interval_sec\":60,\"task\":{\"url\":\"http://h/?token=t1\","
            + "\"headers\":{\"Authorization\":\"b1\"}}}";
    done("PUT", "/v1/schedules/s", schedule);
    done("PUT", "/v1/schedules/s", schedule.replace("t1", "t2").replace("b1", "b2"));
    JsonNode changed = last();
    assertEquals("*** -> ***", changed.path("task.headers.Authorization").asText());
    assertEquals("http://h/?token=*** -> http://h/?token=***", changed.path("task.url").asText());
    assertEquals(3, changed.size(), changed.toString());
    done("POST", "/admin/config", "{\"schedules\":{\"s\":" + schedule + "}}");
    String trail = served.get("/admin/audit").body();
    assertFalse(trail.matches("(?s).*\\b(t1|t2|b1|b2)\\b.*"), trail);
  }
}
