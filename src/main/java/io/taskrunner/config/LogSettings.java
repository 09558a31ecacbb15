package io.taskrunner.config;

/**
 * Level and format of the log.
 *
 * @param level minimum severity
 * @param format of a line
 */
public record LogSettings(Level level, Format format) {

  /** The severities. */
  public enum Level {
    /** A line per request and attempt. */
    DEBUG,
    /** Start, stop, changes by an admin, dead tasks, breakers, outages. */
    INFO,
    /** Conditions that may need an operator. */
    WARN,
    /** Conditions that need an operator. */
    ERROR
  }

  /** The formats. */
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
