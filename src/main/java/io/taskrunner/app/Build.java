package io.taskrunner.app;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/**
 * What was built, from what, and when.
 *
 * @param version as {@code 1.2.3}
 * @param commit the whole hash, or {@code unknown} when it was built outside of a checkout
 * @param time RFC 3339, or {@code unknown}
 */
record Build(String version, String commit, String time) {

  private static final String UNKNOWN = "unknown";

  /** This very program. */
  static Build current() {
    Properties properties = new Properties();
    try (InputStream file = Build.class.getResourceAsStream("/build.properties")) {
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
