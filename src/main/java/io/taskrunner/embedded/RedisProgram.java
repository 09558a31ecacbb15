package io.taskrunner.embedded;

import io.taskrunner.config.CannotStart;
import io.taskrunner.config.Secret;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;

/** The program of an embedded Redis, for this machine, and its configuration. */
final class RedisProgram {

  /** The prefix of the names of all versions. */
  static final String NAME = "redis-server-";

  private static final String VERSION = "7.0.15";
  private static final long MEMORY_MIN = 256L << 20;
  private static final long MEMORY_MAX = 4L << 30;

  private RedisProgram() {}

  /** The program for this machine, extracted into the directory. */
  static Path unpacked(Path dir) throws IOException, CannotStart {
    String name = NAME + VERSION + "-" + platform();
    Path program = dir.resolve(NAME + VERSION);
    try (InputStream packed = ClassLoader.getSystemResourceAsStream(name)) {
      if (packed == null) {
        throw new CannotStart(
            "There is no embedded Redis for this machine ("
                + platform()
                + "); run a Redis of at least 6.2 and name it in REDIS_URL");
      }
      Path part = dir.resolve("unpacking");
      Files.deleteIfExists(part);
      Files.createFile(part, PosixFilePermissions.asFileAttribute(DataDir.OURS_ALONE));
      Files.copy(packed, part, StandardCopyOption.REPLACE_EXISTING);
      Files.setPosixFilePermissions(part, DataDir.OURS_ALONE);
      Files.move(part, program, StandardCopyOption.ATOMIC_MOVE);
    }
    return program;
  }

  private static String platform() {
    String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    return (os.contains("mac") ? "darwin" : os.contains("linux") ? "linux" : os)
        + "-"
        + switch (arch) {
          case "x86_64", "amd64" -> "amd64";
          case "aarch64", "arm64" -> "arm64";
          case "x86", "i386", "i686" -> "386";
          default -> arch;
        };
  }

  /** The content of its redis.conf. */
  static String configuration(Path dir, int port, Secret password) {
    return """
    # Rewritten at each start of Task Runner.
    bind 127.0.0.1
    port %d
    requirepass %s
    dir "%s"
    daemonize yes
    pidfile ""
    logfile "%s"
    loglevel warning
    databases 1
    save ""
    appendonly yes
    appendfsync everysec
    maxmemory %d
    maxmemory-policy noeviction
    hz 100
    latency-tracking no
    """
        .formatted(port, password.value(), dir, dir.resolve("redis.log"), memoryMax());
  }

  /**
   * A quarter of the machine's memory, within bounds: then enqueue is rejected before the machine
   * runs out of memory.
   */
  private static long memoryMax() {
    long memory =
        ManagementFactory.getOperatingSystemMXBean()
                instanceof com.sun.management.OperatingSystemMXBean machine
            ? machine.getTotalMemorySize()
            : MEMORY_MIN * 4;
    return Math.clamp(memory / 4, MEMORY_MIN, MEMORY_MAX);
  }

  /** A port that nothing listens on now. */
  static int freePort() throws IOException {
    try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
      return probe.getLocalPort();
    }
  }
}
