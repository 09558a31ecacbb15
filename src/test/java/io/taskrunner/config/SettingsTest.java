package io.taskrunner.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.config.ApiSettings.Access;
import io.taskrunner.config.InvalidSettings.Fault;
import io.taskrunner.config.RedisSettings.Target;
import io.taskrunner.config.ServerSettings.Mode;
import io.taskrunner.testkit.TestCertificate;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SettingsTest {

  @Test
  void anEmptyEnvironmentGivesTheDocumentedDefaults() {
    Settings settings = Settings.serve(Map.of());

    assertEquals(Mode.BOTH, settings.server().mode());
    assertEquals(8080, settings.server().port());
    assertEquals("0.0.0.0", settings.server().bind().getHostAddress());
    assertEquals("", settings.server().pathPrefix());
    assertFalse(settings.server().dev());
    assertEquals(new LogSettings(LogSettings.Level.INFO, LogSettings.Format.JSON), settings.log());
    assertEquals(
        new RedisSettings(
            new Target.Node(new HostPort("127.0.0.1", 6379)),
            Optional.empty(),
            Optional.empty(),
            false,
            Optional.empty(),
            0,
            "tr",
            1,
            30,
            Duration.ofSeconds(2),
            Duration.ofSeconds(5),
            OptionalInt.empty(),
            OptionalLong.empty(),
            0.9),
        settings.redis());
    assertEquals(
        new ApiSettings(
            Optional.empty(),
            Access.OPEN,
            10_000,
            Optional.empty(),
            1_048_576,
            Duration.ofHours(1),
            Duration.ofDays(1),
            Access.REQUIRED,
            false,
            Optional.empty(),
            new DashboardSettings(true, "")),
        settings.api());
    assertEquals(
        new WorkerSettings(
            10,
            Duration.ofMinutes(30),
            5,
            Duration.ofSeconds(30),
            Duration.ofSeconds(30),
            Duration.ZERO),
        settings.worker());
    assertEquals(
        new DispatchSettings(
            false,
            List.of(),
            List.of(),
            List.of(),
            Duration.ofSeconds(10),
            new DispatchSettings.Breaker(5, Duration.ofSeconds(30), 3, Duration.ofSeconds(60)),
            1024),
        settings.dispatch());
    assertEquals(new TracingSettings(Optional.empty(), Map.of()), settings.tracing());
    assertEquals(Path.of("./data"), settings.dataDir());
    assertFalse(settings.redisNamed());
  }

  @Test
  void devHasDefaultsForLocalUseUnlessSet() {
    Settings dev = Settings.dev(Map.of());
    assertTrue(dev.server().dev());
    assertTrue(dev.server().onLoopback());
    assertTrue(dev.dispatch().allowPrivateUrls());
    assertEquals(Access.OPEN, dev.api().cloudTasksAuth());
    assertTrue(dev.api().cloudTasksOpenTokens());

    Settings closed =
        Settings.dev(
            Map.of(
                "BIND", "0.0.0.0",
                "ALLOW_PRIVATE_URLS", "false",
                "CLOUD_TASKS_AUTH", "required",
                "CLOUD_TASKS_OPEN_TOKENS", "false"));
    assertFalse(closed.server().onLoopback());
    assertFalse(closed.dispatch().allowPrivateUrls());
    assertEquals(Access.REQUIRED, closed.api().cloudTasksAuth());
    assertFalse(closed.api().cloudTasksOpenTokens());
  }

  @Test
  void aWorkerListensOnAPortOfItsOwn() {
    assertEquals(8082, Settings.serve(Map.of("MODE", "worker")).server().port());
    assertEquals(9000, Settings.serve(Map.of("MODE", "worker", "PORT", "9000")).server().port());
  }

  @Test
  void anEmptyVariableIsUnset() {
    assertEquals(
        Settings.serve(Map.of()),
        Settings.serve(Map.of("PORT", "", "ADMIN_API_KEY", " ", "REDIS_SENTINEL_ADDR", "")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          MODE                     | server                    | api, worker, both
          PORT                     | 0                         | 1 to 65535
          PORT                     | 65536                     | 1 to 65535
          PORT                     | 80.5                      | 1 to 65535
          PORT                     | 99999999999999999999      | 1 to 65535
          BIND                     | example.com               | an IP address
          PATH_PREFIX              | tasks                     | no trailing slash
          PATH_PREFIX              | /tasks/                   | no trailing slash
          LOG_LEVEL                | trace                     | debug, info, warn, error
          LOG_FORMAT               | xml                       | json, text
          REDIS_SENTINEL_ADDR      | b:0                   | host:port
          REDIS_SENTINEL_ADDR      | a b                       | host:port
          REDIS_MASTER_NAME        | my master                 | 1 to 64
          REDIS_USERNAME           | a b                       | printable
          REDIS_TLS                | yes                       | true, false
          REDIS_DB                 | -1                        | 0 to 65535
          REDIS_KEY_PREFIX         | a{b}                      | 1 to 32
          REDIS_CLUSTER_NODES      | a:6379:b                  | host:port
          REDIS_SHARDS             | 0                         | 1 to 1024
          REDIS_SHARDS             | 1025                      | 1 to 1024
          REDIS_CONNECT_RETRIES    | 10001                     | 0 to 10000
          REDIS_RETRY_INTERVAL_SEC | 0                         | 1 to 60
          REDIS_RETRY_INTERVAL_SEC | 61                        | 1 to 60
          REDIS_COMMAND_TIMEOUT_MS | 99                        | 100 to 60000
          REDIS_COMMAND_TIMEOUT_MS | 60001                     | 100 to 60000
          REDIS_WAIT_REPLICAS      | 10                        | auto, or 0 to 9
          REDIS_WAIT_REPLICAS      | all                       | auto, or 0 to 9
          STORE_MAX_BYTES          | 1gb                       | 1048576 to
          STORE_FULL_RATIO         | 1.1                       | 0.1 to 1.0
          STORE_FULL_RATIO         | NaN                       | 0.1 to 1.0
          CLIENT_AUTH              | none                      | open, required
          MAX_OPEN_CLIENTS         | -1                        | 0 to 1000000
          CLOUD_TASKS_AUTH         | off                       | open, required
          CLOUD_TASKS_OPEN_TOKENS  | 1                         | true, false
          PUBLIC_URL               | ftp://example.com         | an http or https URL
          PUBLIC_URL               | https://                  | an http or https URL
          WORKER_CONCURRENCY       | 0                         | 1 to 10000
          WORKER_CONCURRENCY       | 10001                     | 1 to 10000
          TASK_TIMEOUT_SEC         | 0                         | 1 to 86400
          TASK_TIMEOUT_SEC         | 86401                     | 1 to 86400
          MAX_RETRY                | 101                       | 0 to 100
          LEASE_SEC                | 4                         | 5 to 3600
          LEASE_SEC                | 3601                      | 5 to 3600
          SHUTDOWN_GRACE_SEC       | 3601                      | 0 to 3600
          SHUTDOWN_DRAIN_SEC       | 301                       | 0 to 300
          ALLOW_PRIVATE_URLS       | maybe                     | true, false
          ALLOWED_CIDRS            | 10.0.0.1/8                | CIDR blocks
          ALLOWED_CIDRS            | 10.0.0.0/33               | CIDR blocks
          DENIED_CIDRS             | internal                  | CIDR blocks
          CONNECT_TIMEOUT_SEC      | 301                       | 1 to 300
          CB_FAILURE_THRESHOLD     | 1000000001                | 0 to 1000000000
          CB_TIMEOUT_SEC           | 3601                      | 1 to 3600
          CB_MAX_REQUESTS          | 0                         | 1 to 1000
          CB_INTERVAL_SEC          | 86401                     | 1 to 86400
          MAX_BODY_BYTES           | 0                         | 1024 to
          RESULT_RETENTION_SEC     | -1                        | 0 to
          IDEMPOTENCY_TTL_SEC      | 0                         | 1 to
          OTEL_EXPORTER_OTLP_ENDPOINT | ftp://collector        | an http or https URL
          OTEL_EXPORTER_OTLP_ENDPOINT | collector:99999        | an http or https URL
          """)
  void anInvalidValueIsReportedWithTheAllowedOnes(String variable, String value, String allowed) {
    InvalidSettings invalid =
        assertThrows(InvalidSettings.class, () -> Settings.serve(Map.of(variable, value)));

    assertEquals(1, invalid.faults().size(), invalid.getMessage());
    Fault fault = invalid.faults().getFirst();
    assertEquals(variable, fault.variable());
    assertTrue(fault.shown().contains(value), fault.toString());
    assertTrue(fault.expected().contains(allowed), fault.toString());
  }

  @Test
  void allErrorsAreReportedTogether() {
    InvalidSettings invalid =
        assertThrows(
            InvalidSettings.class,
            () ->
                Settings.serve(
                    Map.of("PORT", "x", "LEASE_SEC", "1", "CB_TIMEOUT_SEC", "0", "MODE", "z")));
    assertEquals(
        List.of("MODE", "PORT", "LEASE_SEC", "CB_TIMEOUT_SEC"),
        invalid.faults().stream().map(Fault::variable).toList());
    assertTrue(
        invalid.getMessage().contains("LEASE_SEC: \"1\" (expected: 5 to 3600)"),
        invalid.getMessage());
  }

  @Test
  void aControlCharacterInAnErrorIsEscaped() {
    InvalidSettings invalid =
        assertThrows(InvalidSettings.class, () -> Settings.serve(Map.of("MODE", "a\n\u001b[2Jb")));
    assertEquals("\"a\\u000a\\u001b[2Jb\"", invalid.faults().getFirst().shown());
  }

  @Test
  void aSecretMayComeFromAFileAndIsNeverPrinted(@TempDir Path dir) throws IOException {
    Path file = Files.writeString(dir.resolve("key"), "hush-hush\n");
    Settings settings =
        Settings.serve(
            Map.of("ADMIN_API_KEY_FILE", file.toString(), "REDIS_PASSWORD", "open-sesame"));

    assertEquals(Optional.of(new Secret("hush-hush")), settings.api().adminKey());
    assertTrue(settings.api().adminKey().orElseThrow().matches("hush-hush"));
    assertFalse(settings.api().adminKey().orElseThrow().matches("hush-hus"));
    assertFalse(settings.toString().contains("hush-hush"));
    assertFalse(settings.toString().contains("open-sesame"));
  }

  @Test
  void everySecretMayComeFromAFile(@TempDir Path dir) throws IOException {
    Path file = Files.writeString(dir.resolve("secret"), "hush-hush");
    for (String secret :
        List.of("REDIS_PASSWORD", "REDIS_SENTINEL_PASSWORD", "ADMIN_API_KEY", "METRICS_TOKEN")) {
      Settings settings =
          Settings.serve(Map.of(secret + "_FILE", file.toString(), "REDIS_SENTINEL_ADDR", "s"));
      String shown = settings.toString();
      assertTrue(shown.contains("Optional[***]"), secret);

      InvalidSettings twice =
          assertThrows(
              InvalidSettings.class,
              () -> Settings.serve(Map.of(secret + "_FILE", file.toString(), secret, "other")));
      assertTrue(twice.getMessage().contains(secret + ": *** (is also set as"), twice.getMessage());
    }
  }

  @Test
  void anUnreadableSecretFileIsAnError(@TempDir Path dir) throws IOException {
    Path empty = Files.createFile(dir.resolve("empty"));
    InvalidSettings invalid =
        assertThrows(
            InvalidSettings.class,
            () ->
                Settings.serve(
                    Map.of(
                        "ADMIN_API_KEY_FILE", dir.resolve("absent").toString(),
                        "METRICS_TOKEN_FILE", empty.toString())));
    assertEquals(
        List.of("ADMIN_API_KEY_FILE", "METRICS_TOKEN_FILE"),
        invalid.faults().stream().map(Fault::variable).toList());
  }

  @Test
  void anInvalidSecretIsAnErrorThatDoesNotShowIt() {
    InvalidSettings invalid =
        assertThrows(
            InvalidSettings.class, () -> Settings.serve(Map.of("ADMIN_API_KEY", "sesame\u0007x")));
    assertFalse(invalid.getMessage().contains("sesame"), invalid.getMessage());
  }

  @Test
  void aUrlMayNameAHostWithAnUnderscore() {
    Settings settings =
        Settings.serve(
            Map.of(
                "REDIS_URL", "redis://a_user:p_w@my_redis:7000/3",
                "PUBLIC_URL", "https://task_runner.internal/x"));
    RedisSettings redis = settings.redis();
    assertEquals(new Target.Node(new HostPort("my_redis", 7000)), redis.target());
    assertEquals(Optional.of("a_user"), redis.username());
    assertEquals(
        "https://task_runner.internal/x", settings.api().publicUrl().orElseThrow().toString());
  }

  @Test
  void aSingleRedisIsSetByItsUrl() {
    RedisSettings redis =
        Settings.serve(Map.of("REDIS_URL", "rediss://alice:pa%20ss+word@cache.example:7000/3"))
            .redis();
    assertEquals(new Target.Node(new HostPort("cache.example", 7000)), redis.target());
    assertTrue(redis.tls());
    assertEquals(Optional.of("alice"), redis.username());
    assertEquals(Optional.of(new Secret("pa ss+word")), redis.password());
    assertEquals(3, redis.database());

    RedisSettings plain =
        Settings.serve(Map.of("REDIS_URL", "redis://[::1]", "REDIS_PASSWORD", "p", "REDIS_DB", "2"))
            .redis();
    assertEquals(new Target.Node(new HostPort("::1", 6379)), plain.target());
    assertEquals(Optional.of(new Secret("p")), plain.password());
    assertEquals(2, plain.database());
    assertFalse(plain.tls());
  }

  @ParameterizedTest
  @CsvSource({
    "http://127.0.0.1:6379",
    "redis://u:sesame@",
    "redis://u:sesame@a/x",
    "redis://u:sesame@a:0",
    "redis://u:sesame@a/0?x=y",
    "u:sesame@a"
  })
  void aRedisUrlThatIsNoneIsAFaultThatDoesNotShowItsPassword(String url) {
    InvalidSettings invalid =
        assertThrows(InvalidSettings.class, () -> Settings.serve(Map.of("REDIS_URL", url)));
    assertTrue(invalid.getMessage().startsWith("REDIS_URL: *** (expected: redis://"));
    assertFalse(invalid.getMessage().contains("sesame"));
  }

  @Test
  void aContradictionBetweenUrlAndVariableIsAnError() {
    InvalidSettings invalid =
        assertThrows(
            InvalidSettings.class,
            () ->
                Settings.serve(
                    Map.of(
                        "REDIS_URL", "redis://alice:one@a/3",
                        "REDIS_USERNAME", "bob",
                        "REDIS_PASSWORD", "two",
                        "REDIS_DB", "4")));
    assertEquals(
        List.of("REDIS_PASSWORD", "REDIS_USERNAME", "REDIS_DB"),
        invalid.faults().stream().map(Fault::variable).toList());
  }

  @Test
  void sentinelsRequireTheNameOfTheMaster() {
    RedisSettings redis =
        Settings.serve(
                Map.of(
                    "REDIS_SENTINEL_ADDR", "s1:26379, s2 ,[::1]:5000",
                    "REDIS_MASTER_NAME", "main",
                    "REDIS_SENTINEL_PASSWORD", "hush"))
            .redis();
    assertEquals(
        new Target.Sentinel(
            List.of(
                new HostPort("s1", 26379), new HostPort("s2", 26379), new HostPort("::1", 5000)),
            "main",
            Optional.of(new Secret("hush"))),
        redis.target());
  }

  @Test
  void twoKindsOfRedisAreAnError() {
    InvalidSettings invalid =
        assertThrows(
            InvalidSettings.class,
            () -> Settings.serve(Map.of("REDIS_URL", "redis://a", "REDIS_SENTINEL_ADDR", "b:1")));
    assertTrue(invalid.getMessage().contains("two kinds of Redis"), invalid.getMessage());
  }

  @Test
  void waitReplicasIsAutoOrANumber() {
    assertEquals(
        OptionalInt.empty(),
        Settings.serve(Map.of("REDIS_WAIT_REPLICAS", "auto")).redis().waitReplicas());
    assertEquals(
        OptionalInt.of(2),
        Settings.serve(Map.of("REDIS_WAIT_REPLICAS", "2")).redis().waitReplicas());
  }

  @Test
  void aCollectorUrlWithoutASchemeMeansHttp() {
    TracingSettings tracing =
        Settings.serve(
                Map.of(
                    "OTEL_EXPORTER_OTLP_ENDPOINT", "tracing.controlplane:4318",
                    "OTEL_SERVICE_NAME", "tasks"))
            .tracing();
    assertEquals("http://tracing.controlplane:4318", tracing.endpoint().orElseThrow().toString());
    assertEquals(
        Map.of(
            "OTEL_EXPORTER_OTLP_ENDPOINT", "http://tracing.controlplane:4318",
            "OTEL_SERVICE_NAME", "tasks"),
        tracing.variables());
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8,10.255.1.2,true",
    "10.0.0.0/8,11.0.0.1,false",
    "10.0.0.0/8,::1,false",
    "192.168.4.0/22,192.168.7.255,true",
    "192.168.4.0/22,192.168.8.0,false",
    "0.0.0.0/0,8.8.8.8,true",
    "169.254.169.254,169.254.169.254,true",
    "169.254.169.254,169.254.169.253,false",
    "fd00::/8,fd12:3456::1,true",
    "fd00::/8,fe80::1,false",
    "::1/128,::1,true"
  })
  void aBlockHoldsItsAddresses(String block, String address, boolean holds) {
    assertEquals(
        holds, Cidr.parse(block).orElseThrow().contains(InetAddress.ofLiteral(address)), block);
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/",
    "10.0.0.0/08",
    "10.0.0/8",
    "10.0.0.0/-1",
    "fe80::1%eth0/128",
    "fd00::/129",
    "::ffff:10.0.0.0/104",
    "a/8",
    "/8",
    "256.0.0.0/8"
  })
  void anInvalidCidrBlockIsRejected(String text) {
    assertEquals(Optional.empty(), Cidr.parse(text));
  }

  @Test
  void thePrintedUrlLeadsToTheListener() {
    assertEquals("http://127.0.0.1:8080", Settings.serve(Map.of()).server().url());
    assertEquals(
        "http://[0:0:0:0:0:0:0:1]:81/x",
        Settings.serve(Map.of("BIND", "::1", "PORT", "81", "PATH_PREFIX", "/x")).server().url());
  }

  @Test
  void aHostMayHaveAnUnderscoreInEverySettingThatIsAUrl() {
    Settings settings =
        Settings.serve(
            Map.of(
                "REDIS_URL", "redis://alice:p%40ss@my_redis:7000/3",
                "PUBLIC_URL", "https://task_runner.internal/x",
                "OTEL_EXPORTER_OTLP_ENDPOINT", "otel_collector:4318"));
    assertEquals(
        new RedisSettings.Target.Node(new HostPort("my_redis", 7000)), settings.redis().target());
    assertEquals("alice", settings.redis().username().orElseThrow());
    assertEquals("p@ss", settings.redis().password().orElseThrow().value());
    assertEquals(3, settings.redis().database());
    assertEquals("https://task_runner.internal/x", settings.api().publicUrl().get().toString());
    assertEquals(
        "http://otel_collector:4318",
        settings.tracing().variables().get("OTEL_EXPORTER_OTLP_ENDPOINT"));
    assertEquals(
        List.of(new HostPort("my_sentinel", 26_379)),
        ((RedisSettings.Target.Sentinel)
                Settings.serve(Map.of("REDIS_SENTINEL_ADDR", "my_sentinel")).redis().target())
            .sentinels());
  }

  @Test
  void theTracesEndpointAloneEnablesTracing() {
    TracingSettings tracing =
        Settings.serve(
                Map.of("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "traces.example:4318/v1/traces"))
            .tracing();
    assertEquals("http://traces.example:4318/v1/traces", tracing.endpoint().get().toString());
    assertEquals(
        Map.of("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces.example:4318/v1/traces"),
        tracing.variables());
    assertThrows(
        InvalidSettings.class,
        () -> Settings.serve(Map.of("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://x")));
  }

  @Test
  void aProbablyMistypedVariableCausesAWarning() {
    Map<String, String> mistyped =
        Map.of(
            "WORKER_CONCURENCY", "50",
            "REDIS_URI", "redis://a",
            "ADMIN_API_KEY_FLE", "/x",
            "ADMIN_KEY", "secret",
            "API_KEY", "of another program",
            "SHUTDOWN_GRACE", "30",
            "CLIENTAUTH", "required",
            "OTEL_SERVICE_NAMES", "x",
            "PORTS", "1",
            "REDIS_PORT", "6379");
    assertEquals(
        List.of(
            "ADMIN_API_KEY_FLE is not a setting and has no effect. Did you mean ADMIN_API_KEY_FILE?",
            "ADMIN_KEY is not a setting and has no effect. Did you mean ADMIN_API_KEY?",
            "CLIENTAUTH is not a setting and has no effect. Did you mean CLIENT_AUTH?",
            "REDIS_URI is not a setting and has no effect. Did you mean REDIS_URL?",
            "SHUTDOWN_GRACE is not a setting and has no effect. Did you mean SHUTDOWN_GRACE_SEC?",
            "WORKER_CONCURENCY is not a setting and has no effect. Did you mean WORKER_CONCURRENCY?"),
        Settings.serve(mistyped).warnings());
    assertEquals(List.of(), Settings.dev(Map.of("WORKER_CONCURRENCY", "5")).warnings());
  }

  @Test
  void theCaCertificatesOfRedisAreReadAtStartup(@TempDir Path folder) throws IOException {
    Path none = Files.writeString(folder.resolve("none.pem"), "nothing");
    InvalidSettings invalid =
        assertThrows(
            InvalidSettings.class,
            () -> Settings.serve(Map.of("REDIS_TLS_CA_FILE", none.toString())));
    assertEquals(2, invalid.faults().size(), invalid.getMessage());
    assertTrue(invalid.getMessage().contains("TLS is off"), invalid.getMessage());
    assertTrue(invalid.getMessage().contains("certificates in PEM"), invalid.getMessage());
    Path good = TestCertificate.of("dns:localhost").pem(folder).certificate();
    assertEquals(
        good,
        Settings.serve(Map.of("REDIS_TLS", "true", "REDIS_TLS_CA_FILE", good.toString()))
            .redis()
            .authorities()
            .orElseThrow());
  }
}
