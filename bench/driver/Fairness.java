package driver;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * How long the tasks of a quiet client take from enqueue to arrival while another client has a
 * backlog in the same queue, and while it has none.
 */
final class Fairness {
  private static final int BACKLOG = 100_000;
  private static final int BATCH = 1_000;
  private static final int PER_SEC = 20;
  private static final int COUNT = 100;

  public static void main(String[] arguments) throws Exception {
    Locale.setDefault(Locale.ROOT);
    Path launcher =
        Path.of(System.getenv().getOrDefault("TASK_RUNNER", "../task-runner")).toRealPath();
    Path folder = Files.createTempDirectory("task-runner-fairness-");
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> {
              Thread.setDefaultUncaughtExceptionHandler((_, _) -> {});
              Running.stopAll();
              Bench.delete(folder);
            }));
    Bench.build(launcher, folder);
    Target target = Target.start(Machine.program("nginx").orElseThrow(), folder);
    Service service =
        Service.taskRunner(
            launcher, Machine.program("redis-server").orElseThrow(), folder, Map.of());
    service.send(
        "PUT", "/admin/tiers/default", "{\"max_concurrent\":10,\"requests_per_min\":100000}");
    System.out.println("| backlog of the other client | p50, ms | p99, ms | longest, ms |");
    System.out.println("| --- | ---: | ---: | ---: |");
    try (Arrivals arrivals = new Arrivals()) {
      for (int i = 0; i < 3; i++) { // so that hot code is compiled
        backlog(service, target, BACKLOG / 2);
        quiet(service, arrivals);
        drain(target);
      }
      row("none", quiet(service, arrivals));
      service.send("POST", "/v1/queues/default/pause", "");
      backlog(service, target, BACKLOG);
      service.send("POST", "/v1/queues/default/resume", "");
      List<Double> millis = quiet(service, arrivals);
      long left = service.ready();
      row("%,d tasks, %,d of them left at the end".formatted(BACKLOG, left), millis);
    }
    System.exit(0);
  }

  private static void row(String state, List<Double> millis) {
    System.out.printf(
        "| %s | %.1f | %.1f | %.1f |%n",
        state,
        Results.percentile(millis, 50),
        Results.percentile(millis, 99),
        Results.percentile(millis, 100));
  }

  private static void backlog(Service service, Target target, int count) throws Exception {
    String one =
        "{\"client_id\":\"bench\",\"retention_sec\":0,\"task\":{\"url\":\"" + target.url() + "\"}}";
    String batch = "{\"tasks\":[" + String.join(",", Collections.nCopies(BATCH, one)) + "]}";
    for (int n = 0; n < count; n += BATCH) {
      service.send("POST", "/v1/enqueue/batch", batch);
    }
  }

  private static void drain(Target target) throws Exception {
    long last = -1;
    for (long now; (now = target.answered()) != last; last = now) {
      Thread.sleep(500);
    }
  }

  private static List<Double> quiet(Service service, Arrivals arrivals) throws Exception {
    var phase = arrivals.begin(COUNT);
    byte[][] requests = new byte[COUNT][];
    for (int n = 0; n < COUNT; n++) {
      String json =
          """
          {"client_id":"quiet","retention_sec":0,"task":{"url":"%s","method":"POST"}}"""
              .formatted(arrivals.url(phase, n));
      requests[n] = Pacer.post(service.port(), service.path(), json);
    }
    long start = System.nanoTime() + 500_000_000;
    long[] at =
        IntStream.range(0, COUNT).mapToLong(n -> start + n * 1_000_000_000L / PER_SEC).toArray();
    try (var pacer = new Pacer(service.port())) {
      var answers = pacer.send(requests, at);
      int missing = phase.await(60, TimeUnit.SECONDS);
      if (missing > 0 || answers.size() != 1) {
        Bench.say("quiet client: " + missing + " missing, answers " + answers);
      }
    }
    return new ArrayList<>(phase.millisSince(at));
  }
}
