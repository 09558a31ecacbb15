package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The cursors of lists, on a real Redis. */
class CursorsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private RedisStore store;
  private Served served;
  private String shop;
  private String mail;

  @BeforeEach
  void start() {
    store = RedisStore.open(StoreOptions.defaults(REDIS.settings()));
    served = new Served(Setup.serve().required(), store);
    shop = key("shop");
    mail = key("mail");
    for (String key : List.of(shop, shop, mail, mail)) {
      String task = "{\"delay\":3600,\"task\":{\"url\":\"http://target.example/\"}}";
      assertEquals(201, post("/v1/enqueue", task, "X-API-Key", key).status());
    }
    for (String name : List.of("one", "two")) {
      String schedule =
          "{\"client_id\":\"shop\",\"interval_sec\":60,\"task\":{\"url\":\"http://target.example/\"}}";
      assertEquals(201, admin("PUT", "/v1/schedules/" + name, schedule).status());
    }
    openBreakers("one.example", "two.example");
  }

  private void openBreakers(String... hosts) {
    for (String host : hosts) {
      String task = "{\"task\":{\"url\":\"http://" + host + "/\"}}";
      assertEquals(201, post("/v1/enqueue", task, "X-API-Key", shop).status());
    }
    String worker = "00000000000000aa";
    WorkStore work = store.works().getFirst();
    List<Settlement> failed =
        work
            .exchange(List.of(), new ClaimRequest(worker, 1, 2, Duration.ofSeconds(30), 5, 0))
            .claims()
            .stream()
            .map(claim ->
                new Settlement(
                    claim.id(),
                    claim.number(),
                    new Verdict.Bury(),
                    null,
                    Duration.ZERO,
                    new BreakerReport.Failed(5)))
            .toList();
    work.settle(worker, failed);
  }

  @AfterEach
  void stop() {
    served.close();
    store.close();
  }

  private String key(String client) {
    String named = "{\"client_id\":\"" + client + "\"}";
    assertEquals(200, admin("POST", "/admin/clients/set", named).status());
    Reply made = admin("POST", "/admin/clients/" + client + "/keys", "{\"name\":\"k\"}");
    assertEquals(201, made.status(), made.body());
    return made.json().path("key").asText();
  }

  private Reply admin(String method, String path, String body) {
    return served.call(
        method, path, body, "X-Admin-Key", Served.ADMIN, "Content-Type", "application/json");
  }

  private Reply post(String path, String body, String name, String value) {
    return served.post(path, body, name, value, "Content-Type", "application/json");
  }

  private static void refused(Reply reply, String why) {
    assertEquals(400, reply.status(), why + ": " + reply.body());
    assertEquals("cursor", reply.json().at("/errors/0/parameter").asText(), why);
  }

  private static String encoded(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/tasks",
        "/v1/schedules",
        "/admin/clients",
        "/admin/audit",
        "/admin/config",
        "/admin/breakers"
      })
  void aCursorCannotBeForged(String list) {
    Reply first = admin("GET", list + "?limit=1", null);
    String cursor = first.json().path("next_cursor").asText();
    Reply second = admin("GET", list + "?limit=1&cursor=" + cursor, null);
    assertEquals(200, second.status(), second.body());
    assertNotEquals(first.body(), second.body());

    byte[] bytes = Base64.getUrlDecoder().decode(cursor);
    for (int i = 0; i < bytes.length; i++) {
      byte[] changed = bytes.clone();
      changed[i] ^= 1;
      refused(admin("GET", list + "?cursor=" + encoded(changed), null), "byte " + i + " changed");
    }
    String plain = new String(bytes, 16, bytes.length - 16, StandardCharsets.UTF_8);
    String inner = plain.substring(plain.indexOf(' ') + 1);
    for (String forged : List.of("", "!", "0-0", "AAAA", inner, "A".repeat(5000))) {
      String given = encoded(forged.getBytes(StandardCharsets.UTF_8));
      refused(admin("GET", list + "?cursor=" + given, null), forged);
    }
  }

  @Test
  void aCursorIsValidForOneListOnly() {
    String of =
        admin("GET", "/v1/tasks?limit=1&state=scheduled", null).json().path("next_cursor").asText();
    assertEquals(
        200, admin("GET", "/v1/tasks?cursor=" + of + "&state=scheduled&limit=2", null).status());
    refused(admin("GET", "/v1/tasks?cursor=" + of, null), "no filter");
    refused(admin("GET", "/v1/tasks?state=ready&cursor=" + of, null), "another filter");
    refused(admin("GET", "/v1/schedules?cursor=" + of, null), "another list");
  }

  @Test
  void aClientCannotUseTheCursorOfAnother() {
    Reply first = served.get("/v1/tasks?limit=1", "X-API-Key", shop);
    String cursor = first.json().path("next_cursor").asText();
    assertFalse(cursor.isEmpty());
    assertEquals(200, served.get("/v1/tasks?cursor=" + cursor, "X-API-Key", shop).status());
    refused(served.get("/v1/tasks?cursor=" + cursor, "X-API-Key", mail), "another client");
  }
}
