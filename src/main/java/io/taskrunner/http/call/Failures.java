package io.taskrunner.http.call;

import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.ClosedSessionException;
import com.linecorp.armeria.common.ContentTooLargeException;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.stream.AbortedStreamException;
import com.linecorp.armeria.common.stream.CancelledSubscriptionException;
import com.linecorp.armeria.common.stream.ClosedStreamException;
import com.linecorp.armeria.common.util.Exceptions;
import com.linecorp.armeria.server.HttpStatusException;
import com.linecorp.armeria.server.RequestCancellationException;
import com.linecorp.armeria.server.RequestTimeoutException;
import com.linecorp.armeria.server.ServerErrorHandler;
import com.linecorp.armeria.server.ServiceConfig;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.netty.handler.codec.http2.Http2Exception;
import java.nio.channels.ClosedChannelException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The server's own rejections, in the words of the contract. */
public final class Failures implements ServerErrorHandler {

  private static final Logger LOG = LoggerFactory.getLogger(Failures.class);

  @Override
  public HttpResponse onServiceException(ServiceRequestContext ctx, Throwable failure) {
    Throwable cause = Exceptions.peel(failure);
    String id = RequestIds.of(ctx.request().headers());
    Problem problem =
        switch (cause) {
          case Refusal refusal -> refusal.problem();
          case HttpStatusException status -> Problem.ofStatus(status.httpStatus());
          case ContentTooLargeException _ -> Problem.ofStatus(HttpStatus.REQUEST_ENTITY_TOO_LARGE);
          case RequestTimeoutException _ ->
              isWhole(ctx) ? Problem.storeUnavailable() : Problem.tooSlow();
          default -> {
            if (isDeparture(cause)) {
              yield Problem.tooSlow(); // The caller disconnected; this is never read.
            }
            LOG.atError()
                .addKeyValue("request_id", id)
                .setCause(cause)
                .log("unexpected error in a call");
            yield Problem.internal();
          }
        };
    byte[] body = ProblemText.body(problem, id);
    return HttpResponse.of(ProblemText.headers(problem, id, body.length), HttpData.wrap(body));
  }

  /** Whether the caller left: it reset its stream, or its connection is closed. */
  public static boolean isDeparture(Throwable cause) {
    return Exceptions.isExpected(cause)
        || cause instanceof ClosedStreamException
        || cause instanceof ClosedSessionException
        || cause instanceof AbortedStreamException
        || cause instanceof CancelledSubscriptionException
        || cause instanceof RequestCancellationException
        || cause instanceof ClosedChannelException
        || cause instanceof Http2Exception;
  }

  /** Whether a call has arrived completely: an open one has more to come. */
  private static boolean isWhole(ServiceRequestContext ctx) {
    return !ctx.request().isOpen();
  }

  @Override
  public AggregatedHttpResponse onProtocolViolation(
      ServiceConfig config,
      @Nullable RequestHeaders headers,
      HttpStatus status,
      @Nullable String description,
      @Nullable Throwable cause) {
    Problem problem =
        cause instanceof Refusal refusal ? refusal.problem() : Problem.ofStatus(status);
    return rendered(headers, problem);
  }

  @Override
  public AggregatedHttpResponse renderStatus(
      @Nullable ServiceRequestContext ctx,
      ServiceConfig config,
      @Nullable RequestHeaders headers,
      HttpStatus status,
      @Nullable String description,
      @Nullable Throwable cause) {
    return rendered(headers, Problem.ofStatus(status));
  }

  private static AggregatedHttpResponse rendered(
      @Nullable RequestHeaders headers, Problem problem) {
    String id = RequestIds.of(headers);
    byte[] body = ProblemText.body(problem, id);
    return AggregatedHttpResponse.of(
        ProblemText.headers(problem, id, body.length), HttpData.wrap(body));
  }
}
