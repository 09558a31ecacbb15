package io.taskrunner.cloudtasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Google's Node client, by both of its transports: {@code src/test/node} says what it does. */
@Timeout(300)
class NodeClientTest {

  private static final Path SOURCES = Path.of("src/test/node");

  /** Where the packages of the client are, from one build to the next. */
  private static final Path MODULES = Path.of("target/node");

  private static CloudProgram program;

  @BeforeAll
  static void start() throws Exception {
    assumeTrue(isThere("node") && isThere("npm"), "node and npm are not installed");
    install();
    program = CloudProgram.start();
  }

  @AfterAll
  static void stop() {
    if (program != null) {
      program.close();
    }
  }

  private static boolean isThere(String command) throws InterruptedException {
    try {
      return run(List.of(command, "--version"), Path.of(".")).status() == 0;
    } catch (IOException missing) {
      return false;
    }
  }

  private static void install() throws IOException, InterruptedException {
    Files.createDirectories(MODULES);
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
        run(List.of("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"), MODULES);
    assertEquals(0, installed.status(), installed.said());
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpc", "rest"})
  void everyMethodAnswersAsTheClientWantsIt(String transport) throws Exception {
    Ended ended =
        run(
            List.of(
                "node",
                SOURCES.resolve("client.mjs").toString(),
                program.address(),
                transport,
                MODULES.toAbsolutePath().toString()),
            Path.of("."));
    assertEquals(0, ended.status(), ended.said());
    assertTrue(ended.said().contains("all is well"), ended.said());
  }

  private record Ended(int status, String said) {}

  private static Ended run(List<String> command, Path folder)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(240, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("it did not end but said: " + said);
    }
    return new Ended(process.exitValue(), said);
  }
}
