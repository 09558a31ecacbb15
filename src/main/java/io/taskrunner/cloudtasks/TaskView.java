package io.taskrunner.cloudtasks;

import com.google.cloud.tasks.v2.Attempt;
import com.google.cloud.tasks.v2.Task;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.Code;
import com.google.rpc.Status;
import io.taskrunner.store.CloudStore.CloudTask;
import io.taskrunner.store.CloudStore.LastAttempt;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** A task as callers see it. */
final class TaskView {

  private TaskView() {}

  /** The requested view; unset means {@code BASIC}. */
  static Task.View view(Task.View asked) {
    return switch (asked) {
      case VIEW_UNSPECIFIED, BASIC -> Task.View.BASIC;
      case FULL -> Task.View.FULL;
      case UNRECOGNIZED ->
          throw Failure.invalid("responseView is unknown (expected: BASIC or FULL).");
    };
  }

  /** The full task; {@code BASIC} leaves out only the body. */
  static Task of(CloudTask task, Task.View view) {
    Task.Builder shown;
    try {
      shown = Task.parseFrom(task.echoed()).toBuilder();
    } catch (InvalidProtocolBufferException notOurs) {
      throw new IllegalStateException(
          "the stored record of task " + task.id() + " cannot be read", notOurs);
    }
    shown
        .setName(task.queue() + "/tasks/" + task.id())
        .setView(view)
        .setCreateTime(Times.timestamp(task.created().truncatedTo(ChronoUnit.SECONDS)))
        .setScheduleTime(Times.timestamp(task.due()))
        .setDispatchCount(task.dispatches())
        .setResponseCount(task.responses());
    if (view == Task.View.FULL) {
      shown.getHttpRequestBuilder().setBody(ByteString.copyFrom(task.spec().request().body()));
    }
    task.first().ifPresent(at -> shown.setFirstAttempt(dispatched(at)));
    task.last().ifPresent(last -> shown.setLastAttempt(attempt(last)));
    return shown.build();
  }

  private static Attempt.Builder dispatched(Instant at) {
    return Attempt.newBuilder().setDispatchTime(Times.timestamp(at));
  }

  private static Attempt attempt(LastAttempt last) {
    Attempt.Builder attempt =
        dispatched(last.dispatched()).setScheduleTime(Times.timestamp(last.due()));
    last.ended()
        .ifPresent(
            at -> attempt.setResponseTime(Times.timestamp(at)).setResponseStatus(status(last)));
    return attempt.build();
  }

  private static Status status(LastAttempt last) {
    Code code = last.status().isPresent() ? code(last.status().getAsInt()) : Code.UNAVAILABLE;
    String said =
        last.status().isPresent()
            ? "HTTP status code " + last.status().getAsInt()
            : "no HTTP response";
    return Status.newBuilder()
        .setCode(code.getNumber())
        .setMessage(code.name() + "(" + code.getNumber() + "): " + said)
        .build();
  }

  private static Code code(int http) {
    return switch (http) {
      case 400 -> Code.INVALID_ARGUMENT;
      case 401 -> Code.UNAUTHENTICATED;
      case 403 -> Code.PERMISSION_DENIED;
      case 404 -> Code.NOT_FOUND;
      case 409 -> Code.ABORTED;
      case 429 -> Code.RESOURCE_EXHAUSTED;
      case 499 -> Code.CANCELLED;
      case 500 -> Code.INTERNAL;
      case 501 -> Code.UNIMPLEMENTED;
      case 503 -> Code.UNAVAILABLE;
      case 504 -> Code.DEADLINE_EXCEEDED;
      default -> http / 100 == 2 ? Code.OK : Code.UNKNOWN;
    };
  }
}
