package io.taskrunner.app;

import io.taskrunner.config.CannotStart;
import io.taskrunner.config.InvalidSettings;
import io.taskrunner.config.LogSettings;
import io.taskrunner.config.Settings;
import io.taskrunner.store.StoreUnavailable;
import java.io.Console;
import java.util.HashMap;
import java.util.Map;

/**
 * The command {@code serve}, without a parser of command lines: that is the start of every
 * container, and picocli, whose classes no AOT cache can hold, would take a sixth of it.
 */
public final class Serving {

  private static final int FAILED = 1;

  private Serving() {}

  /** Whether this is {@code serve} without any option. */
  public static boolean asked(String[] words) {
    return words.length == 1 && words[0].equals("serve");
  }

  /**
   * Runs the program until it is stopped.
   *
   * @return the exit status, as that of {@link Commands#run}
   */
  public static int run() {
    try {
      return serve();
    } catch (Exception thrown) {
      try {
        return report(thrown);
      } catch (Exception unexpected) {
        unexpected.printStackTrace();
        return FAILED;
      }
    }
  }

  static int serve() throws Exception {
    return new Program(Settings.serve(environment())).run();
  }

  /**
   * Reports a failure that the operator can do something about; any other is raised again.
   *
   * @return the exit status
   */
  static int report(Exception thrown) throws Exception {
    switch (thrown) {
      case InvalidSettings invalid -> {
        System.err.println("Task Runner cannot start, because these settings are invalid:");
        invalid.faults().forEach(fault -> System.err.println("  " + fault));
        System.err.println("Try `task-runner settings` for all settings.");
        return CannotStart.MISUSED;
      }
      case StoreUnavailable away -> {
        System.err.println("Redis is unavailable: " + away.getMessage());
        return FAILED;
      }
      case CannotStart cannot -> {
        System.err.println(cannot.getMessage());
        return cannot.status();
      }
      default -> throw thrown;
    }
  }

  /** The environment; on a terminal the log is text by default. */
  static Map<String, String> environment() {
    Map<String, String> environment = new HashMap<>(System.getenv());
    Console console = System.console();
    if (console != null && console.isTerminal()) {
      environment.merge(
          "LOG_FORMAT",
          LogSettings.Format.TEXT.name(),
          (given, text) -> given.isBlank() ? text : given);
    }
    return environment;
  }
}
