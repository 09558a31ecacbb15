package io.taskrunner.cloudtasks;

import com.google.protobuf.Message;
import com.google.rpc.Code;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.taskrunner.http.call.Caller;
import io.taskrunner.http.call.Gate;
import io.taskrunner.http.call.RequestIds;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * The path of every call of both surfaces: the gate, the body, authentication, the message, the
 * method, and the response. It begins on the event loop of its connection; blocking work is done on
 * a virtual thread.
 */
final class Calls {

  /** A body up to this length is parsed on the event loop. */
  private static final int SMALL_BODY = 16 * 1024;

  private static final Logger LOG = LoggerFactory.getLogger(Calls.class);

  private final Gate gate;
  private final Guard guard;
  private final ExecutorService virtual;

  Calls(Gate gate, Guard guard, ExecutorService virtual) {
    this.gate = gate;
    this.guard = guard;
    this.virtual = virtual;
  }

  /** How a surface reads and writes. */
  interface Surface {
    /** The message of a body; throws {@link Failure}. */
    Message read(byte[] body);

    /** An answer. */
    HttpResponse write(Message answer);

    /** A refusal. */
    HttpResponse write(Failure failure);
  }

  /**
   * Performs a call.
   *
   * @param template names the call in metrics
   * @param method null when there is none, which {@code missing} then reports
   */
  HttpResponse perform(
      ServiceRequestContext ctx,
      HttpRequest request,
      String template,
      @Nullable Method method,
      Failure missing,
      int bodyMax,
      Surface surface) {
    Exchange exchange = new Exchange(ctx, request.headers(), template, surface);
    CompletableFuture<Message> answer;
    Gate.Passage passage = null;
    try {
      passage = gate.enter(ctx, request);
      if (method == null) {
        throw missing;
      }
      answer = exchange.answer(passage, method, bodyMax);
    } catch (RuntimeException refused) {
      answer = CompletableFuture.failedFuture(refused);
    }
    Gate.Passage inside = passage;
    Function<CompletableFuture<Message>, HttpResponse> ending =
        done -> {
          if (inside != null) {
            inside.leave();
          }
          return exchange.response(done);
        };
    CompletableFuture<Message> coming = answer;
    return answer.isDone()
        ? ending.apply(answer)
        : HttpResponse.of(coming.handle((_, _) -> ending.apply(coming)));
  }

  /** One call on its way. */
  private final class Exchange {
    private final ServiceRequestContext ctx;
    private final RequestHeaders headers;
    private final String template;
    private final Surface surface;
    private final long start = System.nanoTime();

    Exchange(ServiceRequestContext ctx, RequestHeaders headers, String template, Surface surface) {
      this.ctx = ctx;
      this.headers = headers;
      this.template = template;
      this.surface = surface;
    }

    CompletableFuture<Message> answer(Gate.Passage passage, Method method, int bodyMax) {
      Optional<Caller> known =
          method.isForAll()
              ? Optional.of(new Caller.Anonymous())
              : gate.caller(headers, guard.open());
      known.ifPresent(caller -> admit(method, caller));
      return passage
          .body(bodyMax)
          .thenCompose(body -> {
            boolean direct = method.handler() instanceof Method.Handler.Direct;
            if (known.isPresent() && direct && body.length <= SMALL_BODY) {
              return move(method, surface.read(body), known.get());
            }
            return CompletableFuture.supplyAsync(() -> blocking(method, body, known), virtual);
          });
    }

    private Message blocking(Method method, byte[] body, Optional<Caller> known) {
      Caller caller = known.orElseGet(() -> gate.lookUp(headers, guard.open()));
      admit(method, caller);
      return move(method, surface.read(body), caller).join();
    }

    private void admit(Method method, Caller caller) {
      if (!method.isForAll()) {
        guard.admit(caller, method.scope());
      }
    }

    private CompletableFuture<Message> move(Method method, Message request, Caller caller) {
      if (ctx.isTimedOut() || ctx.isCancelled()) {
        // Its caller waits no longer, so it is not begun.
        throw new Failure(Code.DEADLINE_EXCEEDED, "The deadline had passed before the call began.");
      }
      return switch (method.handler()) {
        case Method.Handler.Direct direct ->
            direct.answer().to(request, caller).thenApply(answer -> answer);
        case Method.Handler.Blocking blocking ->
            CompletableFuture.completedFuture(blocking.answer().to(request, caller));
      };
    }

    HttpResponse response(CompletableFuture<Message> done) {
      int status = 200;
      HttpResponse response;
      if (done.isCompletedExceptionally()) {
        Failure failure = Failure.of(done.exceptionNow()).orElseGet(() -> bug(done.exceptionNow()));
        status = failure.http();
        response = surface.write(failure);
      } else {
        response = surface.write(done.resultNow());
      }
      long nanos = System.nanoTime() - start;
      gate.record(template, headers.method(), status, nanos);
      if (LOG.isDebugEnabled()) {
        about(LOG.atDebug())
            .addKeyValue("status", status)
            .addKeyValue("duration_ms", nanos / 1_000_000.0)
            .log("call served");
      }
      return response;
    }

    private Failure bug(Throwable thrown) {
      about(LOG.atError()).setCause(thrown).log("unexpected error in a call");
      return Failure.internal();
    }

    private LoggingEventBuilder about(LoggingEventBuilder event) {
      return event.addKeyValue("request_id", RequestIds.of(headers)).addKeyValue("route", template);
    }
  }
}
