package io.taskrunner.faults;

import io.taskrunner.testkit.Ports;
import io.taskrunner.testkit.TestCertificate;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A common web server, inside TLS on a port of its own, which answers everything with 200. Where
 * its program is not installed, it cannot be started, and the test fails.
 */
final class WebServer implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private final Process process;
  private final int port;

  private WebServer(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /**
   * Starts nginx.
   *
   * @param protocol {@code http2} or empty
   * @param keepAlive directives on how long connections are kept
   */
  static WebServer nginx(TestCertificate.Pem pem, String protocol, String keepAlive)
      throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory(pem.key().getParent(), "nginx");
    int port = Ports.free();
    Path config =
        Files.writeString(
            folder.resolve("nginx.conf"),
            """
            worker_processes 1;
            daemon off;
            pid %1$s/pid;
            error_log %1$s/error.log;
            events { worker_connections 512; }
            http {
              access_log off;
              client_body_temp_path %1$s/body;
              proxy_temp_path %1$s/proxy;
              fastcgi_temp_path %1$s/fastcgi;
              uwsgi_temp_path %1$s/uwsgi;
              scgi_temp_path %1$s/scgi;
              server {
                listen 127.0.0.1:%2$d ssl %3$s;
                ssl_certificate %4$s;
                ssl_certificate_key %5$s;
                %6$s
                location / { return 200 "ok"; }
              }
            }
            """
                .formatted(folder, port, protocol, pem.certificate(), pem.key(), keepAlive));
    return start(
        folder,
        port,
        List.of("nginx", "-p", folder.toString(), "-e", "stderr", "-c", config.toString()));
  }

  /**
   * Starts HAProxy.
   *
   * @param streams maximum of concurrent requests on an HTTP/2 connection
   * @param keepAlive directives on how long connections are kept
   */
  static WebServer haproxy(TestCertificate.Pem pem, int streams, String keepAlive)
      throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory(pem.key().getParent(), "haproxy");
    int port = Ports.free();
    Path both =
        Files.writeString(
            folder.resolve("both.pem"),
            Files.readString(pem.certificate()) + Files.readString(pem.key()));
    Path config =
        Files.writeString(
            folder.resolve("haproxy.cfg"),
            """
            global
              nbthread 1
              tune.h2.max-concurrent-streams %d
            defaults
              mode http
              timeout client 10s
              timeout connect 10s
              timeout server 10s
            frontend all
              bind 127.0.0.1:%d ssl crt %s alpn h2,http/1.1
              %s
              http-request wait-for-body time 5s
              http-request return status 200 content-type text/plain string ok
            """
                .formatted(streams, port, both, keepAlive));
    return start(folder, port, List.of("haproxy", "-db", "-f", config.toString()));
  }

  private static WebServer start(Path folder, int port, List<String> command)
      throws IOException, InterruptedException {
    File log = folder.resolve("log").toFile();
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log).start();
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!listens(port)) {
      if (!process.isAlive() || System.nanoTime() > deadline) {
        process.destroyForcibly();
        throw new IOException(command + " does not listen: " + Files.readString(log.toPath()));
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    return new WebServer(process, port);
  }

  private static boolean listens(int port) {
    try (Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port)) {
      return socket.isConnected();
    } catch (IOException notYet) {
      return false;
    }
  }

  /** Its port at 127.0.0.1. */
  int port() {
    return port;
  }

  /** Stops it and its workers. */
  @Override
  public void close() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }
}
