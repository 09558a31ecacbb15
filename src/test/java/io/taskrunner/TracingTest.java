package io.taskrunner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.testkit.OtlpReceiver;
import io.taskrunner.testkit.OtlpReceiver.Span;
import io.taskrunner.testkit.Ports;
import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.ScriptedTarget;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The trace of a task, as a real collector receives it from the real program. */
@Timeout(120)
class TracingTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String CALLER = "00f067aa0ba902b7";
  private static final String TRACEPARENT = "00-" + TRACE + "-" + CALLER + "-01";

  private OtlpReceiver collector;
  private ScriptedTarget target;

  @BeforeEach
  void open() throws Exception {
    collector = OtlpReceiver.start();
    target = ScriptedTarget.start();
  }

  @AfterEach
  void close() {
    target.close();
    collector.close();
  }

  private ProgramProcess program(String endpoint, String... more) throws Exception {
    Map<String, String> env = new HashMap<>();
    env.put("REDIS_URL", "redis://127.0.0.1:" + REDIS.server().port());
    env.put("BIND", "127.0.0.1");
    env.put("CLIENT_AUTH", "open");
    env.put("CLOUD_TASKS_AUTH", "open");
    env.put("ALLOW_PRIVATE_URLS", "true");
    env.put("LOG_LEVEL", "debug");
    env.put("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    env.put("OTEL_BSP_SCHEDULE_DELAY", "100");
    for (int i = 0; i < more.length; i += 2) {
      env.put(more[i], more[i + 1]);
    }
    ProgramProcess program = ProgramProcess.start(env, "serve");
    program.awaitReady();
    return program;
  }

  private String enqueue(ProgramProcess program) throws Exception {
    HttpResponse<String> answer =
        program.post(
            "/v1/enqueue",
            "{\"client_id\":\"abc\",\"task\":{\"url\":\"" + target.url("/a?token=sesame") + "\"}}",
            "traceparent",
            TRACEPARENT,
            "tracestate",
            "vendor=1");
    assertEquals(201, answer.statusCode(), answer.body());
    return answer.body().replaceAll(".*\"task_id\":\"([^\"]+)\".*", "$1");
  }

  private Span span(String name) throws Exception {
    return collector.await(span -> span.name().equals(name));
  }

  @Test
  void theTraceOfATaskIsOneTree() throws Exception {
    try (ProgramProcess program = program(collector.address())) {
      target.answers("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
      String id = enqueue(program);
      String received = target.next().header("traceparent");

      Span call = span("POST /v1/enqueue");
      Span stored = span("FCALL enqueue");
      Span attempt = span("POST");
      Span settled = span("FCALL settle");
      for (Span one : List.of(call, stored, attempt, settled)) {
        assertEquals(TRACE, one.trace(), one.name());
        assertEquals("task-runner", one.service());
      }
      assertEquals(CALLER, call.parent());
      assertEquals(call.id(), stored.parent());
      assertEquals(call.id(), attempt.parent());
      assertEquals(attempt.id(), settled.parent());
      assertEquals(List.of(call.id()), attempt.links());
      assertEquals("00-" + TRACE + "-" + attempt.id() + "-01", received);

      assertEquals("SPAN_KIND_SERVER", call.kind());
      assertEquals("201", call.attributes().get("http.response.status_code"));
      assertEquals("/v1/enqueue", call.attributes().get("http.route"));
      assertEquals("redis", stored.attributes().get("db.system.name"));
      assertEquals("enqueue", stored.attributes().get("db.stored_procedure.name"));
      assertEquals("SPAN_KIND_CLIENT", attempt.kind());
      assertEquals("503", attempt.attributes().get("http.response.status_code"));
      assertEquals("503", attempt.attributes().get("error.type"));
      assertTrue(attempt.failed());
      assertEquals(id, attempt.attributes().get("messaging.message.id"));
      assertEquals("default", attempt.attributes().get("messaging.destination.name"));
      assertEquals(target.url("/a"), attempt.attributes().get("url.full"), "no query, no secret");

      program.await("\"trace_id\":\"" + TRACE + "\"");
      Span second =
          collector.await(span -> span.name().equals("POST") && !span.id().equals(attempt.id()));
      assertEquals(call.id(), second.parent(), "a retry is a part of the same call");
      assertEquals("2", second.attributes().get("task_runner.attempt"));
    }
  }

  @Test
  void theCollectorsHostMayHaveAnUnderscore(@TempDir Path folder) throws Exception {
    Path hosts = Files.writeString(folder.resolve("hosts"), "127.0.0.1 otel_collector\n");
    String endpoint = "http://otel_collector:" + collector.address().replaceFirst(".*:", "");
    try (ProgramProcess program =
        program(endpoint, "JAVA_TOOL_OPTIONS", "-Djdk.net.hosts.file=" + hosts)) {
      enqueue(program);
      assertEquals(TRACE, span("POST /v1/enqueue").trace());
    }
  }

  @Test
  void anUnsampledTraceIsNotExportedButPropagated() throws Exception {
    try (ProgramProcess program =
        program("http://" + collector.address(), "OTEL_TRACES_SAMPLER", "always_off")) {
      enqueue(program);
      String received = String.valueOf(target.next().header("traceparent"));
      assertTrue(received.startsWith("00-" + TRACE + "-"), received);
      assertTrue(received.endsWith("-00"), received);
      assertNotEquals(TRACEPARENT, received);
      program.terminate();
      assertEquals(0, program.end(), program.output());
      assertEquals(List.of(), collector.spans(), "what waited was flushed by now");
    }
  }

  @Test
  void anUnreachableCollectorDelaysNothing() throws Exception {
    try (ProgramProcess program = program("127.0.0.1:" + Ports.free())) {
      for (int i = 0; i < 20; i++) {
        enqueue(program);
        target.next();
      }
      program.terminate();
      assertEquals(0, program.end(), program.output());
    }
  }
}
