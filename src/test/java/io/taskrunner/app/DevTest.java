package io.taskrunner.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.ScriptedTarget;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code dev} shows to a person who starts it for the first time. */
@Timeout(120)
class DevTest {

  @TempDir Path temp;

  private ProgramProcess dev;

  @AfterEach
  void nothingIsLeftRunning() throws Exception {
    if (dev != null) {
      dev.kill();
    }
    Path pid = temp.resolve("data/redis.pid");
    if (Files.exists(pid)) {
      ProcessHandle.of(Long.parseLong(Files.readString(pid).split(" ", 2)[0]))
          .ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  private void start(Map<String, String> env) throws Exception {
    Map<String, String> all = new HashMap<>(Map.of("DATA_DIR", temp.resolve("data").toString()));
    all.putAll(env);
    dev = ProgramProcess.start(all, "dev");
  }

  private void enqueue(String url, String more) throws Exception {
    String task = "{\"client_id\":\"my-service\",\"task\":{\"url\":\"" + url + "\"}" + more + "}";
    assertEquals(201, dev.post("/v1/enqueue", task).statusCode());
  }

  @Test
  void printsALineForEachAttemptAndWhatToTryNext() throws Exception {
    try (ScriptedTarget target = ScriptedTarget.start()) {
      start(Map.of("TASK_TIMEOUT_SEC", "60"));
      dev.awaitReady();
      dev.await("Ctrl-C");
      assertTrue(dev.said("./task-runner enqueue " + dev.url() + "/version"), dev.output());
      assertTrue(dev.said(dev.url() + "/docs"), dev.output());
      assertFalse(dev.said("CLIENT_AUTH"), dev.output());
      target.answers("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
      enqueue(target.url("/x?secret=1"), ",\"retry\":{\"min_backoff_sec\":26}");
      String host = target.url("").substring("http://".length());
      dev.await(", again in 2");
      assertTrue(
          dev.output()
              .matches(
                  "(?s).*\n\\d\\d:\\d\\d:\\d\\d POST "
                      + host
                      + "/x -> 500 in \\d+ ms, attempt 1, again in 2[0-6] s\n.*"),
          dev.output());
      assertFalse(dev.said("secret"), dev.output());
      target.answers("HTTP/1.1 404 Oh\r\nContent-Length: 0\r\n\r\n");
      enqueue(target.url("/gone"), "");
      dev.await("attempt 1, dead: see ./task-runner tasks show ");
      enqueue(target.url("/good"), "");
      dev.await("/good -> 200 in ");
      enqueue("http://127.0.0.1:1/", "");
      dev.await("POST 127.0.0.1:1/ -> connect_failed (");
    }
  }

  @Test
  void countsTheAttemptsOfALoadInsteadOfPrintingThemAll() throws Exception {
    start(Map.of("ADMIN_API_KEY", "an-admin-key-of-some-length", "WORKER_CONCURRENCY", "50"));
    dev.awaitReady();
    String client =
        "{\"client_id\":\"my-service\",\"rate_limit\":{\"max_concurrent\":50,\"requests_per_min\":10000}}";
    assertEquals(
        200,
        dev.post("/admin/clients/set", client, "X-Admin-Key", "an-admin-key-of-some-length")
            .statusCode());
    StringBuilder tasks = new StringBuilder();
    for (int i = 0; i < 300; i++) {
      tasks
          .append(i == 0 ? "" : ",")
          .append("{\"task\":{\"method\":\"GET\",\"url\":\"")
          .append(dev.url())
          .append("/health/live\"}}");
    }
    String batch = "{\"client_id\":\"my-service\",\"tasks\":[" + tasks + "]}";
    assertEquals(200, dev.post("/v1/enqueue/batch", batch).statusCode());
    dev.await(" more attempts in that second");
    assertTrue(dev.output().lines().filter(line -> line.contains("/health/live")).count() < 300);
  }

  @Test
  void endsAtTheSecondCtrlCThoughATaskRuns() throws Exception {
    Assumptions.assumeFalse(interruptsAreIgnored(), "this process was started in the background");
    try (ScriptedTarget target = ScriptedTarget.start()) {
      start(Map.of("SHUTDOWN_GRACE_SEC", "600", "SHUTDOWN_DRAIN_SEC", "300"));
      dev.awaitReady();
      target.answers(""); // none
      enqueue(target.url("/slow"), "");
      target.next();
      dev.interrupt();
      dev.await("1 task is running; waiting up to 600 s. Press Ctrl-C again");
      assertTrue(dev.process().isAlive());
      dev.interrupt();
      assertEquals(0, dev.end(), dev.output());
      assertTrue(
          dev.said("POST " + target.url("/slow").substring(7) + " -> aborted"), dev.output());
      assertFalse(Files.exists(temp.resolve("data/redis.pid")), "its Redis ends with it");
    }
  }

  /** Whether SIGINT is ignored here, which child processes inherit. */
  private static boolean interruptsAreIgnored() throws Exception {
    String ignored =
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.startsWith("SigIgn:"))
            .findFirst()
            .orElseThrow()
            .substring("SigIgn:".length())
            .strip();
    return (Long.parseUnsignedLong(ignored, 16) & 2) != 0;
  }

  @Test
  void namesAFreePortBeforeItStartsARedis() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
      int port = taken.getLocalPort();
      start(Map.of("PORT", String.valueOf(port)));
      assertEquals(1, dev.end(), dev.output());
      assertTrue(
          dev.output()
              .matches(
                  "(?s).*PORT: port "
                      + port
                      + " at 127.0.0.1 is in use by another program. Set PORT=\\d+ to use another one.\n"),
          dev.output());
      assertFalse(Files.exists(temp.resolve("data")), "the embedded Redis was not started");
    }
  }

  @Test
  void saysWhyADirectoryCannotBeUsed() throws Exception {
    Path file = Files.writeString(temp.resolve("file"), "");
    start(Map.of("DATA_DIR", file.toString()));
    assertEquals(1, dev.end());
    assertTrue(dev.said("DATA_DIR: \"" + file + "\""), dev.output());
    assertTrue(dev.said(file + ": not a directory"), dev.output());
    start(Map.of("DATA_DIR", "/proc/nope"));
    assertEquals(1, dev.end());
    assertTrue(dev.said("DATA_DIR: \"/proc/nope\""), dev.output());
    assertFalse(dev.output().strip().endsWith("/proc/nope"), dev.output());
    if (!System.getProperty("user.name").equals("root")) {
      Path closed = temp.resolve("closed");
      Files.createDirectory(
          closed,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("r-x------")));
      start(Map.of("DATA_DIR", closed.resolve("data").toString()));
      assertEquals(1, dev.end());
      assertTrue(dev.said("permission denied"), dev.output());
    }
  }

  @Test
  void formatsTimesForPeople() {
    assertEquals("3 ms", AttemptLines.span(Duration.ofMillis(3)));
    assertEquals("1.2 s", AttemptLines.span(Duration.ofMillis(1290)));
    assertEquals("21 s", AttemptLines.span(Duration.ofMillis(21_400)));
    assertEquals("5 min 20 s", AttemptLines.span(Duration.ofSeconds(320)));
    assertEquals("2 min", AttemptLines.span(Duration.ofSeconds(120)));
  }
}
