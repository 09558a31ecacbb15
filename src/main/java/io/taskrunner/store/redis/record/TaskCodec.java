package io.taskrunner.store.redis.record;

import io.taskrunner.store.TaskStore.Label;
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
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The record of a task, as stored in Redis. {@code lua/lib/record.lua} has the same offsets, and a
 * table of them.
 *
 * <p>The head (bytes 0 to 51) and the time of creation are written by scripts; the part that Java
 * writes begins at byte {@value #TAIL}. Of the part after the url, scripts read only labels ({@code
 * lua/lib/labels.lua} finds them): a byte of flags, the method, and in this order, as the flags
 * specify: timeout, headers, labels, traceparent, tracestate, additional data of a task of Cloud
 * Tasks, the token; last the body.
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

  private static final int EXPIRES = 1;
  private static final int MAX_CONCURRENT = 2;
  private static final int OWN_RETRY = 4;
  private static final int CLOUD = 8;
  private static final int NAMED = 16;
  private static final int LABELED = 32;
  private static final int CALLBACK = 64;

  /** The mutable fields of a task of Cloud Tasks, followed by the name that it was given. */
  private static final int CLOUD_FIELDS = 28;

  private static final int CLOUD_NAME = 20;

  /** The length of the digest of a name. */
  static final int DIGEST = 16;

  /** The number of bytes kept of the digest of a label: collisions are resolved later. */
  private static final int LABEL_DIGEST = 8;

  private static final int TEXT = 1;
  private static final int TIMEOUT = 2;
  private static final int HEADERS = 4;
  private static final int LABELS = 8;
  private static final int TRACEPARENT = 16;
  private static final int TRACESTATE = 32;
  private static final int CLOUD_OPAQUE = 64;
  private static final int TOKEN = 128;

  private static final byte[] NO_BODY = new byte[0];

  private static final int IDENTITY = 1;
  private static final int ACCESS = 2;

  private TaskCodec() {}

  /**
   * Additional data of a task of Cloud Tasks, at its creation.
   *
   * @param early µs from its due time to the ms that it waits for, 0 to 999
   * @param name that it was given; null for none
   * @param taken how long the name stays reserved after the task's end
   * @param echoed kept as it is
   */
  record CloudFacts(int early, @Nullable String name, Duration taken, byte[] echoed) {}

  /** The immutable part of a task, from byte {@value #TAIL} on. */
  public static byte[] tail(String clientId, TaskSpec spec) {
    return tail(clientId, spec, null);
  }

  /** The same of a task of Cloud Tasks, which is its queue's own. */
  static byte[] cloudTail(TaskSpec spec, CloudFacts facts) {
    return tail("", spec, facts);
  }

  private static byte[] tail(String clientId, TaskSpec spec, @Nullable CloudFacts cloud) {
    TargetRequest request = spec.request();
    int more = cloud == null ? 0 : 64 + cloud.echoed().length;
    Packed out = new Packed(128 + more + request.body().length + request.url().value().length());
    out.put(Math.min(spec.retention().toSeconds(), Packed.UNSET4), 4);
    out.put(request.body().length, 4);
    boolean ownRetry = !spec.retry().equals(Retry.UNSET);
    out.put(
        (spec.expires() != null ? EXPIRES : 0)
            | (spec.maxConcurrent() != null ? MAX_CONCURRENT : 0)
            | (ownRetry ? OWN_RETRY : 0)
            | (cloud != null ? CLOUD : 0)
            | (cloud != null && cloud.name() != null ? NAMED : 0)
            | (spec.labels().isEmpty() ? 0 : LABELED)
            | (spec.telling() != null ? CALLBACK : 0),
        1);
    out.shortText(clientId, 1);
    if (cloud != null) {
      out.put(0, 2).put(cloud.early(), 2).write(new byte[CLOUD_FIELDS - 4]);
      if (cloud.name() != null) {
        out.put(Math.min(cloud.taken().toMillis(), Packed.UNSET4), 4).write(digest(cloud.name()));
      }
    }
    if (spec.expires() != null) {
      out.put(Math.clamp(spec.expires().toEpochMilli(), 0, Packed.UNSET6 - 1), 6);
    }
    if (spec.maxConcurrent() != null) {
      out.put(spec.maxConcurrent(), 4);
    }
    if (ownRetry) {
      Policy.putRetry(out, spec.retry());
    }
    out.shortText(request.url().hostAndPort(), 2);
    putCallback(out, spec);
    out.shortText(request.url().value(), 2);
    putOpaque(out, spec, cloud);
    out.write(request.body());
    return out.toByteArray();
  }

  /** The digest of the name of a task of Cloud Tasks in keys. */
  public static byte[] digest(String name) {
    return Arrays.copyOf(Digests.sha256(name), DIGEST);
  }

  /**
   * The template from which {@code lua/lib/callback.lua} creates the task that reports this one's
   * end.
   */
  private static void putCallback(Packed out, TaskSpec spec) {
    if (spec.telling() instanceof Telling.Of(TaskId of)) {
      out.put(1 + TaskId.BYTES, 2).put(0, 1).put(of);
      return;
    }
    Callback callback = spec.callback();
    if (callback == null) {
      return;
    }
    byte[] labels = LabelsJson.of(spec.labels());
    Packed section = new Packed(128 + labels.length);
    section.put(callback.bits(), 1).put(labels.length, 2).write(labels);
    section.shortText(callback.url().hostAndPort(), 2);
    section.shortText(callback.url().value(), 2);
    putOpaque(
        section,
        new TaskSpec(
            new TargetRequest("POST", callback.url(), callback.headers(), NO_BODY, true),
            Retry.UNSET,
            null,
            null,
            null,
            spec.retention(),
            Map.of(),
            spec.trace(),
            null),
        null);
    out.put(section.size(), 2).write(section.toByteArray());
  }

  private static void putOpaque(Packed out, TaskSpec spec, @Nullable CloudFacts cloud) {
    TargetRequest request = spec.request();
    String traceparent = spec.traceparent();
    String tracestate = spec.trace() == null ? null : spec.trace().tracestate();
    out.put(
        (request.text() ? TEXT : 0)
            | (spec.timeout() != null ? TIMEOUT : 0)
            | (request.headers().isEmpty() ? 0 : HEADERS)
            | (spec.labels().isEmpty() ? 0 : LABELS)
            | (traceparent != null ? TRACEPARENT : 0)
            | (tracestate != null ? TRACESTATE : 0)
            | (cloud != null ? CLOUD_OPAQUE : 0)
            | (request.token() != null ? TOKEN : 0),
        1);
    out.put(TargetRequest.METHODS.indexOf(request.method()), 1);
    if (spec.timeout() != null) {
      out.put(spec.timeout().toMillis(), 6);
    }
    if (!request.headers().isEmpty()) {
      int wide = cloud == null ? 0 : 1; // there may be 80 KB of them
      out.put(request.headers().size(), 1 + wide);
      for (TargetRequest.Header header : request.headers()) {
        out.shortText(header.name(), 2 + wide);
        out.shortText(header.value(), 2 + wide);
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
    if (traceparent != null) {
      out.shortText(traceparent, 2);
    }
    if (tracestate != null) {
      out.shortText(tracestate, 2);
    }
    if (cloud != null) {
      out.shortText(cloud.name() == null ? "" : cloud.name(), 2);
      out.put(cloud.echoed().length, 4).write(cloud.echoed());
    }
    Token token = request.token();
    if (token != null) {
      switch (token) {
        case Token.Identity(String account, String audience, String issuer) -> {
          out.put(IDENTITY, 1);
          out.shortText(account, 2);
          out.shortText(audience, 2);
          out.shortText(issuer, 2);
        }
        case Token.Access(String account, String scope) -> {
          out.put(ACCESS, 1);
          out.shortText(account, 2);
          out.shortText(scope, 2);
        }
      }
    }
  }

  /** The digest of a label in keys, computed from its form in a record. */
  public static String labelDigest(Label label) {
    Packed packed = new Packed(4 + label.name().length() + label.value().length());
    packed.shortText(label.name(), 2).shortText(label.value(), 2);
    return HexFormat.of().formatHex(Digests.sha1(packed.toByteArray()), 0, LABEL_DIGEST);
  }

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
