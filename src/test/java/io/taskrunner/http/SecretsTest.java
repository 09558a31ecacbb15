package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.task.Callback;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.testkit.RedisExtension;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A masked value that was read may be sent back, and keeps its value and its place. */
class SecretsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final ObjectMapper JSON = new ObjectMapper();

  private static final String SCHEDULE =
      """
      {"client_id": "shop", "interval_sec": 3600, "paused": true,
       "task": {"url": "https://api.example.com/a?token=t1&x=1&token=t2&api%5Fkey=k1",
                "headers": {"Authorization": "Bearer b1", "X-A": "a"}},
       "callback": {"url": "https://hooks.example.com/done?key=k2",
                    "headers": {"X-Token": "c1"}}}
      """;

  private RedisStore store;
  private Served served;

  @BeforeEach
  void start() {
    store = RedisStore.open(StoreOptions.defaults(REDIS.settings()));
    served = new Served(Setup.local(), store);
    assertEquals(201, put(SCHEDULE).status());
  }

  @AfterEach
  void stop() {
    served.close();
    store.close();
  }

  private Reply put(String schedule) {
    return served.call("PUT", "/v1/schedules/s", schedule);
  }

  /** As the configuration shows it, without the read-only members. */
  private ObjectNode shown() {
    return (ObjectNode) served.get("/admin/config").json().at("/schedules/s");
  }

  private Reply apply(JsonNode schedule) {
    ObjectNode document = JSON.createObjectNode();
    document.putObject("schedules").set("s", schedule);
    return served.post("/admin/config", document.toString());
  }

  private TargetRequest request() {
    return store.schedules().get("s").orElseThrow().settings().spec().request();
  }

  private Callback callback() {
    return store.schedules().get("s").orElseThrow().settings().spec().callback();
  }

  private void keepsAll() {
    assertTrue(
        request().url().value().endsWith("?token=t1&x=1&token=t2&api%5Fkey=k1"),
        request().url().value());
    assertEquals("Bearer b1", request().headers().getFirst().value());
    assertTrue(callback().url().value().endsWith("?key=k2"), callback().url().value());
    assertEquals("c1", callback().headers().getFirst().value());
  }

  @Test
  void aReadScheduleCanBeSentBack() {
    ObjectNode shown = shown();
    assertFalse(shown.toString().matches("(?s).*\\b(t1|t2|k1|k2|b1|c1)\\b.*"), shown.toString());
    assertEquals(200, apply(shown).status());
    keepsAll();
    Reply put = put(shown.toString());
    assertEquals(200, put.status(), put.body());
    keepsAll();
  }

  @Test
  void aMaskedSecretIsKeptOnlyForItsHost() {
    ObjectNode changed = shown().put("interval_sec", 60);
    JsonNode task = changed.path("task");
    ((ObjectNode) task)
        .put("method", "PUT")
        .put("url", task.path("url").asText().replace("com/a", "com:443/other"));
    assertEquals(200, apply(changed).status());
    assertEquals("/other?token=t1&x=1&token=t2&api%5Fkey=k1", request().url().pathAndQuery());
    keepsAll();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://api.example.com|https://evil.example",
        "https://api.example.com|http://api.example.com",
        "https://api.example.com|https://api.example.com:444",
        "https://api.example.com|http://api.example.com:443",
        "https://hooks.example.com|https://evil.example",
        "https://hooks.example.com|http://hooks.example.com",
        "https://hooks.example.com|https://hooks.example.com:8443"
      })
  void aSecretDoesNotMoveToAnotherSchemeHostOrPort(String move) throws Exception {
    String from = move.substring(0, move.indexOf('|'));
    String moved = shown().toString().replace(from, move.substring(from.length() + 1));
    for (String entry : List.of(moved, moved.replaceAll("\\?[^\"]*", ""))) { // only headers
      for (Reply reply : List.of(apply(JSON.readTree(entry)), put(entry))) {
        assertEquals(400, reply.status(), reply.body());
        assertTrue(reply.body().contains("masked"), reply.body());
      }
    }
    keepsAll();
    assertEquals("api.example.com", request().url().host());
  }

  @Test
  void aMaskUnderAnotherNameIsRejected() {
    ObjectNode shown = shown();
    ((ObjectNode) shown.at("/task/headers")).put("X-Other-Token", "***");
    assertEquals(400, apply(shown).status());
    assertEquals(400, put(shown.toString()).status());
    ObjectNode more = shown();
    ((ObjectNode) more.path("task")).put("url", "https://api.example.com/a?secret=***");
    assertEquals(400, put(more.toString()).status());
    ((ObjectNode) more.path("task")).put("url", "https://api.example.com/token=***");
    ((ObjectNode) more.path("task")).remove("headers");
    assertEquals(200, put(more.toString()).status(), "a path is no query");
    assertEquals("/token=***", request().url().pathAndQuery());
  }

  @Test
  void aMaskInANewScheduleIsRejected() {
    String shown = shown().toString();
    assertEquals(204, served.call("DELETE", "/v1/schedules/s", null).status());
    assertEquals(400, put(shown).status());
  }

  /** 10,000 texts in both formats: labels, headers and bodies of 400 schedules. */
  @Test
  void everyTextIsExportedAndAppliedUnchanged() {
    long seed = 20261129;
    Random random = new Random(seed);
    for (int round = 0; round < 4; round++) {
      ObjectNode document = JSON.createObjectNode();
      ObjectNode schedules = document.putObject("schedules");
      for (int i = 0; i < 100; i++) {
        ObjectNode one =
            schedules.putObject(name(random, i)).put("client_id", "shop").put("interval_sec", 60);
        ObjectNode task = one.putObject("task").put("url", "http://h/?a=" + i);
        task.put("body", text(random, 40, 0));
        ObjectNode headers = task.putObject("headers");
        for (int j = 0; j < 4; j++) {
          headers.put("X-" + j, text(random, 20, 0x20).strip());
        }
        ObjectNode labels = one.putObject("labels");
        for (int j = 0; j < 10; j++) {
          labels.put(j + text(random, 8, 0), text(random, 12, 0));
        }
      }
      Reply made = served.post("/admin/config", document.toString());
      assertEquals(200, made.status(), () -> "seed " + seed + ": " + made.body());
      for (String format : List.of("json", "yaml")) {
        String exported = served.get("/admin/config?format=" + format).body();
        Reply again =
            served.post(
                "/admin/config?dry_run=true", exported, "Content-Type", "application/" + format);
        assertEquals(200, again.status(), () -> "seed " + seed + ": " + again.body());
        JsonNode section = again.json().at("/changes/schedules");
        assertEquals(0, section.path("updated").size(), () -> "seed " + seed + ": " + section);
        assertEquals(0, section.path("created").size(), () -> "seed " + seed + ": " + section);
      }
    }
  }

  /** A name that YAML could misread, different each time. */
  private static String name(Random random, int number) {
    String[] like = {"0", "00", "1e", "0x", "null", "true", "no", "-", "0o", "_", "-0", "Null"};
    return like[random.nextInt(like.length)] + number;
  }

  private static String text(Random random, int length, int least) {
    String[] whole = {"007", "~", "null", "True", "no", "1e5", "0x1F", ".inf", "- a", "a: b", "#"};
    if (random.nextInt(3) == 0) {
      return whole[random.nextInt(whole.length)];
    }
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(length); i > 0; i--) {
      int point =
          switch (random.nextInt(4)) {
            case 0 -> least + random.nextInt(0x7f - least);
            case 1 -> "\"'\\:#&*!|>%@`{}[],?-~".charAt(random.nextInt(21));
            case 2 -> least == 0 ? random.nextInt(0xd800) : 'x';
            default -> 'a' + random.nextInt(26);
          };
      text.appendCodePoint(point == 0 ? 'z' : point);
    }
    return text.toString();
  }
}
