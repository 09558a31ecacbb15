package io.taskrunner.cloudtasks;

import com.google.rpc.Code;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.util.Exceptions;
import com.linecorp.armeria.server.RequestTimeoutException;
import com.linecorp.armeria.server.ServerBuilder;
import io.taskrunner.config.ApiSettings;
import io.taskrunner.config.CloudTasksSettings;
import io.taskrunner.http.Annex;
import io.taskrunner.http.call.Failures;
import io.taskrunner.http.call.Gate;
import io.taskrunner.store.CloudStore;
import io.taskrunner.store.PageTokens;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Google Cloud Tasks on the port of everything else: gRPC at the root, REST under {@code /v2/}, and
 * under {@code /projects/} for the Firebase Admin SDKs.
 */
public final class CloudTasks implements Annex {

  /** A purge of a large queue takes a while; a caller that left is noticed earlier. */
  private static final Duration CALL_WITHIN = Duration.ofMinutes(5);

  private static final Logger LOG = LoggerFactory.getLogger(CloudTasks.class);

  private final ApiSettings api;
  private final CloudTasksSettings settings;
  private final String issuer;
  private final CloudStore store;
  private final PageTokens pageTokens;
  private final InstantSource clock;
  private final ExecutorService virtual =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("cloud-call-", 0).factory());

  /**
   * Over a store.
   *
   * @param issuer of the identities of tasks
   * @param pageTokens those of lists
   */
  public CloudTasks(
      ApiSettings api,
      CloudTasksSettings settings,
      String issuer,
      CloudStore store,
      PageTokens pageTokens,
      InstantSource clock) {
    this.api = api;
    this.settings = settings;
    this.issuer = issuer;
    this.store = store;
    this.pageTokens = pageTokens;
    this.clock = clock;
  }

  @Override
  public void join(ServerBuilder server, Gate gate, String pathPrefix) {
    Guard guard = new Guard(api);
    Tokens tokens = new Tokens(api.cloudTasksOpenTokens(), issuer);
    Queues queues = new Queues(store, guard, tokens, settings.queueReuse(), pageTokens, clock);
    Tasks tasks =
        new Tasks(
            store,
            queues,
            new TaskRules(settings, tokens, clock),
            guard,
            settings.autoCreateQueues(),
            pageTokens,
            virtual);
    List<Method> methods =
        Methods.all(
            queues, tasks, new Policies(store, guard), new Locations(), new Healthy(gate::ready));
    Calls calls = new Calls(gate, guard, virtual);
    Grpc grpc = new Grpc(methods, calls);
    for (String service : Methods.SERVICES) {
      server
          .route()
          .pathPrefix(service)
          .requestTimeout(CALL_WITHIN)
          .errorHandler((_, thrown) -> failed(thrown, Grpc::failed))
          .build((ctx, request) -> grpc.serve(ctx, request));
    }
    serve(server, methods, calls, pathPrefix + "/v2/", "");
    serve(server, methods, calls, pathPrefix + "/", "projects/");
    // The path at which the Node client looks for locations over REST.
    serve(
        server,
        methods.stream().filter(method -> method.path().startsWith(Methods.LOCATIONS)).toList(),
        calls,
        pathPrefix + "/v1/",
        "projects/");
  }

  private static void serve(
      ServerBuilder server, List<Method> all, Calls calls, String prefix, String beginning) {
    server
        .route()
        .pathPrefix(prefix + beginning)
        .requestTimeout(CALL_WITHIN)
        .errorHandler((_, thrown) -> failed(thrown, Rest::failed))
        .build(
            new Rest(
                all.stream().filter(method -> !method.rest().isEmpty()).toList(), calls, prefix));
  }

  /** The server's own rejections, in the format of a surface. */
  private static HttpResponse failed(Throwable thrown, Function<Failure, HttpResponse> surface) {
    Throwable cause = Exceptions.peel(thrown);
    if (cause instanceof RequestTimeoutException) {
      return surface.apply(new Failure(Code.DEADLINE_EXCEEDED, "The call took too long."));
    }
    return surface.apply(
        Failure.of(cause)
            .orElseGet(() -> {
              if (Failures.isDeparture(cause)) {
                return new Failure(Code.CANCELLED, "The caller disconnected.");
              }
              LOG.error("unexpected error in a call", cause);
              return Failure.internal();
            }));
  }

  @Override
  public void close() {
    virtual.shutdownNow();
  }
}
