package io.taskrunner.dispatch;

import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Cloud;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetRequest.Header;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * The headers of a request, as the contract defines them; without the framing headers of HTTP/1.1
 * or HTTP/2.
 */
final class TargetHeaders {

  /** Takes headers in their order. */
  @FunctionalInterface
  interface Sink {
    /** Takes one. Every character of {@code value} is a byte. */
    void header(String name, String value);
  }

  private static final int TRACEPARENT_LENGTH = 55;

  /** Headers that a task of Cloud Tasks may not set, and those of the connection. */
  private static final Set<String> GOOGLES =
      Set.of(
          "host",
          "content-length",
          "user-agent",
          "connection",
          "keep-alive",
          "proxy-connection",
          "transfer-encoding",
          "te",
          "trailer",
          "upgrade",
          "expect");

  private final String userAgent;
  private final boolean traced;

  TargetHeaders(String version, boolean traced) {
    userAgent = "Task-Runner/" + version;
    this.traced = traced;
  }

  /**
   * The value of {@code Host} or {@code :authority}: with the port only if it is not the scheme's
   * default.
   */
  static String authority(TargetUrl url) {
    boolean usual = url.port() == (url.scheme().equals("https") ? 443 : 80);
    String host = url.host().indexOf(':') >= 0 ? "[" + url.host() + "]" : url.host();
    return usual ? host : host + ":" + url.port();
  }

  /** RFC 9110 §8.6: a missing body has a length of 0 if one is expected. */
  static boolean expectsBody(String method) {
    return method.equals("POST") || method.equals("PUT") || method.equals("PATCH");
  }

  /** Passes all headers of a claim's request to {@code sink}. */
  void write(Claim claim, Sink sink) {
    Cloud cloud = claim.cloud();
    if (cloud != null) {
      writeAsGoogle(claim, cloud, sink);
      return;
    }
    TaskSpec spec = claim.spec();
    TargetRequest request = spec.request();
    boolean saysAgent = false;
    boolean saysType = false;
    String ownTrace = null;
    for (Header header : request.headers()) {
      String name = header.name();
      switch (name.length()) {
        case 10 -> {
          saysAgent |= name.equalsIgnoreCase("User-Agent");
          if (name.equalsIgnoreCase("tracestate")) {
            continue; // belongs to the traceparent that is replaced
          }
        }
        case 11 -> {
          if (name.equalsIgnoreCase("traceparent")) {
            ownTrace = header.value();
            continue;
          }
        }
        case 12 -> {
          saysType |= name.equalsIgnoreCase("Content-Type");
          if (name.equalsIgnoreCase("X-Request-ID")) {
            continue;
          }
        }
        default -> {}
      }
      sink.header(name, bytes(header.value()));
    }
    if (!saysAgent) {
      sink.header("User-Agent", userAgent);
    }
    if (!saysType && request.body().length > 0) {
      sink.header("Content-Type", "application/json");
    }
    writeOurs(claim, sink);
    writeTrace(spec, ownTrace, sink);
  }

  /** A task of Cloud Tasks: its own headers, as far as permitted, and Google's. */
  private void writeAsGoogle(Claim claim, Cloud cloud, Sink sink) {
    TaskSpec spec = claim.spec();
    boolean ownTrace = false;
    for (Header header : spec.request().headers()) {
      if (!isGoogles(header.name())) {
        sink.header(header.name(), bytes(header.value()));
        ownTrace |= header.name().equalsIgnoreCase("traceparent");
      }
    }
    sink.header("User-Agent", "Google-Cloud-Tasks");
    writeAttempt(claim, cloud.queueId(), cloud.taskName(), sink);
    if (!ownTrace) {
      writeTrace(spec, null, sink);
    }
  }

  /** Whether a task of Cloud Tasks, or any task, must not set this. */
  private static boolean isGoogles(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return GOOGLES.contains(lower)
        || lower.startsWith("x-cloudtasks-")
        || lower.startsWith("x-google-")
        || lower.startsWith("x-appengine-")
        || lower.isEmpty()
        || lower.chars().anyMatch(c -> c <= ' ' || c == ':' || c >= 0x7F);
  }

  private static void writeOurs(Claim claim, Sink sink) {
    String id = claim.id().toString();
    writeAttempt(claim, claim.queue(), id, sink);
    sink.header("X-Task-Runner-Claim", Long.toString(claim.number()));
    sink.header("X-Request-ID", id);
  }

  private static void writeAttempt(Claim claim, String queue, String task, Sink sink) {
    sink.header("X-CloudTasks-QueueName", queue);
    sink.header("X-CloudTasks-TaskName", task);
    sink.header("X-CloudTasks-TaskRetryCount", Integer.toString(claim.start().attempt() - 1));
    sink.header(
        "X-CloudTasks-TaskExecutionCount", Integer.toString(claim.start().answersBelow500()));
    sink.header("X-CloudTasks-TaskETA", seconds(claim.start().due()));
    if (claim.start().attempt() > 1) {
      if (claim.start().previousStatus().isPresent()) {
        sink.header(
            "X-CloudTasks-TaskPreviousResponse",
            Integer.toString(claim.start().previousStatus().getAsInt()));
      }
      sink.header("X-CloudTasks-TaskRetryReason", "");
    }
  }

  private void writeTrace(TaskSpec spec, @Nullable String ownTrace, Sink sink) {
    String caller = spec.traceparent() != null ? spec.traceparent() : ownTrace;
    if (caller == null || !isTraceparent(caller)) {
      return;
    }
    sink.header("traceparent", traced ? caller : placeOfOwn(caller));
    String state = spec.trace() == null ? null : spec.trace().tracestate();
    if (state != null && !state.isEmpty() && spec.traceparent() != null) {
      sink.header("tracestate", bytes(state));
    }
  }

  /**
   * Trace Context §3.2.2: of a later version the first four fields are read, and our own version is
   * sent.
   */
  private static String placeOfOwn(String caller) {
    long span;
    do {
      span = ThreadLocalRandom.current().nextLong();
    } while (span == 0);
    return "00"
        + caller.substring(2, 36)
        + HexFormat.of().toHexDigits(span)
        + caller.substring(52, 55);
  }

  private static boolean isTraceparent(String text) {
    if (text.length() < TRACEPARENT_LENGTH || text.startsWith("ff")) {
      return false;
    }
    if (text.length() > TRACEPARENT_LENGTH
        && (text.startsWith("00") || text.charAt(TRACEPARENT_LENGTH) != '-')) {
      return false;
    }
    boolean traced = false;
    for (int i = 0; i < TRACEPARENT_LENGTH; i++) {
      char c = text.charAt(i);
      if (i == 2 || i == 35 || i == 52) {
        if (c != '-') {
          return false;
        }
      } else if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
        return false;
      } else if (i < 35) {
        traced |= i > 2 && c != '0';
      }
    }
    return traced;
  }

  /** Seconds since the epoch with six digits of fraction, as Google sends them. */
  static String seconds(Instant time) {
    String micros = Integer.toString(1_000_000 + time.getNano() / 1000);
    return Long.toString(time.getEpochSecond()) + "." + micros.substring(1);
  }

  /**
   * A value whose characters are the bytes of its UTF-8 form. Rejects characters that would end a
   * line.
   */
  static String bytes(String value) {
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '\r' || c == '\n' || c == 0) {
        throw new IllegalArgumentException(
            "header value: control character at " + i + " (expected: none)");
      }
      if (c >= 0x80) {
        return new String(value.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
      }
    }
    return value;
  }
}
