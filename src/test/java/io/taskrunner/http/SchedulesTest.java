package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The contract of schedules, over real HTTP and a real Redis. */
class SchedulesTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String ADMIN = "X-Admin-Key";

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

  private static String schedule(String more) {
    return "{\"client_id\":\"abc\",\"task\":{\"url\":\"http://h/p\",\"body\":\"x\"}" + more + "}";
  }

  private Reply put(String name, String body) {
    return served.call("PUT", "/v1/schedules/" + name, body);
  }

  private static List<String> pointers(Reply refused) {
    assertEquals(400, refused.status(), refused.body());
    assertEquals("invalid_request", refused.json().path("code").asText());
    List<String> pointers = new ArrayList<>();
    refused
        .json()
        .path("errors")
        .forEach(error ->
            pointers.add(error.path("pointer").asText() + error.path("parameter").asText()));
    return pointers.stream().sorted().toList();
  }

  private void refused(int status, String code, Reply reply) {
    assertEquals(status, reply.status(), reply.body());
    assertEquals(code, reply.json().path("code").asText());
  }

  @Test
  void theNextRunsOfARhythmArePreviewed() {
    Reply cron =
        served.post(
            "/v1/schedules/preview",
            "{\"cron\":\"30 2 * * *\",\"time_zone\":\"Asia/Kathmandu\",\"count\":2}");
    assertEquals(200, cron.status(), cron.body());
    JsonNode times = cron.json().path("next_times");
    assertEquals(2, times.size());
    Instant first = Instant.parse(times.path(0).asText());
    assertTrue(times.path(0).asText().endsWith("T20:45:00.000Z"), "02:30 at UTC+5:45");
    assertEquals(first.plus(Duration.ofDays(1)), Instant.parse(times.path(1).asText()));
    assertEquals(
        5,
        served
            .post("/v1/schedules/preview", "{\"interval_sec\":60}")
            .json()
            .path("next_times")
            .size());
    assertFalse(
        served
            .post("/v1/schedules/preview", "{\"cron\":\"*/90 * * * *\"}")
            .json()
            .path("warnings")
            .isEmpty());
    assertEquals(
        List.of("/cron"), pointers(served.post("/v1/schedules/preview", "{\"cron\":\"x\"}")));
    assertEquals(
        List.of("/count"),
        pointers(served.post("/v1/schedules/preview", "{\"interval_sec\":1,\"count\":101}")));
    assertEquals(0, served.get("/v1/schedules").json().path("schedules").size());
    assertEquals(201, put("preview", schedule(",\"interval_sec\":60")).status());
    assertEquals(
        "preview", served.get("/v1/schedules/preview").json().path("name").asText(), "a schedule");
  }

  @Test
  void aScheduleIsCreatedReplacedShownListedAndDeleted() {
    Reply made =
        put(
            "nightly",
            schedule(
                ",\"cron\":\"30 2 * * *\",\"time_zone\":\"Europe/Berlin\",\"overlap\":\"skip\","
                    + "\"catch_up\":\"last\",\"jitter_sec\":1.5,\"timeout_sec\":60,"
                    + "\"retry\":{\"max_retries\":2},\"labels\":{\"a\":\"b\"},"
                    + "\"callback\":{\"url\":\"http://c/?token=s\",\"on\":[\"dead\"]}"));
    assertEquals(201, made.status(), made.body());
    JsonNode json = made.json();
    assertEquals("nightly", json.path("name").asText());
    assertEquals("abc", json.path("client_id").asText());
    assertEquals("default", json.path("queue").asText());
    assertEquals("30 2 * * *", json.path("cron").asText());
    assertEquals("Europe/Berlin", json.path("time_zone").asText());
    assertFalse(json.has("interval_sec"));
    assertEquals("http://h/p", json.at("/task/url").asText());
    assertEquals("x", json.at("/task/body").asText());
    assertEquals("skip", json.path("overlap").asText());
    assertEquals("last", json.path("catch_up").asText());
    assertEquals(1.5, json.path("jitter_sec").asDouble());
    assertEquals(60, json.path("timeout_sec").asInt());
    assertEquals(2, json.at("/retry/max_retries").asInt());
    assertEquals("b", json.at("/labels/a").asText());
    assertEquals(
        "{\"url\":\"http://c/?token=***\",\"headers\":{},\"on\":[\"dead\"]}",
        json.path("callback").toString());
    assertFalse(json.path("paused").asBoolean());
    assertEquals(5, json.path("next_times").size());
    assertEquals(json.at("/next_times/0"), json.path("next_time"));
    assertTrue(Instant.parse(json.path("next_time").asText()).isAfter(Instant.now()));
    assertTrue(json.path("last_task_id").isNull());
    assertTrue(json.path("last_time").isNull());
    assertEquals(json, served.get("/v1/schedules/nightly").json());

    Reply replaced = put("nightly", schedule(",\"interval_sec\":60,\"paused\":true"));
    assertEquals(200, replaced.status(), replaced.body());
    assertEquals(60, replaced.json().path("interval_sec").asInt());
    assertFalse(replaced.json().has("cron"));
    assertFalse(replaced.json().has("callback"));
    assertTrue(replaced.json().path("paused").asBoolean());
    assertTrue(replaced.json().path("next_time").isNull());
    assertEquals("allow", replaced.json().path("overlap").asText());
    assertEquals("none", replaced.json().path("catch_up").asText());

    put("b", schedule(",\"cron\":\"@hourly\""));
    JsonNode first = served.get("/v1/schedules?limit=1").json();
    assertEquals("b", first.at("/schedules/0/name").asText());
    assertEquals("UTC", first.at("/schedules/0/time_zone").asText());
    assertEquals(2, first.path("count").asInt());
    JsonNode second =
        served.get("/v1/schedules?limit=1&cursor=" + first.path("next_cursor").asText()).json();
    assertEquals("nightly", second.at("/schedules/0/name").asText());
    assertTrue(second.path("next_cursor").isNull());

    assertEquals(204, served.call("DELETE", "/v1/schedules/nightly", null).status());
    refused(404, "schedule_not_found", served.call("DELETE", "/v1/schedules/nightly", null));
    refused(404, "schedule_not_found", served.get("/v1/schedules/nightly"));
  }

  @Test
  void aScheduleIsRunPausedAndResumed() {
    put("s", schedule(",\"cron\":\"0 0 1 1 *\",\"paused\":true"));
    Reply run = served.post("/v1/schedules/s/run", null);
    assertEquals(200, run.status(), run.body());
    String id = run.json().path("task_id").asText();
    assertEquals("ready", run.json().path("state").asText());
    assertEquals("x", served.get("/v1/tasks/" + id).json().at("/request/body").asText());
    JsonNode after = served.get("/v1/schedules/s").json();
    assertEquals(id, after.path("last_task_id").asText());
    assertEquals("asked", after.at("/runs/0/result").asText());
    assertEquals(id, after.at("/runs/0/task_id").asText());
    assertTrue(after.path("paused").asBoolean());

    Reply resumed = served.post("/v1/schedules/s/resume", "{}");
    assertFalse(resumed.json().path("paused").asBoolean());
    assertTrue(resumed.json().path("next_time").asText().endsWith("-01-01T00:00:00.000Z"));
    Reply paused = served.post("/v1/schedules/s/pause", null);
    assertEquals(200, paused.status());
    assertTrue(paused.json().path("paused").asBoolean());
    for (String what : List.of("run", "pause", "resume")) {
      refused(404, "schedule_not_found", served.post("/v1/schedules/none/" + what, null));
      assertEquals(List.of("/x"), pointers(served.post("/v1/schedules/s/" + what, "{\"x\":1}")));
    }
  }

  @Test
  void allErrorsAreReportedTogetherWithTheirLocations() {
    Reply refused =
        put(
            "s",
            "{\"task\":{\"url\":\"ftp://h\"},\"cron\":\"61 * * * *\",\"time_zone\":\"Mars/Base\","
                + "\"overlap\":\"maybe\",\"catch_up\":\"some\",\"jitter_sec\":4000,\"delay\":1,"
                + "\"paused\":1,\"more\":true}");
    assertEquals(
        List.of(
            "/catch_up",
            "/client_id",
            "/cron",
            "/delay",
            "/jitter_sec",
            "/more",
            "/overlap",
            "/paused",
            "/task/url",
            "/time_zone"),
        pointers(refused));
    assertTrue(
        refused.body().contains("cron: minute: \\\"61\\\" (expected: 0 to 59)"), refused.body());
    assertEquals(List.of("/cron"), pointers(put("s", schedule(""))));
    assertEquals(
        List.of("/interval_sec"),
        pointers(put("s", schedule(",\"cron\":\"@daily\",\"interval_sec\":5"))));
    assertEquals(
        List.of("/time_zone"),
        pointers(put("s", schedule(",\"time_zone\":\"UTC\",\"interval_sec\":5"))));
    assertEquals(List.of("/interval_sec"), pointers(put("s", schedule(",\"interval_sec\":0.5"))));
    assertEquals(
        List.of("/expires_time", "/idempotency_key", "/rate_limit", "/schedule_time"),
        pointers(
            put(
                "s",
                schedule(
                    ",\"cron\":\"@daily\",\"schedule_time\":\"2030-01-01T00:00:00Z\","
                        + "\"expires_time\":\"2030-01-01T00:00:00Z\",\"idempotency_key\":\"k\","
                        + "\"rate_limit\":{}"))));
    assertEquals(List.of("name"), pointers(put("a%20b", schedule(",\"cron\":\"@daily\""))));
    assertEquals(List.of("limit"), pointers(served.get("/v1/schedules?limit=0")));
    assertEquals(List.of("cursor"), pointers(served.get("/v1/schedules?cursor=%21")));
    refused(404, "queue_not_found", put("s", schedule(",\"cron\":\"@daily\",\"queue\":\"none\"")));
    refused(404, "schedule_not_found", served.get("/v1/schedules/s"));
  }

  @Test
  void aFailedRunReportsItsReason() {
    put("s", schedule(",\"cron\":\"@yearly\""));
    served.post("/admin/clients/set", "{\"client_id\":\"abc\",\"allowed_queues\":[\"low\"]}");
    refused(403, "queue_not_allowed", served.post("/v1/schedules/s/run", null));
    served.post("/admin/clients/set", "{\"client_id\":\"abc\",\"enabled\":false}");
    refused(403, "client_disabled", served.post("/v1/schedules/s/run", null));
  }

  @Test
  void onlyAdminsMayUseSchedules() {
    try (Served guarded = new Served(Setup.serve().required(), store)) {
      guarded.post("/admin/clients/set", "{\"client_id\":\"abc\"}", ADMIN, Served.ADMIN);
      String key =
          guarded
              .post("/admin/clients/abc/keys", null, ADMIN, Served.ADMIN)
              .json()
              .path("key")
              .asText();
      for (String path : List.of("/v1/schedules", "/v1/schedules/s")) {
        refused(401, "unauthenticated", guarded.get(path));
        refused(403, "forbidden", guarded.get(path, "X-API-Key", key));
        refused(401, "unauthenticated", guarded.get(path, ADMIN, "wrong"));
      }
      assertEquals(200, guarded.get("/v1/schedules", ADMIN, Served.ADMIN).status());
      refused(
          404,
          "client_not_found",
          guarded.call(
              "PUT",
              "/v1/schedules/s",
              "{\"client_id\":\"nobody\",\"task\":{\"url\":\"http://h/\"},\"cron\":\"@daily\"}",
              ADMIN,
              Served.ADMIN));
    }
  }
}
