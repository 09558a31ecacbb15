package io.taskrunner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.ScriptedTarget;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A program in a process of its own, and commands that call it in this process. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class CliProgram {

  static final String ADMIN = "an-admin-key-of-some-length";

  ProgramProcess program;
  ScriptedTarget target;

  /** The output of a command, and its exit status. */
  record Said(int status, String out, String err) {}

  @BeforeAll
  void start(@TempDir Path data) throws Exception {
    target = ScriptedTarget.start();
    program =
        ProgramProcess.start(
            Map.of(
                "DATA_DIR",
                data.resolve("data").toString(),
                "ADMIN_API_KEY",
                ADMIN,
                "LOG_FORMAT",
                "text"),
            "dev");
    program.awaitReady();
    expect(0, "clients", "set", "cli", "--per-minute", "100000", "--max-concurrent", "50");
  }

  @AfterAll
  void stop() throws Exception {
    program.terminate(); // gracefully, so that its embedded Redis ends too
    assertTrue(program.process().waitFor(60, TimeUnit.SECONDS));
    program.close();
    target.close();
  }

  Said run(Map<String, String> more, String in, boolean terminal, String... words) {
    Map<String, String> environment = new HashMap<>();
    environment.put("TASK_RUNNER_URL", program.url() + "/");
    environment.put("TASK_RUNNER_ADMIN_KEY", ADMIN);
    environment.putAll(more);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int status =
        Cli.run(
            words,
            new Surroundings(
                environment,
                new ByteArrayInputStream(in.getBytes(StandardCharsets.ISO_8859_1)),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                terminal,
                Clock.systemUTC()));
    return new Said(
        status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  Said run(String... words) {
    return run(Map.of(), "", false, words);
  }

  /** Its output when it ends with this status. */
  String expect(int status, String... words) {
    Said said = run(words);
    assertEquals(status, said.status(), said.out() + said.err());
    return status == 0 ? said.out() : said.err();
  }

  String enqueue(String... more) {
    List<String> words = new ArrayList<>(List.of("enqueue", target.url("/"), "-c", "cli"));
    words.addAll(List.of(more));
    return expect(0, words.toArray(String[]::new)).split(" ", 2)[0];
  }

  /** The output of a command once it contains some words. */
  String await(String words, String... command) {
    long until = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (true) {
      String said = expect(0, command);
      if (said.contains(words)) {
        return said;
      }
      assertTrue(System.nanoTime() < until, said);
    }
  }
}
