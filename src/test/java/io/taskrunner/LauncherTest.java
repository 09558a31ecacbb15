package io.taskrunner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher in a fresh checkout, before anything is built. */
class LauncherTest {

  @TempDir Path checkout;

  private record Said(int status, String text) {}

  @BeforeEach
  void copyTheLauncher() throws IOException {
    Files.copy(Path.of("task-runner"), checkout.resolve("task-runner"));
    Files.copy(Path.of("pom.xml"), checkout.resolve("pom.xml"));
  }

  private Said run(String path, String... words) throws Exception {
    List<String> command =
        new ArrayList<>(List.of("/bin/sh", checkout.resolve("task-runner").toString()));
    command.addAll(List.of(words));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().put("PATH", path);
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.start();
    process.getOutputStream().close();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Said(process.waitFor(), text);
  }

  @Test
  void helpAndVersionNeedNoBuild() throws Exception {
    for (String word : List.of("help", "--help", "-h")) {
      Said help = run("/usr/bin:/bin", word);
      assertEquals(0, help.status(), help.text());
      assertTrue(help.text().contains("./task-runner dev "), help.text());
    }
    for (String word : List.of("version", "--version", "-V")) {
      Said version = run("/usr/bin:/bin", word);
      assertEquals(0, version.status(), version.text());
      assertTrue(version.text().matches("Task Runner \\d+\\.\\d+\\S* \\(not built yet\\)\n"));
    }
    assertFalse(Files.exists(checkout.resolve("target")));
  }

  @Test
  void aBuildThatFailsIsReportedByItsErrors() throws Exception {
    Path tools = Files.createDirectory(checkout.resolve("tools"));
    maven(tools.resolve("mvn"), "[ERROR] no such library");
    Said said = run(tools + ":/usr/bin:/bin", "dev");
    assertEquals(1, said.status());
    assertEquals(
        """
        Building Task Runner (only once, and after changes; the first time takes a few minutes).
        [ERROR] no such library
        The build failed; its whole output is in %s.
        """
            .formatted(checkout.toRealPath().resolve("target/build.log")),
        said.text());
  }

  @Test
  void withoutMavenTheWrapperIsUsed() throws Exception {
    maven(checkout.resolve("mvnw"), "[ERROR] this is the wrapper");
    Path tools = Files.createDirectory(checkout.resolve("tools"));
    for (String tool :
        List.of(
            "dirname",
            "find",
            "sed",
            "grep",
            "date",
            "mkdir",
            "rm",
            "sleep",
            "head",
            "tail",
            "uname",
            "sort",
            "readlink")) {
      Path program = Path.of("/usr/bin", tool);
      Files.createSymbolicLink(
          tools.resolve(tool), Files.exists(program) ? program : Path.of("/bin", tool));
    }
    Said said = run(tools.toString(), "dev");
    assertEquals(1, said.status());
    assertTrue(said.text().contains("[ERROR] this is the wrapper"), said.text());
  }

  /** A Maven that prints a line and fails. */
  private static void maven(Path file, String line) throws IOException {
    Files.writeString(
        file, "#!/bin/sh\necho '[INFO] --- compiler:1:compile @ x'\necho '" + line + "'\nexit 1\n");
    assertTrue(file.toFile().setExecutable(true));
  }
}
