package io.taskrunner.http.v1;

import io.taskrunner.http.call.JsonOut;
import io.taskrunner.store.TargetHost;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Callback;
import io.taskrunner.task.RetryPolicy;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetRequest.Header;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskState;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A task as callers see it. */
final class TaskJson {

  private TaskJson() {}

  /**
   * A task.
   *
   * @param maxRetry the number of retries of a task that neither sets it nor has a queue that does
   */
  static void write(JsonOut out, Task task, int maxRetry) throws IOException {
    write(out, task, maxRetry, Integer.MAX_VALUE);
  }

  /**
   * The same.
   *
   * @param bodyMax how many bytes of the body are shown
   */
  static void write(JsonOut out, Task task, int maxRetry, int bodyMax) throws IOException {
    head(out, task);
    TargetRequest target = task.spec().request();
    TargetRequest shown = target.body().length > bodyMax ? target.cutTo(bodyMax) : target;
    out.object(
        "request",
        request -> {
          request(request, shown, task.bodyDropped(), false);
          request.number("body_bytes", target.body().length);
        });
    callback(out, task.spec().callback(), false);
    if (task.spec().callbackOf() != null) {
      out.text("callback_of", task.spec().callbackOf().toString());
    }
    times(out, task);
    out.array(
        "attempts",
        attempts -> {
          for (Attempt attempt : task.attempts()) {
            attempts.item(item -> attempt(item, attempt));
          }
        });
    RetryPolicy policy = task.retry() == null ? null : task.retry().policy(maxRetry);
    out.number("max_retries", policy == null ? null : (Integer) policy.maxRetries());
    if (policy == null) {
      out.text("retry", null);
    } else {
      out.object("retry", retry -> RetryFields.write(retry, policy));
    }
    out.text("last_error", task.cause().orElse(null));
  }

  /** A task without headers, body and attempts. */
  static void basic(JsonOut out, Task task) throws IOException {
    head(out, task);
    out.object(
        "request",
        request -> {
          url(request, task.spec().request().url(), false);
          request.text("method", task.spec().request().method());
        });
    times(out, task);
    out.number("attempt_count", task.attemptCount());
    out.number(
        "last_status",
        task.lastStatus().isPresent() ? (Integer) task.lastStatus().getAsInt() : null);
    out.text("last_error", task.cause().orElse(null));
  }

  private static void head(JsonOut out, Task task) throws IOException {
    out.text("task_id", task.id().toString());
    out.text("client_id", task.clientId());
    out.text("queue", task.queue());
    out.text("state", task.state().word());
    labels(out, task.spec().labels());
  }

  private static void times(JsonOut out, Task task) throws IOException {
    out.time("created_time", task.created());
    out.time("scheduled_time", task.scheduled());
    boolean waits = !task.state().finished() && task.state() != TaskState.ACTIVE;
    out.time("next_attempt_time", waits ? task.due() : null);
    out.time("finished_time", task.finished().orElse(null));
  }

  /** Why a due task does not start; null when it waits for no circuit breaker. */
  static void waitingFor(JsonOut out, Optional<TargetHost.Open> breaker) throws IOException {
    if (breaker.isEmpty()) {
      out.text("waiting_for", null);
      return;
    }
    TargetHost.Open open = breaker.get();
    out.object(
        "waiting_for",
        why -> {
          why.text("reason", "circuit_breaker");
          why.text("host", open.host());
          if (open.halfOpen()) {
            why.text("next_probe_time", null);
          } else {
            why.time("next_probe_time", open.probesFrom());
          }
        });
  }

  static void labels(JsonOut out, Map<String, String> all) throws IOException {
    out.object(
        "labels",
        labels -> {
          for (Map.Entry<String, String> label : new TreeMap<>(all).entrySet()) {
            labels.text(label.getKey(), label.getValue());
          }
        });
  }

  /**
   * The request of a task.
   *
   * @param exact whether likely secrets are shown
   */
  static void request(JsonOut out, TargetRequest request, boolean bodyDropped, boolean exact)
      throws IOException {
    url(out, request.url(), exact);
    out.text("method", request.method());
    headers(out, request.headers(), exact);
    if (bodyDropped || request.body().length == 0) {
      out.text("body", null);
    } else if (request.text()) {
      out.text("body", new String(request.body(), StandardCharsets.UTF_8));
    } else {
      out.text("body_base64", Base64.getEncoder().encodeToString(request.body()));
    }
  }

  private static void url(JsonOut out, TargetUrl url, boolean exact) throws IOException {
    out.text("url", exact ? url.value() : Masking.url(url.value()));
  }

  private static void headers(JsonOut out, List<Header> all, boolean exact) throws IOException {
    out.object(
        "headers",
        headers -> {
          for (Header header : all) {
            String value = header.value();
            headers.text(header.name(), exact ? value : Masking.header(header.name(), value));
          }
        });
  }

  /**
   * The callback of a task; left out when there is none.
   *
   * @param exact whether likely secrets are shown
   */
  static void callback(JsonOut out, @Nullable Callback callback, boolean exact) throws IOException {
    if (callback != null) {
      out.object(
          "callback",
          told -> {
            url(told, callback.url(), exact);
            headers(told, callback.headers(), exact);
            told.texts("on", callback.ends().stream().map(Callback.End::word).toList());
          });
    }
  }

  private static void attempt(JsonOut out, Attempt attempt) throws IOException {
    out.number("number", attempt.number());
    out.time("start_time", attempt.start());
    out.number("duration_ms", attempt.duration().toMillis());
    if (attempt.status().isPresent()) {
      out.number("status", attempt.status().getAsInt());
    } else {
      out.text("error", attempt.error().map(AttemptError::word).orElse(null));
    }
    out.text("detail", attempt.detail());
    if (attempt.status().orElse(200) / 100 != 2) {
      out.text("excerpt", attempt.excerpt().isEmpty() ? null : attempt.excerpt());
    }
  }
}
