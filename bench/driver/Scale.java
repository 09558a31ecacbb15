package driver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a task costs as an installation grows: each state is measured in turns with an installation
 * that has one client, one queue and nothing else.
 */
final class Scale {
  private static final String BODY = "x".repeat(100);
  private static final int BATCH = 1_000;

  private final Path launcher;
  private final Path server;
  private final Path wrk;
  private final Path folder;
  private final Target target;
  private final int seconds;
  private final boolean full;
  private final Service base;
  private int services;

  /** The cost of a task: µs of CPU of Redis and of the process, and tasks per second. */
  private record Cost(double redis, double process, double perSecond, double others) {}

  private Scale(Path folder, int seconds, boolean full) throws Exception {
    this.launcher =
        Path.of(System.getenv().getOrDefault("TASK_RUNNER", "../task-runner")).toRealPath();
    this.server = program("redis-server");
    this.wrk = program("wrk");
    this.folder = folder;
    this.target = Target.start(program("nginx"), folder);
    this.seconds = seconds;
    this.full = full;
    Bench.build(launcher, folder);
    this.base = start(Map.of());
  }

  private static Path program(String name) {
    return Machine.program(name)
        .orElseThrow(() ->
            new IllegalStateException(
                name + " is not installed (Debian: apt-get install nginx wrk redis-server)"));
  }

  public static void main(String[] arguments) throws Exception {
    Locale.setDefault(Locale.ROOT);
    boolean full = false;
    int seconds = 6;
    for (String argument : arguments) {
      switch (argument) {
        case "--full" -> full = true;
        case "--quick" -> seconds = 2;
        default -> {
          System.err.println("usage: bench/scale [--quick | --full]");
          System.exit(2);
        }
      }
    }
    Path folder = Files.createTempDirectory("task-runner-scale-");
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> {
              Thread.setDefaultUncaughtExceptionHandler((_, _) -> {});
              Running.stopAll();
              Bench.delete(folder);
            }));
    new Scale(folder, seconds, full).measure();
    System.exit(0);
  }

  private Service start(Map<String, String> settings) throws Exception {
    Path home = Files.createDirectory(folder.resolve("service-" + services++));
    Service service = Service.taskRunner(launcher, server, home, settings);
    load(service, json("bench", "default", target.url(), BODY), seconds > 2 ? 20 : 3);
    return service;
  }

  private static String json(String client, String queue, String url, String body) {
    return """
    {"client_id":"%s","queue":"%s","retention_sec":0,\
    "task":{"url":"%s","method":"POST","body":"%s"}}"""
        .formatted(client, queue, url, body);
  }

  private void measure() throws Exception {
    System.out.println(
        "| state | Redis, µs per task | × | process, µs per task | × | tasks/s | × | used by others |");
    System.out.println("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    String url = target.url();
    String plain = json("bench", "default", url, BODY);

    Service clients = start(Map.of("MAX_OPEN_CLIENTS", "1000000"));
    clients.send(
        "PUT", "/admin/tiers/default", "{\"max_concurrent\":100000,\"requests_per_min\":10000000}");
    for (int count : full ? new int[] {100, 10_000, 100_000, 1_000_000} : new int[] {100, 10_000, 100_000}) {
      String random = json("client-{n:" + count + "}", "default", url, BODY);
      load(clients, random, seconds); // so that most of them are known
      row("%,d clients, another for each task".formatted(count), clients, random);
    }
    stop(clients);

    Service queues = start(Map.of());
    int made = 0;
    for (int count : new int[] {1_000, 10_000}) {
      for (; made < count; made++) {
        queues.send("PUT", "/v1/queues/q" + (made + 1), "{}");
      }
      row(
          "%,d queues, another for each task".formatted(count),
          queues,
          json("bench", "q{n:" + count + "}", url, BODY));
    }
    stop(queues);

    Service waiting = start(Map.of());
    int there = 0;
    for (int count : full ? new int[] {100_000, 1_000_000, 10_000_000} : new int[] {100_000, 1_000_000}) {
      there = enqueueLater(waiting, there, count);
      row("%,d tasks wait for their time".formatted(count), waiting, plain);
    }
    stop(waiting);

    Service hosts = start(Map.of());
    String host = "http://h{n:10000}.localhost:" + target.port() + "/";
    row("10,000 hosts, another for each task", hosts, json("bench", "default", host, BODY));
    for (int size : new int[] {10 * 1024, 256 * 1024}) {
      row(
          "bodies of %,d KiB".formatted(size / 1024),
          hosts,
          json("bench", "default", url, "x".repeat(size)));
    }
    Running.start(
        "worker",
        folder,
        List.of(launcher.toString(), "serve"),
        launcher.getParent(),
        Map.of(
            "MODE", "worker",
            "PORT", "" + Bench.freePort(),
            "BIND", "127.0.0.1",
            "REDIS_URL", "redis://127.0.0.1:" + hosts.redis().port(),
            "WORKER_CONCURRENCY", "" + Service.ATTEMPTS,
            "ALLOW_PRIVATE_URLS", "true",
            "ADMIN_API_KEY", hosts.adminKey()));
    row("a second worker (on the same 2 cores)", hosts, plain);
    stop(hosts);

    for (int count : new int[] {8, 64}) {
      Service shards = start(Map.of("REDIS_SHARDS", "" + count));
      row(count + " shards in one Redis", shards, plain);
      stop(shards);
    }
  }

  private static void stop(Service service) throws InterruptedException {
    service.process().stop();
    service.redisProcess().stop();
  }

  /** Enqueues tasks that are due in ten days, in batches, up to a total. */
  private int enqueueLater(Service service, int there, int total) throws Exception {
    Instant due = Instant.now().plus(10, ChronoUnit.DAYS).truncatedTo(ChronoUnit.MILLIS);
    String one =
        "{\"client_id\":\"bench\",\"schedule_time\":\"%s\",\"task\":{\"url\":\"%s\"}}"
            .formatted(due, target.url());
    String batch = "{\"tasks\":[" + String.join(",", Collections.nCopies(BATCH, one)) + "]}";
    for (; there < total; there += BATCH) {
      service.send("POST", "/v1/enqueue/batch", batch);
    }
    return there;
  }

  /** Measures the state in turns with the plain installation, and prints the middle of both. */
  private void row(String state, Service service, String json) throws Exception {
    String plain = json("bench", "default", target.url(), BODY);
    load(service, json, Math.max(1, seconds / 3));
    List<Cost> costs = new ArrayList<>();
    List<Cost> bases = new ArrayList<>();
    for (int turn = 0; turn < (seconds > 2 ? 3 : 1); turn++) {
      bases.add(load(base, plain, seconds));
      costs.add(load(service, json, seconds));
    }
    Cost cost = middle(costs);
    Cost of = middle(bases);
    System.out.printf(
        "| %s | %.1f | %.2f | %.0f | %.2f | %,.0f | %.2f | %.0f %% |%n",
        state,
        cost.redis(),
        cost.redis() / of.redis(),
        cost.process(),
        cost.process() / of.process(),
        cost.perSecond(),
        cost.perSecond() / of.perSecond(),
        Math.max(cost.others(), of.others()));
  }

  private static Cost middle(List<Cost> costs) {
    return new Cost(
        Results.percentile(costs.stream().map(Cost::redis).toList(), 50),
        Results.percentile(costs.stream().map(Cost::process).toList(), 50),
        Results.percentile(costs.stream().map(Cost::perSecond).toList(), 50),
        costs.stream().mapToDouble(Cost::others).max().orElse(0));
  }

  private Cost load(Service service, String json, int duration)
      throws IOException, InterruptedException {
    var use = Machine.Use.now();
    long nanos = System.nanoTime();
    long delivered = target.answered();
    long redis = service.redisProcess().cpuMicros();
    long process = service.process().cpuMicros();
    Load load =
        Load.run(
            wrk, folder, "http://127.0.0.1:" + service.port() + service.path(), json, duration);
    long last = target.answered();
    long at = System.nanoTime();
    while (System.nanoTime() - at < 1_000_000_000L) {
      Thread.sleep(20);
      long now = target.answered();
      if (now != last) {
        last = now;
        at = System.nanoTime();
      }
    }
    if (load.refused() + load.broken() > 0 || last - delivered < load.accepted()) {
      Bench.say(
          "%,d accepted, %,d refused, %,d without an answer, %,d delivered"
              .formatted(load.accepted(), load.refused(), load.broken(), last - delivered));
    }
    double tasks = last - delivered;
    return new Cost(
        (service.redisProcess().cpuMicros() - redis) / tasks,
        (service.process().cpuMicros() - process) / tasks,
        tasks / ((at - nanos) / 1e9),
        Machine.Use.now().othersPercent(use));
  }
}
