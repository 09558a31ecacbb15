package driver;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipFile;

/**
 * The one command: starts what is to be measured, measures it round by round, writes the results,
 * stops it all.
 */
final class Bench {
  public static void main(String[] arguments) throws Exception {
    Locale.setDefault(Locale.ROOT);
    boolean quick = false;
    int rounds = 0;
    var only = List.of("a", "b", "c");
    Path home = Path.of("").toAbsolutePath();
    Path out = home.resolve("results");
    for (int n = 0; n < arguments.length; n++) {
      switch (arguments[n]) {
        case "--quick" -> quick = true;
        case "--rounds" -> rounds = Integer.parseInt(arguments[++n]);
        case "--only" -> only = List.of(arguments[++n].split(","));
        case "--out" -> out = Path.of(arguments[++n]).toAbsolutePath();
        default -> {
          System.err.println("usage: bench/run [--quick] [--only a,b,c] [--rounds N] [--out DIR]");
          System.exit(2);
        }
      }
    }
    Plan plan = quick ? Plan.QUICK : Plan.FULL;
    if (rounds > 0) {
      plan = plan.withRounds(rounds);
    }

    Path folder = Files.createTempDirectory("task-runner-bench-");
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> {
              // What the main thread then misses is no fault to report.
              Thread.setDefaultUncaughtExceptionHandler((_, _) -> {});
              Running.stopAll();
              delete(folder);
            }));

    long begun = System.nanoTime();
    var leftOut = new ArrayList<String>();
    var remarks = new ArrayList<String>();
    var versions = new LinkedHashMap<String, String>();
    versions.put(
        "JVM", System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));

    Optional<Path> nginx = Machine.program("nginx");
    Optional<Path> wrk = Machine.program("wrk");
    if (nginx.isEmpty() || wrk.isEmpty()) {
      leftOut.add(
          "(a) and all figures under full load: "
              + (nginx.isEmpty() ? "nginx" : "wrk")
              + " is not installed (Debian: apt-get install nginx wrk)");
    }
    var target =
        nginx.isPresent() && wrk.isPresent()
            ? Optional.of(Target.start(nginx.get(), folder))
            : Optional.<Target>empty();
    if (target.isPresent()) {
      versions.put("target", Machine.firstLine(List.of(nginx.get().toString(), "-v")));
      versions.put(
          "load",
          Machine.firstLine(List.of(wrk.get().toString(), "-v")).replaceAll(" Copyright.*", ""));
    }

    var services = new ArrayList<Service>();
    Optional<Path> redis = redisServer(folder, remarks);
    if (redis.isPresent()) {
      versions.put(
          "Redis of (b) and of (c)",
          Machine.firstLine(List.of(redis.get().toString(), "--version"))
              .replaceAll("sha=\\S+ | bits=.*", ""));
    } else {
      leftOut.add(
          "(b) and (c): no redis-server, neither on the PATH (Debian: apt-get install redis-server)"
              + " nor the one that the project embeds (build it first)");
    }
    if (only.contains("b") && redis.isPresent()) {
      Path launcher =
          Path.of(
              System.getenv()
                  .getOrDefault("TASK_RUNNER", home.resolveSibling("task-runner").toString()));
      if (!Files.isExecutable(launcher)) {
        leftOut.add("(b) Task Runner: " + launcher.getFileName() + " is not there");
      } else {
        build(launcher, folder);
        services.add(Service.taskRunner(launcher, redis.get(), folder));
        versions.put("(b)", "Task Runner " + services.getLast().version());
      }
    }
    if (only.contains("c") && redis.isPresent()) {
      Optional<Path> node = Machine.program("node");
      Optional<Path> npm = Machine.program("npm");
      Path peer = home.resolve("bullmq");
      String version =
          node.isPresent() ? Machine.firstLine(List.of(node.get().toString(), "--version")) : "";
      if (!version.matches("v(2[0-9]|[3-9][0-9])\\..*") || npm.isEmpty()) {
        leftOut.add(
            "(c) BullMQ: needs node 20.18 or newer and npm, found "
                + (version.isEmpty() ? "none" : version));
      } else if (installPeer(npm.get(), peer, folder)) {
        services.add(Service.bullmq(node.get(), peer, redis.get(), folder));
        versions.put("(c)", services.getLast().version() + ", node " + version);
      } else {
        leftOut.add(
            "(c) BullMQ: npm could not install it (no network, or a registry without these"
                + " versions?)");
      }
    }
    leftOut.forEach(reason -> say("left out: " + reason));

    var measuring = new Rounds(plan, folder, wrk, target, services, remarks);
    Results results = measuring.measure(only.contains("a"));

    var report =
        new Report(
            Machine.here(),
            versions,
            plan,
            quick,
            results,
            leftOut,
            remarks,
            measuring.stolenPercent(),
            Duration.ofNanos(System.nanoTime() - begun));
    report.write(out);
    System.exit(0);
  }

  /** Builds Task Runner where that is needed. */
  static void build(Path launcher, Path folder) throws IOException, InterruptedException {
    say("building Task Runner where that is needed");
    var build =
        Running.start(
            "build",
            folder,
            List.of(launcher.toString(), "settings"),
            launcher.getParent(),
            Map.of());
    if (build.exit(15, TimeUnit.MINUTES) != 0) {
      throw new IOException("task-runner settings failed\n" + build.tail());
    }
  }

  /**
   * The redis-server for both services: the one named, else the one on the PATH, else the one that
   * the project embeds. The last comes last because it is linked with musl's allocator, and scripts
   * take two to three times the CPU in it.
   */
  private static Optional<Path> redisServer(Path folder, List<String> remarks) throws IOException {
    Optional<Path> named = Optional.ofNullable(System.getenv("REDIS_SERVER")).map(Path::of);
    Optional<Path> usual = named.or(() -> Machine.program("redis-server"));
    if (usual.isPresent()) {
      return usual;
    }
    Path jar =
        Path.of(
            System.getProperty("user.home"),
            ".m2/repository/org/signal/embedded-redis/0.9.1/embedded-redis-0.9.1.jar");
    if (!Files.exists(jar)) {
      return Optional.empty();
    }
    remarks.add(
        "redis-server is not installed, so both ran on the one that the project embeds. Its"
            + " allocator is musl's, in which scripts take two to three times the CPU: no figure of"
            + " Redis or of throughput compares with other machines (Debian: apt-get install"
            + " redis-server).");
    String entry =
        "redis-server-7.0.15-linux-"
            + (System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64");
    try (var zip = new ZipFile(jar.toFile());
        var in = zip.getInputStream(zip.getEntry(entry))) {
      Path server = folder.resolve("redis-server");
      Files.copy(in, server);
      server.toFile().setExecutable(true);
      return Optional.of(server);
    }
  }

  private static boolean installPeer(Path npm, Path peer, Path folder)
      throws IOException, InterruptedException {
    Path installed = peer.resolve("node_modules/.package-lock.json");
    if (Files.exists(installed)
        && Files.getLastModifiedTime(installed)
                .compareTo(Files.getLastModifiedTime(peer.resolve("package-lock.json")))
            >= 0) {
      return true;
    }
    say("installing the BullMQ service (npm ci)");
    var install =
        Running.start(
            "npm", folder, List.of(npm.toString(), "ci", "--ignore-scripts"), peer, Map.of());
    return install.exit(5, TimeUnit.MINUTES) == 0;
  }

  static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** Waits until a process listens on its port. */
  static void awaitPort(int port, Running process) throws IOException, InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (true) {
      try (var _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
        return;
      } catch (IOException refused) {
        if (!process.alive() || System.nanoTime() > end) {
          throw new IOException("nothing listens on port " + port + "\n" + process.tail(), refused);
        }
        Thread.sleep(50);
      }
    }
  }

  static void say(String what) {
    System.err.println("bench: " + what);
  }

  static void delete(Path folder) {
    try (var files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (IOException e) {
      System.err.println("bench: could not remove " + folder + ": " + e.getMessage());
    }
  }
}
