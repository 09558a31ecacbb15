package io.taskrunner.app;

import io.taskrunner.telemetry.Build;
import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/** What the build wrote down about itself. */
final class BuildFile {

  private static final String UNKNOWN = "unknown";

  private BuildFile() {}

  /** This very program. */
  static Build read() {
    Properties properties = new Properties();
    try (InputStream file = BuildFile.class.getResourceAsStream("/build.properties")) {
      if (file != null) {
        properties.load(file);
      }
    } catch (IOException unreadable) {
      // Then it is unknown what this is; that is no reason not to run.
    }
    return new Build(
        properties.getProperty("git.build.version", UNKNOWN),
        properties.getProperty("git.commit.id", UNKNOWN),
        properties.getProperty("git.build.time", UNKNOWN));
  }
}
