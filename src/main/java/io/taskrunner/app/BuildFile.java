package io.taskrunner.app;

import io.taskrunner.telemetry.Build;
import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/** The build information that the build wrote into the program. */
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
      // Then the build is unknown, which does not prevent a start.
    }
    return new Build(
        properties.getProperty("git.build.version", UNKNOWN),
        properties.getProperty("git.commit.id", UNKNOWN),
        properties.getProperty("git.build.time", UNKNOWN));
  }
}
