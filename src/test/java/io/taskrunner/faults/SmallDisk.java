package io.taskrunner.faults;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.taskrunner.config.HostPort;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.config.Secret;
import io.taskrunner.testkit.RedisServer;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** A file system of its own, small enough to be filled, for the data of {@code dev}. */
final class SmallDisk implements AutoCloseable {

  private static final String SIZE = "48m";

  private final Path folder;

  private SmallDisk(Path folder) {
    this.folder = folder;
  }

  /** Mounts one here; without the permission to do so, the test is skipped. */
  static SmallDisk mounted(Path folder) throws IOException, InterruptedException {
    Files.createDirectories(folder);
    boolean mounted =
        run(
            "mount",
            "-t",
            "tmpfs",
            "-o",
            "size=" + SIZE + ",mode=0700",
            "tmpfs",
            folder.toString());
    assumeTrue(mounted, "only root on Linux may mount a small file system to fill");
    return new SmallDisk(folder);
  }

  private static boolean run(String... command) throws InterruptedException {
    try {
      return new ProcessBuilder(command)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException noSuchProgram) {
      return false;
    }
  }

  /** For {@code DATA_DIR}. */
  Path folder() {
    return folder.resolve("data");
  }

  /** Takes all the space that is left. */
  void fill() {
    try (OutputStream out = Files.newOutputStream(filling())) {
      byte[] piece = new byte[4096];
      while (true) {
        out.write(piece);
      }
    } catch (IOException full) {
      // as it should be
    }
  }

  /** Gives it back. */
  void makeRoom() throws IOException {
    Files.delete(filling());
  }

  private Path filling() {
    return folder.resolve("filling");
  }

  /** The connection to the embedded Redis of {@code dev} on this disk. */
  RedisSettings redis() throws IOException {
    String password = Files.readString(folder().resolve("redis.password")).strip();
    String port =
        Files.readAllLines(folder().resolve("redis.conf")).stream()
            .filter(line -> line.startsWith("port "))
            .findFirst()
            .orElseThrow()
            .substring("port ".length());
    HostPort node = new HostPort("127.0.0.1", Integer.parseInt(port));
    return RedisServer.settings(node.port(), Duration.ofSeconds(5)).at(node, new Secret(password));
  }

  @Override
  public void close() throws InterruptedException {
    if (!run("umount", folder.toString())) {
      run("umount", "-l", folder.toString());
    }
  }
}
