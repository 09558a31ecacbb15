package io.taskrunner.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.taskrunner.config.HostPort;
import io.taskrunner.config.RedisSettings.Target;
import io.taskrunner.config.Setting;
import io.taskrunner.config.Settings;
import io.taskrunner.deploy.Chart.Objects;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The chart for Kubernetes: the objects from its values, and the program with their settings. */
class KubernetesChartTest {

  private static final Path SOURCE = Path.of("deploy/kubernetes");

  private static final String NAME = "demo-task-runner";

  /** The required values. */
  private static final Map<String, String> PASSWORDS =
      Map.of("secret.redisPassword", "node-sesame", "secret.sentinelPassword", "sentinel-sesame");

  private static final Map<String, String> KINDS_OF_REDIS =
      Map.of(
          "bundled", "",
          "sentinel", "redis.sentinelAddr",
          "node", "redis.url",
          "cluster", "redis.clusterNodes");

  private static Chart chart;

  @BeforeAll
  static void open() throws IOException {
    chart = Chart.of(SOURCE, PASSWORDS);
  }

  @AfterAll
  static void close() throws IOException {
    chart.close();
  }

  @Test
  void helmFindsNothingWrong() {
    assertEquals(List.of(), chart.lint("icon is recommended"));
  }

  @Test
  void theDefaultsRenderApiWorkerAndRedis() throws IOException {
    Objects objects = chart.render("");
    assertEquals(
        Set.of(
            "Secret demo-task-runner",
            "Deployment demo-task-runner-api",
            "Deployment demo-task-runner-worker",
            "Service demo-task-runner-api",
            "Service demo-task-runner-worker",
            "Service demo-task-runner-redis",
            "Service demo-task-runner-redis-0",
            "Service demo-task-runner-redis-1",
            "Service demo-task-runner-redis-2",
            "ConfigMap demo-task-runner-redis",
            "StatefulSet demo-task-runner-redis",
            "PodDisruptionBudget demo-task-runner-api",
            "PodDisruptionBudget demo-task-runner-worker",
            "PodDisruptionBudget demo-task-runner-redis",
            "NetworkPolicy demo-task-runner-api",
            "NetworkPolicy demo-task-runner-worker",
            "NetworkPolicy demo-task-runner-redis"),
        Set.copyOf(objects.names()));
    assertEquals(container(objects, "api").get("image"), container(objects, "worker").get("image"));
    assertEquals("task-runner:0.1.0", container(objects, "api").get("image").asText());
    Settings api = settings(objects, "api");
    List<HostPort> sentinels = ((Target.Sentinel) api.redis().target()).sentinels();
    assertEquals(3, sentinels.size());
    JsonNode set = objects.the("StatefulSet", NAME + "-redis");
    for (int i = 0; i < 3; i++) {
      String pod = NAME + "-redis-" + i;
      assertEquals(pod + ".ns.svc:26379", sentinels.get(i).toString());
      JsonNode service = objects.the("Service", pod);
      assertEquals(
          pod, service.at("/spec/selector").get("statefulset.kubernetes.io/pod-name").asText());
      assertTrue(service.at("/spec/publishNotReadyAddresses").asBoolean());
    }
    for (JsonNode container : set.at("/spec/template/spec/containers")) {
      Map<String, String> env = new TreeMap<>();
      container
          .get("env")
          .forEach(it -> env.put(it.get("name").asText(), it.path("value").asText()));
      assertEquals("$(POD_NAME).ns.svc", env.get("SELF"));
      assertEquals(NAME + "-redis-0.ns.svc", env.get("FIRST"));
    }
  }

  @Test
  void everyCombinationOfValuesRendersSafePodsWithValidSettings() throws IOException {
    int rendered = 0;
    for (Map.Entry<String, String> kind : KINDS_OF_REDIS.entrySet()) {
      for (int bits = 0; bits < 32; bits++) {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("redis.kind", kind.getKey());
        if (!kind.getValue().isEmpty()) {
          values.put(
              kind.getValue(),
              kind.getKey().equals("node") ? "rediss://redis.example.com" : "r.example.com:7000");
        }
        String all = flag(bits, 0);
        values.put("networkPolicy.enabled", all);
        values.put("podDisruptionBudget.enabled", all);
        values.put("serviceMonitor.enabled", flag(bits, 1));
        values.put("api.autoscaling.enabled", flag(bits, 2));
        values.put("worker.autoscaling.enabled", flag(bits, 2));
        values.put("worker.autoscaling.metric", (bits >> 3 & 1) == 1 ? "queue" : "cpu");
        values.put("api.enabled", flag(bits, 4));
        Objects objects = chart.render(Chart.settings(values));
        rendered++;

        boolean bundled = kind.getKey().equals("bundled");
        int parts = (values.get("api.enabled").equals("true") ? 2 : 1) + (bundled ? 1 : 0);
        assertEquals(bundled ? 1 : 0, objects.of("StatefulSet").size());
        assertEquals(all.equals("true") ? parts : 0, objects.of("NetworkPolicy").size());
        assertEquals(all.equals("true") ? parts : 0, objects.of("PodDisruptionBudget").size());
        int programs = objects.of("Deployment").size();
        assertEquals(parts - (bundled ? 1 : 0), programs);
        assertEquals((bits >> 1 & 1) * programs, objects.of("ServiceMonitor").size());
        assertEquals((bits >> 2 & 1) * programs, objects.of("HorizontalPodAutoscaler").size());
        for (JsonNode deployment : objects.of("Deployment")) {
          String part = deployment.at("/spec/template/spec/containers/0/name").asText();
          assertEquals((bits >> 2 & 1) == 0, deployment.at("/spec").has("replicas"));
          holdsForEachProgram(objects, part);
        }
        for (JsonNode object : objects.all()) {
          holdsForEachObject(objects, object);
        }
      }
    }
    assertEquals(128, rendered);
  }

  private static String flag(int bits, int at) {
    return Boolean.toString((bits >> at & 1) == 1);
  }

  private static void holdsForEachProgram(Objects objects, String part) {
    JsonNode pod = pod(objects, part);
    JsonNode container = container(objects, part);
    Map<String, String> env = environment(objects, part);
    Set<String> known = Settings.declared().stream().map(Setting::name).collect(Collectors.toSet());
    assertEquals(
        Set.of(),
        env.keySet().stream().filter(v -> !known.contains(v)).collect(Collectors.toSet()));
    Settings settings = Settings.serve(env);
    assertEquals(settings.server().port(), container.at("/ports/0/containerPort").asInt());
    assertEquals("http", container.at("/ports/0/name").asText());
    assertEquals("/health/ready", container.at("/readinessProbe/httpGet/path").asText());
    assertEquals("/health/live", container.at("/livenessProbe/httpGet/path").asText());
    JsonNode startup = container.get("startupProbe");
    assertTrue(
        startup.get("periodSeconds").asLong() * startup.get("failureThreshold").asLong()
            > settings.redis().connectRetries() * settings.redis().retryInterval().toSeconds());
    long needs =
        part.equals("api")
            ? settings.worker().shutdownDrain().toSeconds()
            : settings.worker().shutdownGrace().toSeconds();
    assertEquals(needs + 15, pod.get("terminationGracePeriodSeconds").asLong());
    assertTrue(container.at("/resources/limits/memory").isTextual());
    JsonNode service = objects.the("Service", NAME + "-" + part);
    assertEquals("http", service.at("/spec/ports/0/targetPort").asText());
  }

  /** All containers are confined, and every pod selector finds some. */
  private static void holdsForEachObject(Objects objects, JsonNode object) {
    String kind = object.get("kind").asText();
    assertTrue(object.get("apiVersion").isTextual());
    assertTrue(object.at("/metadata/name").asText().length() <= 63);
    if (kind.equals("Deployment") || kind.equals("StatefulSet")) {
      JsonNode pod = object.at("/spec/template/spec");
      assertTrue(pod.at("/securityContext/runAsNonRoot").asBoolean());
      assertEquals("RuntimeDefault", pod.at("/securityContext/seccompProfile/type").asText());
      assertFalse(pod.get("automountServiceAccountToken").asBoolean(true));
      for (JsonNode container : pod.get("containers")) {
        JsonNode security = container.get("securityContext");
        assertTrue(security.get("readOnlyRootFilesystem").asBoolean());
        assertFalse(security.get("allowPrivilegeEscalation").asBoolean(true));
        assertEquals("[\"ALL\"]", security.at("/capabilities/drop").toString());
      }
    }
    JsonNode selector =
        switch (kind) {
          case "Deployment", "StatefulSet", "PodDisruptionBudget" ->
              object.at("/spec/selector/matchLabels");
          case "NetworkPolicy" -> object.at("/spec/podSelector/matchLabels");
          case "Service" -> object.at("/spec/selector");
          case "ServiceMonitor" -> object.at("/spec/selector/matchLabels");
          default -> null;
        };
    if (selector != null) {
      List<JsonNode> among = new ArrayList<>();
      if (kind.equals("ServiceMonitor")) {
        objects.of("Service").forEach(service -> among.add(service.at("/metadata/labels")));
      } else {
        objects.of("Deployment").forEach(it -> among.add(it.at("/spec/template/metadata/labels")));
        objects.of("StatefulSet").forEach(it -> among.add(it.at("/spec/template/metadata/labels")));
      }
      assertEquals(
          1,
          among.stream()
              .filter(labels ->
                  selector.properties().stream()
                      // Kubernetes itself sets it.
                      .filter(it -> !it.getKey().equals("statefulset.kubernetes.io/pod-name"))
                      .allMatch(label -> label.getValue().equals(labels.get(label.getKey()))))
              .count(),
          kind + " " + object.at("/metadata/name"));
    }
    if (kind.equals("HorizontalPodAutoscaler")) {
      objects.the("Deployment", object.at("/spec/scaleTargetRef/name").asText());
    }
  }

  @Test
  void anUpgradeOfTheProgramLeavesTheRedisPodsAsTheyAre() throws IOException {
    JsonNode pod =
        chart.render("").the("StatefulSet", NAME + "-redis").at("/spec/template/metadata");
    assertEquals(
        Set.of(
            "app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"),
        Set.copyOf(pod.get("labels").properties().stream().map(Map.Entry::getKey).toList()));
  }

  @Test
  void aRedisPodIsReadyOnceItHasTheDataOfItsMaster() throws IOException {
    JsonNode redis =
        chart.render("").the("StatefulSet", NAME + "-redis").at("/spec/template/spec/containers/0");
    assertEquals("redis", redis.get("name").asText());
    String ready = redis.at("/readinessProbe/exec/command/2").asText();
    assertTrue(ready.endsWith("grep -E '^(role:master|master_link_status:up)'"), ready);
    String alive = redis.at("/livenessProbe/exec/command/2").asText();
    assertTrue(alive.endsWith("grep -E '^(PONG|LOADING)'"), alive);
  }

  @Test
  void annotationsAndLabelsAreAlwaysStrings() throws IOException {
    Objects objects =
        chart.render(
            """
            podAnnotations: {prometheus.io/port: 8080, prometheus.io/scrape: true, note: as it is}
            nodeSelector: {pool: 2}
            serviceMonitor: {enabled: true, labels: {release: 1.5, big: 12345678}}
            """);
    JsonNode annotations =
        objects.the("Deployment", NAME + "-api").at("/spec/template/metadata/annotations");
    assertEquals("8080", annotations.get("prometheus.io/port").textValue());
    assertEquals("true", annotations.get("prometheus.io/scrape").textValue());
    assertEquals("as it is", annotations.get("note").textValue());
    assertEquals("2", pod(objects, "api").at("/nodeSelector/pool").textValue());
    JsonNode labels = objects.the("ServiceMonitor", NAME + "-api").at("/metadata/labels");
    assertEquals("1.5", labels.get("release").textValue());
    assertEquals("12345678", labels.get("big").textValue());
  }

  @Test
  void thereIsNoSecretWithoutAValue() throws IOException {
    try (Chart bare = Chart.of(SOURCE, Map.of())) {
      Objects objects = bare.render("redis: {kind: node, url: redis://r}\n");
      assertEquals(List.of(), objects.of("Secret"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"my.rel", "1abc", "Demo", "demo-"})
  void aReleaseNameThatIsInvalidForAServiceIsRejected(String name) throws IOException {
    assertTrue(chart.refusalAs(name).contains("release name \"" + name + "\""), name);
  }

  @Test
  void withATlsSecretTheApiAndItsProbesUseTls() throws IOException {
    Map<String, String> values = Map.of("api.tlsSecret", "tls", "serviceMonitor.enabled", "true");
    Objects objects = chart.render(Chart.settings(values));
    JsonNode api = container(objects, "api");
    for (String probe : List.of("startupProbe", "readinessProbe", "livenessProbe")) {
      assertEquals("HTTPS", api.at("/" + probe + "/httpGet/scheme").asText());
      assertEquals(
          "HTTP", container(objects, "worker").at("/" + probe + "/httpGet/scheme").asText());
    }
    Map<String, String> env = environment(objects, "api");
    JsonNode mount = api.at("/volumeMounts/1");
    assertEquals(mount.get("mountPath").asText() + "/tls.crt", env.get("TLS_CERT_FILE"));
    assertEquals(mount.get("mountPath").asText() + "/tls.key", env.get("TLS_KEY_FILE"));
    JsonNode volume = pod(objects, "api").at("/volumes/1");
    assertEquals(mount.get("name"), volume.get("name"));
    assertEquals("tls", volume.at("/secret/secretName").asText());
    assertFalse(environment(objects, "worker").containsKey("TLS_CERT_FILE"));
    assertEquals(
        "https",
        objects.the("ServiceMonitor", NAME + "-api").at("/spec/endpoints/0/scheme").asText());
    assertFalse(
        objects.the("ServiceMonitor", NAME + "-worker").at("/spec/endpoints/0").has("scheme"));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '\'',
      textBlock =
          """
          api,    api.port,                      9000,        PORT
          api,    api.env.pathPrefix,            /tasks,      PATH_PREFIX
          api,    api.env.logLevel,              debug,       LOG_LEVEL
          api,    api.env.clientAuth,            required,    CLIENT_AUTH
          api,    api.env.cloudTasksAuth,        open,        CLOUD_TASKS_AUTH
          api,    api.env.waitReplicas,          2,           REDIS_WAIT_REPLICAS
          api,    api.env.drainSec,              300,         SHUTDOWN_DRAIN_SEC
          api,    api.env.otelEndpoint,          otel:4318,   OTEL_EXPORTER_OTLP_ENDPOINT
          api,    api.extraEnv.MAX_BODY_BYTES,   8388608,     MAX_BODY_BYTES
          api,    secret.adminApiKey,            sesame,      ADMIN_API_KEY
          api,    secret.metricsToken,           sesame,      METRICS_TOKEN
          api,    secret.redisPassword,          sesame,      REDIS_PASSWORD
          worker, secret.sentinelPassword,       sesame,      REDIS_SENTINEL_PASSWORD
          worker, worker.port,                   9001,        PORT
          worker, worker.env.logLevel,           warn,        LOG_LEVEL
          worker, worker.env.concurrency,        10000,       WORKER_CONCURRENCY
          worker, worker.env.taskTimeoutSec,     86400,       TASK_TIMEOUT_SEC
          worker, worker.env.maxRetry,           0,           MAX_RETRY
          worker, worker.env.allowPrivateUrls,   true,        ALLOW_PRIVATE_URLS
          worker, worker.env.cbFailureThreshold, 1000000000,  CB_FAILURE_THRESHOLD
          worker, worker.env.cbTimeoutSec,       3600,        CB_TIMEOUT_SEC
          worker, worker.env.graceSec,           3600,        SHUTDOWN_GRACE_SEC
          worker, worker.env.otelEndpoint,       otel:4318,   OTEL_EXPORTER_OTLP_ENDPOINT
          worker, redis.connectRetries,          10000,       REDIS_CONNECT_RETRIES
          worker, redis.retryIntervalSec,        60,          REDIS_RETRY_INTERVAL_SEC
          """)
  void aValueReachesTheProgram(String part, String path, String value, String variable)
      throws IOException {
    Objects objects = chart.render(Chart.setting(path, value));
    assertEquals(value, environment(objects, part).get(variable));
    holdsForEachProgram(objects, part);
  }

  @Test
  void anExistingSecretIsUsedAndNoneIsCreated() throws IOException {
    try (Chart bare = Chart.of(SOURCE, Map.of())) {
      Objects objects = bare.render("existingSecret: mine\n");
      assertEquals(List.of(), objects.of("Secret"));
      List<JsonNode> references =
          objects.all().stream()
              .flatMap(object -> object.findValues("secretKeyRef").stream())
              .toList();
      assertEquals(10, references.size());
      references.forEach(reference -> assertEquals("mine", reference.get("name").asText()));
      assertTrue(bare.refusal("").contains("set secret.redisPassword"));
      assertTrue(
          bare.refusal("existingSecret: mine\nsecret: {adminApiKey: x}\n")
              .contains("secret.adminApiKey"));
    }
  }

  @Test
  void theWorkerDoesNotGetTheKeysOfTheApi() throws IOException {
    Objects objects =
        chart.render(
            Chart.settings(
                Map.of("secret.adminApiKey", "sesame", "secret.metricsToken", "sesame")));
    assertFalse(environment(objects, "worker").containsValue("sesame"));
  }

  @Test
  void theWorkerScalesOnTheQueueWhenAskedTo() throws IOException {
    Objects objects =
        chart.render(
            "worker: {autoscaling: {enabled: true, metric: queue, readyPerSlot: \"2.5\"}}\n");
    JsonNode metric =
        objects.the("HorizontalPodAutoscaler", NAME + "-worker").at("/spec/metrics/0/external");
    assertEquals("task_runner_ready_per_slot", metric.at("/metric/name").asText());
    assertEquals("Value", metric.at("/target/type").asText());
    assertEquals("2.5", metric.at("/target/value").asText());
  }

  @Test
  void theApiReachesOnlyItsRedisAndItsMetricsRequireTheToken() throws IOException {
    Objects objects = chart.render("serviceMonitor: {enabled: true}\n");
    JsonNode api = objects.the("NetworkPolicy", NAME + "-api");
    assertEquals("[\"Ingress\",\"Egress\"]", api.at("/spec/policyTypes").toString());
    assertEquals(
        "redis",
        api.at("/spec/egress/1/to/0/podSelector/matchLabels")
            .get("app.kubernetes.io/component")
            .asText());
    assertEquals(
        "[\"Ingress\"]",
        objects.the("NetworkPolicy", NAME + "-worker").at("/spec/policyTypes").toString());
    assertEquals(
        "metrics-token",
        objects
            .the("ServiceMonitor", NAME + "-api")
            .at("/spec/endpoints/0/authorization/credentials/key")
            .asText());
    assertTrue(
        chart
            .notes("api: {env: {otelEndpoint: \"otel:4318\"}}\n")
            .contains("networkPolicy.apiEgress"));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '\'',
      textBlock =
          """
          image.pullPolicy,              Sometimes
          api.port,                      0
          api.replicas,                  0
          api.autoscaling.cpuPercent,    101
          api.service.type,              ExternalName
          api.env.logLevel,              trace
          api.env.pathPrefix,            /tasks/
          api.env.clientAuth,            maybe
          api.env.waitReplicas,          many
          api.env.drainSec,              301
          api.extraEnv.lower,            x
          worker.autoscaling.metric,     memory
          worker.env.concurrency,        0
          worker.env.taskTimeoutSec,     86401
          worker.env.maxRetry,           101
          worker.env.cbTimeoutSec,       0
          worker.env.graceSec,           3601
          worker.env.concurency,         5
          redis.kind,                    embedded
          redis.url,                     'redis://:password@host'
          redis.clusterNodes,            no-port
          redis.bundled.maxmemory,       much
          redis.bundled.storage.size,    8
          secret.redisPassword,          'with space'
          existingSecret,                Not_A_Name
          serviceMonitor.interval,       often
          podAnnotations.list,           [1]
          nonsense,                      1
          """)
  void anInvalidValueIsRejectedByName(String path, String value) throws IOException {
    String refusal = chart.refusal(Chart.setting(path, value));
    String last = path.substring(path.lastIndexOf('.') + 1);
    assertTrue(refusal.contains("values don't meet the specifications of the schema"), refusal);
    assertTrue(refusal.contains(path) || refusal.contains(last), refusal);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          redis: {kind: node}                                | set redis.url
          redis: {kind: sentinel}                            | set redis.sentinelAddr
          redis: {kind: cluster}                             | set redis.clusterNodes
          redis: {url: "redis://r"}                          | set redis.kind: node
          api: {replicas: 7, autoscaling: {enabled: true}}   | api.replicas (7) is above api.autoscaling.max (6)
          worker: {extraEnv: {MODE: api}}                    | worker.extraEnv.MODE
          api: {extraEnv: {REDIS_PASSWORD: x}}               | api.extraEnv.REDIS_PASSWORD
          worker: {extraEnv: {TLS_CERT_FILE: /x}}            | name a secret in api.tlsSecret
          """)
  void contradictoryValuesAreRejected(String values, String said) throws IOException {
    String refusal = chart.refusal(values + "\n");
    assertTrue(refusal.contains(said), refusal);
  }

  @Test
  void strictRejectsOpenSettingsAndAcceptsSafeValues() throws IOException {
    Map<String, String> safe =
        Map.of(
            "strict", "true",
            "secret.adminApiKey", "admin-sesame",
            "api.env.clientAuth", "required");
    String refusal = chart.refusal("strict: true\n");
    assertTrue(refusal.contains("api.env.clientAuth"), refusal);
    assertTrue(refusal.contains("secret.adminApiKey"), refusal);
    chart.render(Chart.settings(safe));
    String notes = chart.notes(Chart.settings(safe));
    assertFalse(notes.contains("Before you use this"), notes);
    assertFalse(notes.contains("sesame"), notes);
    assertTrue(chart.notes("").contains("Enqueue is open"), notes);
  }

  private static JsonNode pod(Objects objects, String part) {
    return objects.the("Deployment", NAME + "-" + part).at("/spec/template/spec");
  }

  /** The one container of a program. */
  static JsonNode container(Objects objects, String part) {
    assertEquals(1, pod(objects, part).get("containers").size());
    return pod(objects, part).at("/containers/0");
  }

  private static Settings settings(Objects objects, String part) {
    return Settings.serve(environment(objects, part));
  }

  /** The environment of a program, with secrets inserted as Kubernetes does. */
  static Map<String, String> environment(Objects objects, String part) {
    Map<String, String> env = new TreeMap<>();
    JsonNode variables = container(objects, part).get("env");
    for (JsonNode variable : variables) {
      JsonNode value = variable.get("value");
      if (value == null) {
        JsonNode reference = variable.at("/valueFrom/secretKeyRef");
        assertTrue(reference.get("optional").asBoolean());
        value =
            objects
                .the("Secret", reference.get("name").asText())
                .get("data")
                .get(reference.get("key").asText());
        if (value != null) {
          byte[] decoded = Base64.getDecoder().decode(value.asText());
          value = TextNode.valueOf(new String(decoded, StandardCharsets.UTF_8));
        }
      }
      if (value != null) {
        assertTrue(value.isTextual(), variable.toString());
        assertFalse(env.containsKey(variable.get("name").asText()), "twice: " + variable);
        env.put(variable.get("name").asText(), value.asText());
      }
    }
    return env;
  }
}
