package io.taskrunner.http.call;

import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.ExchangeType;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.RequestHeadersBuilder;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.ResponseHeadersBuilder;
import com.linecorp.armeria.common.util.TimeoutMode;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.RoutingContext;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.micrometer.core.instrument.MeterRegistry;
import io.taskrunner.store.PageTokens;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.telemetry.Tracing;
import io.taskrunner.telemetry.Tracing.Place;
import io.taskrunner.telemetry.Tracing.Side;
import io.taskrunner.telemetry.Tracing.Trace;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * The path of every call, in the contract's order of rejections: the Host, the origin, invalid
 * credentials, the path, the method, the body's length and type, its JSON, then access. Calls that
 * reach the handler have passed all of these.
 *
 * <p>A call begins on the event loop of its connection. Blocking work (keys to look up, every
 * {@link Route.Blocking}, large bodies to parse) continues on a virtual thread; only enqueue stays
 * on the event loop throughout. Each call that asks the store is one of the {@link HeldCalls} until
 * it is answered.
 */
public final class Front implements HttpService {

  /**
   * A body up to this length, as the only call of its connection, is read before the call begins,
   * which is cheaper; connections are bounded, and so are such bodies. Others are counted as they
   * arrive.
   */
  private static final int SMALL_BODY = 16 * 1024;

  private static final Duration MOVE_WITHIN = Duration.ofMinutes(5);

  private static final Logger LOG = LoggerFactory.getLogger(Front.class);

  private final Router router;
  private final Origins origins;
  private final Credentials credentials;
  private final HeldCalls held;
  private final PageTokens pages;
  private final CallMeters meters;
  private final Optional<Tracing> tracing;
  private final Bodies bodies;
  private final ExecutorService virtual =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("call-", 0).factory());

  /**
   * In front of these routes.
   *
   * @param bodyMax bytes of a body that is no batch
   */
  public Front(
      Router router,
      Origins origins,
      Credentials credentials,
      HeldCalls held,
      PageTokens pages,
      MeterRegistry registry,
      Optional<Tracing> tracing,
      int bodyMax) {
    this.router = router;
    this.origins = origins;
    this.credentials = credentials;
    this.held = held;
    this.pages = pages;
    this.meters = new CallMeters(registry);
    this.tracing = tracing;
    this.bodies = new Bodies(bodyMax);
  }

  /** Whatever the method: a body of unknown length is read as it arrives, up to its limit. */
  @Override
  public ExchangeType exchangeType(RoutingContext routing) {
    long length = routing.headers().contentLength();
    boolean small = !routing.sessionProtocol().isMultiplex() && length >= 0 && length <= SMALL_BODY;
    return small ? ExchangeType.UNARY : ExchangeType.REQUEST_STREAMING;
  }

  @Override
  public HttpResponse serve(ServiceRequestContext ctx, HttpRequest request) {
    Exchange exchange = new Exchange(ctx, request);
    CompletableFuture<Answer> answer = exchange.begin();
    return answer.isDone()
        ? exchange.response(answer)
        : HttpResponse.of(answer.handle((_, _) -> exchange.response(answer)));
  }

  /** One running call. Its steps follow one another, on any thread. */
  private final class Exchange {
    private final ServiceRequestContext ctx;
    private final HttpRequest request;
    private final RequestHeaders headers;
    private final @Nullable Trace trace;
    private final String id;
    private final long start = System.nanoTime();
    private final Router.@Nullable Match match;
    private final @Nullable Route route;
    private Caller caller = new Caller.Anonymous();
    private boolean bodyIsRead;
    private boolean bodyIsCut;
    private boolean entered;
    private long bytesHeld;

    Exchange(ServiceRequestContext ctx, HttpRequest request) {
      this.ctx = ctx;
      this.request = request;
      this.match = router.find(ctx.path(), request.headers().method());
      this.route = match == null ? null : match.path().route(request.headers().method());
      this.trace = route == null || isOfThisProcess(route) ? null : trace(route);
      this.headers = trace == null ? request.headers() : traced(request.headers(), trace);
      this.id = RequestIds.of(headers);
    }

    private @Nullable Trace trace(Route route) {
      if (tracing.isEmpty()) {
        return null;
      }
      RequestHeaders came = request.headers();
      Place parent = new Place(came.get(Tracing.TRACEPARENT), came.get(Tracing.TRACESTATE));
      String name = came.method() + " " + route.template();
      return tracing
          .get()
          .begin(Side.SERVER, name, parent)
          .set("http.request.method", came.method().name())
          .set("http.route", route.template())
          .set("url.scheme", "http")
          .set("url.path", ctx.path());
    }

    /** Everything after this is a part of the call's span. */
    private static RequestHeaders traced(RequestHeaders came, Trace trace) {
      Place place = trace.place();
      RequestHeadersBuilder headers = came.toBuilder();
      headers.set(Tracing.TRACEPARENT, Objects.requireNonNull(place.traceparent()));
      headers.remove(Tracing.TRACESTATE);
      if (place.tracestate() != null) {
        headers.set(Tracing.TRACESTATE, place.tracestate());
      }
      return headers.build();
    }

    CompletableFuture<Answer> begin() {
      try {
        origins.check(headers);
        return switch (credentials.shown(headers, route)) {
          case Credentials.Shown.Known known -> found(known.caller());
          case Credentials.Shown.Wrong wrong -> throw new Refusal(wrong.problem());
          case Credentials.Shown.Stored stored -> {
            Optional<Caller> known = credentials.known(stored);
            yield known.isPresent()
                ? found(known.get())
                : lookedUp(stored).thenCompose(this::found);
          }
        };
      } catch (Refusal refusal) {
        return CompletableFuture.failedFuture(refusal);
      }
    }

    private CompletableFuture<Caller> lookedUp(Credentials.Shown.Stored stored) {
      enter();
      return onVirtualThread(() -> lookUp(stored));
    }

    /** From here on the call asks the store, and is held until it is answered. */
    private void enter() {
      if (!entered && !held.enter()) {
        throw new Refusal(Problem.busy());
      }
      entered = true;
    }

    private Caller lookUp(Credentials.Shown.Stored stored) {
      try {
        return credentials.lookUp(stored);
      } catch (StoreUnavailable away) {
        if (route != null && isOfThisProcess(route)) {
          return new Caller
              .Anonymous(); // Calls about the process work while the store is not reachable.
        }
        throw away;
      }
    }

    private CompletableFuture<Answer> found(Caller found) {
      caller = found;
      if (match == null) {
        throw new Refusal(Missing.path(ctx.path()));
      }
      if (route == null) {
        throw new Refusal(Problem.methodNotAllowed(match.path().allow()));
      }
      if (isOfThisProcess(route) && route.body() == Route.Body.NONE) {
        caller = credentials.admit(route, caller);
        return onVirtualThread(() -> blocking(route, new LinkedHashMap<>()));
      }
      enter();
      if (route.body() == Route.Body.NONE) {
        return perform(route, null);
      }
      return read(route).thenCompose(body -> perform(route, body));
    }

    private CompletableFuture<byte[]> read(Route route) {
      int limit = bodies.max(route);
      bodies.check(route, headers);
      if (!ctx.exchangeType().isRequestStreaming()) {
        return request.aggregate().handle(this::small);
      }
      BodyReader reader = new BodyReader(limit, held);
      request.subscribe(reader, ctx.eventLoop());
      return reader
          .whole()
          .whenComplete((body, failure) -> {
            bodyIsCut = failure != null;
            bodyIsRead = failure == null;
            bytesHeld = body == null ? 0 : body.length;
          });
    }

    private byte[] small(
        @Nullable AggregatedHttpRequest aggregated, @Nullable Throwable brokenOff) {
      if (aggregated == null) {
        bodyIsCut = true;
        throw new Refusal(Problem.tooSlow());
      }
      bodyIsRead = true;
      byte[] body = aggregated.content().array();
      if (body.length > bodies.max()) {
        throw new Refusal(Problem.tooLarge(bodies.max()));
      }
      if (!held.hold(body.length)) {
        throw new Refusal(Problem.busy());
      }
      bytesHeld = body.length;
      return body;
    }

    private CompletableFuture<Answer> perform(Route route, byte @Nullable [] body) {
      if (route.handler() instanceof Route.Direct direct) {
        if (body == null || body.length <= SMALL_BODY) {
          return direct.answer(call(route, bodies.parsed(route, headers, body)));
        }
        return onVirtualThread(() -> bodies.parsed(route, headers, body))
            .thenCompose(members -> direct.answer(call(route, members)));
      }
      // It has arrived completely and is bounded by the store's own time limit; an operation on
      // many tasks asks the store many times.
      ctx.setRequestTimeout(TimeoutMode.SET_FROM_NOW, MOVE_WITHIN);
      return onVirtualThread(() -> blocking(route, bodies.parsed(route, headers, body)));
    }

    private Answer blocking(Route route, Map<String, Object> members) {
      try (var _ = MDC.putCloseable("request_id", id);
          var _ = traceOfLog()) {
        Call call = call(route, members);
        Caller known = isOfThisProcess(route) ? call.caller() : credentials.known(call.caller());
        Call toAnswer = known == call.caller() ? call : call.by(known);
        return switch (route.handler()) {
          case Route.Blocking blocking -> blocking.answer(toAnswer);
          case Route.Direct direct -> direct.answer(toAnswer).join();
        };
      }
    }

    private Call call(Route route, Map<String, Object> members) {
      caller = credentials.admit(route, caller);
      Call call =
          new Call(
              id,
              headers,
              match == null ? List.of() : match.params(),
              ctx.query(),
              caller,
              members,
              new Call.Pages(pages, route.template()),
              ctx.clientAddress());
      if (ctx.query() != null && route.isStrict()) {
        Faults faults = new Faults();
        call.query(faults).allow(route.parameters());
        faults.raise();
      }
      return call;
    }

    private <T> CompletableFuture<T> onVirtualThread(Supplier<T> step) {
      return CompletableFuture.supplyAsync(step, virtual);
    }

    /** The answer as it is sent; the call ends with it. */
    HttpResponse response(CompletableFuture<Answer> done) {
      if (entered) {
        held.leave(bytesHeld);
      }
      HttpResponse response;
      int status;
      if (done.isCompletedExceptionally()) {
        Problem problem = problem(done.exceptionNow());
        status = problem.status().code();
        byte[] body = ProblemText.body(problem, id);
        response = response(ProblemText.headers(problem, id, body.length), body);
      } else {
        Answer answer = done.resultNow();
        status = answer.status().code();
        response = response(headers(answer), answer.body());
      }
      if (isRestToCome() && !ctx.sessionProtocol().isMultiplex()) {
        // The rest of the body is not awaited, and so the connection can carry no other call.
        ctx.initiateConnectionShutdown(Duration.ZERO);
      }
      long nanos = System.nanoTime() - start;
      meters.record(route, headers.method(), status, nanos);
      if (trace != null) {
        trace.set("http.response.status_code", status);
        (status >= 500 ? trace.failed(Integer.toString(status)) : trace).end();
      }
      if (LOG.isDebugEnabled()) {
        log(status, nanos);
      }
      return response;
    }

    /** Whether more than a few bytes of the body may still arrive. */
    private boolean isRestToCome() {
      return bodyIsCut
          || (!bodyIsRead && ctx.exchangeType().isRequestStreaming() && request.isOpen());
    }

    private ResponseHeaders headers(Answer answer) {
      ResponseHeadersBuilder builder = ResponseHeaders.builder(answer.status());
      if (!answer.type().isEmpty()) {
        builder.set(HttpHeaderNames.CONTENT_TYPE, answer.type());
      }
      builder.set(RequestIds.HEADER, id);
      if (Sessions.isDashboard(headers)) {
        builder.set(HttpHeaderNames.CACHE_CONTROL, "no-store");
      }
      if (!answer.status().isContentAlwaysEmpty()) {
        builder.contentLength(answer.body().length); // Here, or the headers are built once more.
      }
      for (int i = 0; i < answer.headers().size(); i += 2) {
        builder.set(answer.headers().get(i), answer.headers().get(i + 1));
      }
      return builder.build();
    }

    private HttpResponse response(ResponseHeaders response, byte[] body) {
      if (headers.method() == HttpMethod.HEAD) {
        return HttpResponse.of(response);
      }
      return response.status().isContentAlwaysEmpty()
          ? HttpResponse.of(response)
          : HttpResponse.of(response, HttpData.wrap(body));
    }

    private Problem problem(Throwable failure) {
      Throwable cause =
          failure instanceof CompletionException && failure.getCause() != null
              ? failure.getCause()
              : failure;
      return switch (cause) {
        case Refusal refusal -> refusal.problem();
        case StoreUnavailable _ -> Problem.storeUnavailable();
        default -> {
          about(LOG.atError())
              .addKeyValue("route", route == null ? "none" : route.template())
              .setCause(cause)
              .log("unexpected error in a call");
          yield Problem.internal();
        }
      };
    }

    private LoggingEventBuilder about(LoggingEventBuilder event) {
      LoggingEventBuilder named = event.addKeyValue("request_id", id);
      return traceId().map(traceId -> named.addKeyValue("trace_id", traceId)).orElse(named);
    }

    private MDC.@Nullable MDCCloseable traceOfLog() {
      return traceId().map(traceId -> MDC.putCloseable("trace_id", traceId)).orElse(null);
    }

    private Optional<String> traceId() {
      return Tracing.traceId(headers.get(Tracing.TRACEPARENT));
    }

    private void log(int status, long nanos) {
      about(LOG.atDebug())
          .addKeyValue("method", headers.method())
          .addKeyValue("path", ctx.path())
          .addKeyValue("status", status)
          .addKeyValue("duration_ms", nanos / 1_000_000.0)
          .addKeyValue("caller", caller.name())
          .log("call served");
    }
  }

  private static boolean isOfThisProcess(Route route) {
    return switch (route.access()) {
      case ANYONE, METRICS, DETAIL -> true;
      case ENQUEUE, READ, OPERATE, ADMIN -> false;
    };
  }

  /** Aborts running work on virtual threads; the server has stopped by then. */
  public void close() {
    virtual.shutdownNow();
  }
}
