package io.taskrunner.app;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import io.taskrunner.config.LogSettings;
import org.slf4j.LoggerFactory;

/** Sets the log up: to standard error, so that standard output holds only requested output. */
final class Logs {

  private Logs() {}

  /** Takes effect at once, in place of whatever was set up before. */
  static void setUp(LogSettings settings) {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.reset();

    LogLines lines = new LogLines(settings.format());
    lines.setContext(context);
    lines.start();
    ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
    appender.setContext(context);
    appender.setTarget("System.err");
    appender.setEncoder(lines);
    appender.start();

    Level ours =
        switch (settings.level()) {
          case DEBUG -> Level.DEBUG;
          case INFO -> Level.INFO;
          case WARN -> Level.WARN;
          case ERROR -> Level.ERROR;
        };
    // Libraries log much at info that is of no use to an operator.
    Level theirs =
        switch (settings.level()) {
          case DEBUG -> Level.INFO;
          case INFO, WARN -> Level.WARN;
          case ERROR -> Level.ERROR;
        };
    var root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.setLevel(theirs);
    root.addAppender(appender);
    context.getLogger("io.taskrunner").setLevel(ours);
    // Logs each failed reconnect, with its stack; our own code logs an outage once.
    context.getLogger("io.lettuce.core.protocol.ConnectionWatchdog").setLevel(Level.ERROR);
  }
}
