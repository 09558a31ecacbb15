package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.config.RedisSettings;
import io.taskrunner.config.Settings;
import io.taskrunner.store.AuditStore.Change;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.NotPermitted;
import io.taskrunner.testkit.RedisServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The permissions that a user of Redis needs, and the report at startup when one is missing. */
class PermissionsTest {

  private static final String PASSWORD = "p@ss/w:rd";

  /** The rules that docs/operating.md gives, after the user's password. */
  private static List<String> least() throws IOException {
    String line =
        Files.readAllLines(Path.of("docs/operating.md")).stream()
            .filter(it -> it.startsWith("ACL SETUSER task-runner on ><password> "))
            .findFirst()
            .orElseThrow();
    return List.of(line.substring("ACL SETUSER task-runner on ><password> ".length()).split(" "));
  }

  private static RedisServer with(List<String> rules) {
    List<String> options = new ArrayList<>(List.of("--user", "task-runner", "on", ">" + PASSWORD));
    options.addAll(rules);
    return RedisServer.start(options.toArray(String[]::new));
  }

  private static StoreOptions as(RedisServer redis) {
    RedisSettings named =
        Settings.serve(
                Map.of(
                    "REDIS_URL",
                    "redis://127.0.0.1:" + redis.port(),
                    "REDIS_USERNAME",
                    "task-runner",
                    "REDIS_PASSWORD",
                    PASSWORD))
            .redis();
    return StoreOptions.defaults(named);
  }

  @Test
  void theDocumentedPermissionsAreSufficient() throws Exception {
    try (RedisServer redis = with(least());
        RedisStore store = RedisStore.open(as(redis))) {
      assertFalse(store.warnings().toString().contains("INFO"), store.warnings().toString());
      assertInstanceOf(
          EnqueueResult.Enqueued.class, store.tasks().enqueue(Stage.wish().command()).get());
      store.adminKeys().put("a", "digest", false, false, Duration.ZERO);
      store.audits().add(new Change("root", "queue paused", "call", Map.of()));
      assertEquals(1, store.audits().list(null, null, 10, null).entries().size());
      store.everySecond();
      assertEquals(List.of(), store.doctor().examine(false));
    }
  }

  @Test
  void withoutInfoItStartsAndReportsWhatCannotBeChecked() throws Exception {
    List<String> rules = new ArrayList<>(least());
    rules.remove("+info");
    rules.remove("+role");
    try (RedisServer redis = with(rules);
        RedisStore store = RedisStore.open(as(redis))) {
      assertTrue(
          store.warnings().getFirst().startsWith("Redis does not permit INFO: "),
          store.warnings().toString());
      store.everySecond();
      assertInstanceOf(
          EnqueueResult.Enqueued.class, store.tasks().enqueue(Stage.wish().command()).get());
      assertEquals("master", store.system().health().role());
    }
  }

  @Test
  void whereFunctionsAreNotPermittedScriptsDoTheSame() throws Exception {
    List<String> rules = new ArrayList<>(least());
    assertTrue(rules.removeAll(List.of("+fcall", "+function")));
    try (RedisServer redis = with(rules);
        RedisStore store = RedisStore.open(as(redis))) {
      for (int i = 0; i < 2; i++) {
        assertInstanceOf(
            EnqueueResult.Enqueued.class, store.tasks().enqueue(Stage.wish().command()).get());
      }
      store.everySecond();
      assertEquals(List.of(), store.doctor().examine(false));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"&tr:*", "~tr:*", "+@write", "+@pubsub", "+evalsha"})
  void missingPermissionsAreReportedInOneSentence(String rule) throws Exception {
    List<String> rules = new ArrayList<>(least());
    assertTrue(rules.remove(rule));
    try (RedisServer redis = with(rules)) {
      NotPermitted refused =
          assertThrows(NotPermitted.class, () -> RedisStore.open(as(redis)).close());
      String told = String.valueOf(refused.getMessage());
      assertTrue(told.startsWith("Redis at 127.0.0.1:" + redis.port()), told);
      assertTrue(told.contains("user task-runner"), told);
      assertEquals(1, told.lines().count(), told);
    }
  }
}
