package io.taskrunner.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** Folders that tests write into. */
public final class Folders {

  private Folders() {}

  /** An empty folder that is deleted when the JVM ends. */
  static Path temporary(String name) throws IOException {
    Path folder = Files.createTempDirectory(name);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> {
              try {
                delete(folder);
              } catch (IOException | UncheckedIOException stillWrittenTo) {
                // It is in the directory of temporary files.
              }
            }));
    return folder;
  }

  /** Deletes a folder with all that is in it. */
  public static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
