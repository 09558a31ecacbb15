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

/** The options of every command. */
final class Common {

  @Option(
      names = "--url",
      paramLabel = "URL",
      description = "URL of the server (default: $TASK_RUNNER_URL, or http://127.0.0.1:8080).")
  private @Nullable String url;

  @Option(
      names = "--key",
      paramLabel = "KEY",
      description =
          "API key of a client (default: $TASK_RUNNER_KEY, or the content of $TASK_RUNNER_KEY_FILE).")
  private @Nullable String key;

  @Option(
      names = "--admin-key",
      paramLabel = "KEY",
      description =
          "Admin key (default: $TASK_RUNNER_ADMIN_KEY, or the content of $TASK_RUNNER_ADMIN_KEY_FILE).")
  private @Nullable String adminKey;

  @Option(names = "--json", description = "Print the server's responses as JSON.")
  private boolean json;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit.")
  private boolean help;

  /** The API, as set by the options and the environment. */
  Api api(Surroundings around) throws Failure {
    String where = url == null ? around.variable("TASK_RUNNER_URL") : url;
    if (where == null) {
      where = "http://127.0.0.1:8080";
    }
    if (!where.contains("://")) {
      where = "http://" + where;
    }
    if (!where.toLowerCase(Locale.ROOT).matches("https?://[^/?#\\s]+(/[^?#\\s]*)?")) {
      throw new Failure(
          Failure.MISUSED,
          (url == null ? "TASK_RUNNER_URL" : "--url")
              + ": \""
              + where
              + "\" (expected: a URL such as http://127.0.0.1:8080)");
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
      throw new Failure(
          Failure.MISUSED,
          name + "_FILE: " + file + " cannot be read; check the path and its permissions");
    }
  }

  /** The output. */
  Out out(Surroundings around) {
    return new Out(
        around.out(),
        json,
        around.terminal() && around.variable("NO_COLOR") == null,
        width(around),
        around.clock().instant());
  }

  /** The width of the terminal; no limit where there is none. */
  private static int width(Surroundings around) {
    String columns = around.variable("COLUMNS");
    return around.terminal() && columns != null && columns.matches("[1-9]\\d{0,3}")
        ? Integer.parseInt(columns)
        : Integer.MAX_VALUE;
  }

  /** The confirmation of changes that cannot be undone. */
  static final class Sure {
    @Option(
        names = {"-y", "--yes"},
        description = "Do not ask for confirmation.")
    private boolean yes;

    /** Whether it is confirmed already. */
    boolean given() {
      return yes;
    }

    /**
     * Asks on a terminal; elsewhere --yes is needed.
     *
     * @param consequence what will happen, as a sentence
     */
    void ask(Surroundings around, String consequence) throws Failure {
      if (yes) {
        return;
      }
      if (!around.terminal()) {
        throw new Failure(Failure.MISUSED, consequence + " Pass --yes to confirm.");
      }
      around.out().print(consequence + " Continue? [y/N] ");
      around.out().flush();
      try {
        BufferedReader in =
            new BufferedReader(new InputStreamReader(around.in(), StandardCharsets.UTF_8));
        String answer = in.readLine();
        if (answer != null && answer.strip().toLowerCase(Locale.ROOT).matches("y|yes")) {
          return;
        }
      } catch (IOException closed) {
        // Counts as no.
      }
      throw new Failure(Failure.REFUSED, "Nothing was changed.");
    }
  }

  /** A page of a list. */
  static final class Pages {
    @Option(
        names = {"-n", "--limit"},
        paramLabel = "N",
        description = "Page size (default: 50, maximum: 1000).")
    @Nullable Integer limit;

    @Option(
        names = "--cursor",
        paramLabel = "CURSOR",
        description = "Cursor of the next page, printed at the end of the previous one.")
    @Nullable String cursor;

    @Option(names = "--all", description = "Print all pages; with --json, one item per line.")
    boolean all;
  }

  /** The option of a group of commands. */
  static final class Help {
    @Option(
        names = {"-h", "--help"},
        usageHelp = true,
        description = "Show this help and exit.")
    private boolean asked;
  }
}
