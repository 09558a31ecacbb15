package io.taskrunner.cloudtasks;

import com.google.cloud.tasks.v2.CreateTaskRequest;
import com.google.cloud.tasks.v2.DeleteTaskRequest;
import com.google.cloud.tasks.v2.GetTaskRequest;
import com.google.cloud.tasks.v2.ListTasksRequest;
import com.google.cloud.tasks.v2.ListTasksResponse;
import com.google.cloud.tasks.v2.RunTaskRequest;
import com.google.cloud.tasks.v2.Task;
import com.google.protobuf.Empty;
import com.google.rpc.Code;
import io.taskrunner.cloudtasks.Names.TaskName;
import io.taskrunner.cloudtasks.TaskRules.Checked;
import io.taskrunner.cloudtasks.v1.BatchCreateTasksRequest;
import io.taskrunner.cloudtasks.v1.BatchCreateTasksResponse;
import io.taskrunner.cloudtasks.v1.BatchCreateTasksResponse.Result;
import io.taskrunner.cloudtasks.v1.HttpTarget;
import io.taskrunner.http.call.Caller;
import io.taskrunner.store.CloudStore;
import io.taskrunner.store.CloudStore.CloudTask;
import io.taskrunner.store.CloudStore.Found;
import io.taskrunner.store.CloudStore.NewTask;
import io.taskrunner.store.CloudStore.Page;
import io.taskrunner.store.CloudStore.QueueName;
import io.taskrunner.store.CloudStore.TaskMade;
import io.taskrunner.store.PageTokens;
import io.taskrunner.store.TaskStore;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** The calls about tasks. All block except {@link #create} and {@link #createAll}. */
final class Tasks {

  private static final int PAGE_MAX = 1000;

  private static final int BATCH_MAX = 100;

  /** Clients take at most 4 MiB of gRPC by default. */
  private static final int PAGE_BYTES = 3 * 1024 * 1024;

  /** The number of tasks read at once, because each may have a body of 1 MB. */
  private static final int CHUNK = 50;

  private final CloudStore store;
  private final Queues queues;
  private final TaskRules rules;
  private final Guard guard;
  private final boolean autoCreate;
  private final PageTokens pageTokens;
  private final Executor blocking;

  /**
   * Over a store.
   *
   * @param autoCreate whether a task creates its missing queue
   * @param blocking executor of blocking work
   */
  Tasks(
      CloudStore store,
      Queues queues,
      TaskRules rules,
      Guard guard,
      boolean autoCreate,
      PageTokens pageTokens,
      Executor blocking) {
    this.store = store;
    this.queues = queues;
    this.rules = rules;
    this.guard = guard;
    this.autoCreate = autoCreate;
    this.pageTokens = pageTokens;
    this.blocking = blocking;
  }

  CompletableFuture<Task> create(CreateTaskRequest request, Caller caller) {
    return create(queue(request.getParent(), caller), request, caller);
  }

  private CompletableFuture<Task> create(
      QueueName queue, CreateTaskRequest request, Caller caller) {
    Task.View view = TaskView.view(request.getResponseView());
    Checked checked = rules.check(queue, request.getTask());
    @Nullable Optional<HttpTarget> known = queues.knownTarget(queue);
    CompletableFuture<NewTask> task =
        known != null
            ? CompletableFuture.completedFuture(rules.made(checked, known, caller))
            : CompletableFuture.supplyAsync(
                () -> rules.made(checked, queues.target(queue), caller), blocking);
    return task.thenCompose(made -> create(made, caller))
        .thenApply(made -> TaskView.of(made, view));
  }

  private CompletableFuture<CloudTask> create(NewTask task, Caller caller) {
    return store
        .create(task)
        .thenCompose(result -> {
          if (result instanceof TaskMade.NoQueue && autoCreate) {
            return CompletableFuture.supplyAsync(
                    () -> queues.makePlain(task.queue(), caller), blocking)
                .thenCompose(there ->
                    there ? store.create(task) : CompletableFuture.completedFuture(result));
          }
          return CompletableFuture.completedFuture(result);
        })
        .thenApply(Tasks::made);
  }

  private static CloudTask made(TaskMade result) {
    return switch (result) {
      case TaskMade.Made made -> made.task();
      case TaskMade.Exists _ ->
          throw new Failure(Code.ALREADY_EXISTS, "Requested entity already exists");
      case TaskMade.NoQueue _ -> throw Queues.noQueue();
      case TaskMade.Full _ ->
          throw new Failure(
              Code.RESOURCE_EXHAUSTED,
              "The store is full and accepts no more tasks now; retry later.");
    };
  }

  CompletableFuture<BatchCreateTasksResponse> createAll(
      BatchCreateTasksRequest request, Caller caller) {
    QueueName queue = queue(request.getParent(), caller);
    int count = request.getRequestsCount();
    if (count == 0 || count > BATCH_MAX) {
      throw Failure.invalid(count + " requests (expected: 1 to " + BATCH_MAX + ").");
    }
    List<CompletableFuture<Result>> results =
        request.getRequestsList().stream().map(one -> result(queue, one, caller)).toList();
    return CompletableFuture.allOf(results.toArray(CompletableFuture<?>[]::new))
        .thenApply(_ -> {
          BatchCreateTasksResponse.Builder all = BatchCreateTasksResponse.newBuilder();
          results.forEach(result -> all.addResults(result.resultNow()));
          return all.build();
        });
  }

  private CompletableFuture<Result> result(
      QueueName queue, CreateTaskRequest request, Caller caller) {
    CompletableFuture<Task> task;
    try {
      if (!request.getParent().isEmpty() && !request.getParent().equals(queue.toString())) {
        throw Failure.invalid("The parent of each request must be the parent of the batch.");
      }
      task = create(queue, request, caller);
    } catch (Failure refused) {
      task = CompletableFuture.failedFuture(refused);
    }
    return task.handle((made, failure) -> {
      if (made != null) {
        return Result.newBuilder().setTask(made).build();
      }
      return Result.newBuilder()
          .setError(Failure.of(failure).orElseGet(Failure::internal).status())
          .build();
    });
  }

  ListTasksResponse list(ListTasksRequest request, Caller caller) {
    QueueName queue = queue(request.getParent(), caller);
    int size = Queues.pageSize(request.getPageSize(), PAGE_MAX);
    Task.View view = TaskView.view(request.getResponseView());
    String listed = queue.toString();
    @Nullable String cursor = Queues.cursor(pageTokens, listed, request.getPageToken());
    ListTasksResponse.Builder page = ListTasksResponse.newBuilder();
    long bytes = 0;
    int chunk = CHUNK;
    boolean more = true;
    while (more) {
      Page part = part(queue, cursor, Math.min(size - page.getTasksCount(), chunk));
      List<Task> shown = part.tasks().stream().map(task -> TaskView.of(task, view)).toList();
      long these = shown.stream().mapToLong(Task::getSerializedSize).sum();
      if (bytes + these > PAGE_BYTES && shown.size() > 1) {
        chunk = 1; // again from here, one by one up to the bound
      } else {
        page.addAllTasks(shown);
        bytes += these;
        cursor = part.next();
        more = cursor != null && page.getTasksCount() < size && bytes < PAGE_BYTES;
      }
    }
    if (cursor != null) {
      page.setNextPageToken(pageTokens.make(listed, cursor));
    }
    return page.build();
  }

  private Page part(QueueName queue, @Nullable String cursor, int limit) {
    try {
      return store.tasks(queue, cursor, limit).orElseThrow(Queues::noQueue);
    } catch (TaskStore.BadCursor bad) {
      throw Failure.invalid(
          "The page token is not valid or has expired; list from the first page again.");
    }
  }

  Task get(GetTaskRequest request, Caller caller) {
    TaskName name = task(request.getName(), caller);
    return TaskView.of(
        found(store.task(name.queue(), name.id())), TaskView.view(request.getResponseView()));
  }

  Empty delete(DeleteTaskRequest request, Caller caller) {
    TaskName name = task(request.getName(), caller);
    var unused = found(store.delete(name.queue(), name.id()));
    return Empty.getDefaultInstance();
  }

  Task run(RunTaskRequest request, Caller caller) {
    TaskName name = task(request.getName(), caller);
    Task.View view = TaskView.view(request.getResponseView());
    return TaskView.of(found(store.run(name.queue(), name.id())), view);
  }

  private static CloudTask found(Found found) {
    return switch (found) {
      case Found.Task there -> there.task();
      case Found.Over _ ->
          throw new Failure(
              Code.NOT_FOUND,
              "The task no longer exists, though a task with this name existed recently. The task"
                  + " either successfully completed or was deleted.");
      case Found.Nothing _ -> throw new Failure(Code.NOT_FOUND, "Requested entity was not found.");
    };
  }

  private QueueName queue(String text, Caller caller) {
    QueueName name = Names.queue(text);
    guard.admit(caller, name.toString());
    return name;
  }

  private TaskName task(String text, Caller caller) {
    TaskName name = Names.task(text);
    guard.admit(caller, name.queue().toString());
    return name;
  }
}
