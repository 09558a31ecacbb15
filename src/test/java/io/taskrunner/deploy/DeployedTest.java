package io.taskrunner.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.deploy.Chart.Objects;
import io.taskrunner.testkit.Ports;
import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.ScriptedTarget;
import io.taskrunner.testkit.SentinelSet;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The real program, started with the exact environment that a chart renders, on real Sentinels with
 * a password of either kind.
 */
class DeployedTest {

  private static final String ADMIN_KEY = "admin-sesame";

  @TempDir private static Path folder;

  private static SentinelSet redis;

  @BeforeAll
  static void start() throws IOException {
    redis = SentinelSet.start(folder);
  }

  @AfterAll
  static void stop() {
    redis.close();
  }

  @Test
  void theControlPlaneChartEnqueuesAndDelivers() throws Exception {
    Map<String, String> values = new LinkedHashMap<>();
    values.put("redis.enabled", "false");
    values.put("redisSentinelAddr", sentinels());
    values.put("redis.redisPassword", SentinelSet.NODE_PASSWORD);
    values.put("redis.sentinelPassword", SentinelSet.SENTINEL_PASSWORD);
    values.put("api.port", Integer.toString(Ports.free()));
    values.put("api.public.pathPrefix", "/tasks");
    values.put("api.env.adminApiKey", ADMIN_KEY);
    values.put("worker.port", Integer.toString(Ports.free()));
    values.put("worker.env.allowPrivateUrls", "true");
    try (Chart chart =
        Chart.of(Path.of("deploy/control-plane"), Map.of("global.cpln.gvc", "main"))) {
      Objects objects = chart.render(Chart.settings(values));
      delivers(
          ControlPlaneChartTest.environment(objects, "demo-task-runner-api"),
          container(objects, "demo-task-runner-api"),
          ControlPlaneChartTest.environment(objects, "demo-task-runner-worker"),
          container(objects, "demo-task-runner-worker"),
          "/tasks");
    }
  }

  @Test
  void theKubernetesChartEnqueuesAndDelivers() throws Exception {
    Map<String, String> values = new LinkedHashMap<>();
    values.put("redis.kind", "sentinel");
    values.put("redis.sentinelAddr", sentinels());
    values.put("secret.redisPassword", SentinelSet.NODE_PASSWORD);
    values.put("secret.sentinelPassword", SentinelSet.SENTINEL_PASSWORD);
    values.put("secret.adminApiKey", ADMIN_KEY);
    values.put("api.port", Integer.toString(Ports.free()));
    values.put("worker.port", Integer.toString(Ports.free()));
    values.put("worker.env.allowPrivateUrls", "true");
    try (Chart chart = Chart.of(Path.of("deploy/kubernetes"), Map.of())) {
      Objects objects = chart.render(Chart.settings(values));
      delivers(
          KubernetesChartTest.environment(objects, "api"),
          KubernetesChartTest.container(objects, "api"),
          KubernetesChartTest.environment(objects, "worker"),
          KubernetesChartTest.container(objects, "worker"),
          "");
    }
  }

  private static JsonNode container(Objects objects, String workload) {
    return objects.the("workload", workload).at("/spec/containers/0");
  }

  private static String sentinels() {
    return redis.environment().get("REDIS_SENTINEL_ADDR");
  }

  private static void delivers(
      Map<String, String> apiEnv,
      JsonNode apiContainer,
      Map<String, String> workerEnv,
      JsonNode workerContainer,
      String prefix)
      throws IOException, InterruptedException {
    try (ScriptedTarget target = ScriptedTarget.start();
        ProgramProcess api = ProgramProcess.start(apiEnv, "serve");
        ProgramProcess worker = ProgramProcess.start(workerEnv, "serve")) {
      awaitProbes(api, apiContainer);
      awaitProbes(worker, workerContainer);

      HttpResponse<String> answer =
          api.post(
              prefix + "/v1/enqueue",
              "{\"client_id\": \"my-service\", \"task\": {\"url\": \"%s\", \"body\": \"hello\"}}"
                  .formatted(target.url("/hook")));
      assertEquals(201, answer.statusCode(), answer.body());
      assertEquals("POST /hook HTTP/1.1", target.next().firstLine());

      assertEquals(401, api.get(prefix + "/admin/clients").statusCode());
      HttpResponse<String> clients = api.get(prefix + "/admin/clients", "X-Admin-Key", ADMIN_KEY);
      assertEquals(200, clients.statusCode(), clients.body());
      assertTrue(clients.body().contains("my-service"), clients.body());
    }
  }

  private static void awaitProbes(ProgramProcess program, JsonNode container)
      throws InterruptedException {
    program.awaitReady();
    for (String probe : new String[] {"readinessProbe", "livenessProbe"}) {
      String path = container.at("/" + probe + "/httpGet/path").asText();
      assertEquals(200, program.status(path), path);
    }
  }
}
