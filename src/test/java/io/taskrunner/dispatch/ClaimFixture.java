package io.taskrunner.dispatch;

import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.QueueRules;
import io.taskrunner.store.WorkStore.Start;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetRequest.Header;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import io.taskrunner.telemetry.Tracing.Place;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Builds claims for tests. */
final class ClaimFixture {

  static final TaskId ID = TaskId.parse("019310a1-7a5b-7c3d-9e4f-0123456789ab").orElseThrow();

  private final TargetUrl url;
  private String method = "POST";
  private final List<Header> headers = new ArrayList<>();
  private byte[] body = new byte[0];
  private int attempt = 1;
  private int below500;
  private OptionalInt previous = OptionalInt.empty();
  private boolean probe;
  private @Nullable String traceparent;
  private @Nullable String tracestate;

  private ClaimFixture(TargetUrl url) {
    this.url = url;
  }

  static ClaimFixture to(String url) {
    return switch (TargetUrl.parse(url)) {
      case TargetUrl.Parsed.Good(TargetUrl good) -> new ClaimFixture(good);
      case TargetUrl.Parsed.Bad(String reason) ->
          throw new IllegalArgumentException(url + " " + reason);
    };
  }

  ClaimFixture method(String name) {
    method = name;
    return this;
  }

  ClaimFixture header(String name, String value) {
    headers.add(new Header(name, value));
    return this;
  }

  ClaimFixture body(String text) {
    return body(text.getBytes(StandardCharsets.UTF_8));
  }

  ClaimFixture body(byte[] bytes) {
    body = bytes;
    return this;
  }

  ClaimFixture retry(int number, int answersBelow500, OptionalInt previousStatus) {
    attempt = number;
    below500 = answersBelow500;
    previous = previousStatus;
    return this;
  }

  ClaimFixture probe() {
    probe = true;
    return this;
  }

  ClaimFixture trace(String parent, @Nullable String state) {
    traceparent = parent;
    tracestate = state;
    return this;
  }

  Claim build() {
    TaskSpec spec =
        new TaskSpec(
            new TargetRequest(method, url, headers, body, true),
            Retry.UNSET,
            null,
            null,
            null,
            Duration.ofHours(1),
            Map.of(),
            traceparent == null ? null : new Place(traceparent, tracestate),
            null);
    Instant now = Instant.parse("2026-11-24T10:00:00.123Z");
    return new Claim(
        ID,
        1_795_000_000_123L,
        "my-service",
        new QueueRules("default", Retry.UNSET, null, null),
        new Start(attempt, below500, previous, now, Optional.empty(), now, probe),
        spec,
        null,
        0);
  }
}
