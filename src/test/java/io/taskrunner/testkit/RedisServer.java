package io.taskrunner.testkit;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.taskrunner.config.HostPort;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.config.Secret;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/**
 * A real redis-server of its own, from the binary in the embedded package; in memory by default,
 * and with an empty folder of its own: a replica writes a file even so.
 */
public final class RedisServer implements AutoCloseable {

  private static final Path BINARY = extract();

  private static final int OUTPUT_MAX = 64 * 1024;

  private final Process process;
  private final int port;
  private final StringBuilder output = new StringBuilder();

  private RedisServer(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /** The program itself. */
  public static Path binary() {
    return BINARY;
  }

  /** Starts one on a free port, with more options as on redis-server's command line. */
  public static RedisServer start(String... options) {
    try {
      return start(Ports.free(), options);
    } catch (IOException failed) {
      throw new IllegalStateException(failed);
    }
  }

  /** Starts one on this port. */
  public static RedisServer start(int port, String... options) throws IOException {
    Path folder = Folders.temporary("redis-data");
    List<String> command =
        new ArrayList<>(
            List.of(
                BINARY.toString(),
                "--port",
                Integer.toString(port),
                "--bind",
                "127.0.0.1",
                "--dir",
                folder.toString(),
                "--save",
                ""));
    command.addAll(List.of(options));
    return start(port, command, "Ready to accept connections");
  }

  /**
   * Starts one that reads, and rewrites, a configuration of its own: a node of a Sentinel set.
   *
   * @param port that the configuration names
   */
  static RedisServer startNode(int port, Path configuration, String... options) throws IOException {
    List<String> command = new ArrayList<>(List.of(BINARY.toString(), configuration.toString()));
    command.addAll(List.of(options));
    return start(port, command, "Ready to accept connections");
  }

  /** Starts a Sentinel that reads, and rewrites, a configuration of its own. */
  static RedisServer startSentinel(int port, Path configuration) throws IOException {
    List<String> command = List.of(BINARY.toString(), configuration.toString(), "--sentinel");
    return start(port, command, "+monitor master");
  }

  /**
   * Starts a Sentinel that uses only TLS, to its callers and to its master.
   *
   * @param folder of its file
   * @param master the port at which its master listens by TLS
   */
  public static RedisServer startSentinelByTls(Path folder, int master, TestCertificate.Pem pem)
      throws IOException {
    int port = Ports.free();
    Path configuration =
        Files.write(
            folder.resolve("sentinel-by-tls.conf"),
            List.of(
                "port 0",
                "tls-port " + port,
                "tls-cert-file " + pem.certificate(),
                "tls-key-file " + pem.key(),
                "tls-ca-cert-file " + pem.certificate(),
                "tls-auth-clients no",
                "tls-replication yes",
                "bind 127.0.0.1",
                "dir " + folder,
                "sentinel monitor mymaster 127.0.0.1 " + master + " 1"));
    return startSentinel(port, configuration);
  }

  private static RedisServer start(int port, List<String> command, String ready)
      throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    var out = process.inputReader();
    StringBuilder said = new StringBuilder();
    String line;
    while ((line = out.readLine()) != null) {
      said.append(line).append('\n');
      if (line.contains(ready)) {
        RedisServer server = new RedisServer(process, port);
        server.hear(said.toString());
        // Its further output is read and dropped, so that its pipe never fills.
        Thread.ofVirtual().start(() -> server.read(out));
        return server;
      }
    }
    throw new IllegalStateException("redis-server ended at once: " + command + "\n" + said);
  }

  private void read(BufferedReader out) {
    try {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        hear(line + "\n");
      }
    } catch (IOException ended) {
      // its process is over
    }
  }

  private synchronized void hear(String text) {
    output.append(text);
    if (output.length() > OUTPUT_MAX) {
      output.delete(0, output.length() - OUTPUT_MAX);
    }
  }

  /** The last of its output. */
  public synchronized String output() {
    return output.toString();
  }

  /** Where it listens, on 127.0.0.1. */
  public int port() {
    return port;
  }

  /** Its process. */
  public Process process() {
    return process;
  }

  /** Settings that reach it. */
  public RedisSettings settings() {
    return settings(port, Duration.ofSeconds(5));
  }

  /** Settings for a Redis on this port of 127.0.0.1, with this command timeout. */
  public static RedisSettings settings(int port, Duration commandTimeout) {
    return settings(port, commandTimeout, OptionalInt.empty());
  }

  /** The same, with this many replicas to wait for. */
  public static RedisSettings settings(
      int port, Duration commandTimeout, OptionalInt waitReplicas) {
    return settings(
        new RedisSettings.Target.Node(new HostPort("127.0.0.1", port)),
        Optional.empty(),
        1,
        commandTimeout,
        waitReplicas);
  }

  /** Settings that reach it, with everything spread over this many shards. */
  public RedisSettings settings(int shards) {
    return settings(port, shards);
  }

  /**
   * Settings for a Redis on this port of 127.0.0.1, with everything spread over this many shards.
   */
  public static RedisSettings settings(int port, int shards) {
    return settings(new RedisSettings.Target.Node(new HostPort("127.0.0.1", port)), shards);
  }

  /** Settings that name a Redis in this way, with everything spread over this many shards. */
  public static RedisSettings settings(RedisSettings.Target target, int shards) {
    return settings(target, Optional.empty(), shards, Duration.ofSeconds(5), OptionalInt.empty());
  }

  static RedisSettings settings(
      RedisSettings.Target target,
      Optional<Secret> password,
      int shards,
      Duration commandTimeout,
      OptionalInt waitReplicas) {
    return new RedisSettings(
        target,
        Optional.empty(),
        password,
        false,
        Optional.empty(),
        0,
        "tr",
        shards,
        0,
        Duration.ofSeconds(1),
        commandTimeout,
        waitReplicas,
        OptionalLong.empty(),
        0.9);
  }

  /** Changes its configuration while it runs. */
  public void configure(String name, String value) {
    RedisClient client = RedisClient.create(RedisURI.create("127.0.0.1", port));
    try (var connection = client.connect()) {
      connection.sync().configSet(name, value);
    } finally {
      client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    }
  }

  /** Freezes it, by SIGSTOP: its connections stay open, and nothing answers. */
  public void freeze() throws IOException {
    Signal.STOP.to(process);
  }

  /** Lets it go on, by SIGCONT. */
  public void thaw() throws IOException {
    Signal.CONT.to(process);
  }

  /** Kills it abruptly, by SIGKILL. */
  public void kill() {
    process.destroyForcibly();
    awaitEnd();
  }

  @Override
  public void close() {
    process.destroy();
    awaitEnd();
  }

  private void awaitEnd() {
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException interrupted) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  /** {@code TEST_REDIS_SERVER} names another program to test against, such as a Valkey. */
  private static Path extract() {
    String other = System.getenv("TEST_REDIS_SERVER");
    if (other != null) {
      return Path.of(other);
    }
    boolean mac = System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("mac");
    boolean arm = System.getProperty("os.arch").equals("aarch64");
    String name =
        "/redis-server-7.0.15-" + (mac ? "darwin" : "linux") + (arm ? "-arm64" : "-amd64");
    try (InputStream in = RedisServer.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the embedded package has no " + name);
      }
      Path file = Files.createTempFile("redis-server", "");
      Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
      file.toFile().deleteOnExit();
      return file;
    } catch (IOException failed) {
      throw new IllegalStateException(failed);
    }
  }
}
