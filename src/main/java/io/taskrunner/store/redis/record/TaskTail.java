package io.taskrunner.store.redis.record;

import static io.taskrunner.store.redis.record.TaskCodec.ACCESS;
import static io.taskrunner.store.redis.record.TaskCodec.CALLBACK;
import static io.taskrunner.store.redis.record.TaskCodec.CLOUD;
import static io.taskrunner.store.redis.record.TaskCodec.CLOUD_FIELDS;
import static io.taskrunner.store.redis.record.TaskCodec.CLOUD_OPAQUE;
import static io.taskrunner.store.redis.record.TaskCodec.EXPIRES;
import static io.taskrunner.store.redis.record.TaskCodec.HEADERS;
import static io.taskrunner.store.redis.record.TaskCodec.IDENTITY;
import static io.taskrunner.store.redis.record.TaskCodec.LABELED;
import static io.taskrunner.store.redis.record.TaskCodec.LABELS;
import static io.taskrunner.store.redis.record.TaskCodec.MAX_CONCURRENT;
import static io.taskrunner.store.redis.record.TaskCodec.NAMED;
import static io.taskrunner.store.redis.record.TaskCodec.OWN_RETRY;
import static io.taskrunner.store.redis.record.TaskCodec.PLANNED;
import static io.taskrunner.store.redis.record.TaskCodec.TEXT;
import static io.taskrunner.store.redis.record.TaskCodec.TIMEOUT;
import static io.taskrunner.store.redis.record.TaskCodec.TOKEN;
import static io.taskrunner.store.redis.record.TaskCodec.TRACEPARENT;
import static io.taskrunner.store.redis.record.TaskCodec.TRACESTATE;

import io.taskrunner.task.Callback;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Telling;
import io.taskrunner.task.Token;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes the part of a task's record that never changes, in the form that {@link TaskCodec} reads.
 */
public final class TaskTail {

  private static final byte[] NO_BODY = new byte[0];

  private TaskTail() {}

  /**
   * Additional data of a task of Cloud Tasks, at its creation.
   *
   * @param early µs from its due time to the ms that it waits for, 0 to 999
   * @param name that it was given; null for none
   * @param taken how long the name stays reserved after the task's end
   * @param echoed kept as it is
   */
  record CloudFacts(int early, @Nullable String name, Duration taken, byte[] echoed) {}

  /** The immutable part of a task that is due at once, from byte {@value TaskCodec#TAIL} on. */
  public static byte[] of(String clientId, TaskSpec spec) {
    return of(clientId, spec, false, null);
  }

  /** The same of a task with a time, which the script that creates it fills in. */
  public static byte[] ofPlanned(String clientId, TaskSpec spec) {
    return of(clientId, spec, true, null);
  }

  /** The same of a task of Cloud Tasks, which is its queue's own. */
  static byte[] ofCloud(TaskSpec spec, boolean planned, CloudFacts facts) {
    return of("", spec, planned, facts);
  }

  private static byte[] of(
      String clientId, TaskSpec spec, boolean planned, @Nullable CloudFacts cloud) {
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
            | (spec.telling() != null ? CALLBACK : 0)
            | (planned ? PLANNED : 0),
        1);
    out.shortText(clientId, 1);
    if (planned) {
      out.put(0, 6);
    }
    if (cloud != null) {
      out.put(0, 2).put(cloud.early(), 2).write(new byte[CLOUD_FIELDS - 4]);
      if (cloud.name() != null) {
        out.put(Math.min(cloud.taken().toMillis(), Packed.UNSET4), 4)
            .write(Digests.ofName(cloud.name()));
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
}
