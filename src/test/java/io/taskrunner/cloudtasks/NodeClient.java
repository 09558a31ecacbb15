package io.taskrunner.cloudtasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Google's Node client, of the version that {@code src/test/node} names. */
final class NodeClient {

  private static final Path SOURCES = Path.of("src/test/node");

  /** Where its packages are, from one build to the next. */
  private static final Path MODULES = Path.of("target/node");

  private static final String NOT_INSTALLED =
      """
      npm could not install Google's Node client in target/node. It needs a registry, once: the packages \
      stay there, and in npm's cache beyond that. On a machine without a network, leave these tests out: \
      -Dtest='!NodeClientTest,!TlsClientTest'. npm said:
      """;

  private NodeClient() {}

  /** Installs it, if that is still to be done; skips the test where there is no Node. */
  static void install() throws IOException, InterruptedException {
    assumeTrue(
        isThere("node") && isThere("npm"),
        "node and npm are not installed, so Google's Node client is not tried");
    Files.createDirectories(MODULES);
    // Tests run in several processes, and one installs for all.
    try (FileChannel lock =
            FileChannel.open(
                MODULES.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock _ = lock.lock()) {
      installAlone();
    }
  }

  private static void installAlone() throws IOException, InterruptedException {
    Path lock = MODULES.resolve("package-lock.json");
    boolean same =
        Files.exists(MODULES.resolve("node_modules/.package-lock.json"))
            && Files.exists(lock)
            && Files.mismatch(lock, SOURCES.resolve("package-lock.json")) < 0;
    if (same) {
      return;
    }
    for (String file : List.of("package.json", "package-lock.json")) {
      Files.copy(SOURCES.resolve(file), MODULES.resolve(file), StandardCopyOption.REPLACE_EXISTING);
    }
    Ended installed =
        run(
            List.of("npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"),
            MODULES,
            Map.of("npm_config_fetch_retry_maxtimeout", "10000"));
    assertEquals(0, installed.status(), () -> NOT_INSTALLED + installed.said());
  }

  /**
   * Makes it call every method.
   *
   * @param address host and port of the server
   * @param transport grpc or rest
   * @param env such as the certificates that it trusts
   */
  static void tries(String address, String transport, Map<String, String> env)
      throws IOException, InterruptedException {
    Ended ended =
        run(
            List.of(
                "node",
                SOURCES.resolve("client.mjs").toString(),
                address,
                transport,
                MODULES.toAbsolutePath().toString()),
            Path.of("."),
            env);
    assertEquals(0, ended.status(), ended.said());
    assertTrue(ended.said().contains("all is well"), ended.said());
  }

  private static boolean isThere(String command) throws InterruptedException {
    try {
      return run(List.of(command, "--version"), Path.of("."), Map.of()).status() == 0;
    } catch (IOException missing) {
      return false;
    }
  }

  private record Ended(int status, String said) {}

  private static Ended run(List<String> command, Path folder, Map<String, String> env)
      throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    builder.environment().putAll(env);
    Process process = builder.start();
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(240, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("it did not end but said: " + said);
    }
    return new Ended(process.exitValue(), said);
  }
}
