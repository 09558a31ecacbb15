package io.taskrunner.http.v1;

import io.taskrunner.client.Client;
import io.taskrunner.http.call.Fault;
import io.taskrunner.http.call.Fields;
import io.taskrunner.store.Operation.Action;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Label;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The body of {@code POST /v1/operations}. */
final class OperationFields {

  private static final String ACTION_FORM = "one of cancel run retry move delete";
  private static final String STATE_FORM =
      "one of scheduled ready active retry succeeded dead cancelled";
  private static final String LABEL_FORM = "name:value";
  static final String HOST_FORM = "a host, such as example.com or example.com:8443";

  static final Pattern HOST = Pattern.compile("[A-Za-z0-9._:\\[\\]-]{1,261}");

  private static final double PER_SEC_MAX = 100_000;

  private static final int IDS_MAX = 500;

  private static final Pattern ID =
      Pattern.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}");

  private OperationFields() {}

  /**
   * Reads all, and notes every error.
   *
   * @param ownId the client of the key, to whose tasks the operation is limited; null for the admin
   * @return null when there is an error
   */
  static @Nullable Order read(Fields fields, @Nullable String ownId) {
    fields.nullIsAbsent("to_queue", "per_sec", "dry_run");
    final Action action = action(fields);
    final boolean filtered = fields.hasValue("filter");
    final Fields of = fields.object("filter");
    final Filter filter = of == null ? null : filter(of, action, ownId);
    if (!filtered) {
      fields.missing("filter", "an object with at least a queue or a state");
    }
    final boolean toAQueue = fields.hasValue("to_queue");
    final String toQueue = fields.text("to_queue", QueueSettings.NAME, EnqueueFields.QUEUE_FORM);
    final Double perSec = fields.positive("per_sec", PER_SEC_MAX);
    final Boolean dryRun = fields.flag("dry_run");
    if (action == Action.MOVE && !toAQueue) {
      fields.missing("to_queue", "the name of the queue to move the tasks to");
    } else if (action != null && action != Action.MOVE && toAQueue) {
      fields.fault("to_queue", "allowed only with action move");
    } else if (filter != null && toQueue != null && toQueue.equals(filter.queue())) {
      fields.fault("to_queue", "the same queue as in filter (expected: another queue)");
    }
    fields.done();
    return action == null || filter == null
        ? null
        : new Order(action, filter, ownId, toQueue, perSec, dryRun != null && dryRun);
  }

  private static @Nullable Action action(Fields fields) {
    if (!fields.hasValue("action")) {
      fields.nullIsAbsent("action").missing("action", ACTION_FORM);
      return null;
    }
    String word = fields.text("action");
    Optional<Action> action = word == null ? Optional.empty() : Action.ofWord(word);
    if (word != null && action.isEmpty()) {
      fields.fault("action", word, ACTION_FORM);
    }
    return action.orElse(null);
  }

  private static Filter filter(Fields of, @Nullable Action action, @Nullable String ownId) {
    of.nullIsAbsent(Tasks.filtersAnd("ids"));
    if (!of.has("queue") && !of.has("state") && !of.has("ids")) {
      of.faults()
          .add(
              Fault.body(
                  "/filter",
                  "filter: has neither queue nor state nor ids (expected: at least one of them, to prevent"
                      + " changing every task by accident)"));
    }
    final String queue = of.text("queue", QueueSettings.ANY_NAME, EnqueueFields.QUEUE_FORM);
    final TaskState state = state(of, action);
    final String clientId = of.text("client_id", Client.ID, EnqueueFields.CLIENT_ID_FORM);
    final Label label = label(of);
    final String host = of.text("host", HOST, HOST_FORM);
    final Integer status = of.integer("status", 100, 599);
    final Cause cause = cause(of, status);
    final Instant createdAfter = of.time("created_after");
    final Instant createdBefore = of.time("created_before");
    final Instant dueAfter = of.time("due_after");
    final Instant dueBefore = of.time("due_before");
    final List<TaskId> ids = ids(of);
    if (action == Action.MOVE && queue != null && queue.indexOf('/') >= 0) {
      of.fault(
          "queue", "a queue of Cloud Tasks, whose tasks cannot be moved (expected: another queue)");
    }
    of.done();
    return new Filter(
        queue,
        state,
        clientId == null ? ownId : clientId,
        label,
        host == null ? null : host.toLowerCase(Locale.ROOT),
        cause.status(),
        cause.error(),
        createdAfter,
        createdBefore,
        dueAfter,
        dueBefore,
        ids);
  }

  private static List<TaskId> ids(Fields of) {
    boolean given = of.has("ids");
    List<String> texts = of.texts("ids", ID, "the id of a task");
    if (!given || texts == null) {
      return List.of();
    }
    if (texts.isEmpty() || texts.size() > IDS_MAX) {
      of.fault("ids", texts.size() + " ids (expected: 1 to " + IDS_MAX + ")");
      return List.of();
    }
    return texts.stream().map(TaskId::parse).flatMap(Optional::stream).distinct().toList();
  }

  private static @Nullable TaskState state(Fields of, @Nullable Action action) {
    String word = of.text("state");
    if (word == null) {
      return null;
    }
    Optional<TaskState> state = TaskState.ofWord(word);
    if (state.isEmpty()) {
      of.fault("state", word, STATE_FORM);
    } else if (action != null && !action.states().contains(state.get())) {
      String fit =
          Arrays.stream(TaskState.values())
              .filter(action.states()::contains)
              .map(TaskState::word)
              .collect(Collectors.joining(" "));
      of.fault("state", word, "to " + action.word() + ", one of " + fit);
    }
    return state.orElse(null);
  }

  private static @Nullable Label label(Fields of) {
    String label = of.text("label");
    int colon = label == null ? -1 : label.indexOf(':');
    if (label == null || colon < 1) {
      if (label != null) {
        of.fault("label", label, LABEL_FORM);
      }
      return null;
    }
    return new Label(label.substring(0, colon), label.substring(colon + 1));
  }

  private static Cause cause(Fields of, @Nullable Integer status) {
    String word = of.text("error");
    Optional<Cause> cause = Cause.of(word, status);
    if (word != null && cause.isEmpty()) {
      of.fault("error", word, Cause.FORM);
    }
    return cause.orElse(new Cause(null, status));
  }
}
