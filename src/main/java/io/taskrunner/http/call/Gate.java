package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;

/**
 * The checks for calls of another contract on the same port, so that they are bounded, counted and
 * guarded like all others: the Host and origin, the calls held, the body, authentication.
 */
public final class Gate {

  private final Origins origins;
  private final Credentials credentials;
  private final HeldCalls held;
  private final BooleanSupplier ready;
  private final CallMeters meters;

  /**
   * Shares all of this with the calls of {@link Front}.
   *
   * @param ready whether this process can serve calls; may block
   */
  public Gate(
      Origins origins,
      Credentials credentials,
      HeldCalls held,
      BooleanSupplier ready,
      MeterRegistry registry) {
    this.ready = ready;
    this.origins = origins;
    this.credentials = credentials;
    this.held = held;
    this.meters = new CallMeters(registry);
  }

  /** Whether this process can serve calls. May block. */
  public boolean ready() {
    return ready.getAsBoolean();
  }

  /**
   * Admits a call; it is held until it leaves.
   *
   * @throws Refusal 421, 403 or 503
   */
  public Passage enter(ServiceRequestContext ctx, HttpRequest request) {
    origins.check(request.headers());
    if (!held.enter()) {
      throw new Refusal(Problem.busy());
    }
    return new Passage(ctx, request);
  }

  /**
   * The caller, where the headers suffice. Never blocks.
   *
   * @param open whether an unknown token counts as none
   * @return empty when it must be looked up
   * @throws Refusal 401: a credential is invalid
   */
  public Optional<Caller> caller(RequestHeaders headers, boolean open) {
    return switch (credentials.bearer(headers, open)) {
      case Credentials.Shown.Known known -> Optional.of(known.caller());
      case Credentials.Shown.Wrong wrong -> throw new Refusal(wrong.problem());
      case Credentials.Shown.Stored _ -> Optional.empty();
    };
  }

  /**
   * The caller: the admin, a client that may call, or anonymous. Blocks.
   *
   * @throws Refusal 401 or 403
   */
  public Caller lookUp(RequestHeaders headers, boolean open) {
    return switch (credentials.bearer(headers, open)) {
      case Credentials.Shown.Known known -> known.caller();
      case Credentials.Shown.Wrong wrong -> throw new Refusal(wrong.problem());
      case Credentials.Shown.Stored stored -> credentials.known(credentials.lookUp(stored));
    };
  }

  /** Times a call by a route's template, method and HTTP status. */
  public void record(String route, HttpMethod method, int status, long nanos) {
    meters.record(route, method, status, nanos);
  }

  /** A call that is inside. */
  public final class Passage {
    private final ServiceRequestContext ctx;
    private final HttpRequest request;
    private long bytes;

    private Passage(ServiceRequestContext ctx, HttpRequest request) {
      this.ctx = ctx;
      this.request = request;
    }

    /** The complete body, up to a limit; completes exceptionally with {@link Refusal} beyond. */
    public CompletableFuture<byte[]> body(int limit) {
      BodyReader reader = new BodyReader(limit, held);
      request.subscribe(reader, ctx.eventLoop());
      return reader.whole().whenComplete((body, _) -> bytes = body == null ? 0 : body.length);
    }

    /** The call is over. */
    public void leave() {
      held.leave(bytes);
    }
  }
}
