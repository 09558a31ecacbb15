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
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Times;
import io.taskrunner.store.HostStore;
import io.taskrunner.store.Queue;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.Stores;
import io.taskrunner.store.TargetHost;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.TaskStore.Count;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Label;
import io.taskrunner.store.TaskStore.Moved;
import io.taskrunner.store.TaskStore.Page;
import io.taskrunner.store.TaskStore.View;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The calls under {@code /v1/tasks}. A client sees only its own tasks; others are reported as not
 * found.
 */
public final class Tasks {

  static final String QUEUE_FORM =
      EnqueueFields.QUEUE_FORM + ", or projects/P/locations/L/queues/Q";

  private static final int LIMIT = 50;

  private static final int LIMIT_MAX = 1000;

  private static final Pattern STATE =
      Pattern.compile("scheduled|ready|active|retry|succeeded|dead|cancelled");

  private static final Pattern VIEW = Pattern.compile("full|basic");

  private static final Pattern STATUS = Pattern.compile("[1-5][0-9]{2}");

  private static final List<String> FILTERS =
      List.of(
          "queue",
          "state",
          "client_id",
          "label",
          "host",
          "status",
          "error",
          "created_after",
          "created_before",
          "due_after",
          "due_before");

  private final TaskStore tasks;
  private final QueueStore queues;
  private final HostStore hosts;
  private final Audit audit;
  private final Waits waits;
  private final int maxRetry;

  /**
   * Over a store; logs changes of an admin.
   *
   * @param maxRetry default number of retries, which is shown
   */
  public Tasks(Stores stores, int maxRetry, Audit audit) {
    this.maxRetry = maxRetry;
    this.tasks = stores.tasks();
    this.queues = stores.queues();
    this.hosts = stores.hosts();
    this.audit = audit;
    this.waits = new Waits(stores);
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/v1/tasks", Access.READ, this::list)
            .taking(filtersAnd("limit", "cursor", "view")),
        Route.of(HttpMethod.GET, "/v1/tasks/count", Access.READ, this::count)
            .taking(filtersAnd("cursor")),
        Route.of(HttpMethod.GET, "/v1/tasks/{id}", Access.READ, this::get).taking("body_max"),
        Route.of(HttpMethod.GET, "/v1/tasks/{id}/wait", Access.READ, this::why),
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

  /** The names of the filters of tasks, and others. */
  static String[] filtersAnd(String... others) {
    return Stream.concat(FILTERS.stream(), Stream.of(others)).toArray(String[]::new);
  }

  private Answer list(Call call) {
    Faults faults = new Faults();
    Call.Query query = call.query(faults);
    Filter filter = filter(query, Enqueues.ownId(call.caller()));
    int limit = query.integer("limit", LIMIT, 1, LIMIT_MAX);
    String cursor = query.cursor();
    String view = query.text("view", VIEW, "full or basic");
    faults.raise();
    try {
      View shown = "basic".equals(view) ? View.BASIC : View.FULL;
      Page page = tasks.list(filter, limit, cursor, shown);
      if (page.examined() == 0) {
        checkQueue(filter);
      }
      return Answer.ok(json(page, query, shown));
    } catch (BadCursor badCursor) {
      throw query.badCursor();
    }
  }

  /**
   * Rejects a filter by a queue that does not exist. One of Cloud Tasks may be created with its
   * first task, so that it has none before.
   */
  private void checkQueue(Filter filter) {
    String queue = filter.queue();
    if (queue != null && queue.indexOf('/') < 0 && queues.get(queue).isEmpty()) {
      throw new Refusal(Missing.queue(queue));
    }
  }

  private Answer count(Call call) {
    Faults faults = new Faults();
    Call.Query query = call.query(faults);
    Filter filter = filter(query, Enqueues.ownId(call.caller()));
    String cursor = query.cursor();
    faults.raise();
    try {
      Count count = filter.plain() ? kept(filter) : tasks.count(filter, cursor);
      if (count.examined() == 0) {
        checkQueue(filter);
      }
      return Answer.ok(
          JsonOut.object(out -> {
            out.number("count", count.count());
            out.number("examined", count.examined());
            out.text("next_cursor", query.nextCursor(count.nextCursor()));
          }));
    } catch (BadCursor badCursor) {
      throw query.badCursor();
    }
  }

  /** The count of a filter for whole sets, whose sizes are kept. */
  private Count kept(Filter filter) {
    List<Queue> counted =
        filter.queue() == null ? queues.list() : queues.get(filter.queue()).stream().toList();
    Set<TaskState> states =
        filter.state() == null ? EnumSet.allOf(TaskState.class) : EnumSet.of(filter.state());
    return new Count(
        counted.stream()
            .mapToLong(queue -> states.stream().mapToLong(queue.stats()::of).sum())
            .sum(),
        0,
        null);
  }

  private static Filter filter(Call.Query query, @Nullable String ownId) {
    String clientId = query.text("client_id", Client.ID, EnqueueFields.CLIENT_ID_FORM);
    if (ownId != null && clientId != null && !clientId.equals(ownId)) {
      throw new Refusal(Problem.clientMismatch(ownId, clientId));
    }
    String state =
        query.text("state", STATE, "one of scheduled ready active retry succeeded dead cancelled");
    String host = query.text("host", OperationFields.HOST, OperationFields.HOST_FORM);
    String status = query.text("status", STATUS, "an HTTP status, 100 to 599");
    String error = query.text("error").orElse(null);
    Optional<Cause> cause = Cause.of(error, status == null ? null : Integer.valueOf(status));
    if (error != null && cause.isEmpty()) {
      query.fault("error", error, Cause.FORM);
    }
    return new Filter(
        query.text("queue", QueueSettings.ANY_NAME, QUEUE_FORM),
        state == null ? null : TaskState.ofWord(state).orElseThrow(),
        ownId == null ? clientId : ownId,
        label(query),
        host == null ? null : host.toLowerCase(Locale.ROOT),
        cause.map(Cause::status).orElse(null),
        cause.map(Cause::error).orElse(null),
        time(query, "created_after"),
        time(query, "created_before"),
        time(query, "due_after"),
        time(query, "due_before"),
        List.of());
  }

  /** A parameter that is a time; null when it is absent, or not one, which is noted. */
  static @Nullable Instant time(Call.Query query, String name) {
    Optional<String> text = query.text(name);
    Optional<Instant> time = text.flatMap(Times::parse);
    if (text.isPresent() && time.isEmpty()) {
      query.fault(name, text.get(), "an RFC 3339 timestamp, such as 2026-01-31T12:00:00Z");
    }
    return time.orElse(null);
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

  private byte[] json(Page page, Call.Query query, View view) {
    return JsonOut.object(out -> {
      out.array(
          "tasks",
          items -> {
            for (Task task : page.tasks()) {
              items.item(item -> {
                if (view == View.BASIC) {
                  TaskJson.basic(item, task);
                } else {
                  TaskJson.write(item, task, maxRetry);
                }
              });
            }
          });
      out.text("next_cursor", query.nextCursor(page.nextCursor()));
      out.number("examined", page.examined());
    });
  }

  private Answer get(Call call) {
    Faults faults = new Faults();
    int bodyMax = call.query(faults).integer("body_max", Integer.MAX_VALUE, 0, Integer.MAX_VALUE);
    faults.raise();
    Task task = own(call);
    return Answer.ok(
        JsonOut.object(out -> {
          TaskJson.write(out, task, maxRetry, bodyMax);
          TaskJson.waitingFor(out, waitsFor(task));
        }));
  }

  private Answer why(Call call) {
    Task task = own(call);
    boolean numbers = call.caller() instanceof Caller.Admin;
    return Answer.ok(JsonOut.object(out -> waits.write(out, task, numbers)));
  }

  /** The circuit breaker that a task waits for. */
  private Optional<TargetHost.Open> waitsFor(Task task) {
    boolean waits = task.state() == TaskState.SCHEDULED || task.state() == TaskState.RETRY;
    return waits
        ? hosts.openFor(task.id(), task.spec().request().url().hostAndPort())
        : Optional.empty();
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
    return Answer.ok(json(move(call, "task retried", tasks::retry, Problem::notDead)));
  }

  /** Performs an action on the caller's own task, and returns the task as of then. */
  private Task move(
      Call call,
      String what,
      Function<TaskId, Moved> move,
      BiFunction<TaskId, TaskState, Problem> otherwise) {
    Task before = own(call);
    switch (move.apply(before.id())) {
      case Moved.Done _ -> {}
      case Moved.NotFound _ -> throw new Refusal(Missing.task(call.param(0)));
      case Moved.WrongState(TaskState state) ->
          throw new Refusal(otherwise.apply(before.id(), state));
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
        .orElseThrow(() -> new Refusal(Missing.task(call.param(0))));
  }

  private byte[] json(Task task) {
    return JsonOut.object(out -> TaskJson.write(out, task, maxRetry));
  }
}
