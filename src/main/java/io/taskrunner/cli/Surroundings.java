package io.taskrunner.cli;

import java.io.Console;
import java.io.InputStream;
import java.io.PrintStream;
import java.time.Clock;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The environment, streams and clock of a call.
 *
 * @param environment its variables
 * @param terminal whether the output is a terminal
 */
record Surroundings(
    Map<String, String> environment,
    InputStream in,
    PrintStream out,
    PrintStream err,
    boolean terminal,
    Clock clock) {

  /** Those of this process. */
  static Surroundings ofProcess(Clock clock) {
    Console console = System.console();
    return new Surroundings(
        System.getenv(),
        System.in,
        System.out,
        System.err,
        console != null && console.isTerminal(),
        clock);
  }

  /** A variable of the environment; null when it is not set, or blank. */
  @Nullable String variable(String name) {
    String value = environment.get(name);
    return value == null || value.isBlank() ? null : value.strip();
  }
}
