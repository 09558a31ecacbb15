package io.taskrunner.http.v1;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.client.Client;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Caller;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Label;
import io.taskrunner.store.TaskStore.Moved;
import io.taskrunner.store.TaskStore.Page;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The calls under {@code /v1/tasks}. A client sees its own tasks alone; another's are as if they
 * were not there.
 */
public final class Tasks {

  private static final String QUEUE_FORM =
      EnqueueFields.QUEUE_FORM + ", or projects/P/locations/L/queues/Q";

  private static final int LIMIT = 50;

  private static final int LIMIT_MAX = 1000;

  private static final Pattern STATE =
      Pattern.compile("scheduled|ready|active|retry|succeeded|dead|cancelled");

  private final TaskStore tasks;
  private final Audit audit;

  /** Over a store; what an admin does is told to the log. */
  public Tasks(TaskStore tasks, Audit audit) {
    this.tasks = tasks;
    this.audit = audit;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/v1/tasks", Access.READ, this::list),
        Route.of(HttpMethod.GET, "/v1/tasks/{id}", Access.READ, this::get),
        Route.of(HttpMethod.DELETE, "/v1/tasks/{id}", Access.OPERATE, this::cancel),
        Route.of(
            HttpMethod.POST, "/v1/tasks/{id}/run", Access.OPERATE, Route.Body.OPTIONAL, this::run),
        Route.of(
            HttpMethod.POST,
            "/v1/tasks/{id}/retry",
            Access.OPERATE,
            Route.Body.OPTIONAL,
            this::retry));
  }

  private Answer list(Call call) {
    Faults faults = new Faults();
    Call.Query query = call.query(faults);
    String clientId = query.text("client_id", Client.ID, EnqueueFields.CLIENT_ID_FORM);
    String ownId = Enqueues.ownId(call.caller());
    if (ownId != null && clientId != null && !clientId.equals(ownId)) {
      throw new Refusal(Problem.clientMismatch());
    }
    String queue = query.text("queue", QueueSettings.ANY_NAME, QUEUE_FORM);
    String state =
        query.text("state", STATE, "one of scheduled ready active retry succeeded dead cancelled");
    int limit = query.integer("limit", LIMIT, 1, LIMIT_MAX);
    Label label = label(query);
    String cursor = query.text("cursor").orElse(null);
    faults.raise();
    TaskState wanted = state == null ? null : TaskState.ofWord(state).orElseThrow();
    try {
      Page page =
          tasks.list(
              new Filter(queue, wanted, ownId == null ? clientId : ownId, label), limit, cursor);
      return Answer.ok(json(page));
    } catch (BadCursor badCursor) {
      query.fault(
          "cursor", cursor == null ? "" : cursor, "the next_cursor of an answer to the same query");
      throw new Refusal(Problem.invalid(faults.list()));
    }
  }

  private static @Nullable Label label(Call.Query query) {
    Optional<String> label = query.text("label");
    if (label.isEmpty()) {
      return null;
    }
    int colon = label.get().indexOf(':');
    if (colon < 1) {
      query.fault("label", label.get(), "name:value");
      return null;
    }
    return new Label(label.get().substring(0, colon), label.get().substring(colon + 1));
  }

  private static byte[] json(Page page) {
    return JsonOut.object(out -> {
      out.array(
          "tasks",
          items -> {
            for (Task task : page.tasks()) {
              items.item(item -> TaskJson.write(item, task));
            }
          });
      out.text("next_cursor", page.nextCursor());
    });
  }

  private Answer get(Call call) {
    return Answer.ok(json(own(call)));
  }

  private Answer cancel(Call call) {
    move(call, "task cancelled", tasks::cancel, Problem::alreadyFinished);
    return Answer.noContent();
  }

  private Answer run(Call call) {
    call.noFields();
    return Answer.ok(json(move(call, "task run", tasks::runNow, Problem::notRunnable)));
  }

  private Answer retry(Call call) {
    call.noFields();
    return Answer.ok(json(move(call, "task retried", tasks::revive, Problem::notDead)));
  }

  /** Makes a move of the caller's own task, and gives the task as it is then. */
  private Task move(
      Call call,
      String what,
      Function<TaskId, Moved> move,
      Function<TaskState, Problem> otherwise) {
    Task before = own(call);
    switch (move.apply(before.id())) {
      case Moved.Done _ -> {}
      case Moved.NotFound _ -> throw new Refusal(Problem.taskNotFound());
      case Moved.WrongState(TaskState state) -> throw new Refusal(otherwise.apply(state));
    }
    if (call.caller() instanceof Caller.Admin) {
      audit.tell(call, what, "task_id", before.id().toString());
    }
    return tasks.get(before.id()).orElse(before);
  }

  private Task own(Call call) {
    Optional<Task> task = TaskId.parse(call.param(0)).flatMap(tasks::get);
    String ownId = Enqueues.ownId(call.caller());
    return task.filter(
            found -> call.caller() instanceof Caller.Admin || found.clientId().equals(ownId))
        .orElseThrow(() -> new Refusal(Problem.taskNotFound()));
  }

  private static byte[] json(Task task) {
    return JsonOut.object(out -> TaskJson.write(out, task));
  }
}
