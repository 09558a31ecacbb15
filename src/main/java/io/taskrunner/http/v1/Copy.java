package io.taskrunner.http.v1;

import io.taskrunner.http.call.Fault;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.Json;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.TaskStore;
import io.taskrunner.task.Task;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An enqueue that names a task with {@code copy_of}: the fields that it does not give are as the
 * API shows them of that task, so that likely secrets are masked; masked ones are then restored, as
 * {@link Unmasking} permits. Times and the idempotency key are not copied.
 */
final class Copy {

  /** The field that names the task. */
  static final String FIELD = "copy_of";

  private static final int VALUES_MAX = 1000;

  private final Task task;

  private Copy(Task task) {
    this.task = task;
  }

  /** Takes the id of the task out of the fields; empty, and noted, when it is invalid. */
  static Optional<TaskId> id(Fields fields) {
    Optional<TaskId> id = Optional.ofNullable(fields.text(FIELD)).flatMap(TaskId::parse);
    if (id.isEmpty()) {
      fields.fault(FIELD, "not the id of a task");
    }
    return id;
  }

  /**
   * Finds the task of a call.
   *
   * @param ownId the client of the key, which sees only its own tasks; null for the admin
   * @throws Refusal there is no such task
   */
  static Copy of(TaskId id, TaskStore tasks, @Nullable String ownId) {
    return new Copy(
        tasks
            .get(id)
            .filter(found -> ownId == null || found.clientId().equals(ownId))
            .orElseThrow(() -> new Refusal(Missing.task(id.toString()))));
  }

  /** The fields of the call over those of the task, which are merged within its request. */
  Map<String, Object> fields(Map<String, Object> given, Faults faults) {
    Map<String, Object> all = Json.object(JsonOut.object(this::write), VALUES_MAX);
    Map<String, Object> request = Fields.asObject(all.getOrDefault("task", Map.of()));
    Map<String, Object> own =
        given.get("task") instanceof Map<?, ?> members ? Fields.asObject(members) : Map.of();
    boolean ownBody = own.containsKey("body") || own.containsKey("body_base64");
    if (ownBody) {
      request.remove("body");
      request.remove("body_base64");
    }
    if (task.queue().indexOf('/') >= 0) {
      faults.add(Fault.body("/" + FIELD, FIELD + ": a task of Cloud Tasks (expected: another)"));
    } else if (task.bodyDropped() && !ownBody) {
      faults.add(
          Fault.body(
              "/task/body",
              "task.body: missing; that of the task is no longer kept, because it has finished"));
    }
    all.putAll(given);
    if (given.get("task") instanceof Map<?, ?>) {
      request.putAll(own);
      all.put("task", request);
    }
    return all;
  }

  /** An enqueue of this very task. */
  private void write(JsonOut out) throws IOException {
    TaskSpec spec = task.spec();
    out.text("client_id", task.clientId());
    out.text("queue", task.queue());
    JsonOut.withoutNulls(
            to -> {
              to.object("task", request -> TaskJson.request(request, spec.request(), false, false));
              RetryFields.write(to, spec.retry());
              to.seconds("timeout_sec", spec.timeout());
              to.seconds("retention_sec", spec.retention());
              to.object(
                  "rate_limit", limits -> limits.number("max_concurrent", spec.maxConcurrent()));
              TaskJson.labels(to, spec.labels());
              TaskJson.callback(to, spec.callback(), false);
            })
        .write(out);
  }

  /** The command with the secrets of the task; null, and noted, when it may not have them. */
  @Nullable Enqueue unmasked(Enqueue command, Faults faults) {
    Optional<TaskSpec> spec = Unmasking.of(command.spec(), task.spec());
    if (spec.isEmpty()) {
      faults.add(
          Fault.body(
              "/task",
              "task: contains a masked secret (***) that the copied task does not have for the same"
                  + " scheme, host and port (expected: the secret itself, or none)"));
      return null;
    }
    return command.with(spec.get());
  }
}
