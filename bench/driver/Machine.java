package driver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** What the figures were measured on. */
record Machine(String cpu, int cores, String memory, String kernel) {

  static Machine here() throws IOException {
    String cpu =
        field(Path.of("/proc/cpuinfo"), "model name").orElse(System.getProperty("os.arch"));
    long kib =
        Long.parseLong(
            field(Path.of("/proc/meminfo"), "MemTotal").orElse("0").replaceAll("\\D", ""));
    return new Machine(
        cpu.replaceAll("\\s+", " "),
        Runtime.getRuntime().availableProcessors(),
        "%.1f GiB".formatted(kib / 1048576.0),
        System.getProperty("os.name") + " " + System.getProperty("os.version"));
  }

  /** A name for files: cores and processor. */
  String slug() {
    String name = cpu.toLowerCase(Locale.ROOT).replaceAll("\\((r|tm)\\)|processor|cpu|@.*", "");
    return cores + "x-" + name.replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
  }

  /**
   * How the time of all cores was spent so far, in µs: all of it, what was idle, what interrupts
   * took, what the host gave to other virtual machines, and what the driver and its processes used.
   * The kernel counts in steps of 10 ms.
   */
  record Use(long all, long idle, long interrupts, long stolen, long ours) {
    static Use now() throws IOException {
      // cpu user nice system idle iowait irq softirq steal
      long[] micros =
          Files.readAllLines(Path.of("/proc/stat"))
              .getFirst()
              .replaceFirst("cpu +", "")
              .lines()
              .flatMap(line -> Stream.of(line.split(" ")))
              .limit(8)
              .mapToLong(ticks -> Long.parseLong(ticks) * 10_000)
              .toArray();
      return new Use(
          LongStream.of(micros).sum(),
          micros[3] + micros[4],
          micros[5] + micros[6],
          micros[7],
          Running.allCpuMicros());
    }

    /** Per cent of the machine that was idle since an earlier reading. */
    double idlePercent(Use since) {
      return percent(idle - since.idle, since);
    }

    /** Per cent that processes used which are none of the benchmark's. */
    double othersPercent(Use since) {
      return Math.max(0, percent(processes() - since.processes() - (ours - since.ours), since));
    }

    private long processes() {
      return all - idle - interrupts - stolen;
    }

    double stolenPercent(Use since) {
      return percent(stolen - since.stolen, since);
    }

    private double percent(long part, Use since) {
      return 100.0 * part / Math.max(1, all - since.all);
    }
  }

  /** A program on the PATH, or in the places where system programs live. */
  static Optional<Path> program(String name) {
    String path =
        System.getenv().getOrDefault("PATH", "") + ":/usr/sbin:/usr/local/sbin:/usr/local/bin";
    for (String folder : path.split(":")) {
      Path file = Path.of(folder.isEmpty() ? "." : folder, name);
      if (Files.isExecutable(file)) {
        return Optional.of(file.toAbsolutePath());
      }
    }
    return Optional.empty();
  }

  /** The first line that a command prints, on either stream; for versions. */
  static String firstLine(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes());
    process.waitFor(10, TimeUnit.SECONDS);
    return output.lines().findFirst().orElse("").strip();
  }

  private static Optional<String> field(Path file, String name) throws IOException {
    try (var lines = Files.lines(file)) {
      return lines
          .filter(line -> line.startsWith(name))
          .findFirst()
          .map(line -> line.substring(line.indexOf(':') + 1).strip());
    }
  }
}
