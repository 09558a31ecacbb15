package io.taskrunner.app;

import com.linecorp.armeria.common.util.EventLoopGroups;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.taskrunner.cloudtasks.CloudTasks;
import io.taskrunner.config.ApiSettings;
import io.taskrunner.config.CannotStart;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.config.Secret;
import io.taskrunner.config.Settings;
import io.taskrunner.config.TokenSettings;
import io.taskrunner.dispatch.Authorized;
import io.taskrunner.dispatch.Bearers;
import io.taskrunner.dispatch.DispatchOptions;
import io.taskrunner.dispatch.Dispatcher;
import io.taskrunner.dispatch.Performer;
import io.taskrunner.dispatch.Signed;
import io.taskrunner.dispatch.Signer;
import io.taskrunner.embedded.EmbeddedRedis;
import io.taskrunner.http.ApiServer;
import io.taskrunner.operation.OperationRunner;
import io.taskrunner.store.PageTokens;
import io.taskrunner.store.TokenKeys;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.store.redis.link.Shared;
import io.taskrunner.telemetry.Build;
import io.taskrunner.telemetry.Meters;
import io.taskrunner.telemetry.Probe;
import io.taskrunner.telemetry.Tracing;
import io.taskrunner.worker.Ticker;
import io.taskrunner.worker.Traced;
import io.taskrunner.worker.Worker;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.interfaces.RSAPrivateCrtKey;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The program from its start to its end.
 *
 * <p>The thread that calls {@link #run} starts everything in order and stops it in the reverse one.
 * A signal only requests the shutdown: the first SIGTERM or SIGINT wakes that thread, further ones
 * change nothing (except the second SIGINT of {@code dev}, which ends the grace period), and the
 * exit status is 0 whenever a requested shutdown succeeded.
 *
 * <p>Shutdown: not ready from then on, though calls are served for {@code SHUTDOWN_DRAIN_SEC}; the
 * worker stops claiming at once, and its running tasks may continue for {@code SHUTDOWN_GRACE_SEC};
 * attempts still running then are aborted and returned at no cost to their tasks; then the
 * connection to Redis is closed.
 */
final class Program {

  private static final Logger LOG = LoggerFactory.getLogger(Program.class);

  private static final Duration LOOPS_STOP_MAX = Duration.ofSeconds(2);

  private final Settings settings;
  private final Use use;
  private final Optional<DevConsole> console;
  private final Build build = BuildFile.read();
  private final CountDownLatch endAsked = new CountDownLatch(1);
  private final CountDownLatch hurried = new CountDownLatch(1);
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Deque<Part> parts = new ArrayDeque<>();
  private volatile boolean starting = true;
  private volatile int status;

  /** A started part, and how to stop it. */
  private record Part(String name, Stop stop) {}

  /** Stops a part. */
  private interface Stop {
    void now() throws Exception;
  }

  /** Runs once everything is started, until shutdown. */
  interface Use {
    /** Returns when the shutdown may begin. */
    void of(String url) throws IOException, InterruptedException;
  }

  /** Runs until a signal asks for the end. */
  Program(Settings settings) {
    this.settings = settings;
    this.use = _ -> endAsked.await();
    this.console =
        settings.server().dev() ? Optional.of(new DevConsole(System.out)) : Optional.empty();
  }

  /** Runs until it has been used, without any output. */
  Program(Settings settings, Use use) {
    this.settings = settings;
    this.use = use;
    this.console = Optional.empty();
  }

  /**
   * Runs until shutdown is requested, or its use is over.
   *
   * @return the exit status
   * @throws CannotStart it could not start; everything started until then is stopped
   */
  int run() throws CannotStart, IOException {
    Logs.setUp(settings.log());
    Thread runner = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> end(runner), "end"));
    try {
      start();
      starting = false;
      use.of(settings.server().url());
      LOG.info("Stopping");
    } catch (InterruptedException toldToEnd) {
      LOG.info("Stopping before the start was complete");
    } catch (IOException | CannotStart | RuntimeException e) {
      status = e instanceof CannotStart cannot ? cannot.status() : 1;
      throw e;
    } finally {
      // A late interrupt from a signal must not cut the shutdown short.
      starting = false;
      var unused = Thread.interrupted();
      stop();
      ended.countDown();
    }
    return status;
  }

  /** Runs while the JVM goes down: waits for an orderly end, then leaves with its status. */
  private void end(Thread runner) {
    endAsked.countDown();
    if (starting) {
      runner.interrupt();
    }
    try {
      ended.await();
    } catch (InterruptedException hurry) {
      Thread.currentThread().interrupt();
    }
    // After a signal the JVM would leave with 128 and its number; the end was orderly, which is 0.
    Runtime.getRuntime().halt(status);
  }

  private void start() throws CannotStart, InterruptedException {
    settings.warnings().forEach(LOG::warn);
    Listening.tried(settings.server());
    Ground ground = connect();
    Optional<Worker> worker =
        settings.server().mode().works() ? Optional.of(work(ground)) : Optional.empty();
    ApiServer server = serve(ground, worker);
    started("server and worker", () -> stop(server, worker));
    if (console.isPresent()) {
      DevConsole.onInterrupts(() -> {
        hurried.countDown();
        worker.ifPresent(Worker::hurry);
      });
    }
    begin(ground.store(), worker);
    tell(ground.where());
  }

  /**
   * The base of everything else.
   *
   * @param where the store is, for people
   * @param loops shared by everything that uses the network
   */
  private record Ground(
      String where,
      EventLoopGroup loops,
      PrometheusMeterRegistry registry,
      Optional<Tracing> tracing,
      RedisStore store,
      TokenKeys tokens) {}

  /** Opens the store, on a Redis that is started first where that is this program's. */
  private Ground connect() throws CannotStart, InterruptedException {
    RedisSettings redis = settings.redis();
    String where = "Redis at " + redis.where();
    if (settings.server().dev() && !settings.redisNamed()) {
      boolean isNew = !EmbeddedRedis.isKeptIn(settings.dataDir());
      EmbeddedRedis embedded = EmbeddedRedis.start(settings.dataDir());
      started("embedded Redis", embedded::close);
      redis = redis.at(embedded.running().address(), embedded.running().password());
      where =
          "embedded Redis, "
              + (isNew ? "new " : "")
              + "data in "
              + settings.dataDir().toAbsolutePath().normalize();
    }
    EventLoopGroup loops =
        EventLoopGroups.newEventLoopGroup(Runtime.getRuntime().availableProcessors(), "loop");
    started("event loops", () -> stop(loops));
    nativeTransport().ifPresent(LOG::warn);
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    registry.config().meterFilter(Meters.described());
    Optional<Traces> traces = Traces.begin(settings.tracing(), build);
    traces.ifPresent(sending -> started("traces", sending::close));
    Optional<Tracing> tracing = traces.map(Traces::tracing);
    RedisStore store =
        StoreOpening.open(
            options(redis), Optional.of(new Shared(loops, registry, tracing)), endAsked);
    started("store", store::close);
    store.warnings().forEach(LOG::warn);
    TokenKeys tokens = tokenKeys(store);
    Readings readings = new Readings(registry, store);
    started("meters", readings::close);
    return new Ground(where, loops, registry, tracing, store, tokens);
  }

  /** Why the native transport is not used, where it should be. */
  private static Optional<String> nativeTransport() {
    if (!"Linux".equals(System.getProperty("os.name")) || Epoll.isAvailable()) {
      return Optional.empty();
    }
    return Optional.of(
        "The native transport and TLS cannot be loaded, so slower ones are used. If the directory of"
            + " temporary files is mounted noexec, name another one with"
            + " JAVA_OPTS=-Dio.netty.native.workdir=<directory>. ("
            + Epoll.unavailabilityCause().getMessage()
            + ")");
  }

  /** Listens. */
  private ApiServer serve(Ground ground, Optional<Worker> worker) throws CannotStart {
    if (settings.server().tls().isEmpty()) {
      // Armeria would load BoringSSL for a port without TLS, too.
      System.setProperty("com.linecorp.armeria.tlsEngineType", "jdk");
    }
    ApiServer.warnings(settings.server(), settings.api()).forEach(LOG::warn);
    PageTokens pages =
        new PageTokens(ground.store().pageSecrets(), new SecureRandom(), InstantSource.system());
    CloudTasks cloudTasks =
        new CloudTasks(
            settings.api(),
            settings.cloudTasks(),
            ApiServer.issuer(settings.server(), settings.api()),
            ground.store().cloud(),
            pages,
            InstantSource.system());
    ApiServer.Parts parts =
        new ApiServer.Parts(
            build,
            ground.store(),
            ground.tokens(),
            pages,
            worker.map(WorkerProbe::new).<List<Probe>>map(List::of).orElse(List.of()),
            ground.registry(),
            ground.tracing(),
            Optional.of(cloudTasks));
    ApiServer server =
        new ApiServer(
            settings.server(), settings.api(), settings.worker().maxRetry(), parts, ground.loops());
    listen(server);
    return server;
  }

  /** Starts the background jobs, now that the port belongs to this program. */
  private void begin(RedisStore store, Optional<Worker> worker) {
    if (settings.server().mode().serves()) {
      OperationRunner operations =
          new OperationRunner(store.operations(), System::nanoTime, new SecureRandom());
      operations.start();
      started("operations", operations::close);
    }
    worker.ifPresent(working -> {
      working.start();
      Instant now = Instant.ofEpochMilli(InstantSource.system().millis());
      WorkerBeat beat = WorkerBeat.begin(store.workers(), working, build.version(), now);
      started("worker beat", beat::close);
      Ticker ticker = Ticker.begin(store.schedules());
      started("ticker", ticker::close);
    });
  }

  private void started(String name, Stop stop) {
    parts.push(new Part(name, stop));
  }

  private StoreOptions options(RedisSettings redis) {
    return new StoreOptions(
        redis,
        settings.api().clientAuth() == ApiSettings.Access.OPEN,
        settings.api().maxOpenClients(),
        settings.api().idempotencyTtl(),
        settings.dispatch().breaker(),
        InstantSource.system(),
        Optional.empty());
  }

  private TokenKeys tokenKeys(RedisStore store) throws CannotStart {
    TokenSettings tokens = settings.tokens();
    List<RSAPrivateCrtKey> given = List.of();
    if (tokens.keyFile().isPresent()) {
      Path file = tokens.keyFile().get();
      try {
        given = TokenKeys.read(Files.readString(file));
      } catch (IOException | IllegalArgumentException unreadable) {
        throw new CannotStart(
            "CLOUD_TASKS_SIGNING_KEY_FILE: " + file + ": " + unreadable.getMessage(), unreadable);
      }
    }
    return new TokenKeys(
        store.tokens(),
        given,
        tokens.access().map(Secret::value),
        tokens.keyLifetime(),
        new SecureRandom());
  }

  /** Creates a worker, which does not claim yet. */
  private Worker work(Ground ground) {
    Dispatcher dispatcher =
        new Dispatcher(
            new DispatchOptions(build.version(), settings.dispatch(), ground.tracing().isPresent()),
            ground.loops(),
            InstantSource.system());
    started("dispatcher", dispatcher::close);
    List<WorkStore> stores = ground.store().works();
    Performer performer =
        new Signed(
            new Authorized(dispatcher, new Bearers(ground.tokens(), InstantSource.system())),
            new Signer(ground.store().signing(), InstantSource.system()));
    if (ground.tracing().isPresent()) {
      Traced traced = new Traced(ground.tracing().get());
      stores = stores.stream().map(traced::store).toList();
      performer = traced.performer(performer);
    }
    if (console.isPresent()) {
      AttemptLines lines = console.get().attempts();
      stores = stores.stream().map(lines::store).toList();
      performer = lines.performer(performer);
    }
    return new Worker(
        stores,
        performer,
        dispatcher::resetFailures,
        settings.worker(),
        ground.registry(),
        new SecureRandom());
  }

  private void listen(ApiServer server) throws CannotStart {
    try {
      server.start();
    } catch (IllegalStateException taken) {
      throw Listening.cannot(
          settings.server(), taken.getCause() == null ? taken : taken.getCause());
    }
  }

  /** Reports the listening address: to a person on standard output, to a machine in the log. */
  private void tell(String where) {
    String does =
        switch (settings.server().mode()) {
          case API -> "API";
          case WORKER -> "worker";
          case BOTH -> "API and worker";
        };
    System.out.println(
        "Task Runner listens on " + settings.server().url() + " (" + does + "; " + where + ").");
    if (settings.server().mode().serves() && settings.api().dashboard().enabled()) {
      System.out.println("Dashboard: " + settings.server().url() + "/ui/");
    }
    System.out.flush();
    console.ifPresent(out -> out.ready(settings.server()));
    LOG.atInfo()
        .addKeyValue("version", build.version())
        .addKeyValue("commit", build.commit())
        .addKeyValue("mode", does)
        .addKeyValue("url", settings.server().url())
        .addKeyValue("redis", where)
        .addKeyValue("start_ms", ManagementFactory.getRuntimeMXBean().getUptime())
        .log("Started");
  }

  private void stop() {
    while (!parts.isEmpty()) {
      Part part = parts.pop();
      try {
        part.stop().now();
      } catch (Exception e) {
        LOG.error("The {} did not stop in order", part.name(), e);
        status = 1;
      }
    }
  }

  private void stop(ApiServer server, Optional<Worker> worker) throws InterruptedException {
    server.drain();
    if (console.isPresent() && worker.isPresent()) {
      console.get().stopping(worker.get().status().running(), settings.worker().shutdownGrace());
    }
    // The worker's grace begins now, in parallel to the time in which calls are still served.
    Thread working =
        Thread.ofVirtual().name("stop-worker").start(() -> worker.ifPresent(this::stop));
    var unused = hurried.await(settings.worker().shutdownDrain().toNanos(), TimeUnit.NANOSECONDS);
    if (settings.server().mode().serves()) {
      server.stop();
      working.join();
    } else {
      working.join(); // its health and metrics are read until it has ended
      server.stop();
    }
  }

  private void stop(Worker worker) {
    try {
      worker.stop(settings.worker().shutdownGrace());
    } catch (InterruptedException hurry) {
      Thread.currentThread().interrupt();
    }
  }

  private static void stop(EventLoopGroup loops) throws InterruptedException {
    loops.shutdownGracefully(0, LOOPS_STOP_MAX.toMillis(), TimeUnit.MILLISECONDS).await();
  }
}
