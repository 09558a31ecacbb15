package io.taskrunner.store.redis;

import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The record of a task, as it lies in Redis. {@code lua/lib/task.lua} holds the same offsets, and
 * draws them.
 *
 * <p>The head (bytes 0 to 51) and the time of creation are written by scripts; what Java writes
 * begins at byte {@value #TAIL}. What stands behind the url is read by Java alone: a byte of flags,
 * the method, and in this order what the flags say: timeout, headers, labels, traceparent,
 * tracestate; last the body.
 */
final class TaskCodec {

  /** Where the part begins that Java writes. */
  static final int TAIL = 58;

  /** The length of the retry settings, and of a queue's policy without its timeout. */
  static final int RETRY = 21;

  private static final int HEAD_STATE = 1;
  private static final int HEAD_ERROR = 3;
  private static final int HEAD_STATUS = 4;
  private static final int HEAD_ATTEMPTS = 6;
  private static final int HEAD_ANSWERS = 8;
  private static final int HEAD_CLAIM = 10;
  private static final int HEAD_DUE = 24;
  private static final int HEAD_FIRST = 30;
  private static final int HEAD_ENDED = 36;
  private static final int HEAD_QUEUE = 42;
  private static final int CREATED = 52;

  private static final int EXPIRES = 1;
  private static final int MAX_CONCURRENT = 2;
  private static final int OWN_RETRY = 4;

  private static final int TEXT = 1;
  private static final int TIMEOUT = 2;
  private static final int HEADERS = 4;
  private static final int LABELS = 8;
  private static final int TRACEPARENT = 16;
  private static final int TRACESTATE = 32;

  private static final long UNSET6 = (1L << 48) - 1;
  private static final long UNSET4 = (1L << 32) - 1;
  private static final int UNSET2 = (1 << 16) - 1;

  private TaskCodec() {}

  /** What never changes of a task, from byte {@value #TAIL} on. */
  static byte[] tail(String clientId, TaskSpec spec) {
    TargetRequest request = spec.request();
    Packed out = new Packed(128 + request.body().length + request.url().value().length());
    out.put(Math.min(spec.retention().toSeconds(), UNSET4), 4);
    out.put(request.body().length, 4);
    boolean ownRetry = !spec.retry().equals(Retry.UNSET);
    out.put(
        (spec.expires() != null ? EXPIRES : 0)
            | (spec.maxConcurrent() != null ? MAX_CONCURRENT : 0)
            | (ownRetry ? OWN_RETRY : 0),
        1);
    out.shortText(clientId, 1);
    if (spec.expires() != null) {
      out.put(Math.clamp(spec.expires().toEpochMilli(), 0, UNSET6 - 1), 6);
    }
    if (spec.maxConcurrent() != null) {
      out.put(spec.maxConcurrent(), 4);
    }
    if (ownRetry) {
      putRetry(out, spec.retry());
    }
    out.shortText(request.url().value(), 2);
    putOpaque(out, spec);
    out.write(request.body());
    return out.toByteArray();
  }

  private static void putOpaque(Packed out, TaskSpec spec) {
    TargetRequest request = spec.request();
    out.put(
        (request.text() ? TEXT : 0)
            | (spec.timeout() != null ? TIMEOUT : 0)
            | (request.headers().isEmpty() ? 0 : HEADERS)
            | (spec.labels().isEmpty() ? 0 : LABELS)
            | (spec.traceparent() != null ? TRACEPARENT : 0)
            | (spec.tracestate() != null ? TRACESTATE : 0),
        1);
    out.put(TargetRequest.METHODS.indexOf(request.method()), 1);
    if (spec.timeout() != null) {
      out.put(spec.timeout().toMillis(), 6);
    }
    if (!request.headers().isEmpty()) {
      out.put(request.headers().size(), 1);
      for (TargetRequest.Header header : request.headers()) {
        out.shortText(header.name(), 2);
        out.shortText(header.value(), 2);
      }
    }
    if (!spec.labels().isEmpty()) {
      out.put(spec.labels().size(), 1);
      spec.labels()
          .forEach((name, value) -> {
            out.shortText(name, 2);
            out.shortText(value, 2);
          });
    }
    if (spec.traceparent() != null) {
      out.shortText(spec.traceparent(), 2);
    }
    if (spec.tracestate() != null) {
      out.shortText(spec.tracestate(), 2);
    }
  }

  /** What a queue says to its tasks: its retry settings and its timeout. */
  static byte[] policy(Retry retry, @Nullable Duration timeout) {
    Packed out = new Packed(RETRY + 6);
    putRetry(out, retry);
    out.put(timeout == null ? UNSET6 : timeout.toMillis(), 6);
    return out.toByteArray();
  }

  private static void putRetry(Packed out, Retry retry) {
    out.put(retry.maxRetries() == null ? UNSET2 : retry.maxRetries(), 2);
    out.put(retry.minBackoff() == null ? UNSET4 : retry.minBackoff().toMillis(), 4);
    out.put(retry.maxBackoff() == null ? UNSET6 : retry.maxBackoff().toMillis(), 6);
    out.put(retry.maxDoublings() == null ? UNSET2 : retry.maxDoublings(), 2);
    out.put(retry.maxDuration() == null ? UNSET6 : retry.maxDuration().toMillis(), 6);
    Boolean clientErrors = retry.retryClientErrors();
    out.put(clientErrors == null ? 255 : clientErrors ? 1 : 0, 1);
  }

  private static Retry retry(ByteBuffer in) {
    int maxRetries = (int) number(in, 2);
    long min = number(in, 4);
    long max = number(in, 6);
    int maxDoublings = (int) number(in, 2);
    long maxDuration = number(in, 6);
    int clientErrors = (int) number(in, 1);
    return new Retry(
        maxRetries == UNSET2 ? null : maxRetries,
        min == UNSET4 ? null : Duration.ofMillis(min),
        max == UNSET6 ? null : Duration.ofMillis(max),
        maxDoublings == UNSET2 ? null : maxDoublings,
        maxDuration == UNSET6 ? null : Duration.ofMillis(maxDuration),
        clientErrors == 255 ? null : clientErrors == 1);
  }

  /** What a queue says to its tasks. */
  record Policy(Retry retry, @Nullable Duration timeout) {
    static Policy of(byte[] bytes) {
      ByteBuffer in = ByteBuffer.wrap(bytes);
      Retry retry = TaskCodec.retry(in);
      long timeout = number(in, 6);
      return new Policy(retry, timeout == UNSET6 ? null : Duration.ofMillis(timeout));
    }
  }

  /** A record, read. */
  record Decoded(
      char state,
      int error,
      int status,
      int attempts,
      int answers,
      long claim,
      Instant due,
      Optional<Instant> first,
      Optional<Instant> ended,
      int queue,
      Instant created,
      String clientId,
      boolean bodyDropped,
      TaskSpec spec) {

    /** The target's last status, as headers tell it: 504 after a timeout. */
    OptionalInt previousStatus() {
      if (status > 0) {
        return OptionalInt.of(status);
      }
      return error == AttemptError.TIMEOUT.code() ? OptionalInt.of(504) : OptionalInt.empty();
    }
  }

  /** Reads a whole record. */
  static Decoded decode(byte[] record) {
    ByteBuffer in = ByteBuffer.wrap(record);
    in.position(TAIL);
    Duration retention = Duration.ofSeconds(number(in, 4));
    int bodyLength = (int) number(in, 4);
    int mask = (int) number(in, 1);
    String clientId = shortText(in, 1);
    Instant expires = (mask & EXPIRES) != 0 ? Instant.ofEpochMilli(number(in, 6)) : null;
    Integer maxConcurrent =
        (mask & MAX_CONCURRENT) != 0 ? Integer.valueOf((int) number(in, 4)) : null;
    Retry retry = (mask & OWN_RETRY) != 0 ? retry(in) : Retry.UNSET;
    TargetUrl url = storedUrl(shortText(in, 2));
    int flags = (int) number(in, 1);
    String method = TargetRequest.METHODS.get((int) number(in, 1));
    Duration timeout = (flags & TIMEOUT) != 0 ? Duration.ofMillis(number(in, 6)) : null;
    List<TargetRequest.Header> headers = (flags & HEADERS) != 0 ? headers(in) : List.of();
    Map<String, String> labels = (flags & LABELS) != 0 ? labels(in) : Map.of();
    String traceparent = (flags & TRACEPARENT) != 0 ? shortText(in, 2) : null;
    String tracestate = (flags & TRACESTATE) != 0 ? shortText(in, 2) : null;
    byte[] body = new byte[in.remaining()];
    in.get(body);
    TargetRequest request = new TargetRequest(method, url, headers, body, (flags & TEXT) != 0);
    return new Decoded(
        (char) record[HEAD_STATE],
        record[HEAD_ERROR],
        (int) number(in.position(HEAD_STATUS), 2),
        (int) number(in.position(HEAD_ATTEMPTS), 2),
        (int) number(in.position(HEAD_ANSWERS), 2),
        number(in.position(HEAD_CLAIM), 6),
        Instant.ofEpochMilli(number(in.position(HEAD_DUE), 6)),
        time(number(in.position(HEAD_FIRST), 6)),
        time(number(in.position(HEAD_ENDED), 6)),
        (int) number(in.position(HEAD_QUEUE), 4),
        Instant.ofEpochMilli(number(in.position(CREATED), 6)),
        clientId,
        body.length < bodyLength,
        new TaskSpec(
            request,
            retry,
            timeout,
            expires,
            maxConcurrent,
            retention,
            labels,
            traceparent,
            tracestate));
  }

  private static Optional<Instant> time(long millis) {
    return millis == 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(millis));
  }

  private static List<TargetRequest.Header> headers(ByteBuffer in) {
    int count = (int) number(in, 1);
    List<TargetRequest.Header> headers = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      headers.add(new TargetRequest.Header(shortText(in, 2), shortText(in, 2)));
    }
    return headers;
  }

  private static Map<String, String> labels(ByteBuffer in) {
    int count = (int) number(in, 1);
    Map<String, String> labels = LinkedHashMap.newLinkedHashMap(count);
    for (int i = 0; i < count; i++) {
      String name = shortText(in, 2);
      labels.put(name, shortText(in, 2));
    }
    return labels;
  }

  /** Takes a url apart that was checked before it was stored. */
  private static TargetUrl storedUrl(String value) {
    String scheme = value.startsWith("https:") ? "https" : "http";
    int start = scheme.length() + 3;
    int slash = value.indexOf('/', start);
    int hostEnd = slash;
    int port = scheme.equals("https") ? 443 : 80;
    int colon = value.lastIndexOf(':', slash - 1);
    boolean bracket = value.charAt(start) == '[';
    if (colon >= start && (!bracket || value.charAt(colon - 1) == ']')) {
      port = Integer.parseInt(value, colon + 1, slash, 10);
      hostEnd = colon;
    }
    String host =
        bracket ? value.substring(start + 1, hostEnd - 1) : value.substring(start, hostEnd);
    return new TargetUrl(value, scheme, host, port, value.substring(slash));
  }

  /** An entry of a task's log. {@code lua/lib/reap.lua} writes the same for a lost lease. */
  static byte[] logEntry(Attempt attempt) {
    Packed out = new Packed(15 + attempt.detail().length());
    out.put(attempt.number(), 2);
    out.put(attempt.start().toEpochMilli(), 6);
    out.put(Math.min(attempt.duration().toMillis(), UNSET4), 4);
    out.put(attempt.status().orElse(0), 2);
    out.put(attempt.error().map(AttemptError::code).orElse(0), 1);
    out.write(attempt.detail().getBytes(StandardCharsets.UTF_8));
    return out.toByteArray();
  }

  static Attempt logEntry(byte[] entry) {
    ByteBuffer in = ByteBuffer.wrap(entry);
    int number = (int) number(in, 2);
    Instant start = Instant.ofEpochMilli(number(in, 6));
    Duration duration = Duration.ofMillis(number(in, 4));
    int status = (int) number(in, 2);
    int error = (int) number(in, 1);
    byte[] detail = new byte[in.remaining()];
    in.get(detail);
    return new Attempt(
        number,
        start,
        duration,
        status == 0 ? OptionalInt.empty() : OptionalInt.of(status),
        error == 0 ? Optional.empty() : Optional.of(AttemptError.ofCode(error)),
        new String(detail, StandardCharsets.UTF_8));
  }

  /** Reads an unsigned big-endian number. */
  static long number(ByteBuffer in, int bytes) {
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value = value << 8 | in.get() & 0xFF;
    }
    return value;
  }

  private static String shortText(ByteBuffer in, int lengthBytes) {
    int length = (int) number(in, lengthBytes);
    String text =
        new String(in.array(), in.arrayOffset() + in.position(), length, StandardCharsets.UTF_8);
    in.position(in.position() + length);
    return text;
  }
}
