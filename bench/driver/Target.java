package driver;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The target of the throughput phases: one nginx process that answers 200 at once and counts what
 * it answered.
 */
final class Target {
  private static final String CONFIG =
      """
      # One process in the foreground, so that one pid is all of it.
      daemon off;
      master_process off;
      worker_processes 1;
      pid %1$s/nginx.pid;
      error_log stderr warn;
      events { worker_connections 4096; }
      http {
        access_log off;
        keepalive_requests 1000000000;
        keepalive_timeout 600s;
        client_body_temp_path %1$s/body;
        proxy_temp_path %1$s/proxy;
        fastcgi_temp_path %1$s/fastcgi;
        uwsgi_temp_path %1$s/uwsgi;
        scgi_temp_path %1$s/scgi;
        server {
          listen 127.0.0.1:%2$d backlog=1024;
          location = /status { stub_status; }
          location / { return 200 "ok"; }
        }
      }
      """;

  private final Running process;
  private final int port;
  private long asked;

  private Target(Running process, int port) {
    this.process = process;
    this.port = port;
  }

  static Target start(Path nginx, Path folder) throws IOException, InterruptedException {
    int port = Bench.freePort();
    Path home = Files.createDirectory(folder.resolve("nginx"));
    Path config = Files.writeString(home.resolve("nginx.conf"), CONFIG.formatted(home, port));
    var process =
        Running.start(
            "nginx",
            folder,
            List.of(
                nginx.toString(), "-p", home.toString(), "-c", config.toString(), "-e", "stderr"),
            home,
            Map.of());
    Bench.awaitPort(port, process);
    return new Target(process, port);
  }

  Running process() {
    return process;
  }

  int port() {
    return port;
  }

  String url() {
    return "http://127.0.0.1:" + port + "/deliver";
  }

  /** Requests answered so far, without those that asked for this number. */
  long answered() throws IOException {
    asked++;
    try (var in = URI.create("http://127.0.0.1:" + port + "/status").toURL().openStream()) {
      String[] counts =
          new String(in.readAllBytes())
              .lines()
              .skip(2)
              .findFirst()
              .orElseThrow()
              .strip()
              .split(" ");
      return Long.parseLong(counts[2]) - asked;
    }
  }
}
