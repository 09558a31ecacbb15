package driver;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * A service under measurement, with a Redis of its own: what it takes to enqueue at it and to read
 * its costs.
 *
 * @param letter its place in the tables
 * @param path where tasks are posted
 * @param version what it calls itself
 * @param adminKey opens all of it; empty where nothing is closed
 */
record Service(
    String letter,
    Running process,
    Running redisProcess,
    Redis redis,
    int port,
    String path,
    String version,
    String adminKey,
    Wording wording) {
  /** Attempts at once, in each service. */
  static final int ATTEMPTS = 64;

  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /**
   * How a service wants to be told of a task: POST of a JSON body to a url, now or at a due time in
   * whole ms.
   */
  interface Wording {
    String json(String url, String body, Optional<Instant> due);
  }

  /** The program of this project, started as {@code serve} does in production. */
  static Service taskRunner(Path launcher, Path redisServer, Path folder)
      throws IOException, InterruptedException {
    return taskRunner(launcher, redisServer, folder, Map.of());
  }

  /** The same, with more settings. */
  static Service taskRunner(
      Path launcher, Path redisServer, Path folder, Map<String, String> settings)
      throws IOException, InterruptedException {
    int redisPort = Bench.freePort();
    var redisProcess = startRedis("b-redis", redisServer, redisPort, folder);
    int port = Bench.freePort();
    String key = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    var environment =
        new HashMap<>(
            Map.ofEntries(
                Map.entry("MODE", "both"),
                Map.entry("PORT", "" + port),
                Map.entry("BIND", "127.0.0.1"),
                Map.entry("REDIS_URL", "redis://127.0.0.1:" + redisPort),
                Map.entry("WORKER_CONCURRENCY", "" + ATTEMPTS),
                Map.entry("ALLOW_PRIVATE_URLS", "true"),
                Map.entry("CLOUD_TASKS_AUTH", "open"),
                Map.entry("CLIENT_AUTH", "open"),
                Map.entry("ADMIN_API_KEY", key),
                Map.entry("LOG_LEVEL", "info")));
    environment.putAll(settings);
    var process =
        Running.start(
            "task-runner",
            folder,
            List.of(launcher.toString(), "serve"),
            launcher.getParent(),
            environment);
    Bench.awaitPort(port, process);
    awaitReady(port, process);
    // A client whose limits are never reached: they are counted in every enqueue and claim all the
    // same.
    Service service =
        new Service(
        "b",
        process,
        redisProcess,
        new Redis(redisPort),
        port,
        "/v1/enqueue",
        get(port, "/version"),
        key,
        (url, body, due) ->
            "{\"client_id\":\"bench\",\"retention_sec\":0"
                + due.map(time ->
                        ",\"schedule_time\":\"" + time.truncatedTo(ChronoUnit.MILLIS) + "\"")
                    .orElse("")
                + ",\"task\":{\"url\":\""
                + url
                + "\",\"method\":\"POST\",\"body\":"
                + Json.quote(body)
                + "}}");
    service.send(
        "POST",
        "/admin/clients/set",
        """
        {"client_id":"bench","tier":"enterprise",\
        "rate_limit":{"max_concurrent":1000000,"requests_per_min":1000000000}}\
        """);
    return service;
  }

  /** How many tasks of the default queue are ready. */
  long ready() throws IOException, InterruptedException {
    var answer =
        CLIENT.send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/v1/queues/default"))
                .header("X-Admin-Key", adminKey)
                .build(),
            HttpResponse.BodyHandlers.ofString());
    var ready = Pattern.compile("\"ready\":(\\d+)").matcher(answer.body());
    return ready.find() ? Long.parseLong(ready.group(1)) : -1;
  }

  /** Sends an admin's call. */
  void send(String method, String path, String json) throws IOException, InterruptedException {
    var answer =
        CLIENT.send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .header("X-Admin-Key", adminKey)
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(json))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() / 100 != 2) {
      throw new IOException(method + " " + path + ": " + answer.statusCode() + " " + answer.body());
    }
  }

  /** The service in {@code bench/bullmq}. */
  static Service bullmq(Path node, Path home, Path redisServer, Path folder)
      throws IOException, InterruptedException {
    int redisPort = Bench.freePort();
    var redisProcess = startRedis("c-redis", redisServer, redisPort, folder);
    int port = Bench.freePort();
    var process =
        Running.start(
            "bullmq",
            folder,
            List.of(node.toString(), "service.js"),
            home,
            Map.of(
                "NODE_ENV", "production",
                "PORT", "" + port,
                "REDIS_URL", "redis://127.0.0.1:" + redisPort,
                "WORKER_CONCURRENCY", "" + ATTEMPTS));
    Bench.awaitPort(port, process);
    awaitReady(port, process);
    var versions =
        Files.readString(home.resolve("package.json"))
            .lines()
            .filter(line -> line.matches("\\s+\"(bullmq|fastify|ioredis|undici)\": .*"))
            .map(line -> line.replaceAll("[\",:]", "").strip())
            .toList();
    return new Service(
        "c",
        process,
        redisProcess,
        new Redis(redisPort),
        port,
        "/enqueue",
        String.join(", ", versions),
        "",
        (url, body, due) ->
            "{\"url\":\""
                + url
                + "\",\"method\":\"POST\",\"body\":"
                + Json.quote(body)
                + due.map(time -> ",\"schedule_time\":" + time.toEpochMilli()).orElse("")
                + "}");
  }

  /** An enqueue as it goes over the wire. */
  byte[] enqueue(String url, String body, Optional<Instant> due) {
    return Pacer.post(port, path, wording.json(url, body, due));
  }

  /** An empty Redis with an append-only file. */
  static Running startRedis(String name, Path server, int port, Path folder)
      throws IOException, InterruptedException {
    Path data = Files.createDirectory(folder.resolve(name));
    // No rewrite of the append-only file: when it falls is chance, and its cost is the same to
    // both.
    var process =
        Running.start(
            name,
            folder,
            List.of(
                server.toString(),
                "--bind",
                "127.0.0.1",
                "--port",
                "" + port,
                "--dir",
                data.toString(),
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "everysec",
                "--auto-aof-rewrite-percentage",
                "0",
                "--maxmemory-policy",
                "noeviction",
                "--hz",
                "100"),
            data,
            Map.of());
    Bench.awaitPort(port, process);
    return process;
  }

  private static void awaitReady(int port, Running process)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (true) {
      var answer =
          CLIENT.send(
              HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/health/ready"))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() == 200) {
        return;
      }
      if (!process.alive() || System.nanoTime() > end) {
        throw new IOException("not ready: " + answer.body() + "\n" + process.tail());
      }
      Thread.sleep(100);
    }
  }

  private static String get(int port, String path) throws IOException, InterruptedException {
    return CLIENT
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(),
            HttpResponse.BodyHandlers.ofString())
        .body()
        .strip();
  }
}
