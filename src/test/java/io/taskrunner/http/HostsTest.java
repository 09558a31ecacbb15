package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import io.taskrunner.store.TargetHost;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Limits of hosts by HTTP, on a real Redis. */
class HostsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String TEN = "{\"max_concurrent\":10}";

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

  private static void refused(int status, String code, Reply reply) {
    assertEquals(status + " " + code, reply.status() + " " + reply.code(), reply.body());
  }

  @Test
  void limitsAreSetShownReplacedAndDeleted() {
    Reply set = served.call("PUT", "/admin/hosts/api.example.com", TEN);
    assertEquals(200, set.status());
    assertEquals(
        "{\"host\":\"api.example.com\",\"max_concurrent\":10,\"max_dispatches_per_sec\":null,"
            + "\"breaker_failure_threshold\":null,\"breaker_timeout_sec\":null,"
            + "\"breaker_max_requests\":null,\"running\":0,\"waiting\":0}",
        set.body());
    assertEquals(set.body(), served.get("/admin/hosts/api.example.com").body());
    served.call("PUT", "/admin/hosts/api.example.com", "{\"max_dispatches_per_sec\":2.5}");
    served.call("PUT", "/admin/hosts/other:81", TEN);
    JsonNode all = served.get("/admin/hosts").json().path("hosts");
    assertEquals(2, all.size());
    assertTrue(all.at("/0/max_concurrent").isNull());
    assertEquals(2.5, all.at("/0/max_dispatches_per_sec").asDouble());
    assertEquals("other:81", all.at("/1/host").asText());
    assertEquals(204, served.call("DELETE", "/admin/hosts/api.example.com", null).status());
    refused(404, "host_not_found", served.call("DELETE", "/admin/hosts/api.example.com", null));
    refused(404, "host_not_found", served.get("/admin/hosts/api.example.com"));
    assertEquals("host deleted", served.get("/admin/audit").json().at("/entries/0/what").asText());
  }

  @ParameterizedTest
  @CsvSource({
    "API.Example.com,api.example.com",
    "api.example.com.,api.example.com",
    "api.example.com.:8080,api.example.com:8080",
    "10.0.0.1:80,10.0.0.1:80",
    "%5B::1%5D,[::1]",
    "%5B::1%5D:8080,[::1]:8080",
    "localhost,localhost"
  })
  void aHostIsNamedInOneWay(String path, String name) {
    Reply set = served.call("PUT", "/admin/hosts/" + path, TEN);
    assertEquals(name, set.json().path("host").asText());
    assertEquals(name, served.get("/admin/hosts/" + path).json().path("host").asText());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a..b",
        "http:%2F%2Fx",
        "x%2Fy",
        "user@x",
        "x:0",
        "x:99999",
        "1.2.3",
        "%5B::1",
        "a%20b",
        "x%3F",
        "x%23y"
      })
  void anInvalidHostIsRejected(String path) {
    refused(400, "invalid_request", served.call("PUT", "/admin/hosts/" + path, TEN));
    refused(404, "host_not_found", served.get("/admin/hosts/" + path));
    refused(404, "host_not_found", served.call("DELETE", "/admin/hosts/" + path, null));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"max_concurrent\":null}",
        "{\"max_concurrent\":0}",
        "{\"max_concurrent\":1.5}",
        "{\"max_concurrent\":1000000001}",
        "{\"max_dispatches_per_sec\":0}",
        "{\"max_dispatches_per_sec\":-1}",
        "{\"max_dispatches_per_sec\":1000001}",
        "{\"max_dispatches_per_sec\":\"1\"}",
        "{\"max_concurrent\":1,\"more\":2}"
      })
  void invalidLimitsAreRejected(String body) {
    refused(400, "invalid_request", served.call("PUT", "/admin/hosts/x", body));
    refused(404, "host_not_found", served.get("/admin/hosts/x"));
  }

  @Test
  void atMostAThousandHostsHaveSettings() {
    for (int i = 0; i < TargetHost.MOST; i++) {
      Unconditional.put(store.hosts(), new TargetHost("h" + i, 1, null, 0));
    }
    refused(409, "too_many_hosts", served.call("PUT", "/admin/hosts/one-more", TEN));
    assertEquals(200, served.call("PUT", "/admin/hosts/h7", TEN).status());
    refused(
        400,
        "invalid_request",
        served.post("/admin/config", "{\"hosts\":{\"one-more\":{\"max_concurrent\":1}}}"));
    assertEquals(
        200,
        served
            .post("/admin/config?prune=true", "{\"hosts\":{\"one-more\":{\"max_concurrent\":1}}}")
            .status());
    assertEquals(1, served.get("/admin/hosts").json().path("hosts").size());
  }
}
