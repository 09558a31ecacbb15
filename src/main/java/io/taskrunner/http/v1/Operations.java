package io.taskrunner.http.v1;

import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpStatus;
import io.taskrunner.client.Client;
import io.taskrunner.client.Scope;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Caller;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Times;
import io.taskrunner.store.Operation;
import io.taskrunner.store.Operation.Counts;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.OperationStore.Begun;
import io.taskrunner.store.OperationStore.Stopped;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Label;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The calls under {@code /v1/operations}. A client can read only operations on its own tasks;
 * others are reported as not found.
 */
public final class Operations {

  private static final int LIMIT = 50;

  private final OperationStore operations;
  private final Audit audit;

  /** Over a store; logs changes of an admin. */
  public Operations(OperationStore operations, Audit audit) {
    this.operations = operations;
    this.audit = audit;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.POST, "/v1/operations", Access.READ, Route.Body.REQUIRED, this::begin),
        Route.of(HttpMethod.GET, "/v1/operations", Access.READ, this::list).taking("limit"),
        Route.of(HttpMethod.GET, "/v1/operations/{id}", Access.READ, this::get),
        Route.of(HttpMethod.DELETE, "/v1/operations/{id}", Access.OPERATE, this::stop));
  }

  private Answer begin(Call call) {
    Faults faults = new Faults();
    String ownId = Enqueues.ownId(call.caller());
    Order order = OperationFields.read(call.fields(faults), ownId);
    faults.raise();
    if (order == null) {
      throw new IllegalStateException("no order and no error");
    }
    if (!order.dryRun()) {
      call.caller().needs(Scope.OPERATE);
    }
    String named = order.filter().clientId();
    if (ownId != null && !ownId.equals(named)) {
      throw new Refusal(Problem.clientMismatch(ownId, named));
    }
    mayUse(call.caller(), order.toQueue());
    return switch (operations.begin(order)) {
      case Begun.Entered(Operation operation) -> {
        tell(call, "operation started", operation);
        yield Answer.json(HttpStatus.ACCEPTED, json(operation));
      }
      case Begun.QueueNotFound(String queue) -> throw new Refusal(Missing.queue(queue));
      case Begun.TooMany _ -> throw new Refusal(Problem.tooManyOperations());
    };
  }

  private static void mayUse(Caller caller, @Nullable String queue) {
    if (queue != null
        && caller instanceof Caller.Known(Client client, _)
        && !client.settings().mayUse(queue)) {
      throw new Refusal(Problem.queueNotAllowed(client.id(), queue));
    }
  }

  private void tell(Call call, String what, Operation operation) {
    if (call.caller() instanceof Caller.Admin) {
      audit.tell(
          call,
          what,
          "operation_id",
          operation.id(),
          "action",
          operation.order().action().word(),
          "dry_run",
          Boolean.toString(operation.order().dryRun()));
    }
  }

  private Answer list(Call call) {
    Faults faults = new Faults();
    int limit = call.query(faults).integer("limit", LIMIT, 1, OperationStore.KEPT_MAX);
    faults.raise();
    List<Operation> found = operations.list(Enqueues.ownId(call.caller()), limit);
    return Answer.ok(
        JsonOut.object(out ->
            out.array(
                "operations",
                items -> {
                  for (Operation operation : found) {
                    items.item(item -> write(item, operation));
                  }
                })));
  }

  private Answer get(Call call) {
    return Answer.ok(json(own(call)));
  }

  private Answer stop(Call call) {
    Operation operation = own(call);
    switch (operations.stop(operation.id())) {
      case Stopped.Done _ -> tell(call, "operation stopped", operation);
      case Stopped.NotFound _ -> throw new Refusal(Missing.operation(operation.id()));
      case Stopped.Ended(Operation.State state) ->
          throw new Refusal(Problem.operationOver(operation.id(), state.word()));
    }
    return Answer.noContent();
  }

  private Operation own(Call call) {
    String ownId = Enqueues.ownId(call.caller());
    return operations
        .get(call.param(0))
        .filter(found ->
            call.caller() instanceof Caller.Admin || Objects.equals(found.order().owner(), ownId))
        .orElseThrow(() -> new Refusal(Missing.operation(call.param(0))));
  }

  private static byte[] json(Operation operation) {
    return JsonOut.object(out -> write(out, operation));
  }

  static void write(JsonOut out, Operation operation) throws IOException {
    Order order = operation.order();
    out.text("operation_id", operation.id());
    out.text("action", order.action().word());
    out.object("filter", filter -> write(filter, order.filter()));
    out.text("to_queue", order.toQueue());
    out.number("per_sec", order.perSec());
    out.flag("dry_run", order.dryRun());
    out.text("state", operation.state().word());
    Counts counts = operation.counts();
    out.number("done", counts.done());
    out.number("failed", counts.failed());
    out.number("skipped", counts.skipped());
    Long total = operation.total();
    if (total == null) {
      out.text("total", null);
    } else {
      out.number("total", total.longValue());
    }
    out.texts("sample", operation.sample().stream().map(TaskId::toString).toList());
    out.time("created_time", operation.begun());
    out.time("updated_time", operation.updated());
    time(out, "finished_time", operation.finished());
    if (operation.error() != null) {
      out.text("error", operation.error());
    }
  }

  /** Only the given fields. */
  private static void write(JsonOut out, Filter filter) throws IOException {
    TaskState state = filter.state();
    Label label = filter.label();
    AttemptError error = filter.error();
    text(out, "queue", filter.queue());
    text(out, "state", state == null ? null : state.word());
    text(out, "client_id", filter.clientId());
    text(out, "label", label == null ? null : label.name() + ":" + label.value());
    text(out, "host", filter.host());
    if (filter.status() != null) {
      out.number("status", filter.status());
    }
    text(out, "error", error == null ? null : error.word());
    text(out, "created_after", text(filter.createdAfter()));
    text(out, "created_before", text(filter.createdBefore()));
    text(out, "due_after", text(filter.dueAfter()));
    text(out, "due_before", text(filter.dueBefore()));
    if (!filter.ids().isEmpty()) {
      out.texts("ids", filter.ids().stream().map(TaskId::toString).toList());
    }
  }

  private static void text(JsonOut out, String name, @Nullable String value) throws IOException {
    if (value != null) {
      out.text(name, value);
    }
  }

  private static @Nullable String text(@Nullable Instant time) {
    return time == null ? null : Times.text(time);
  }

  private static void time(JsonOut out, String name, @Nullable Instant time) throws IOException {
    out.text(name, text(time));
  }
}
