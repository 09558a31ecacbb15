package driver;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * What the API and the worker take, each in a process of its own under the limits of the charts:
 * the time until it is ready, and memory and CPU at a steady rate.
 */
final class Footprint {
  private static final int PER_SEC = 1_000;
  private static final int STARTS = 5;

  /** Before it, so that what runs often is compiled. */
  private static final int WARM_UP_PER_SEC = 200;

  private static final int WARM_UP_SECONDS = 30;

  private static final String KEY = "footprint";
  private static final String BODY = "x".repeat(100);
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /**
   * A process as the charts run it.
   *
   * @param cores of CPU
   * @param mib of memory
   */
  private record Part(String mode, double cores, int mib) {}

  /**
   * A started process.
   *
   * @param readyMillis from the start of the launcher to the first 200 of /health/ready
   * @param readyMib what it then held
   */
  private record Started(Running process, int port, double readyMillis, double readyMib) {}

  private final Path launcher;
  private final Path folder;
  private final boolean limited;
  private final int redisPort = Bench.freePort();

  private Footprint(Path launcher, Path folder, boolean limited) throws IOException {
    this.launcher = launcher;
    this.folder = folder;
    this.limited = limited;
  }

  public static void main(String[] args) throws Exception {
    List<String> words = List.of(args);
    int seconds = 60;
    if (words.contains("--seconds")) {
      seconds = Integer.parseInt(words.get(words.indexOf("--seconds") + 1));
    }
    Path launcher =
        Path.of(System.getenv().getOrDefault("TASK_RUNNER", "../task-runner")).toRealPath();
    Path folder = Files.createTempDirectory("footprint");
    Runtime.getRuntime().addShutdownHook(new Thread(Running::stopAll));
    new Footprint(launcher, folder, !words.contains("--free")).measure(seconds);
  }

  private void measure(int seconds) throws Exception {
    String server = System.getenv().getOrDefault("REDIS_SERVER", "redis-server");
    Service.startRedis("redis", Path.of(server), redisPort, folder);
    Part apiPart = new Part("api", 0.5, 512);
    Part workerPart = new Part("worker", 1, 1024);
    System.out.println(
        "| | limits | ready after, ms (median of " + STARTS + ") | then holds, MiB |");
    System.out.println("| --- | --- | ---: | ---: |");
    for (Part part : List.of(apiPart, workerPart)) {
      List<Double> millis = new ArrayList<>();
      List<Double> mib = new ArrayList<>();
      for (int n = 0; n < STARTS; n++) {
        Started started = start(part);
        millis.add(started.readyMillis());
        mib.add(started.readyMib());
        started.process().stop();
      }
      print(
          "| %s | %s | %.0f (%.0f to %.0f) | %.0f |",
          part.mode(),
          limits(part),
          Results.percentile(millis, 50),
          Results.percentile(millis, 0),
          Results.percentile(millis, 100),
          Results.percentile(mib, 50));
    }
    Started api = start(apiPart);
    Started worker = start(workerPart);
    makeClient(api.port());
    load(api, worker, seconds);
  }

  private void load(Started api, Started worker, int seconds) throws Exception {
    try (Arrivals arrivals = new Arrivals();
        Pacer pacer = new Pacer(api.port())) {
      pace(api, arrivals, pacer, WARM_UP_PER_SEC, WARM_UP_SECONDS);
      long apiCpu = api.process().cpuMicros();
      long workerCpu = worker.process().cpuMicros();
      long from = System.nanoTime();
      System.out.println();
      System.out.println(pace(api, arrivals, pacer, PER_SEC, seconds));
      double took = (System.nanoTime() - from) / 1e3;
      System.out.println();
      System.out.println(
          "| under that load | peak of memory, MiB | CPU, cores | stopped by its limit |");
      System.out.println("| --- | ---: | ---: | ---: |");
      report("api", api, (api.process().cpuMicros() - apiCpu) / took);
      report("worker", worker, (worker.process().cpuMicros() - workerCpu) / took);
    }
  }

  /** Enqueues at a rate, and says what came of it. */
  private static String pace(Started api, Arrivals arrivals, Pacer pacer, int perSec, int seconds)
      throws Exception {
    int count = seconds * perSec;
    Arrivals.Phase phase = arrivals.begin(count);
    byte[][] requests = new byte[count][];
    long[] at = new long[count];
    for (int n = 0; n < count; n++) {
      String json =
          "{\"client_id\":\"bench\",\"task\":{\"url\":\"%s\",\"body\":\"%s\"}}"
              .formatted(arrivals.url(phase, n), BODY);
      requests[n] = Pacer.post(api.port(), "/v1/enqueue", json);
    }
    long from = System.nanoTime();
    for (int n = 0; n < count; n++) {
      at[n] = from + n * TimeUnit.SECONDS.toNanos(1) / perSec;
    }
    Map<String, Integer> answers = pacer.send(requests, at);
    int missing = phase.await(30, TimeUnit.SECONDS);
    List<Double> millis = phase.millisSince(at);
    return String.format(
        Locale.ROOT,
        "%d tasks/s for %d s: answers %s, not delivered %d, delivered again %d;"
            + " enqueue to arrival p50 %.1f ms, p99 %.1f ms",
        perSec,
        seconds,
        answers,
        missing,
        phase.again(),
        Results.percentile(millis, 50),
        Results.percentile(millis, 99));
  }

  private void report(String mode, Started started, double cores) throws IOException {
    print(
        "| %s | %.0f | %.2f | %s |",
        mode, peakMib(started.process()), cores, limited ? throttled(mode) : "no limit");
  }

  private static void print(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
  }

  private String limits(Part part) {
    return limited
        ? String.format(Locale.ROOT, "%.0fm, %d MiB", part.cores() * 1000, part.mib())
        : "none";
  }

  private Started start(Part part) throws IOException, InterruptedException {
    int port = Bench.freePort();
    Map<String, String> environment = new HashMap<>();
    environment.put("MODE", part.mode());
    environment.put("PORT", Integer.toString(port));
    environment.put("BIND", "127.0.0.1");
    environment.put("REDIS_URL", "redis://127.0.0.1:" + redisPort);
    environment.put("ALLOW_PRIVATE_URLS", "true");
    environment.put("CLIENT_AUTH", "open");
    environment.put("ADMIN_API_KEY", KEY);
    String enter = limited ? enter(part) : "";
    List<String> command = List.of("sh", "-c", enter + "exec \"$0\" serve", launcher.toString());
    long began = System.nanoTime();
    Running process =
        Running.start(part.mode() + "-" + port, folder, command, launcher.getParent(), environment);
    while (!ready(port)) {
      if (!process.alive() || System.nanoTime() - began > TimeUnit.SECONDS.toNanos(60)) {
        throw new IOException("not ready\n" + process.tail());
      }
      LockSupport.parkNanos(5_000_000);
    }
    double millis = (System.nanoTime() - began) / 1e6;
    return new Started(process, port, millis, process.residentMib());
  }

  private static boolean ready(int port) {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket
          .getOutputStream()
          .write(
              "GET /health/ready HTTP/1.0\r\nHost: localhost\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      byte[] line = socket.getInputStream().readNBytes(12);
      return new String(line, StandardCharsets.US_ASCII).endsWith(" 200");
    } catch (IOException notYet) {
      return false;
    }
  }

  private static void makeClient(int port) throws IOException, InterruptedException {
    String limits =
        """
        {"client_id":"bench","tier":"enterprise",\
        "rate_limit":{"max_concurrent":1000000,"requests_per_min":1000000000}}\
        """;
    HttpResponse<String> set =
        CLIENT.send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/admin/clients/set"))
                .header("X-Admin-Key", KEY)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(limits))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    if (set.statusCode() != 200) {
      throw new IOException("POST /admin/clients/set: " + set.statusCode() + " " + set.body());
    }
  }

  /** Makes a control group (cgroups v1) and says how a shell enters it. */
  private static String enter(Part part) throws IOException {
    Path cpu = Files.createDirectories(group("cpu", part.mode()));
    Path memory = Files.createDirectories(group("memory", part.mode()));
    Files.writeString(cpu.resolve("cpu.cfs_period_us"), "100000");
    Files.writeString(
        cpu.resolve("cpu.cfs_quota_us"), Long.toString(Math.round(part.cores() * 100_000)));
    Files.writeString(memory.resolve("memory.limit_in_bytes"), part.mib() + "M");
    return "echo $$ >" + cpu.resolve("tasks") + "; echo $$ >" + memory.resolve("tasks") + "; ";
  }

  private static Path group(String controller, String mode) {
    return Path.of("/sys/fs/cgroup", controller, "task-runner-footprint-" + mode);
  }

  private static String throttled(String mode) throws IOException {
    Map<String, Long> stat = new HashMap<>();
    for (String line : Files.readAllLines(group("cpu", mode).resolve("cpu.stat"))) {
      String[] words = line.split(" ");
      stat.put(words[0], Long.parseLong(words[1]));
    }
    return String.format(
        Locale.ROOT,
        "in %d of %d periods of 100 ms, since the first start",
        stat.get("nr_throttled"),
        stat.get("nr_periods"));
  }

  private static double peakMib(Running process) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
      }
    }
    throw new IOException("/proc tells no VmHWM");
  }
}
