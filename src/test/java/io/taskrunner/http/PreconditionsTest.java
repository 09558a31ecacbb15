package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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

/** ETag, If-Match and If-None-Match, on a real Redis. */
class PreconditionsTest {

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

  /** The calls that read, change and delete a thing. */
  private record Kind(
      String read, String method, String put, String body, String other, String delete) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind(
              "/v1/queues/q",
              "PUT",
              "/v1/queues/q",
              "{\"weight\":2}",
              "{\"weight\":3}",
              "/v1/queues/q"),
          new Kind(
              "/admin/tiers/own",
              "PUT",
              "/admin/tiers/own",
              "{\"max_concurrent\":1,\"requests_per_min\":2}",
              "{\"max_concurrent\":2,\"requests_per_min\":2}",
              "/admin/tiers/own"),
          new Kind(
              "/admin/clients/get?client_id=abc",
              "POST",
              "/admin/clients/set",
              "{\"client_id\":\"abc\",\"tier\":\"free\"}",
              "{\"client_id\":\"abc\",\"enabled\":false}",
              "/admin/clients/delete?client_id=abc"),
          new Kind(
              "/admin/hosts/api.example.com",
              "PUT",
              "/admin/hosts/api.example.com",
              "{\"max_concurrent\":1}",
              "{\"max_dispatches_per_sec\":2.5}",
              "/admin/hosts/api.example.com"),
          new Kind(
              "/v1/schedules/s",
              "PUT",
              "/v1/schedules/s",
              "{\"client_id\":\"abc\",\"cron\":\"@daily\",\"task\":{\"url\":\"http://h/\"}}",
              "{\"client_id\":\"other\",\"interval_sec\":60,\"task\":{\"url\":\"http://h/\"}}",
              "/v1/schedules/s"));

  private static void refused(int status, String code, Reply reply) {
    assertEquals(status + " " + code, reply.status() + " " + reply.code(), reply.body());
  }

  private static String tag(Reply reply) {
    assertTrue(reply.status() / 100 == 2, reply.body());
    assertTrue(reply.header("etag").matches("\"[A-Za-z0-9_-]{22}\""), reply.header("etag"));
    return reply.header("etag");
  }

  @Test
  void aChangeHappensOnlyIfItsPreconditionHolds() {
    for (Kind kind : KINDS) {
      refused(
          412,
          "precondition_failed",
          served.call(kind.method(), kind.put(), kind.body(), "If-Match", "*"));
      refused(
          412,
          "precondition_failed",
          served.call(kind.method(), kind.put(), kind.body(), "If-Match", "\"x\""));
      assertEquals(404, served.get(kind.read()).status());
      String made = tag(served.call(kind.method(), kind.put(), kind.body(), "If-None-Match", "*"));
      assertEquals(made, tag(served.get(kind.read())));
      refused(
          412,
          "precondition_failed",
          served.call(kind.method(), kind.put(), kind.other(), "If-None-Match", "*"));
      assertEquals(made, tag(served.get(kind.read())));
      String changed =
          tag(
              served.call(
                  kind.method(), kind.put(), kind.other(), "If-Match", "\"other\", " + made));
      assertNotEquals(made, changed);
      assertEquals(changed, tag(served.get(kind.read())));
      for (String stale : List.of(made, "W/" + changed, "\"\"")) {
        refused(
            412,
            "precondition_failed",
            served.call(kind.method(), kind.put(), kind.body(), "If-Match", stale));
        refused(
            412,
            "precondition_failed",
            served.call("DELETE", kind.delete(), null, "If-Match", stale));
      }
      refused(
          412,
          "precondition_failed",
          served.call("DELETE", kind.delete(), null, "If-None-Match", "*"));
      assertEquals(changed, tag(served.get(kind.read())));
      String again = tag(served.call(kind.method(), kind.put(), kind.body(), "If-Match", "*"));
      assertNotEquals(made, again); // The same settings, and yet another change.
      assertEquals(204, served.call("DELETE", kind.delete(), null, "If-Match", again).status());
      assertEquals(404, served.call("DELETE", kind.delete(), null, "If-Match", again).status());
    }
  }

  @Test
  void invalidPreconditionsAreReportedWithTheOtherErrors() {
    for (String wrong : List.of("x", "\"a\" \"b\"", "\"a\"x", "", "*, \"a\"")) {
      Reply reply = served.call("PUT", "/v1/queues/q", "{\"weight\":0}", "If-Match", wrong);
      refused(400, "invalid_request", reply);
      assertEquals("If-Match", reply.json().at("/errors/1/header").asText(), reply.body());
    }
    Reply reply = served.call("PUT", "/v1/queues/q", "{}", "If-None-Match", "\"a\"");
    refused(400, "invalid_request", reply);
    assertEquals("If-None-Match", reply.json().at("/errors/0/header").asText());
    assertEquals(404, served.get("/v1/queues/q").status());
  }

  @Test
  void theETagDependsOnlyOnTheSettings() {
    String tag = tag(served.call("PUT", "/v1/queues/q", "{}"));
    assertEquals(200, served.post("/v1/queues/q/pause", null).status());
    assertEquals(
        201,
        served
            .post(
                "/v1/enqueue",
                "{\"client_id\":\"abc\",\"queue\":\"q\",\"task\":{\"url\":\"http://h/\"}}")
            .status());
    assertEquals(tag, tag(served.get("/v1/queues/q")));
    String client = tag(served.post("/admin/clients/set", "{\"client_id\":\"abc\"}"));
    assertEquals(201, served.post("/admin/clients/abc/keys", null).status());
    assertEquals(
        200,
        served
            .call("PUT", "/admin/tiers/default", "{\"max_concurrent\":9,\"requests_per_min\":99}")
            .status());
    assertEquals(client, tag(served.get("/admin/clients/get?client_id=abc")));
  }

  @Test
  void builtInAndMissingObjectsAreReportedBeforeThePrecondition() {
    refused(409, "built_in", served.call("DELETE", "/v1/queues/low", null, "If-Match", "\"x\""));
    refused(409, "built_in", served.call("DELETE", "/admin/tiers/free", null, "If-Match", "\"x\""));
    refused(
        404, "queue_not_found", served.call("DELETE", "/v1/queues/q", null, "If-Match", "\"x\""));
    refused(404, "tier_not_found", served.get("/admin/tiers/own"));
  }
}
