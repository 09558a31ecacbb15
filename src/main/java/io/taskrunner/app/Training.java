package io.taskrunner.app;

import io.taskrunner.cli.Cli;
import io.taskrunner.config.CannotStart;
import io.taskrunner.config.Settings;
import java.io.IOException;
import java.net.BindException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Semaphore;

/**
 * Runs the program once from its start to its end, under load, on a Redis and in a directory that
 * are discarded, so that the JVM can write down which classes a start needs and how the methods
 * behave ({@code -XX:AOTCacheOutput}, JEP 483 and JEP 515). Without the latter it measures them
 * again after each start, at several times the cost of a task in the first half minute.
 */
final class Training {

  private static final String KEY = "training";
  private static final String CLIENT =
      """
      {"client_id":"training","tier":"enterprise",\
      "rate_limit":{"max_concurrent":1000000,"requests_per_min":1000000000}}\
      """;
  private static final int AT_ONCE = 64;
  private static final Duration LOAD = Duration.ofSeconds(8);
  private static final int PORT_MIN = 20_000;
  private static final int PORT_MAX = 32_000;

  private Training() {}

  /**
   * Runs the training.
   *
   * @return the exit status
   */
  static int run() throws CannotStart, IOException {
    Path temp = Files.createTempDirectory("task-runner-training-");
    try {
      Settings settings =
          Settings.dev(
              Map.of(
                  "PORT",
                  String.valueOf(freePort()),
                  "DATA_DIR",
                  temp.resolve("data").toString(),
                  "LOG_LEVEL",
                  "error",
                  "ADMIN_API_KEY",
                  KEY,
                  "WORKER_CONCURRENCY",
                  String.valueOf(AT_ONCE),
                  "SHUTDOWN_GRACE_SEC",
                  "5"));
      return new Program(settings, Training::use).run();
    } finally {
      remove(temp);
    }
  }

  /** Load for a while: tasks whose target is the program itself. */
  private static void use(String url) throws IOException, InterruptedException {
    try (HttpClient caller = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
      post(caller, url + "/admin/clients/set", CLIENT);
      String task =
          """
          {"client_id":"training","retention_sec":0,"task":{"method":"GET","url":"%s/health/live"}}\
          """
              .formatted(url);
      HttpRequest enqueue = request(url + "/v1/enqueue", task);
      Semaphore free = new Semaphore(AT_ONCE);
      long end = System.nanoTime() + LOAD.toNanos();
      while (System.nanoTime() < end) {
        free.acquire();
        var unused =
            caller
                .sendAsync(enqueue, HttpResponse.BodyHandlers.discarding())
                .whenComplete((_, _) -> free.release());
      }
      free.acquire(AT_ONCE);
      for (String[] words : new String[][] {{"tasks", "list"}, {"queues", "list"}}) {
        Cli.run(
            new String[] {words[0], words[1], "--url", url, "--admin-key", KEY}, Clock.systemUTC());
      }
      for (String path : new String[] {"/health/ready", "/metrics"}) {
        caller.send(
            HttpRequest.newBuilder(URI.create(url + path)).build(),
            HttpResponse.BodyHandlers.discarding());
      }
    }
  }

  private static void post(HttpClient caller, String url, String json)
      throws IOException, InterruptedException {
    int status =
        caller.send(request(url, json), HttpResponse.BodyHandlers.discarding()).statusCode();
    if (status != HttpURLConnection.HTTP_OK) {
      throw new IOException("POST " + url + ": " + status);
    }
  }

  private static HttpRequest request(String url, String json) {
    return HttpRequest.newBuilder(URI.create(url))
        .header("Content-Type", "application/json")
        .header("X-Admin-Key", KEY)
        .POST(HttpRequest.BodyPublishers.ofString(json))
        .build();
  }

  /**
   * A port below those that the system gives to outgoing connections, which could take one away
   * before the server listens.
   */
  private static int freePort() throws IOException {
    SecureRandom random = new SecureRandom();
    while (true) {
      int port = random.nextInt(PORT_MIN, PORT_MAX);
      try (ServerSocket probe = new ServerSocket(port, 1, InetAddress.ofLiteral("127.0.0.1"))) {
        return probe.getLocalPort();
      } catch (BindException taken) {
        continue;
      }
    }
  }

  private static void remove(Path dir) throws IOException {
    Files.walkFileTree(
        dir,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path each, IOException failed)
              throws IOException {
            Files.delete(each);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
