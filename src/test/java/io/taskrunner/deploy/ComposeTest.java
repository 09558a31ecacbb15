package io.taskrunner.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.taskrunner.testkit.OtlpReceiver;
import io.taskrunner.testkit.Ports;
import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.RedisServer;
import io.taskrunner.testkit.ScriptedTarget;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;

/**
 * Everything that {@code compose.yaml} starts, as processes on this machine: each keeps the
 * command, the environment and the files that the file gives it, at an address of its own of
 * 127.0.0.0/8, which only Linux has. The Kubernetes chart uses the same set of Redis.
 */
@EnabledOnOs(OS.LINUX)
class ComposeTest {

  private static final String ADMIN_KEY = "admin-sesame";
  private static final Path SCRIPTS = Path.of("deploy/kubernetes/files");
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{\\w+:-([^}]*)}");
  private static final Duration PATIENCE = Duration.ofSeconds(120);
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  @TempDir private Path folder;

  private final Map<String, Process> redis = new HashMap<>();
  private String network;
  private Map<String, Map<String, Object>> services;
  private OtlpReceiver collector;

  @BeforeEach
  @SuppressWarnings("unchecked") // The keys of the file.
  void read() throws IOException {
    var random = ThreadLocalRandom.current();
    network = "127.%d.%d.".formatted(random.nextInt(1, 255), random.nextInt(255));
    collector = OtlpReceiver.start();
    String text =
        Files.readString(Path.of("compose.yaml"))
            .replace("172.30.77.", network)
            .replace("http://collector:4318", collector.address())
            .replace("${ADMIN_API_KEY:-}", ADMIN_KEY);
    text = VARIABLE.matcher(text).replaceAll(found -> Matcher.quoteReplacement(found.group(1)));
    services =
        ((Map<String, Map<String, Map<String, Object>>>) new Yaml().load(text)).get("services");
  }

  @AfterEach
  void end() throws InterruptedException {
    collector.close();
    for (Process process : redis.values()) {
      process.destroyForcibly().waitFor();
    }
  }

  @Test
  void composeDeliversAndSurvivesTheLossOfTheMaster() throws Exception {
    for (String name : services.keySet()) {
      if (name.startsWith("redis-") || name.startsWith("sentinel-")) {
        startRedis(name);
      }
    }
    awaitRole("redis-1", "connected_slaves:2");
    assertEquals(Map.of("replicas", 2), services.get("worker").get("deploy"));
    try (ScriptedTarget target = ScriptedTarget.start();
        ProgramProcess api = start("api");
        ProgramProcess worker = start("worker");
        ProgramProcess other = start("worker")) {
      for (ProgramProcess program : List.of(api, worker, other)) {
        program.awaitReady();
      }
      HttpResponse<String> answer = enqueue(api, target.url("/one"));
      assertEquals(201, answer.statusCode(), answer.body());
      String durability = answer.headers().firstValue("X-Durability").orElse("");
      assertTrue(durability.matches("replicas=[12]"), durability);
      assertEquals("POST /one HTTP/1.1", target.next().firstLine());
      collector.await(span -> span.kind().equals("SPAN_KIND_CLIENT"));
      // The containers themselves are not under test.
      assertEquals(201, enqueue(api, "http://" + network + "11:6379/").statusCode());
      awaitAnswer(api, "/v1/tasks?state=dead", "blocked_address");

      redis.get("redis-1").destroyForcibly().waitFor();
      long began = System.nanoTime();
      while (enqueue(api, target.url("/two")).statusCode() != 201) {
        assertTrue(System.nanoTime() - began < PATIENCE.toNanos(), api.output());
      }
      assertEquals("POST /two HTTP/1.1", target.next().firstLine());

      startRedis("redis-1");
      awaitRole("redis-1", "role:slave");
      awaitRole("redis-1", "master_link_status:up");
    }
  }

  private static HttpResponse<String> enqueue(ProgramProcess api, String url)
      throws IOException, InterruptedException {
    return api.post(
        "/v1/enqueue", "{\"client_id\": \"my-service\", \"task\": {\"url\": \"" + url + "\"}}");
  }

  private static void awaitAnswer(ProgramProcess api, String path, String said)
      throws IOException, InterruptedException {
    long began = System.nanoTime();
    String heard = "";
    while (!heard.contains(said)) {
      heard = api.get(path, "X-Admin-Key", ADMIN_KEY).body();
      assertTrue(System.nanoTime() - began < PATIENCE.toNanos(), heard);
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  private ProgramProcess start(String service) throws IOException {
    Map<String, String> env = environment(service);
    // All of them share the ports of one machine here.
    env.put("PORT", Integer.toString(Ports.free()));
    env.put("OTEL_BSP_SCHEDULE_DELAY", "100");
    return ProgramProcess.start(env, "serve");
  }

  private Map<String, String> environment(String service) {
    Map<String, String> env = new LinkedHashMap<>();
    ((Map<?, ?>) services.get(service).get("environment"))
        .forEach((name, value) -> env.put((String) name, value == null ? "" : (String) value));
    return env;
  }

  private void startRedis(String service) throws IOException {
    Map<String, String> env = environment(service);
    Path own = folder.resolve(service);
    Path data = Files.createDirectories(own.resolve("data"));
    for (String file : List.of("redis.conf", "sentinel.conf")) {
      String text = Files.readString(SCRIPTS.resolve(file));
      assertTrue(text.contains("bind 0.0.0.0\n") && text.contains("dir /data\n"), text);
      Files.writeString(
          own.resolve(file),
          text.replace("bind 0.0.0.0\n", "bind " + env.get("SELF") + "\n")
              .replace("dir /data\n", "dir " + data + "\n"));
    }
    Path programs = Files.createDirectories(folder.resolve("bin"));
    if (!Files.exists(programs.resolve("redis-server"))) {
      Files.createSymbolicLink(programs.resolve("redis-server"), RedisServer.binary());
    }
    List<String> command =
        ((List<?>) services.get(service).get("command"))
            .stream().map(word -> ((String) word).replace("/config", SCRIPTS.toString())).toList();
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(own.resolve("log").toFile()));
    builder.environment().putAll(env);
    builder.environment().put("CONFIG", own.toString());
    builder.environment().put("DATA", data.toString());
    builder.environment().merge("PATH", programs.toString(), (path, first) -> first + ":" + path);
    redis.put(service, builder.start());
  }

  private void awaitRole(String service, String said) {
    Map<String, String> env = environment(service);
    RedisURI uri =
        RedisURI.builder()
            .withHost(env.get("SELF"))
            .withPort(6379)
            .withPassword(env.get("REDIS_PASSWORD").toCharArray())
            .build();
    long began = System.nanoTime();
    String heard = "";
    RedisClient client = RedisClient.create();
    try {
      while (System.nanoTime() - began < PATIENCE.toNanos()) {
        try (var connection = client.connect(uri)) {
          heard = connection.sync().info("replication");
        } catch (RedisException notYet) {
          heard = notYet.toString();
        }
        if (heard.contains(said)) {
          return;
        }
        LockSupport.parkNanos(POLL_NANOS);
      }
    } finally {
      client.shutdown();
    }
    throw new AssertionError(service + " does not say " + said + " but " + heard + log(service));
  }

  private String log(String service) {
    try {
      return Files.readString(folder.resolve(service).resolve("log"));
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }
}
