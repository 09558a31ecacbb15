package io.taskrunner.http.v1;

import io.taskrunner.store.Enqueue.When;
import io.taskrunner.task.Callback;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetRequest.Header;
import io.taskrunner.task.Task.TaskSpec;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The payload of an idempotency key: a digest of a validated request with its defaults, without the
 * key. Two requests that ask for the same task have the same digest, however their JSON was
 * written: order of members, a default given or left out, a body as text or as base64, the case of
 * a method or of a header's name.
 */
final class Payload {

  private static final int VERSION = 1;

  private Payload() {}

  /** The SHA-256 of a request. */
  static byte[] digest(String queue, When when, TaskSpec spec, @Nullable Integer requestsPerMin) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
    try {
      write(new DataOutputStream(bytes), queue, when, spec, requestsPerMin);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray());
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }

  private static void write(
      DataOutputStream out,
      String queue,
      When when,
      TaskSpec spec,
      @Nullable Integer requestsPerMin)
      throws IOException {
    out.writeByte(VERSION);
    text(out, queue);
    switch (when) {
      case When.In(Duration delay) -> {
        out.writeByte('d');
        out.writeLong(delay.toMillis());
      }
      case When.At(var time) -> {
        out.writeByte('t');
        out.writeLong(time.toEpochMilli());
      }
    }
    request(out, spec.request());
    retry(out, spec.retry());
    duration(out, spec.timeout());
    out.writeLong(spec.expires() == null ? Long.MIN_VALUE : spec.expires().toEpochMilli());
    number(out, spec.maxConcurrent());
    number(out, requestsPerMin);
    out.writeLong(spec.retention().toMillis());
    out.writeInt(spec.labels().size());
    for (Map.Entry<String, String> label : new TreeMap<>(spec.labels()).entrySet()) {
      text(out, label.getKey());
      text(out, label.getValue());
    }
    Callback callback = spec.callback();
    if (callback != null) { // last, so that a payload without one keeps its digest
      text(out, callback.url().value());
      headers(out, callback.headers());
      out.writeByte(callback.bits());
    }
  }

  private static void request(DataOutputStream out, TargetRequest request) throws IOException {
    text(out, request.method());
    text(out, request.url().value());
    headers(out, request.headers());
    out.writeInt(request.body().length);
    out.write(request.body());
  }

  private static void headers(DataOutputStream out, List<Header> given) throws IOException {
    List<Header> headers =
        given.stream()
            .map(header -> new Header(header.name().toLowerCase(Locale.ROOT), header.value()))
            .sorted(Comparator.comparing(Header::name))
            .toList();
    out.writeInt(headers.size());
    for (Header header : headers) {
      text(out, header.name());
      text(out, header.value());
    }
  }

  private static void retry(DataOutputStream out, Retry retry) throws IOException {
    number(out, retry.maxRetries());
    duration(out, retry.minBackoff());
    duration(out, retry.maxBackoff());
    number(out, retry.maxDoublings());
    duration(out, retry.maxDuration());
    out.writeByte(retry.retryClientErrors() == null ? -1 : retry.retryClientErrors() ? 1 : 0);
  }

  private static void text(DataOutputStream out, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  private static void number(DataOutputStream out, @Nullable Integer number) throws IOException {
    out.writeInt(number == null ? -1 : number);
  }

  private static void duration(DataOutputStream out, @Nullable Duration duration)
      throws IOException {
    out.writeLong(duration == null ? -1 : duration.toMillis());
  }
}
