package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.http.Served.Reply;
import io.taskrunner.http.Served.Setup;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Malformed enqueues, each with its exact error. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MalformedTest {

  private static final String URL = "\"url\":\"http://h/\"";
  private static final String TASK = "\"task\":{" + URL + "}";
  private static final String ID = "\"client_id\":\"abc\"";

  private final FakeStores stores = new FakeStores();
  private Served served;

  @BeforeAll
  void start() {
    served = new Served(Setup.serve(), stores);
  }

  @AfterAll
  void stop() {
    served.close();
    assertTrue(stores.enqueued.isEmpty(), "nothing malformed reached the store");
  }

  /**
   * A body, and its expected errors.
   *
   * @param body sent unchanged
   * @param faults places and sentences, alternately
   */
  record Malformed(String body, List<String> faults) {
    @Override
    public String toString() {
      return body.length() > 100 ? body.substring(0, 100) + "…" : body;
    }
  }

  private static Malformed of(String body, String... faults) {
    return new Malformed(body, List.of(faults));
  }

  /** A field in addition to a valid client and task. */
  private static Malformed field(String field, String... faults) {
    return of("{" + ID + "," + TASK + "," + field + "}", faults);
  }

  /** A member of the task in addition to a valid url. */
  private static Malformed task(String member, String... faults) {
    return of("{" + ID + ",\"task\":{" + URL + "," + member + "}}", faults);
  }

  private static String labels(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> "\"l" + i + "\":\"v\"")
        .collect(Collectors.joining(","));
  }

  static Stream<Malformed> all() {
    String seconds = "a number of seconds from 0, at most 1000000000";
    String above = "a number of seconds above 0, at most 1000000000";
    String time = "an RFC 3339 timestamp, such as 2026-01-31T12:00:00Z";
    return Stream.of(
        of("", "", "the body: missing (expected: an object)"),
        of("[]", "", "the body: an array (expected: an object)"),
        of("{", "", "the body: malformed JSON near line 1, column 2"),
        of("{" + ID + "," + ID + "," + TASK + "}", "/client_id", "client_id: given twice"),
        of(
            "{}",
            "/client_id",
            "client_id: missing (expected: 3 to 64 of A-Z a-z 0-9 _ -)",
            "/task",
            "task: missing (expected: an object with a url)"),
        of(
            "{" + TASK + "}",
            "/client_id",
            "client_id: missing (expected: 3 to 64 of A-Z a-z 0-9 _ -)"),
        of(
            "{\"client_id\":\"ab\"," + TASK + "}",
            "/client_id",
            "client_id: \"ab\" (expected: 3 to 64 of A-Z a-z 0-9 _ -)"),
        of("{\"client_id\":7," + TASK + "}", "/client_id", "client_id: 7 (expected: text)"),
        of("{\"client_id\":null," + TASK + "}", "/client_id", "client_id: null (expected: text)"),
        of(
            "{\"client_id\":\"" + "x".repeat(65) + "\"," + TASK + "}",
            "/client_id",
            "client_id: \"" + "x".repeat(64) + "…\" (expected: 3 to 64 of A-Z a-z 0-9 _ -)"),
        of("{" + ID + "}", "/task", "task: missing (expected: an object with a url)"),
        of(
            "{" + ID + ",\"task\":\"http://h/\"}",
            "/task",
            "task: \"http://h/\" (expected: an object)"),
        of("{" + ID + ",\"task\":null}", "/task", "task: null (expected: an object)"),
        of(
            "{" + ID + ",\"task\":{}}",
            "/task/url",
            "task.url: missing (expected: an absolute http or https URL)"),
        of("{" + ID + ",\"task\":{\"url\":7}}", "/task/url", "task.url: 7 (expected: text)"),
        of(
            "{" + ID + ",\"task\":{\"url\":\"ftp://h/\"}}",
            "/task/url",
            "task.url: must begin with http:// or https://"),
        of(
            "{" + ID + ",\"task\":{\"url\":\"http://u@h/\"}}",
            "/task/url",
            "task.url: must not contain a user name or password"),
        field(
            "\"queue\":\"e-mail!\"",
            "/queue",
            "queue: \"e-mail!\" (expected: 1 to 64 of A-Z a-z 0-9 _ -)"),
        field("\"queue\":\"\"", "/queue", "queue: \"\" (expected: 1 to 64 of A-Z a-z 0-9 _ -)"),
        field("\"queue\":[]", "/queue", "queue: an array (expected: text)"),
        field(
            "\"delay\":-1",
            "/delay",
            "delay: -1 (expected: a number of seconds from 0, at most 31622400)"),
        field(
            "\"delay\":31622401",
            "/delay",
            "delay: 31622401 (expected: a number of seconds from 0, at most 31622400)"),
        field(
            "\"delay\":\"5\"",
            "/delay",
            "delay: \"5\" (expected: a number of seconds from 0, at most 31622400)"),
        field(
            "\"delay\":1e999",
            "/delay",
            "delay: Infinity (expected: a number of seconds from 0, at most 31622400)"),
        field(
            "\"delay\":null",
            "/delay",
            "delay: null (expected: a number of seconds from 0, at most 31622400)"),
        field(
            "\"schedule_time\":\"tomorrow\"",
            "/schedule_time",
            "schedule_time: \"tomorrow\" (expected: " + time + ")"),
        field(
            "\"schedule_time\":1769860800",
            "/schedule_time",
            "schedule_time: 1769860800 (expected: " + time + ")"),
        field(
            "\"delay\":1,\"schedule_time\":\"2026-01-31T12:00:00Z\"",
            "/schedule_time",
            "schedule_time: not allowed with delay (expected: only one of them)"),
        field(
            "\"expires_time\":\"2026-02-30T12:00:00Z\"",
            "/expires_time",
            "expires_time: \"2026-02-30T12:00:00Z\" (expected: " + time + ")"),
        field("\"timeout_sec\":0", "/timeout_sec", "timeout_sec: 0 (expected: " + above + ")"),
        field(
            "\"timeout_sec\":true", "/timeout_sec", "timeout_sec: true (expected: " + above + ")"),
        field(
            "\"retention_sec\":-0.5",
            "/retention_sec",
            "retention_sec: -0.5 (expected: " + seconds + ")"),
        field("\"retry\":3", "/retry", "retry: 3 (expected: an object)"),
        field(
            "\"retry\":{\"max_retries\":101}",
            "/retry/max_retries",
            "retry.max_retries: 101 (expected: a whole number from 0 to 100)"),
        field(
            "\"retry\":{\"max_retries\":-1}",
            "/retry/max_retries",
            "retry.max_retries: -1 (expected: a whole number from 0 to 100)"),
        field(
            "\"retry\":{\"max_retries\":1.5}",
            "/retry/max_retries",
            "retry.max_retries: 1.5 (expected: a whole number from 0 to 100)"),
        field(
            "\"retry\":{\"max_attempts\":1}",
            "/retry/max_attempts",
            "retry.max_attempts: unknown field"),
        field(
            "\"retry\":{\"min_backoff_sec\":-1,\"retry_client_errors\":\"yes\"}",
            "/retry/min_backoff_sec",
            "retry.min_backoff_sec: -1 (expected: a number of seconds from 0, at most 4000000)",
            "/retry/retry_client_errors",
            "retry.retry_client_errors: \"yes\" (expected: true or false)"),
        field(
            "\"rate_limit\":{\"max_concurrent\":0}",
            "/rate_limit/max_concurrent",
            "rate_limit.max_concurrent: 0 (expected: a whole number from 1 to 1000000000)"),
        field("\"rate_limit\":{\"rps\":1}", "/rate_limit/rps", "rate_limit.rps: unknown field"),
        field(
            "\"idempotency_key\":\"\"",
            "/idempotency_key",
            "idempotency_key: 0 characters (expected: 1 to 255)"),
        field(
            "\"idempotency_key\":\"" + "k".repeat(256) + "\"",
            "/idempotency_key",
            "idempotency_key: 256 characters (expected: 1 to 255)"),
        field(
            "\"labels\":{" + labels(11) + "}",
            "/labels",
            "labels: 11 labels (expected: at most 10)"),
        field("\"labels\":{\"a\":1}", "/labels/a", "labels.a: 1 (expected: text)"),
        field(
            "\"labels\":{\"a\":\"" + "x".repeat(65) + "\"}",
            "/labels/a",
            "labels.a: 65 characters (expected: at most 64 of Unicode)"),
        field(
            "\"labels\":{\"\":\"x\"}",
            "/labels/",
            "labels.: a name of 0 characters (expected: 1 to 64)"),
        field("\"client\":\"abc\"", "/client", "client: unknown field"),
        field("\"a/b~c\":1", "/a~1b~0c", "a/b~c: unknown field"),
        task(
            "\"method\":\"BREW\"",
            "/task/method",
            "task.method: \"BREW\" (expected: one of POST GET PUT PATCH DELETE HEAD OPTIONS)"),
        task(
            "\"method\":\"CONNECT\"",
            "/task/method",
            "task.method: \"CONNECT\" (expected: one of POST GET PUT PATCH DELETE HEAD OPTIONS)"),
        task("\"headers\":[]", "/task/headers", "task.headers: an array (expected: an object)"),
        task(
            "\"headers\":{\"Host\":\"x\"}",
            "/task/headers/Host",
            "task.headers.Host: a header that a task may not set"),
        task(
            "\"headers\":{\"X-CloudTasks-TaskName\":\"x\"}",
            "/task/headers/X-CloudTasks-TaskName",
            "task.headers.X-CloudTasks-TaskName: a header that a task may not set (x-cloudtasks-*)"),
        task(
            "\"headers\":{\"a b\":\"x\"}",
            "/task/headers/a b",
            "task.headers.a b: not a header name (expected: a token of RFC 9110)"),
        task("\"headers\":{\"a\":7}", "/task/headers/a", "task.headers.a: 7 (expected: text)"),
        task(
            "\"headers\":{\"a\":\"x\\r\\ny\"}",
            "/task/headers/a",
            "task.headers.a: has a CR, LF or NUL at position 1"),
        task(
            "\"headers\":{\"a\":\"x\",\"A\":\"y\"}",
            "/task/headers/A",
            "task.headers.A: given twice (header names are not case-sensitive)"),
        task(
            "\"headers\":{"
                + IntStream.range(0, 65)
                    .mapToObj(i -> "\"h" + i + "\":\"\"")
                    .collect(Collectors.joining(","))
                + "}",
            "/task/headers",
            "task.headers: 65 headers (expected: at most 64)"),
        task(
            "\"headers\":{\"a\":\"" + "x".repeat(16_384) + "\"}",
            "/task/headers",
            "task.headers: 16385 bytes of names and values (expected: at most 16384)"),
        task("\"body\":{}", "/task/body", "task.body: an object (expected: text)"),
        task(
            "\"body\":\"\\ud800\"",
            "/task/body",
            "task.body: has an unpaired surrogate (expected: valid Unicode)"),
        task(
            "\"body_base64\":\"%%\"",
            "/task/body_base64", "task.body_base64: not base64 (expected: RFC 4648 section 4)"),
        task(
            "\"body\":\"\",\"body_base64\":\"\"",
            "/task/body_base64",
            "task.body_base64: not allowed with body (expected: only one of them)"),
        task("\"uri\":\"x\"", "/task/uri", "task.uri: unknown field"));
  }

  @ParameterizedTest
  @MethodSource("all")
  void eachMalformedCallGetsItsExactErrors(Malformed malformed) {
    Reply reply = served.post("/v1/enqueue", malformed.body());
    assertEquals(400, reply.status(), reply.body());
    assertEquals("invalid_request", reply.code());
    assertEquals("application/problem+json", reply.header("content-type"));
    List<String> told =
        reply
            .json()
            .path("errors")
            .valueStream()
            .flatMap(
                error -> Stream.of(error.path("pointer").asText(), error.path("detail").asText()))
            .toList();
    assertEquals(malformed.faults(), told);
  }
}
