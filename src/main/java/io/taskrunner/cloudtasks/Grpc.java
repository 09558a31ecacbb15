package io.taskrunner.cloudtasks;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.Code;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpHeaders;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.ResponseHeadersBuilder;
import com.linecorp.armeria.common.util.TimeoutMode;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.netty.util.AsciiString;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * The gRPC surface: unary calls over HTTP/2, as defined by <a
 * href="https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md">gRPC over HTTP2</a>. A
 * message is a byte that marks compression, four bytes of length, and its bytes; the status follows
 * in the trailers. A call that exceeds its {@code grpc-timeout} gets DEADLINE_EXCEEDED, and work
 * that has not begun by then is not begun.
 */
final class Grpc implements HttpService {

  private static final AsciiString STATUS = AsciiString.cached("grpc-status");
  private static final AsciiString MESSAGE = AsciiString.cached("grpc-message");
  private static final AsciiString DETAILS = AsciiString.cached("grpc-status-details-bin");
  private static final AsciiString TIMEOUT = AsciiString.cached("grpc-timeout");
  private static final AsciiString ENCODING = AsciiString.cached("grpc-encoding");
  private static final AsciiString ACCEPT_ENCODING = AsciiString.cached("grpc-accept-encoding");

  private static final String TYPE = "application/grpc";
  private static final int PREFIX = 5;

  /** Larger than a task may be, so that the limit of a task is reported by its own check. */
  private static final int MESSAGE_MAX = 4 * 1024 * 1024;

  private static final int BATCH_MAX = 16 * 1024 * 1024;

  private static final HttpHeaders WELL = HttpHeaders.of(STATUS, "0");

  private final Map<String, Method> methods;
  private final Calls calls;

  Grpc(List<Method> methods, Calls calls) {
    this.methods =
        methods.stream().collect(Collectors.toUnmodifiableMap(Method::path, Function.identity()));
    this.calls = calls;
  }

  @Override
  public HttpResponse serve(ServiceRequestContext ctx, HttpRequest request) {
    RequestHeaders headers = request.headers();
    String type = headers.get(HttpHeaderNames.CONTENT_TYPE, "");
    if (headers.method() != HttpMethod.POST || !type.startsWith(TYPE)) {
      return HttpResponse.of(HttpStatus.UNSUPPORTED_MEDIA_TYPE);
    }
    String timeout = headers.get(TIMEOUT);
    if (timeout != null) {
      Duration within = timeout(timeout);
      if (within == null) {
        return failed(Failure.invalid("grpc-timeout: " + Failure.shown(timeout)));
      }
      if (within.isZero()) {
        return failed(new Failure(Code.DEADLINE_EXCEEDED, "The deadline has passed."));
      }
      if (within.toMillis() < ctx.requestTimeoutMillis()) {
        ctx.setRequestTimeout(TimeoutMode.SET_FROM_START, within);
      }
    }
    @Nullable Method method = methods.get(ctx.path());
    int max = method != null && method.path().contains("Batch") ? BATCH_MAX : MESSAGE_MAX;
    return calls.perform(
        ctx,
        request,
        method == null ? "unmatched" : method.path(),
        method,
        new Failure(Code.UNIMPLEMENTED, "Method not found: " + ctx.path()),
        max + PREFIX,
        new Unary(method, headers.get(ENCODING, "identity"), max));
  }

  /** A timeout of up to eight digits and a unit; null when it is invalid. */
  static @Nullable Duration timeout(String text) {
    int digits = text.length() - 1;
    if (digits < 1
        || digits > 8
        || !text.chars().limit(digits).allMatch(c -> c >= '0' && c <= '9')) {
      return null;
    }
    long count = Long.parseLong(text, 0, digits, 10);
    return switch (text.charAt(digits)) {
      case 'H' -> Duration.ofHours(count);
      case 'M' -> Duration.ofMinutes(count);
      case 'S' -> Duration.ofSeconds(count);
      case 'm' -> Duration.ofMillis(count);
      case 'u' -> Duration.of(count, ChronoUnit.MICROS);
      case 'n' -> Duration.ofNanos(count);
      default -> null;
    };
  }

  /** The response to a call that failed before its method. */
  static HttpResponse failed(Failure failure) {
    ResponseHeadersBuilder trailers =
        head()
            .set(STATUS, Integer.toString(failure.code().getNumber()))
            .set(MESSAGE, percent(failure.status().getMessage()))
            .endOfStream(true);
    if (failure.status().getDetailsCount() > 0) {
      trailers.set(
          DETAILS,
          Base64.getEncoder().withoutPadding().encodeToString(failure.status().toByteArray()));
    }
    return HttpResponse.of(trailers.build());
  }

  private static ResponseHeadersBuilder head() {
    return ResponseHeaders.builder(HttpStatus.OK)
        .set(HttpHeaderNames.CONTENT_TYPE, TYPE)
        .set(ACCEPT_ENCODING, "identity,gzip");
  }

  /** In the protocol's encoding: all except printable ASCII, and the percent itself, encoded. */
  private static String percent(String message) {
    StringBuilder encoded = new StringBuilder(message.length());
    for (byte one : message.getBytes(StandardCharsets.UTF_8)) {
      if (one >= ' ' && one <= '~' && one != '%') {
        encoded.append((char) one);
      } else {
        encoded.append(String.format("%%%02X", one));
      }
    }
    return encoded.toString();
  }

  private record Unary(@Nullable Method method, String encoding, int max) implements Calls.Surface {

    @Override
    public Message read(byte[] body) {
      if (method == null) {
        throw Failure.internal(); // reported before anything is read
      }
      ByteBuffer frame = ByteBuffer.wrap(body);
      if (body.length < PREFIX
          || body[0] < 0
          || body[0] > 1
          || frame.getInt(1) != body.length - PREFIX) {
        throw new Failure(Code.INTERNAL, "The call is not exactly one complete gRPC message.");
      }
      try {
        return method
            .request()
            .get()
            .getParserForType()
            .parseFrom(
                body[0] == 0
                    ? new ByteArrayInputStream(body, PREFIX, body.length - PREFIX)
                    : new ByteArrayInputStream(unzipped(body)));
      } catch (InvalidProtocolBufferException notTheMessage) {
        throw Failure.invalid("The message is not a valid request of " + method.path() + ".");
      }
    }

    private byte[] unzipped(byte[] body) {
      if (!encoding.equals("gzip")) {
        throw new Failure(
            Code.UNIMPLEMENTED,
            "grpc-encoding: " + Failure.shown(encoding) + " (expected: identity or gzip).");
      }
      try (GZIPInputStream in =
          new GZIPInputStream(new ByteArrayInputStream(body, PREFIX, body.length - PREFIX))) {
        byte[] whole = in.readNBytes(max + 1);
        if (whole.length > max) {
          throw Failure.invalid("The message is larger than " + max + " bytes.");
        }
        return whole;
      } catch (IOException notGzip) {
        throw new Failure(Code.INTERNAL, "The message is not gzip.");
      }
    }

    @Override
    public HttpResponse write(Message answer) {
      int size = answer.getSerializedSize();
      byte[] frame = new byte[PREFIX + size];
      ByteBuffer.wrap(frame).putInt(1, size).position(PREFIX).put(answer.toByteArray());
      return HttpResponse.of(head().build(), HttpData.wrap(frame), WELL);
    }

    @Override
    public HttpResponse write(Failure failure) {
      return failed(failure);
    }
  }
}
