package io.taskrunner.store.redis.record;

import io.taskrunner.task.Callback;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Telling;
import io.taskrunner.task.Token;
import io.taskrunner.telemetry.Tracing.Place;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The record of a task, as stored in Redis. {@code lua/lib/record.lua} has the same offsets, and a
 * table of them.
 *
 * <p>The head (bytes 0 to 51) and the time of creation are written by scripts; the part that Java
 * writes ({@link TaskTail}) begins at byte {@value #TAIL}. Of the part after the url, scripts read
 * only labels ({@code lua/lib/labels.lua} finds them): a byte of flags, the method, and in this
 * order, as the flags specify: timeout, headers, labels, traceparent, tracestate, additional data
 * of a task of Cloud Tasks, the token; last the body.
 */
public final class TaskCodec {

  /** The start of the part that Java writes. */
  public static final int TAIL = 58;

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

  static final int EXPIRES = 1;
  static final int MAX_CONCURRENT = 2;
  static final int OWN_RETRY = 4;
  static final int CLOUD = 8;
  static final int NAMED = 16;
  static final int LABELED = 32;
  static final int CALLBACK = 64;
  static final int PLANNED = 128;

  /** The mutable fields of a task of Cloud Tasks, followed by the name that it was given. */
  static final int CLOUD_FIELDS = 28;

  private static final int CLOUD_NAME = 20;

  static final int TEXT = 1;
  static final int TIMEOUT = 2;
  static final int HEADERS = 4;
  static final int LABELS = 8;
  static final int TRACEPARENT = 16;
  static final int TRACESTATE = 32;
  static final int CLOUD_OPAQUE = 64;
  static final int TOKEN = 128;

  static final int IDENTITY = 1;
  static final int ACCESS = 2;

  private TaskCodec() {}

  /** Reads a complete record; empty when it is invalid, which the doctor reports. */
  public static Optional<TaskRecord> read(byte[] record) {
    try {
      return Optional.of(decode(record));
    } catch (BufferUnderflowException
        | IndexOutOfBoundsException
        | IllegalArgumentException
        | DateTimeException unreadable) {
      return Optional.empty();
    }
  }

  /** The same for a record that must be valid. */
  public static TaskRecord decode(byte[] record) {
    ByteBuffer in = ByteBuffer.wrap(record);
    in.position(TAIL);
    Duration retention = Duration.ofSeconds(Packed.number(in, 4));
    int bodyLength = (int) Packed.number(in, 4);
    int mask = (int) Packed.number(in, 1);
    String clientId = Packed.text(in, 1);
    Optional<Instant> planned =
        (mask & PLANNED) != 0 ? Optional.of(Packed.time(in)) : Optional.empty();
    int cloudAt = in.position();
    if ((mask & CLOUD) != 0) {
      in.position(cloudAt + CLOUD_FIELDS + ((mask & NAMED) != 0 ? CLOUD_NAME : 0));
    }
    Instant expires = (mask & EXPIRES) != 0 ? Packed.time(in) : null;
    Integer maxConcurrent =
        (mask & MAX_CONCURRENT) != 0 ? Integer.valueOf((int) Packed.number(in, 4)) : null;
    Retry retry = (mask & OWN_RETRY) != 0 ? Policy.retry(in) : Retry.UNSET;
    Packed.text(in, 2); // the host, which is derived from the url
    Telling telling = null;
    if ((mask & CALLBACK) != 0) {
      int length = (int) Packed.number(in, 2);
      int end = in.position() + length;
      int told = (int) Packed.number(in, 1);
      telling =
          told == 0
              ? new Telling.Of(new TaskId(Packed.number(in, 8), Packed.number(in, 8)))
              : callback(in, told);
      in.position(end);
    }
    TargetUrl url = storedUrl(Packed.text(in, 2));
    int flags = (int) Packed.number(in, 1);
    String method = TargetRequest.METHODS.get((int) Packed.number(in, 1));
    Duration timeout = (flags & TIMEOUT) != 0 ? Duration.ofMillis(Packed.number(in, 6)) : null;
    int wide = (flags & CLOUD_OPAQUE) != 0 ? 1 : 0;
    List<TargetRequest.Header> headers = (flags & HEADERS) != 0 ? headers(in, wide) : List.of();
    Map<String, String> labels = (flags & LABELS) != 0 ? labels(in) : Map.of();
    String traceparent = (flags & TRACEPARENT) != 0 ? Packed.text(in, 2) : null;
    String tracestate = (flags & TRACESTATE) != 0 ? Packed.text(in, 2) : null;
    Place trace =
        traceparent == null && tracestate == null ? null : new Place(traceparent, tracestate);
    int next = in.position();
    Instant due = Instant.ofEpochMilli(Packed.number(in.position(HEAD_DUE), 6));
    Instant created = Instant.ofEpochMilli(Packed.number(in.position(CREATED), 6));
    in.position(next);
    TaskRecord.Cloud cloud = null;
    if (wide > 0) {
      ByteBuffer fields = ByteBuffer.wrap(record).position(cloudAt);
      cloud = cloud(in, fields, (mask & NAMED) != 0);
      due = exact(due, created, (int) Packed.number(fields.position(cloudAt + 2), 2));
    }
    Token token = (flags & TOKEN) != 0 ? token(in) : null;
    byte[] body = new byte[in.remaining()];
    in.get(body);
    TargetRequest request =
        new TargetRequest(method, url, headers, body, (flags & TEXT) != 0, token);
    return new TaskRecord(
        (char) record[HEAD_STATE],
        record[HEAD_ERROR],
        (int) Packed.number(in.position(HEAD_STATUS), 2),
        (int) Packed.number(in.position(HEAD_ATTEMPTS), 2),
        (int) Packed.number(in.position(HEAD_ANSWERS), 2),
        Packed.number(in.position(HEAD_CLAIM), 6),
        due,
        Packed.number(in.position(HEAD_FIRST), 6),
        time(Packed.number(in.position(HEAD_ENDED), 6)),
        (int) Packed.number(in.position(HEAD_QUEUE), 4),
        created,
        planned,
        clientId,
        body.length < bodyLength,
        new TaskSpec(
            request, retry, timeout, expires, maxConcurrent, retention, labels, trace, telling),
        cloud);
  }

  private static Callback callback(ByteBuffer in, int told) {
    int labels = (int) Packed.number(in, 2);
    in.position(in.position() + labels);
    Packed.text(in, 2); // the host, which is derived from the url
    TargetUrl url = storedUrl(Packed.text(in, 2));
    int flags = (int) Packed.number(in, 1);
    Packed.number(in, 1); // the method: POST
    List<TargetRequest.Header> headers = (flags & HEADERS) != 0 ? headers(in, 0) : List.of();
    Set<Callback.End> on =
        Arrays.stream(Callback.End.values())
            .filter(end -> (told & end.bit()) != 0)
            .collect(Collectors.toSet());
    return new Callback(url, headers, on);
  }

  private static Token token(ByteBuffer in) {
    return Packed.number(in, 1) == IDENTITY
        ? new Token.Identity(Packed.text(in, 2), Packed.text(in, 2), Packed.text(in, 2))
        : new Token.Access(Packed.text(in, 2), Packed.text(in, 2));
  }

  private static TaskRecord.Cloud cloud(ByteBuffer in, ByteBuffer fields, boolean named) {
    String name = Packed.text(in, 2);
    byte[] echoed = Packed.bytes(in, 4);
    int responses = (int) Packed.number(fields, 2);
    Packed.number(fields, 2); // read with the due time
    return new TaskRecord.Cloud(
        named ? name : null,
        echoed,
        responses,
        Packed.time(fields),
        time(Packed.number(fields, 6)),
        time(Packed.number(fields, 6)),
        time(Packed.number(fields, 6)));
  }

  /**
   * A due time to the µs. A task waits for full ms, rounded up; one without a due time is due at
   * its creation.
   */
  static Instant exact(Instant due, Instant created, int early) {
    return due.equals(created) ? due : due.minusNanos(early * 1000L);
  }

  private static Optional<Instant> time(long millis) {
    return millis == 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(millis));
  }

  private static List<TargetRequest.Header> headers(ByteBuffer in, int wide) {
    int count = (int) Packed.number(in, 1 + wide);
    List<TargetRequest.Header> headers = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      headers.add(new TargetRequest.Header(Packed.text(in, 2 + wide), Packed.text(in, 2 + wide)));
    }
    return headers;
  }

  private static Map<String, String> labels(ByteBuffer in) {
    int count = (int) Packed.number(in, 1);
    Map<String, String> labels = LinkedHashMap.newLinkedHashMap(count);
    for (int i = 0; i < count; i++) {
      String name = Packed.text(in, 2);
      labels.put(name, Packed.text(in, 2));
    }
    return labels;
  }

  /** Parses a url that was validated before it was stored. */
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
}
