package io.taskrunner.app;

import io.taskrunner.config.Settings;
import java.io.IOException;
import java.net.BindException;
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
import java.util.Map;

/**
 * Runs the program once from its start to its end, on a Redis and in a directory that are thrown
 * away, so that the JVM can write down which classes a start needs ({@code -XX:AOTCacheOutput}).
 */
final class Training {

  private static final int TASKS = 20;
  private static final int PORT_MIN = 20_000;
  private static final int PORT_MAX = 32_000;

  private Training() {}

  /**
   * Does so.
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
                  "SHUTDOWN_GRACE_SEC",
                  "5"));
      return new Program(settings, Training::use).run();
    } finally {
      remove(temp);
    }
  }

  /** A few tasks, whose target is the program itself. */
  private static void use(String url) throws IOException, InterruptedException {
    try (HttpClient caller = HttpClient.newHttpClient()) {
      for (int i = 0; i < TASKS; i++) {
        String task =
            "{\"client_id\":\"training\",\"task\":{\"method\":\"GET\",\"url\":\"%s/health/live\"}}";
        HttpRequest enqueue =
            HttpRequest.newBuilder(URI.create(url + "/v1/enqueue"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(task.formatted(url)))
                .build();
        caller.send(enqueue, HttpResponse.BodyHandlers.discarding());
      }
      for (String path : new String[] {"/health/ready", "/metrics"}) {
        caller.send(
            HttpRequest.newBuilder(URI.create(url + path)).build(),
            HttpResponse.BodyHandlers.discarding());
      }
    }
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
