package io.taskrunner.config;

/**
 * How much is logged, and in which form.
 *
 * @param level what is less than this is left out
 * @param format one line each in either form
 */
public record LogSettings(Level level, Format format) {

  /** How much is logged. */
  public enum Level {
    /** A line per request and attempt. */
    DEBUG,
    /** Start, stop, changes by an admin, dead tasks, breakers, outages. */
    INFO,
    /** What may need someone. */
    WARN,
    /** What does need someone. */
    ERROR
  }

  /** In which form a line is written. */
  public enum Format {
    /** For machines. */
    JSON,
    /** For people. */
    TEXT
  }

  static LogSettings read(Env env) {
    env.section("Logs");
    return new LogSettings(
        env.oneOf("LOG_LEVEL", Level.INFO, "minimum severity to log"),
        env.oneOf("LOG_FORMAT", Format.JSON, "json (text on a terminal)", "log format"));
  }
}
