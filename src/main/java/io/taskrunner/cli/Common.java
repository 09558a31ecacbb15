package io.taskrunner.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What every command can be told. */
final class Common {

  @Option(
      names = "--url",
      paramLabel = "URL",
      description = "Where Task Runner listens: TASK_RUNNER_URL, or else http://127.0.0.1:8080.")
  private @Nullable String url;

  @Option(
      names = "--key",
      paramLabel = "KEY",
      description = "A client's key: TASK_RUNNER_KEY, or what is in the file TASK_RUNNER_KEY_FILE.")
  private @Nullable String key;

  @Option(
      names = "--admin-key",
      paramLabel = "KEY",
      description =
          "An admin's key: TASK_RUNNER_ADMIN_KEY, or what is in the file TASK_RUNNER_ADMIN_KEY_FILE.")
  private @Nullable String adminKey;

  @Option(names = "--json", description = "Print the server's answers as they came.")
  private boolean json;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Print this and end.")
  private boolean help;

  /** The API as the options and the environment say. */
  Api api(Surroundings around) throws Failure {
    String where = url == null ? around.variable("TASK_RUNNER_URL") : url;
    if (where == null) {
      where = "http://127.0.0.1:8080";
    }
    if (!where.toLowerCase(Locale.ROOT).matches("https?://[^/?#\\s]+(/[^?#\\s]*)?")) {
      throw new Failure(
          Failure.MISUSED,
          "TASK_RUNNER_URL: \"" + where + "\" (expected: such as http://127.0.0.1:8080)");
    }
    return new Api(
        where.replaceAll("/+$", ""),
        secret(key, "TASK_RUNNER_KEY", around),
        secret(adminKey, "TASK_RUNNER_ADMIN_KEY", around));
  }

  private static @Nullable String secret(@Nullable String given, String name, Surroundings around)
      throws Failure {
    if (given != null) {
      return given;
    }
    String file = around.variable(name + "_FILE");
    if (file == null) {
      return around.variable(name);
    }
    try {
      return Files.readString(Path.of(file)).strip();
    } catch (IOException unreadable) {
      throw new Failure(Failure.MISUSED, name + "_FILE: " + file + " cannot be read");
    }
  }

  /** Where to write. */
  Out out(Surroundings around) {
    return new Out(
        around.out(),
        json,
        around.terminal() && around.variable("NO_COLOR") == null,
        around.clock().instant());
  }

  /** Commands that change what cannot be brought back. */
  static final class Sure {
    @Option(
        names = {"-y", "--yes"},
        description = "Do it without asking.")
    private boolean yes;

    /** Asks on a terminal; elsewhere it must have been said. */
    void ask(Surroundings around, String question) throws Failure {
      if (yes) {
        return;
      }
      if (!around.terminal()) {
        throw new Failure(Failure.MISUSED, question + " Say so with --yes.");
      }
      around.out().print(question + " [y/N] ");
      around.out().flush();
      try {
        BufferedReader in =
            new BufferedReader(new InputStreamReader(around.in(), StandardCharsets.UTF_8));
        String answer = in.readLine();
        if (answer != null && answer.strip().toLowerCase(Locale.ROOT).matches("y|yes")) {
          return;
        }
      } catch (IOException closed) {
        // As good as no.
      }
      throw new Failure(Failure.REFUSED, "Nothing was changed.");
    }
  }

  /** A page of a list. */
  static final class Pages {
    @Option(
        names = {"-n", "--limit"},
        paramLabel = "N",
        description = "At most so many; 50 unless said, 1000 at most.")
    @Nullable Integer limit;

    @Option(
        names = "--cursor",
        paramLabel = "CURSOR",
        description = "Go on where the list before ended.")
    @Nullable String cursor;
  }

  /** What a group has. */
  static final class Help {
    @Option(
        names = {"-h", "--help"},
        usageHelp = true,
        description = "Print this and end.")
    private boolean asked;
  }
}
