package io.taskrunner.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.testkit.Ports;
import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.Proxy;
import io.taskrunner.testkit.RedisServer;
import io.taskrunner.testkit.TestCertificate;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Common web servers close connections, refuse streams and take few at once: that costs no task an
 * attempt. They use TLS, with a certificate that {@code TARGET_CA_FILE} names.
 */
@Tag("faults")
@Timeout(240)
class WebServerFaultsTest {

  private static final int TASKS = 60;

  @RegisterExtension final Scene scene = new Scene();

  private Admin admin;
  private TestCertificate.Pem pem;

  @BeforeEach
  void start() throws Exception {
    pem = TestCertificate.of("ip:127.0.0.1").pem(scene.folder());
    RedisServer redis = scene.redis(Ports.free(), "everysec");
    ProgramProcess program =
        scene.program(
            "both",
            Scene.on(redis.port()),
            "TARGET_CA_FILE",
            pem.certificate().toString(),
            "WORKER_CONCURRENCY",
            "40");
    program.awaitReady();
    admin = new Admin(program);
    admin.client("crowd");
  }

  @Test
  void nginxWithoutKeepAliveCostsNoAttempt() throws Exception {
    for (String protocol : List.of("http2", "")) {
      for (String keepAlive :
          List.of(
              "keepalive_timeout 0;",
              "keepalive_requests 1;",
              "keepalive_requests 2;",
              "keepalive_requests 5;")) {
        try (WebServer nginx = WebServer.nginx(pem, protocol, keepAlive)) {
          assertAllSucceedAtOnce(nginx.port(), "nginx " + protocol + " " + keepAlive);
        }
      }
    }
  }

  @Test
  void haproxyWithFewStreamsCostsNoAttempt() throws Exception {
    for (int streams : List.of(1, 2, 10)) {
      for (String keepAlive : List.of("", "http-after-response set-header Connection close")) {
        try (WebServer haproxy = WebServer.haproxy(pem, streams, keepAlive)) {
          assertAllSucceedAtOnce(haproxy.port(), "HAProxy " + streams + " " + keepAlive);
        }
      }
    }
  }

  @Test
  void aNetworkThatDropsConnectionsCostsOneAttemptOfTheirTasks() throws Exception {
    for (String protocol : List.of("http2", "")) {
      try (WebServer nginx = WebServer.nginx(pem, protocol, "");
          Proxy proxy = Proxy.start(nginx.port())) {
        assertAllSucceedAtOnce(proxy.port(), "before");
        proxy.swallow(true);
        String id = admin.enqueue(task(proxy.port(), 2));
        JsonNode first = admin.awaitState(id, "retry");
        assertEquals("timeout", first.get("attempts").get(0).get("error").asText());
        proxy.swallow(false); // of new connections: those that were used stay silent
        admin.awaitState(id, "succeeded");
        assertEquals(1, admin.task(id).get("attempts").size() - 1, "lost with " + protocol);
        assertAllSucceedAtOnce(proxy.port(), "afterwards, " + protocol);
      }
    }
  }

  private void assertAllSucceedAtOnce(int port, String where) throws Exception {
    String tasks =
        IntStream.range(0, TASKS)
            .mapToObj(_ -> task(port, 30))
            .collect(Collectors.joining(",", "{\"tasks\":[", "]}"));
    List<String> ids = new ArrayList<>();
    for (JsonNode made : admin.post("/v1/enqueue/batch", tasks).get("results")) {
      ids.add(made.get("task_id").asText());
    }
    List<String> lost = new ArrayList<>();
    for (String id : ids) {
      JsonNode task = admin.awaitState(id, "succeeded");
      task.get("attempts")
          .forEach(attempt -> {
            if (attempt.has("error")) {
              lost.add(attempt.toString());
            }
          });
    }
    assertEquals(TASKS, ids.size(), where);
    assertEquals(List.of(), lost, where);
  }

  private static String task(int port, int timeoutSec) {
    return "{\"client_id\":\"crowd\",\"timeout_sec\":"
        + timeoutSec
        + ",\"retry\":{\"max_retries\":2,\"min_backoff_sec\":1,\"max_backoff_sec\":1},"
        + "\"task\":{\"url\":\"https://127.0.0.1:"
        + port
        + "/\",\"body\":\"{}\"}}";
  }
}
