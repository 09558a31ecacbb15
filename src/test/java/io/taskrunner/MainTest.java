package io.taskrunner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import io.taskrunner.config.Setting;
import io.taskrunner.config.Settings;
import io.taskrunner.testkit.Ports;
import io.taskrunner.testkit.ProgramProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The program in a process of its own: started, signalled and killed. */
@Timeout(120)
class MainTest {

  private static final long PATIENCE_SEC = 60;

  @TempDir Path temp;

  private final List<ProgramProcess> running = new ArrayList<>();

  @AfterEach
  void nothingIsLeftRunning() throws Exception {
    for (ProgramProcess one : running) {
      one.kill();
    }
    Path pid = data().resolve("redis.pid");
    if (Files.exists(pid)) {
      ProcessHandle.of(Long.parseLong(Files.readString(pid).split(" ", 2)[0]))
          .ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  @Test
  void theHelpNamesEveryCommandAndTheSettingsAreListed() throws Exception {
    for (String word : List.of("--help", "help")) {
      ProgramProcess help = start(Map.of(), word);
      assertEquals(0, help.end());
      for (String command : List.of("dev", "serve", "doctor", "settings", "enqueue")) {
        assertTrue(help.said("  " + command), command);
      }
      assertFalse(help.said("LEASE_SEC"), "the settings would push the commands off the screen");
    }
    ProgramProcess ofOne = start(Map.of(), "help", "tasks", "list");
    assertEquals(0, ofOne.end());
    assertTrue(ofOne.said("task-runner tasks list [OPTIONS]"), ofOne.output());
    ProgramProcess help = start(Map.of(), "settings");
    assertEquals(0, help.end());
    for (Setting setting : Settings.declared()) {
      assertTrue(help.said("  " + setting.name()), setting.name());
    }
  }

  @Test
  void theVersionIsPrinted() throws Exception {
    for (String word : List.of("--version", "version")) {
      ProgramProcess version = start(Map.of(), word);
      assertEquals(0, version.end());
      assertTrue(version.said("Task Runner "), version.output());
    }
  }

  @Test
  void aWrongCommandLineEndsWithStatusTwoAndNamesTheHelp() throws Exception {
    List<String> problems =
        List.of(
            "Missing command.", "Unknown command \"enque\". Did you mean \"enqueue\"?", "--now");
    List<String[]> lines =
        List.of(new String[0], new String[] {"enque"}, new String[] {"dev", "--now"});
    for (int i = 0; i < problems.size(); i++) {
      ProgramProcess wrong = start(Map.of(), lines.get(i));
      assertEquals(2, wrong.end(), wrong.output());
      assertTrue(wrong.said(problems.get(i)), wrong.output());
      assertTrue(wrong.output().contains(" --help`."), wrong.output());
      assertEquals(2, wrong.output().strip().lines().count(), wrong.output());
    }
  }

  @Test
  void everyErrorInTheSettingsIsReportedWithStatusTwo() throws Exception {
    ProgramProcess faulty =
        start(
            Map.of("PORT", "0", "LEASE_SEC", "soon", "ADMIN_API_KEY_FILE", "/nowhere/at/all"),
            "serve");
    assertEquals(2, faulty.end());
    assertTrue(faulty.said("PORT: \"0\" (expected: 1 to 65535)"), faulty.output());
    assertTrue(faulty.said("LEASE_SEC: \"soon\" (expected: 5 to 3600)"), faulty.output());
    assertTrue(faulty.said("ADMIN_API_KEY_FILE: \"/nowhere/at/all\""), faulty.output());
  }

  @Test
  void anUnreachableRedisIsReportedWithoutItsPassword() throws Exception {
    ProgramProcess lonely =
        start(
            Map.of(
                "REDIS_URL", "redis://:sesame@127.0.0.1:" + Ports.free(),
                "REDIS_CONNECT_RETRIES", "1",
                "REDIS_RETRY_INTERVAL_SEC", "1"),
            "serve");
    assertEquals(1, lonely.end());
    assertTrue(lonely.said("cannot be used yet"), lonely.output());
    assertTrue(lonely.said("Redis at 127.0.0.1:"), lonely.output());
    assertTrue(lonely.said("Start a Redis there, set REDIS_URL"), lonely.output());
    assertFalse(lonely.said("sesame"), lonely.output());
  }

  @Test
  void itStartsBeforeItsRedisAndIsReadyOnceRedisIsUp() throws Exception {
    // A Redis of a known port and password, not running at first.
    ProgramProcess first = startDev(Map.of());
    Path program = data().resolve("redis-server-7.0.15");
    first.terminate();
    assertEquals(0, first.end(), first.output());
    Path configuration = data().resolve("redis.conf");
    String password = Files.readString(data().resolve("redis.password")).strip();
    String port = lineOf(configuration, "port ").substring(5);

    ProgramProcess early =
        start(
            Map.of(
                "REDIS_URL", "redis://:" + password + "@127.0.0.1:" + port,
                "REDIS_CONNECT_RETRIES", "1000",
                "REDIS_RETRY_INTERVAL_SEC", "1",
                "BIND", "127.0.0.1"),
            "serve");
    early.await("cannot be used yet");
    Process redis = new ProcessBuilder(program.toString(), configuration.toString()).start();
    assertEquals(0, redis.waitFor());
    try {
      early.await("Task Runner listens on ");
      assertEquals(200, early.get("/health/ready").statusCode());
      early.terminate();
      assertEquals(0, early.end(), early.output());
    } finally {
      ProcessHandle.allProcesses()
          .filter(one -> one.info().command().orElse("").equals(program.toString()))
          .forEach(ProcessHandle::destroyForcibly);
    }
  }

  @Test
  void aSignalWhileItWaitsForRedisStopsItCleanly() throws Exception {
    ProgramProcess waiting =
        start(
            Map.of(
                "REDIS_URL", "redis://127.0.0.1:" + Ports.free(),
                "REDIS_CONNECT_RETRIES", "10000",
                "REDIS_RETRY_INTERVAL_SEC", "60"),
            "serve");
    waiting.await("cannot be used yet");
    waiting.terminate();
    assertEquals(0, waiting.end(), waiting.output());
  }

  @Test
  void severalSignalsCauseOneCleanStop() throws Exception {
    try (Target target = new Target()) {
      ProgramProcess dev = startDev(Map.of());
      assertEquals(201, enqueue(dev, target.url("/hello"), "").statusCode());
      assertEquals("/hello 0", target.next());
      dev.terminate();
      dev.terminate();
      dev.terminate();
      assertEquals(0, dev.end(), dev.output());
      assertFalse(Files.exists(data().resolve("redis.pid")), "its Redis ends with it");
    }
  }

  @Test
  void runningTasksMayFinishWithinTheGracePeriod() throws Exception {
    try (Target target = new Target()) {
      target.hold();
      ProgramProcess dev = startDev(Map.of("SHUTDOWN_GRACE_SEC", "60"));
      enqueue(dev, target.url("/slow"), "");
      assertEquals("/slow 0", target.next());
      dev.terminate();
      dev.await("Stopping");
      target.release();
      assertEquals(0, dev.end(), dev.output());

      ProgramProcess again = startDev(Map.of());
      enqueue(again, target.url("/next"), "");
      assertEquals("/next 0", target.next(), "the slow one was settled and does not come again");
    }
  }

  @Test
  void abortedTasksAreReturnedWithoutUsingAnAttempt() throws Exception {
    try (Target target = new Target()) {
      target.hold();
      ProgramProcess dev = startDev(Map.of("SHUTDOWN_GRACE_SEC", "0"));
      enqueue(dev, target.url("/cut"), "");
      assertEquals("/cut 0", target.next());
      dev.terminate();
      assertEquals(0, dev.end(), dev.output());
      target.release();

      startDev(Map.of());
      assertEquals("/cut 0", target.next(), "it comes again at once, as its first attempt");
    }
  }

  @Test
  void callsAreServedWhileItDrainsAlthoughItIsNotReady() throws Exception {
    ProgramProcess dev = startDev(Map.of("SHUTDOWN_DRAIN_SEC", "300"));
    dev.terminate();
    dev.await("Stopping");
    HttpResponse<String> ready = dev.get("/health/ready");
    while (ready.statusCode() == 200) {
      ready = dev.get("/health/ready");
    }
    assertEquals(503, ready.statusCode());
    assertEquals(200, dev.get("/version").statusCode());
    assertEquals(201, enqueue(dev, "http://127.0.0.1:1/later", ",\"delay\":3600").statusCode());
  }

  @Test
  void nothingIsLostWhenTheProgramIsKilledWhileTasksRun() throws Exception {
    int tasks = 200;
    try (Target target = new Target()) {
      ProgramProcess dev = startDev(Map.of("LEASE_SEC", "5", "WORKER_CONCURRENCY", "20"));
      Map<String, String> env = Map.of("LEASE_SEC", "5", "WORKER_CONCURRENCY", "20");
      for (int i = 0; i < tasks; i++) {
        String client = ",\"client_id\":\"client-" + i % 40 + "\"";
        assertEquals(201, enqueue(dev, target.url("/" + i), client).statusCode());
        if (i == tasks / 2) {
          target.hold(); // from here on attempts are running when it dies
        }
      }
      dev.kill();
      target.release();

      startDev(env);
      assertTrue(
          target.awaitDistinct(tasks), () -> "arrived: " + target.seen.size() + " of " + tasks);
    }
  }

  @Test
  void theDoctorReportsNoProblems() throws Exception {
    ProgramProcess dev = startDev(Map.of());
    enqueue(dev, "http://127.0.0.1:1/later", ",\"delay\":3600");
    ProgramProcess doctor = start(Map.of(), "doctor");
    assertEquals(0, doctor.end(), doctor.output());
    assertTrue(
        doctor.said("Checked 1 task, 3 queues, 1 client and 0 schedules: no problems found."),
        doctor.output());
    ProgramProcess asJson = start(Map.of(), "doctor", "--json");
    assertEquals(0, asJson.end(), asJson.output());
    assertTrue(
        asJson
            .output()
            .contains(
                "\"checked\":{\"tasks\":1,\"queues\":3,\"clients\":1,\"schedules\":0},\"repaired\":[],\"problems\":[]}"),
        asJson.output());

    dev.terminate();
    assertEquals(0, dev.end());
    ProgramProcess alone = start(Map.of(), "doctor", "--repair");
    assertEquals(0, alone.end(), alone.output());
    assertFalse(Files.exists(data().resolve("redis.pid")), "it stops the Redis that it started");
  }

  private Path data() {
    return temp.resolve("data");
  }

  private ProgramProcess startDev(Map<String, String> env) throws Exception {
    ProgramProcess dev = start(env, "dev");
    dev.await("Task Runner listens on " + dev.url());
    return dev;
  }

  private ProgramProcess start(Map<String, String> env, String... words) throws IOException {
    Map<String, String> whole = new HashMap<>(env);
    whole.put("DATA_DIR", data().toString());
    ProgramProcess one = ProgramProcess.start(whole, words);
    running.add(one);
    return one;
  }

  private static String lineOf(Path file, String start) throws IOException {
    return Files.readAllLines(file).stream()
        .filter(line -> line.startsWith(start))
        .findFirst()
        .orElseThrow();
  }

  private static HttpResponse<String> enqueue(ProgramProcess dev, String target, String more)
      throws IOException, InterruptedException {
    String client = more.contains("client_id") ? "" : "\"client_id\":\"my-service\",";
    return dev.post(
        "/v1/enqueue", "{" + client + "\"task\":{\"url\":\"" + target + "\"}" + more + "}");
  }

  /** A target that records its requests, and may hold its responses back. */
  private static final class Target implements AutoCloseable {
    final Set<String> seen = ConcurrentHashMap.newKeySet();
    private final BlockingQueue<String> arrivals = new LinkedBlockingQueue<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpServer server;
    private volatile CountDownLatch held = new CountDownLatch(0);

    Target() throws IOException {
      server = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 0);
      server.setExecutor(threads);
      server.createContext(
          "/",
          exchange -> {
            exchange.getRequestBody().readAllBytes();
            CountDownLatch wait = held;
            String path = exchange.getRequestURI().getPath();
            String retries = exchange.getRequestHeaders().getFirst("X-CloudTasks-TaskRetryCount");
            seen.add(path);
            arrivals.add(path + " " + retries);
            try {
              wait.await();
              exchange.sendResponseHeaders(200, -1);
            } catch (InterruptedException closing) {
              Thread.currentThread().interrupt();
            } catch (IOException cutOff) {
              throw new UncheckedIOException(cutOff);
            } finally {
              exchange.close();
            }
          });
      server.start();
    }

    String url(String path) {
      return "http://127.0.0.1:" + server.getAddress().getPort() + path;
    }

    void hold() {
      held = new CountDownLatch(1);
    }

    void release() {
      held.countDown();
    }

    String next() throws InterruptedException {
      String next = arrivals.poll(PATIENCE_SEC, TimeUnit.SECONDS);
      return next == null ? "nothing came" : next;
    }

    boolean awaitDistinct(int count) throws InterruptedException {
      while (seen.size() < count) {
        if (arrivals.poll(PATIENCE_SEC, TimeUnit.SECONDS) == null) {
          return false;
        }
      }
      return true;
    }

    @Override
    public void close() {
      release();
      server.stop(0);
      threads.shutdownNow();
    }
  }
}
