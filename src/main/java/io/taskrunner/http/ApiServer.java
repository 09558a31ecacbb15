package io.taskrunner.http;

import com.linecorp.armeria.common.SessionProtocol;
import com.linecorp.armeria.common.metric.NoopMeterRegistry;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerBuilder;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.netty.channel.EventLoopGroup;
import io.taskrunner.config.ApiSettings;
import io.taskrunner.config.InvalidSettings;
import io.taskrunner.config.ServerSettings;
import io.taskrunner.http.admin.AdminKeys;
import io.taskrunner.http.admin.Breakers;
import io.taskrunner.http.admin.ClientKeys;
import io.taskrunner.http.admin.Clients;
import io.taskrunner.http.admin.Configuration;
import io.taskrunner.http.admin.Dispatch;
import io.taskrunner.http.admin.Hosts;
import io.taskrunner.http.admin.SigningSecrets;
import io.taskrunner.http.admin.Tiers;
import io.taskrunner.http.admin.Trail;
import io.taskrunner.http.admin.Workers;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Credentials;
import io.taskrunner.http.call.Failures;
import io.taskrunner.http.call.Front;
import io.taskrunner.http.call.Gate;
import io.taskrunner.http.call.HeldCalls;
import io.taskrunner.http.call.Kind;
import io.taskrunner.http.call.Origins;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Router;
import io.taskrunner.http.call.SessionCookie;
import io.taskrunner.http.call.Sessions;
import io.taskrunner.http.call.SlowCallers;
import io.taskrunner.http.dashboard.SessionCalls;
import io.taskrunner.http.dashboard.Shell;
import io.taskrunner.http.operate.Discovery;
import io.taskrunner.http.operate.Health;
import io.taskrunner.http.operate.Metrics;
import io.taskrunner.http.operate.Pages;
import io.taskrunner.http.operate.QueueGauges;
import io.taskrunner.http.operate.StoreProbe;
import io.taskrunner.http.v1.Batches;
import io.taskrunner.http.v1.Enqueues;
import io.taskrunner.http.v1.Operations;
import io.taskrunner.http.v1.Overview;
import io.taskrunner.http.v1.Queues;
import io.taskrunner.http.v1.Schedules;
import io.taskrunner.http.v1.Series;
import io.taskrunner.http.v1.Stats;
import io.taskrunner.http.v1.Tasks;
import io.taskrunner.store.PageTokens;
import io.taskrunner.store.Stores;
import io.taskrunner.store.TokenKeys;
import io.taskrunner.telemetry.Build;
import io.taskrunner.telemetry.Meters;
import io.taskrunner.telemetry.Probe;
import io.taskrunner.telemetry.Tracing;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;

/**
 * The server of one process: HTTP/1.1 and HTTP/2 on one port, either all in plaintext or all over
 * TLS. A worker serves health, metrics and its version; an API process serves the entire contract.
 */
public final class ApiServer {

  /** The maximum number of calls held while the store is unavailable. */
  public static final int CALLS_MAX = 10_000;

  /** The maximum number of bytes of their bodies. */
  public static final long BYTES_MAX = 64L * 1024 * 1024;

  private static final int CONNECTIONS_MAX = 10_000;

  private static final int STREAMS_MAX = 256;

  private static final int HEADERS_MAX = 16 * 1024;

  private static final Duration HEADERS_WITHIN = Duration.ofSeconds(10);

  private static final Duration CALL_WITHIN = Duration.ofSeconds(30);

  private static final Duration IDLE_MAX = Duration.ofSeconds(60);

  private static final Duration STOP_WITHIN = Duration.ofSeconds(10);

  private final Health health;
  private final Front front;
  private final Router router;
  private final Optional<Annex> annex;
  private final Optional<ServerCertificate> certificate;
  private final Server server;

  /**
   * The parts of the server.
   *
   * @param build of this program
   * @param stores the data
   * @param tokens signs the tokens of tasks
   * @param pages the tokens that continue lists
   * @param probes health checks in addition to the store, such as the worker's loop
   * @param registry of the metrics that {@code /metrics} shows
   * @param tracing receives spans of calls; empty for none
   * @param annex further services of an API process; empty for none
   */
  public record Parts(
      Build build,
      Stores stores,
      TokenKeys tokens,
      PageTokens pages,
      List<Probe> probes,
      PrometheusMeterRegistry registry,
      Optional<Tracing> tracing,
      Optional<Annex> annex) {}

  /**
   * Does not listen yet.
   *
   * @param maxRetry default number of retries, which the answers show
   * @param eventLoops shared with others, who close them; those of Armeria's own otherwise
   * @throws InvalidSettings the files for TLS cannot be used any more
   */
  public ApiServer(
      ServerSettings server,
      ApiSettings api,
      int maxRetry,
      Parts parts,
      EventLoopGroup eventLoops) {
    Stores stores = parts.stores();
    Optional<Sessions> sessions =
        Optional.of(api.dashboard())
            .filter(dashboard -> dashboard.enabled() && server.mode().serves())
            .map(_ ->
                new Sessions(
                    stores.sessions(),
                    SessionCookie.of(server, api),
                    api.adminKey(),
                    stores.clients(),
                    stores.adminKeys()));
    Credentials credentials =
        new Credentials(server, api, stores.clients(), stores.adminKeys(), sessions);
    StoreProbe store = new StoreProbe(stores.system());
    Gauge.builder(Meters.STORE_UP, store, probe -> probe.healthy() ? 1 : 0)
        .register(parts.registry());
    Gauge.builder(Meters.PROCESS, () -> 1)
        .tag("mode", server.mode().name().toLowerCase(Locale.ROOT))
        .tag("version", parts.build().version())
        .register(parts.registry());
    certificate = server.tls().map(ServerCertificate::begin);
    List<Probe> probes = new ArrayList<>(parts.probes());
    certificate.ifPresent(probes::add);
    health =
        new Health(server.mode(), parts.build(), store, probes, credentials, warnings(server, api));
    List<Route> routes = new ArrayList<>(health.routes());
    Runnable gauges = () -> {};
    if (server.mode().serves()) {
      routes.addAll(contract(server, api, maxRetry, credentials, parts));
      sessions.ifPresent(all -> {
        routes.addAll(
            new SessionCalls(all, credentials, stores, new Audit(stores.audits())).routes());
        routes.addAll(new Shell(server.pathPrefix(), api.dashboard().name()).routes());
      });
      gauges = new QueueGauges(stores.queues(), stores.workers(), parts.registry())::refresh;
    }
    routes.addAll(new Metrics(parts.registry(), gauges).routes());
    router = new Router(server.pathPrefix(), routes);
    Origins origins = new Origins(server.onLoopback(), api.publicUrl());
    HeldCalls held = new HeldCalls(CALLS_MAX, BYTES_MAX);
    front =
        new Front(
            router,
            origins,
            credentials,
            held,
            parts.pages(),
            parts.registry(),
            parts.tracing(),
            api.maxBodyBytes());
    annex = parts.annex().filter(_ -> server.mode().serves());
    ServerBuilder builder = Server.builder();
    annex.ifPresent(joining ->
        joining.join(
            builder,
            new Gate(origins, credentials, held, health::isReady, parts.registry()),
            server.pathPrefix()));
    this.server = build(builder, server, eventLoops);
  }

  /** All routes except those of each process itself. */
  private static List<Route> contract(
      ServerSettings server, ApiSettings api, int maxRetry, Credentials credentials, Parts parts) {
    Stores stores = parts.stores();
    Audit audit = new Audit(stores.audits());
    Enqueues enqueues =
        new Enqueues(
            stores.tasks(), stores.clients(), api.resultRetention(), credentials, parts.registry());
    Queues queues = new Queues(stores.queues(), audit);
    Schedules schedules =
        new Schedules(
            stores,
            api.clientAuth() == ApiSettings.Access.OPEN,
            api.resultRetention(),
            maxRetry,
            audit);
    Clients clients = new Clients(stores.clients(), audit);
    Tiers tiers = new Tiers(stores.clients(), audit);
    Hosts hosts = new Hosts(stores.hosts(), audit);
    List<Kind<?, ?>> kinds = List.of(tiers, queues, clients, hosts, schedules.kind());
    return Stream.of(
            enqueues.routes(),
            new Batches(stores.tasks(), enqueues).routes(),
            new Tasks(stores, maxRetry, audit).routes(),
            queues.routes(),
            schedules.routes(),
            new Operations(stores.operations(), audit).routes(),
            clients.routes(),
            new ClientKeys(stores.clients(), audit).routes(),
            new SigningSecrets(stores.clients(), stores.signing(), audit).routes(),
            new AdminKeys(stores.adminKeys(), audit).routes(),
            new Trail(stores.audits()).routes(),
            tiers.routes(),
            hosts.routes(),
            new Breakers(stores.hosts(), audit).routes(),
            new Configuration(kinds, stores.configuration(), audit).routes(),
            new Dispatch(stores.queues(), audit).routes(),
            new Workers(stores.workers()).routes(),
            new Stats(stores.queues(), stores.workers()).routes(),
            new Overview(stores, warnings(server, api), parts.build().version()).routes(),
            new Series(stores.series(), stores.tasks()).routes(),
            new Discovery(issuer(server, api), parts.tokens()).routes(),
            new Pages(server.pathPrefix(), parts.build(), api.dashboard().enabled()).routes())
        .flatMap(List::stream)
        .toList();
  }

  private Server build(ServerBuilder builder, ServerSettings settings, EventLoopGroup eventLoops) {
    certificate.ifPresent(builder::tlsProvider);
    builder.port(
        new InetSocketAddress(settings.bind(), settings.port()),
        certificate.isPresent() ? SessionProtocol.HTTPS : SessionProtocol.HTTP);
    builder.workerGroup(eventLoops, false);
    builder.bossGroupFactory(Acceptor::make);
    builder.serviceUnder("/", front);
    builder.errorHandler(new Failures());
    builder.maxRequestLength(0); // Each route has its own limit, reported in its own order.
    builder.requestTimeout(CALL_WITHIN);
    builder.idleTimeout(IDLE_MAX);
    builder.maxNumConnections(CONNECTIONS_MAX);
    builder.http1MaxHeaderSize(HEADERS_MAX);
    builder.http1MaxInitialLineLength(HEADERS_MAX);
    builder.http2MaxHeaderListSize(HEADERS_MAX);
    builder.http2MaxStreamsPerConnection(STREAMS_MAX);
    builder.childChannelPipelineCustomizer(
        certificate.isPresent()
            ? pipeline -> {
              PlainCallers.watch(pipeline);
              SlowCallers.watchTls(pipeline, HEADERS_WITHIN);
            }
            : pipeline -> SlowCallers.watch(pipeline, HEADERS_WITHIN));
    builder.meterRegistry(NoopMeterRegistry.get()); // The contract names the metrics.
    builder.disableServerHeader();
    builder.unloggedExceptionsReportInterval(Duration.ZERO); // Front and Failures log bugs.
    builder.gracefulShutdownTimeout(Duration.ofMillis(100), STOP_WITHIN);
    return builder.build();
  }

  /**
   * The issuer of the tokens of tasks: the URL at which callers reach this server, without a slash
   * at the end. Never taken from a call's {@code Host}.
   */
  public static String issuer(ServerSettings server, ApiSettings api) {
    return api.publicUrl().map(url -> url.toString().replaceAll("/+$", "")).orElseGet(server::url);
  }

  /** The warnings of {@code /health/detailed}, to log at startup. */
  public static List<String> warnings(ServerSettings server, ApiSettings api) {
    List<String> warnings = new ArrayList<>();
    if (server.mode().serves()) {
      boolean ownMachine = server.dev() && server.onLoopback();
      if (api.clientAuth() == ApiSettings.Access.OPEN && !ownMachine) {
        warnings.add(
            "CLIENT_AUTH is open: anyone who can reach this port can enqueue without a key.");
      }
      if (api.adminKey().isEmpty() && !server.onLoopback()) {
        warnings.add("ADMIN_API_KEY is not set: admin calls need a named admin key.");
      }
    }
    return warnings;
  }

  /** All routes that are served. */
  public List<Route> routes() {
    return router.routes();
  }

  /**
   * Listens.
   *
   * @throws IllegalStateException the port is not available
   */
  public void start() {
    try {
      server.start().join();
    } catch (CompletionException failed) {
      throw new IllegalStateException("cannot listen", failed.getCause());
    }
  }

  /** The certificate for TLS clients; empty for plaintext. */
  Optional<ServerCertificate> certificate() {
    return certificate;
  }

  /** The port that is listened on. */
  public int port() {
    return server.activeLocalPort();
  }

  /** From now on the process is not ready, though every call is still served. */
  public void drain() {
    health.drain();
  }

  /** Takes no more calls, lets running ones end for up to 10 s, and closes the port. */
  public void stop() {
    health.drain();
    server.stop().join();
    front.close();
    annex.ifPresent(Annex::close);
    certificate.ifPresent(ServerCertificate::close);
  }
}
