package driver;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A process that the driver started, its CPU time, and its end: each is stopped by its pid, also on
 * Ctrl-C.
 */
final class Running {
  private static final Deque<Running> started = new ArrayDeque<>();

  private final String name;
  private final Process process;
  private final Path log;

  private Running(String name, Process process, Path log) {
    this.name = name;
    this.process = process;
    this.log = log;
  }

  /** Starts a command with its output in {@code <folder>/<name>.log}. */
  static Running start(
      String name,
      Path folder,
      List<String> command,
      Path directory,
      Map<String, String> environment)
      throws IOException {
    Path log = folder.resolve(name + ".log");
    var builder =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true);
    builder
        .redirectOutput(log.toFile())
        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
    builder.environment().putAll(environment);
    synchronized (started) {
      var running = new Running(name, builder.start(), log);
      started.push(running);
      return running;
    }
  }

  long pid() {
    return process.pid();
  }

  boolean alive() {
    return process.isAlive();
  }

  /** Waits for a command that ends by itself. */
  int exit(long timeout, TimeUnit unit) throws InterruptedException {
    if (!process.waitFor(timeout, unit)) {
      throw new IllegalStateException(name + " did not end in time\n" + tail());
    }
    return process.exitValue();
  }

  String output() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The last lines that it wrote, to say why it failed. */
  String tail() {
    List<String> lines = output().lines().toList();
    return String.join("\n", lines.subList(Math.max(0, lines.size() - 15), lines.size()));
  }

  /**
   * User and system time of all its threads so far, in µs; the kernel counts it in steps of 10 ms.
   */
  long cpuMicros() {
    try {
      String stat = Files.readString(Path.of("/proc/" + pid() + "/stat"));
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
      return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * 10_000;
    } catch (IOException e) {
      throw new IllegalStateException(name + " has ended\n" + tail(), e);
    }
  }

  /**
   * User and system time so far, in µs, of the driver, of all that it started and still runs, and
   * of what has ended.
   */
  static long allCpuMicros() {
    try {
      String stat = Files.readString(Path.of("/proc/self/stat"));
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
      long own = 0;
      for (int field = 11; field <= 14; field++) {
        own += Long.parseLong(fields[field]) * 10_000;
      }
      synchronized (started) {
        return own + started.stream().filter(Running::alive).mapToLong(Running::cpuMicros).sum();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Resident memory in MiB. */
  double residentMib() {
    try (var lines = Files.lines(Path.of("/proc/" + pid() + "/status"))) {
      return lines
              .filter(line -> line.startsWith("VmRSS:"))
              .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
              .sum()
          / 1024.0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** SIGTERM, and SIGKILL to one that takes longer than 10 s. */
  void stop() {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
    }
  }

  /** Stops everything that is still there, the youngest first. */
  static void stopAll() {
    synchronized (started) {
      while (!started.isEmpty()) {
        started.pop().stop();
      }
    }
  }
}
