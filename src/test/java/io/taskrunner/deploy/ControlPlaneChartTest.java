package io.taskrunner.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.config.Setting;
import io.taskrunner.config.Settings;
import io.taskrunner.deploy.Chart.Objects;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The chart for Control Plane: the objects from its values, and the program with their settings.
 */
class ControlPlaneChartTest {

  private static final Path SOURCE = Path.of("deploy/control-plane");

  private static final String API = "demo-task-runner-api";
  private static final String WORKER = "demo-task-runner-worker";

  /** Safe according to {@code strict}. */
  private static final Map<String, String> SAFE =
      Map.of(
          "strict", "true",
          "redis.redisPassword", "node-sesame",
          "redis.sentinelPassword", "sentinel-sesame",
          "api.env.adminApiKey", "admin-sesame",
          "api.env.clientAuth", "required");

  private static Chart chart;

  @BeforeAll
  static void open() throws IOException {
    // The values that `cpln helm install --gvc main` sets.
    chart = Chart.of(SOURCE, Map.of("global.cpln.gvc", "main"));
  }

  @AfterAll
  static void close() throws IOException {
    chart.close();
  }

  @Test
  void helmFindsNothingWrong() {
    // Helm looks for the metadata of Kubernetes, which Control Plane's objects lack.
    assertEquals(
        List.of(), chart.lint("icon is recommended", "metadata.name: Invalid value: \"\""));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '\'',
      textBlock =
          """
          api.enabled, true
          api.port, 8080
          api.replicas.min, 1
          api.replicas.max, 3
          api.public.enabled, true
          api.public.pathPrefix, ''
          api.resources.cpu, 500m
          api.resources.memory, 512Mi
          api.env.logLevel, info
          api.env.adminApiKey, ''
          api.env.connectRetries, 30
          api.env.retryIntervalSec, 2
          api.env.otelEndpoint, ''
          worker.enabled, true
          worker.port, 8082
          worker.replicas.min, 1
          worker.replicas.max, 5
          worker.resources.cpu, 1000m
          worker.resources.memory, 1Gi
          worker.env.logLevel, info
          worker.env.concurrency, 10
          worker.env.taskTimeoutSec, 1800
          worker.env.maxRetry, 5
          worker.env.allowPrivateUrls, false
          worker.env.cbFailureThreshold, 5
          worker.env.cbTimeoutSec, 30
          worker.env.connectRetries, 30
          worker.env.retryIntervalSec, 2
          worker.env.otelEndpoint, ''
          createSecret, true
          secretName, task-runner-secrets
          redis.enabled, true
          redis.redisPassword, mypassword
          redis.sentinelPassword, mypassword
          redis.redis.auth.fromSecret.name, task-runner-secrets
          redis.redis.auth.fromSecret.passwordKey, redis-password
          redis.sentinel.auth.fromSecret.name, task-runner-secrets
          redis.sentinel.auth.fromSecret.passwordKey, redis-sentinel-password
          redis.admin.fromSecret.name, task-runner-secrets
          redis.admin.fromSecret.apiKeyKey, admin-api-key
          """)
  void theValuesHaveTheNamesAndDefaultsThatWereAgreed(String path, String value)
      throws IOException {
    JsonNode found = chart.defaults().at("/" + path.replace('.', '/'));
    assertTrue(found.isValueNode(), path);
    assertEquals(value, found.asText());
  }

  @Test
  void theReadmeNamesEveryValueWithItsDefault() throws IOException {
    Map<String, String> told = new TreeMap<>();
    Pattern.compile("(?m)^\\| `([A-Za-z.]+)` \\| `([^`]*)` \\|")
        .matcher(Files.readString(SOURCE.resolve("README.md")))
        .results()
        .forEach(row -> told.put(row.group(1), row.group(2)));
    Map<String, String> real = new TreeMap<>();
    flatten("", chart.defaults(), real);
    assertEquals(lines(real), lines(told));
  }

  private static void flatten(String path, JsonNode node, Map<String, String> into) {
    if (node.isObject() && !node.isEmpty()) {
      node.properties()
          .forEach(entry ->
              flatten(
                  path.isEmpty() ? entry.getKey() : path + "." + entry.getKey(),
                  entry.getValue(),
                  into));
    } else {
      into.put(path, node.asText().isEmpty() ? node.toString() : node.asText());
    }
  }

  private static String lines(Map<String, String> map) {
    return map.entrySet().stream().map(Object::toString).collect(Collectors.joining("\n"));
  }

  @Test
  void theDefaultsRenderTwoWorkloadsOfOneImage() throws IOException {
    Objects objects = chart.render("");
    assertEquals(
        Set.of(
            "identity demo-task-runner-identity",
            "policy demo-task-runner-policy",
            "secret task-runner-secrets",
            "workload " + API,
            "workload " + WORKER,
            "handed redis"),
        Set.copyOf(objects.names()));

    JsonNode api = objects.the("workload", API);
    JsonNode worker = objects.the("workload", WORKER);
    assertEquals(image(api), image(worker));
    assertEquals(
        Map.ofEntries(
            Map.entry("MODE", "api"),
            Map.entry("PORT", "8080"),
            Map.entry("LOG_LEVEL", "info"),
            Map.entry("LOG_FORMAT", "json"),
            Map.entry("REDIS_SENTINEL_ADDR", "demo-sentinel.main.cpln.local:26379"),
            Map.entry("REDIS_MASTER_NAME", "mymaster"),
            Map.entry("REDIS_PASSWORD", "mypassword"),
            Map.entry("REDIS_SENTINEL_PASSWORD", "mypassword"),
            Map.entry("REDIS_CONNECT_RETRIES", "30"),
            Map.entry("REDIS_RETRY_INTERVAL_SEC", "2"),
            Map.entry("REDIS_WAIT_REPLICAS", "auto"),
            Map.entry("CLIENT_AUTH", "open"),
            Map.entry("CLOUD_TASKS_AUTH", "required"),
            Map.entry("SHUTDOWN_DRAIN_SEC", "5")),
        environment(objects, API));
    assertEquals(
        Map.ofEntries(
            Map.entry("MODE", "worker"),
            Map.entry("PORT", "8082"),
            Map.entry("LOG_LEVEL", "info"),
            Map.entry("LOG_FORMAT", "json"),
            Map.entry("REDIS_SENTINEL_ADDR", "demo-sentinel.main.cpln.local:26379"),
            Map.entry("REDIS_MASTER_NAME", "mymaster"),
            Map.entry("REDIS_PASSWORD", "mypassword"),
            Map.entry("REDIS_SENTINEL_PASSWORD", "mypassword"),
            Map.entry("REDIS_CONNECT_RETRIES", "30"),
            Map.entry("REDIS_RETRY_INTERVAL_SEC", "2"),
            Map.entry("WORKER_CONCURRENCY", "10"),
            Map.entry("TASK_TIMEOUT_SEC", "1800"),
            Map.entry("MAX_RETRY", "5"),
            Map.entry("ALLOW_PRIVATE_URLS", "false"),
            Map.entry("CB_FAILURE_THRESHOLD", "5"),
            Map.entry("CB_TIMEOUT_SEC", "30"),
            Map.entry("SHUTDOWN_GRACE_SEC", "30")),
        environment(objects, WORKER));

    assertEquals("concurrency", api.at("/spec/defaultOptions/autoscaling/metric").asText());
    assertEquals(100, api.at("/spec/defaultOptions/autoscaling/target").asInt());
    assertEquals("cpu", worker.at("/spec/defaultOptions/autoscaling/metric").asText());
    assertEquals("[\"0.0.0.0/0\"]", external(api, "inboundAllowCIDR"));
    assertEquals("[]", external(api, "outboundAllowCIDR"));
    assertEquals("[]", external(worker, "inboundAllowCIDR"));
    assertEquals("[\"0.0.0.0/0\"]", external(worker, "outboundAllowCIDR"));
  }

  @Test
  void everyCombinationOfValuesIsValidForThePlatformAndTheProgram() throws IOException {
    int rendered = 0;
    for (int bits = 0; bits < 32; bits++) {
      Map<String, String> values = new LinkedHashMap<>();
      values.put("api.enabled", flag(bits, 0));
      values.put("worker.enabled", flag(bits, 1));
      values.put("api.public.enabled", flag(bits, 2));
      values.put("createSecret", flag(bits, 3));
      values.put("redis.enabled", flag(bits, 4));
      if (values.get("redis.enabled").equals("false")) {
        values.put("redisSentinelAddr", "s1.example.com:26379,s2.example.com:26379");
      }
      Objects objects = chart.render(Chart.settings(values));
      rendered++;
      assertEquals(values.get("createSecret").equals("true") ? 1 : 0, objects.of("secret").size());
      assertEquals(values.get("redis.enabled").equals("true") ? 1 : 0, objects.of("handed").size());
      List<String> expected = new ArrayList<>();
      if (values.get("api.enabled").equals("true")) {
        expected.add(API);
      }
      if (values.get("worker.enabled").equals("true")) {
        expected.add(WORKER);
      }
      assertEquals(expected, objects.names("workload"));
      for (JsonNode workload : objects.of("workload")) {
        holdsForEachWorkload(objects, workload);
      }
      if (objects.names("workload").contains(API)) {
        assertEquals(
            values.get("api.public.enabled").equals("true") ? "[\"0.0.0.0/0\"]" : "[]",
            external(objects.the("workload", API), "inboundAllowCIDR"));
      }
    }
    assertEquals(32, rendered);
  }

  private static String flag(int bits, int at) {
    return Boolean.toString((bits >> at & 1) == 1);
  }

  /** The rules of Control Plane for a serverless workload, and those of this project. */
  private static void holdsForEachWorkload(Objects objects, JsonNode workload) {
    String name = workload.get("name").asText();
    assertTrue(name.length() <= 49, name);
    assertEquals("serverless", workload.at("/spec/type").asText());
    assertEquals(1, workload.at("/spec/containers").size());
    JsonNode container = workload.at("/spec/containers/0");
    Map<String, String> env = environment(objects, name);
    int port = container.at("/ports/0/number").asInt();
    assertEquals(1, container.get("ports").size());
    assertEquals(Integer.toString(port), env.get("PORT"));
    assertEquals("/health/ready", container.at("/readinessProbe/httpGet/path").asText());
    assertEquals("/health/live", container.at("/livenessProbe/httpGet/path").asText());
    assertEquals(port, container.at("/readinessProbe/httpGet/port").asInt());
    assertEquals(port, container.at("/livenessProbe/httpGet/port").asInt());
    assertFalse(workload.at("/spec/defaultOptions/capacityAI").asBoolean(true));
    assertEquals(
        "same-gvc", workload.at("/spec/firewallConfig/internal/inboundAllowType").asText());

    String identity = workload.at("/spec/identityLink").asText();
    assertEquals(
        "//gvc/main/identity/" + objects.of("identity").getFirst().get("name").asText(), identity);
    JsonNode policy = objects.of("policy").getFirst();
    assertEquals(identity, policy.at("/bindings/0/principalLinks/0").asText());
    assertEquals("reveal", policy.at("/bindings/0/permissions/0").asText());
    List<String> readable = new ArrayList<>();
    policy.get("targetLinks").forEach(link -> readable.add(link.asText()));
    assertEquals(readable.stream().distinct().toList(), readable);
    for (JsonNode variable : container.get("env")) {
      String value = variable.get("value").asText();
      if (value.startsWith("cpln://secret/")) {
        assertTrue(readable.contains("//secret/" + value.substring(14, value.indexOf('.'))), value);
      }
    }

    Set<String> known = Settings.declared().stream().map(Setting::name).collect(Collectors.toSet());
    assertEquals(
        Set.of(),
        env.keySet().stream().filter(v -> !known.contains(v)).collect(Collectors.toSet()));
    Settings settings = Settings.serve(env);
    long grace = workload.at("/spec/rolloutOptions/terminationGracePeriodSeconds").asLong();
    assertTrue(grace <= 900, name + ": " + grace);
    // Half of it passes before the program gets the signal.
    assertTrue(
        grace / 2 >= settings.worker().shutdownDrain().toSeconds() + 10
            && (!settings.server().mode().works()
                || grace / 2 >= settings.worker().shutdownGrace().toSeconds() + 10),
        name + ": " + grace);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '\'',
      textBlock =
          """
          api,    api.port,                      9000,                     PORT
          api,    api.public.pathPrefix,         /tasks,                   PATH_PREFIX
          api,    api.env.logLevel,              debug,                    LOG_LEVEL
          api,    api.env.adminApiKey,           sesame,                   ADMIN_API_KEY
          api,    api.env.connectRetries,        65,                       REDIS_CONNECT_RETRIES
          api,    api.env.retryIntervalSec,      4,                        REDIS_RETRY_INTERVAL_SEC
          api,    api.env.otelEndpoint,          tracing.controlplane:4318, OTEL_EXPORTER_OTLP_ENDPOINT
          api,    api.env.clientAuth,            required,                 CLIENT_AUTH
          api,    api.env.cloudTasksAuth,        open,                     CLOUD_TASKS_AUTH
          api,    api.env.waitReplicas,          2,                        REDIS_WAIT_REPLICAS
          api,    api.env.drainSec,              300,                      SHUTDOWN_DRAIN_SEC
          api,    metrics.token,                 sesame,                   METRICS_TOKEN
          api,    redis.redisPassword,           sesame,                   REDIS_PASSWORD
          api,    redis.sentinelPassword,        sesame,                   REDIS_SENTINEL_PASSWORD
          api,    redisMasterName,               other,                    REDIS_MASTER_NAME
          api,    api.extraEnv.RESULT_RETENTION_SEC, 31536000,             RESULT_RETENTION_SEC
          worker, worker.port,                   9001,                     PORT
          worker, worker.env.logLevel,           warn,                     LOG_LEVEL
          worker, worker.env.concurrency,        10000,                    WORKER_CONCURRENCY
          worker, worker.env.taskTimeoutSec,     86400,                    TASK_TIMEOUT_SEC
          worker, worker.env.maxRetry,           100,                      MAX_RETRY
          worker, worker.env.allowPrivateUrls,   true,                     ALLOW_PRIVATE_URLS
          worker, worker.env.cbFailureThreshold, 1000000000,               CB_FAILURE_THRESHOLD
          worker, worker.env.cbTimeoutSec,       3600,                     CB_TIMEOUT_SEC
          worker, worker.env.connectRetries,     0,                        REDIS_CONNECT_RETRIES
          worker, worker.env.retryIntervalSec,   1,                        REDIS_RETRY_INTERVAL_SEC
          worker, worker.env.otelEndpoint,       https://otel.example.com, OTEL_EXPORTER_OTLP_ENDPOINT
          worker, worker.env.graceSec,           435,                      SHUTDOWN_GRACE_SEC
          worker, redis.redisPassword,           sesame,                   REDIS_PASSWORD
          worker, worker.extraEnv.ALLOWED_CIDRS, 10.0.0.0/8,               ALLOWED_CIDRS
          """)
  void aValueReachesTheProgram(String part, String path, String value, String variable)
      throws IOException {
    Objects objects = chart.render(Chart.setting(path, value));
    JsonNode workload = objects.the("workload", "demo-task-runner-" + part);
    assertEquals(value, environment(objects, workload.get("name").asText()).get(variable));
    holdsForEachWorkload(objects, workload);
  }

  @Test
  void replicasResourcesAndTheImageReachThePlatform() throws IOException {
    Objects objects =
        chart.render(
            """
            image: example/task-runner:9
            worker:
              replicas: {min: 2, max: 7}
              resources: {cpu: 2000m, memory: 2Gi}
            """);
    JsonNode worker = objects.the("workload", WORKER);
    assertEquals("example/task-runner:9", image(worker));
    assertEquals("example/task-runner:9", image(objects.the("workload", API)));
    assertEquals(2, worker.at("/spec/defaultOptions/autoscaling/minScale").asInt());
    assertEquals(7, worker.at("/spec/defaultOptions/autoscaling/maxScale").asInt());
    assertEquals("2000m", worker.at("/spec/containers/0/cpu").asText());
    assertEquals("2Gi", worker.at("/spec/containers/0/memory").asText());
  }

  @Test
  void theWorkerDoesNotGetTheKeysOfTheApi() throws IOException {
    Objects objects =
        chart.render(
            Chart.settings(Map.of("api.env.adminApiKey", "sesame", "metrics.token", "sesame")));
    assertFalse(environment(objects, WORKER).containsValue("sesame"));
  }

  @Test
  void anExistingSecretIsUsedByItsNames() throws IOException {
    Objects objects =
        chart.render(
            """
            createSecret: false
            metrics: {fromSecret: {name: watching, tokenKey: token}}
            redis:
              redis: {auth: {fromSecret: {name: one, passwordKey: a}}}
              sentinel: {auth: {fromSecret: {name: two, passwordKey: b}}}
              admin: {fromSecret: {name: one, apiKeyKey: c}}
            """);
    assertEquals(List.of(), objects.of("secret"));
    Map<String, String> api = given(objects.the("workload", API));
    assertEquals("cpln://secret/one.a", api.get("REDIS_PASSWORD"));
    assertEquals("cpln://secret/two.b", api.get("REDIS_SENTINEL_PASSWORD"));
    assertEquals("cpln://secret/one.c", api.get("ADMIN_API_KEY"));
    assertEquals("cpln://secret/watching.token", api.get("METRICS_TOKEN"));
    assertEquals(
        "[\"//secret/one\",\"//secret/two\",\"//secret/watching\"]",
        objects.of("policy").getFirst().get("targetLinks").toString());
    String notes = chart.notes("createSecret: false\n");
    assertTrue(notes.contains("task-runner-secrets, key redis-password: REDIS_PASSWORD"), notes);
    assertTrue(notes.contains("task-runner-secrets, key admin-api-key: ADMIN_API_KEY"), notes);
  }

  @Test
  void theRedisTemplateGetsTheCreatedSecret() throws IOException {
    Objects objects = chart.render("");
    JsonNode handed = objects.the("handed", "redis").get("values");
    JsonNode data = objects.the("secret", "task-runner-secrets").get("data");
    for (String part : List.of("redis", "sentinel")) {
      JsonNode from = handed.at("/" + part + "/auth/fromSecret");
      assertTrue(from.get("enabled").asBoolean());
      assertEquals("task-runner-secrets", from.get("name").asText());
      assertTrue(data.has(from.get("passwordKey").asText()), data.toString());
      assertTrue(handed.at("/" + part + "/persistence/enabled").asBoolean());
    }
  }

  @Test
  void anotherSecretNameRequiresAllNames() throws IOException {
    String refusal = chart.refusal("secretName: mine\n");
    int begin = refusal.indexOf("secretName: mine");
    assertTrue(begin > 0, refusal);
    String lines = refusal.substring(begin, refusal.indexOf("\n\n", begin)) + "\n";
    Objects objects = chart.render(lines);
    assertEquals(List.of("mine"), objects.names("secret"));
    assertEquals(
        "mine",
        objects.the("handed", "redis").at("/values/sentinel/auth/fromSecret/name").asText());
    assertEquals(
        "cpln://secret/mine.redis-password",
        given(objects.the("workload", WORKER)).get("REDIS_PASSWORD"));
  }

  /** The values of the template's versions 1.0 to 1.2, in which only these two differ. */
  private static String published(String workerCpu, String image) {
    return """
    %s
    api:
      enabled: true
      replicas: {min: 1, max: 3}
      port: 8080
      public: {enabled: true, pathPrefix: ""}
      resources: {cpu: 500m, memory: 512Mi}
      env: {logLevel: info, adminApiKey: "", otelEndpoint: "", connectRetries: 30, retryIntervalSec: 2}
    worker:
      enabled: true
      replicas: {min: 1, max: 5}
      port: 8082
      resources: {cpu: %s, memory: 1Gi}
      env:
        logLevel: info
        concurrency: 10
        taskTimeoutSec: 1800
        maxRetry: 5
        allowPrivateUrls: false
        cbFailureThreshold: 5
        cbTimeoutSec: 30
        connectRetries: 30
        retryIntervalSec: 2
        otelEndpoint: ""
    createSecret: true
    secretName: task-runner-secrets
    redis:
      redisPassword: mypassword
      sentinelPassword: mypassword
      admin: {fromSecret: {name: task-runner-secrets, apiKeyKey: admin-api-key}}
      redis:
        auth: {fromSecret: {enabled: true, name: task-runner-secrets, passwordKey: redis-password}}
        persistence: {enabled: true}
      sentinel:
        auth: {fromSecret: {enabled: true, name: task-runner-secrets, passwordKey: redis-sentinel-password}}
        persistence: {enabled: true}
    """
        .formatted(image, workerCpu);
  }

  @Test
  void acceptsTheTemplatesOwnValuesExceptItsImage() throws IOException {
    String theirs = "image: controlplanecorporation/cpln-task-runner:0.4";
    chart.render(published("\"1000m\"", "")); // 1.0
    Objects objects = chart.render(published("1", "")); // 1.1 to 1.2
    assertEquals("1", objects.the("workload", WORKER).at("/spec/containers/0/cpu").textValue());
    assertEquals("//image/task-runner:0.1.0", image(objects.the("workload", WORKER)));
    assertTrue(chart.refusal(published("1", theirs)).contains("leave image out"));
    assertTrue(
        chart
            .refusal("image: registry.example.com/x/cpln-task-runner\n")
            .contains("cpln-task-runner"));
  }

  @ParameterizedTest
  @CsvSource({"0.25, 0.25", "'\"0.5\"', 0.5", "2, 2", "250m, 250m"})
  void acceptsCpuAsANumberOrAString(String given, String rendered) throws IOException {
    Objects objects = chart.render(Chart.setting("api.resources.cpu", given));
    assertEquals(rendered, objects.the("workload", API).at("/spec/containers/0/cpu").textValue());
  }

  @Test
  void theLivenessProbeBeginsAfterTheRetriesOfTheFirstConnection() throws IOException {
    Objects objects = chart.render("worker: {env: {connectRetries: 26, retryIntervalSec: 5}}\n");
    String delay = "/spec/containers/0/livenessProbe/initialDelaySeconds";
    assertEquals(150, objects.the("workload", WORKER).at(delay).asInt());
    assertEquals(80, objects.the("workload", API).at(delay).asInt());
  }

  @Test
  void anAdminKeyInTheValuesCausesANoteWithASecretOfOnesOwn() throws IOException {
    String values = "createSecret: false\napi: {env: {adminApiKey: sesame}}\n";
    Objects objects = chart.render(values);
    assertEquals(
        "cpln://secret/task-runner-secrets.admin-api-key",
        given(objects.the("workload", API)).get("ADMIN_API_KEY"));
    String notes = chart.notes(values);
    assertTrue(notes.contains("the admin key is the one in the secret"), notes);
    assertFalse(notes.contains("sesame"), notes);
    String none = values + "redis: {admin: {fromSecret: {name: \"\"}}}\n";
    assertFalse(given(chart.render(none).the("workload", API)).containsKey("ADMIN_API_KEY"));
    assertTrue(chart.notes(none).contains("there is no admin key"));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '\'',
      textBlock =
          """
          api.port,                      eighty
          api.port,                      79
          api.replicas.min,              -1
          api.replicas.max,              0
          api.public.pathPrefix,         tasks
          api.public.pathPrefix,         /tasks/
          api.resources.cpu,             half
          api.resources.cpu,             0
          api.resources.cpu,             1.5m
          api.resources.memory,          512
          api.env.logLevel,              trace
          api.env.connectRetries,        10001
          api.env.retryIntervalSec,      0
          api.env.clientAuth,            maybe
          api.env.waitReplicas,          many
          api.env.drainSec,              301
          api.extraEnv.lower,            x
          worker.replicas.min,           0
          worker.env.concurrency,        0
          worker.env.taskTimeoutSec,     86401
          worker.env.maxRetry,           101
          worker.env.allowPrivateUrls,   'maybe'
          worker.env.cbFailureThreshold, -1
          worker.env.cbTimeoutSec,       0
          worker.env.graceSec,           436
          worker.env.concurency,         5
          worker.enabled,                '"yes"'
          createSecret,                  '"true"'
          secretName,                    Not_A_Name
          redis.redisPassword,           'with space'
          redis.redis.auth.fromSecret.enabled, false
          redis.admin.fromSecret.key,    x
          redisSentinelAddr,             no-port
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
          redisSentinelAddr: s1:26379          | redis.enabled
          redis: {enabled: false}              | redisSentinelAddr
          api: {replicas: {min: 4}}            | api.replicas.min (4) is above api.replicas.max (3)
          api: {extraEnv: {LOG_LEVEL: debug}}  | api.extraEnv.LOG_LEVEL
          worker: {env: {connectRetries: 66}}  | worker.env.connectRetries x worker.env.retryIntervalSec is 132 s
          {createSecret: false, metrics: {token: x}}          | metrics.fromSecret
          redis: {sentinel: {auth: {fromSecret: {passwordKey: redis-password}}}} | the key "redis-password"
          """)
  void contradictoryValuesAreRejected(String values, String said) throws IOException {
    String refusal = chart.refusal(values + "\n");
    assertTrue(refusal.contains(said), refusal);
  }

  @Test
  void strictRejectsTheDefaultsAndAcceptsSafeValues() throws IOException {
    String refusal = chart.refusal("strict: true\n");
    assertTrue(refusal.contains("redis.redisPassword"), refusal);
    assertTrue(refusal.contains("api.env.adminApiKey"), refusal);
    assertTrue(refusal.contains("api.env.clientAuth"), refusal);
    chart.render(Chart.settings(SAFE));
    for (String each : SAFE.keySet()) {
      Map<String, String> but = new TreeMap<>(SAFE);
      but.remove(each);
      if (!each.equals("strict")) {
        assertTrue(chart.refusal(Chart.settings(but)).contains("strict is true"), each);
      }
    }
  }

  @Test
  void theNotesWarnOfRisksAndMentionTheTracingProvider() throws IOException {
    String notes = chart.notes("");
    assertTrue(notes.contains("published default"), notes);
    assertTrue(notes.contains("admin calls are refused"), notes);
    assertTrue(notes.contains("Enqueue is open: anyone on the internet"), notes);
    assertTrue(notes.contains("tracing provider"), notes);
    assertTrue(
        chart.notes("api: {public: {enabled: false}}\n").contains("anyone in this GVC"), notes);
    String safe = chart.notes(Chart.settings(SAFE));
    assertFalse(safe.contains("Before you use this"), safe);
    assertFalse(safe.contains("sesame"), safe);
  }

  @Test
  void withoutAGvcTheErrorExplainsHowToInstall() throws IOException {
    try (Chart bare = Chart.of(SOURCE, Map.of())) {
      assertTrue(bare.refusal("").contains("cpln helm install"));
    }
  }

  private static String image(JsonNode workload) {
    return workload.at("/spec/containers/0/image").asText();
  }

  private static String external(JsonNode workload, String rule) {
    return workload.at("/spec/firewallConfig/external/" + rule).toString();
  }

  private static Map<String, String> given(JsonNode workload) {
    Map<String, String> env = new TreeMap<>();
    for (JsonNode variable : workload.at("/spec/containers/0/env")) {
      assertTrue(variable.get("value").isTextual(), variable.toString());
      env.put(variable.get("name").asText(), variable.get("value").asText());
    }
    assertEquals(workload.at("/spec/containers/0/env").size(), env.size(), "a variable twice");
    return env;
  }

  /** The environment of a workload's program, with secrets inserted as the platform does. */
  static Map<String, String> environment(Objects objects, String workload) {
    Map<String, String> env = given(objects.the("workload", workload));
    env.replaceAll((_, value) -> {
      if (!value.startsWith("cpln://secret/")) {
        return value;
      }
      String[] place = value.substring("cpln://secret/".length()).split("\\.", 2);
      return objects.of("secret").isEmpty()
          ? "from-a-secret-of-ones-own"
          : objects.the("secret", place[0]).get("data").get(place[1]).asText();
    });
    return env;
  }
}
