package io.taskrunner.task;

import io.taskrunner.telemetry.Tracing.Place;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A read-only view of a task.
 *
 * @param id its name
 * @param clientId its owner
 * @param queue the name of its queue
 * @param state its state
 * @param spec what was enqueued
 * @param bodyDropped whether its body is no longer kept, because it has finished
 * @param created when it was accepted
 * @param scheduled when it was asked to run: at its creation, unless a time was given
 * @param due when it runs, or ran, next; retries and others change it
 * @param attempts the last 10 finished ones, oldest first
 * @param lastError why the last attempt, or the task, failed; empty when there is an HTTP status or
 *     nothing failed
 * @param lastStatus the target's last HTTP status
 * @param attemptCount number of attempts so far
 * @param finished when it ended; empty before
 * @param retry its retry settings over its queue's; null for a task of Cloud Tasks
 */
// Flat row: one component for each field of the API.
public record Task(
    TaskId id,
    String clientId,
    String queue,
    TaskState state,
    TaskSpec spec,
    boolean bodyDropped,
    Instant created,
    Instant scheduled,
    Instant due,
    List<Attempt> attempts,
    Optional<AttemptError> lastError,
    OptionalInt lastStatus,
    int attemptCount,
    Optional<Instant> finished,
    @Nullable Retry retry) {

  /** Keeps the attempts from being changed. */
  public Task {
    attempts = List.copyOf(attempts);
  }

  /**
   * Why the last attempt, or the task, failed, in one word: the name of an error, or {@code http_}
   * and the status of a response that was not 2xx; empty when nothing failed.
   */
  public Optional<String> cause() {
    return lastError
        .map(AttemptError::word)
        .or(() ->
            lastStatus.stream()
                .filter(status -> status / 100 != 2)
                .mapToObj(AttemptError::wordOf)
                .findFirst());
  }

  /**
   * The immutable part of a task.
   *
   * @param request what to send
   * @param retry the task's own retry settings
   * @param timeout for one attempt; null when unset
   * @param expires not started after this; null for never
   * @param maxConcurrent lowers the client's limit for this task; null when unset
   * @param retention how long to keep it after it has finished
   * @param labels kept with it
   * @param trace the caller's place in a trace; null for none
   * @param telling how it is connected with a callback; null when it is not
   */
  // Flat row: one component for each field of the API.
  public record TaskSpec(
      TargetRequest request,
      Retry retry,
      @Nullable Duration timeout,
      @Nullable Instant expires,
      @Nullable Integer maxConcurrent,
      Duration retention,
      Map<String, String> labels,
      @Nullable Place trace,
      @Nullable Telling telling) {

    /** Keeps the labels from being changed. */
    public TaskSpec {
      labels = Map.copyOf(labels);
    }

    /** The same with another request. */
    public TaskSpec with(TargetRequest other) {
      return new TaskSpec(
          other, retry, timeout, expires, maxConcurrent, retention, labels, trace, telling);
    }

    /** The same at another place in a trace. */
    public TaskSpec at(Place place) {
      return new TaskSpec(
          request, retry, timeout, expires, maxConcurrent, retention, labels, place, telling);
    }

    /** The ids and flags of the caller's trace; null for none. */
    public @Nullable String traceparent() {
      return trace == null ? null : trace.traceparent();
    }

    /** Where its end is reported; null for none. */
    public @Nullable Callback callback() {
      return telling instanceof Callback callback ? callback : null;
    }

    /** The task whose end this one reports; null for none. */
    public @Nullable TaskId callbackOf() {
      return telling instanceof Telling.Of(TaskId task) ? task : null;
    }
  }
}
