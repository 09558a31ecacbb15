package io.taskrunner.store;

import io.taskrunner.task.AttemptError;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The moves of tasks that callers ask for. All methods but {@link #enqueue} block, and raise {@link
 * StoreUnavailable}.
 */
public interface TaskStore {

  /**
   * Puts a task into a queue. Concurrent calls share one round trip. Never blocks.
   *
   * @return completes with the result, or exceptionally with {@link StoreUnavailable}: then the
   *     task may exist or not
   */
  CompletableFuture<EnqueueResult> enqueue(Enqueue command);

  /** A task that can still be looked up. */
  Optional<Task> get(TaskId id);

  /**
   * Tasks that match, in the order that the contract gives for their state. What takes too long to
   * find is left for the next page: so one may be short, or empty, and not be the last.
   *
   * @throws BadCursor the cursor is invalid, or of another filter
   */
  Page list(Filter filter, int limit, @Nullable String cursor) throws BadCursor;

  /** Calls a task off. */
  Moved cancel(TaskId id);

  /** Makes a scheduled or retrying task ready now. */
  Moved runNow(TaskId id);

  /** Starts a dead task again, with fresh attempts. */
  Moved revive(TaskId id);

  /**
   * Which tasks; null is any.
   *
   * @param host of the url, in any spelling; with its port where that matters
   * @param status the target's last HTTP status
   * @param error why the last attempt, or the task, failed
   * @param createdAfter made then or later
   * @param createdBefore made earlier
   * @param dueAfter due then or later
   * @param dueBefore due earlier
   */
  public record Filter(
      @Nullable String queue,
      @Nullable TaskState state,
      @Nullable String clientId,
      @Nullable Label label,
      @Nullable String host,
      @Nullable Integer status,
      @Nullable AttemptError error,
      @Nullable Instant createdAfter,
      @Nullable Instant createdBefore,
      @Nullable Instant dueAfter,
      @Nullable Instant dueBefore) {

    /** Compares a host in its one spelling. */
    public Filter {
      if (host != null) {
        host = TargetUrl.hostOf(host).orElse(host.toLowerCase(Locale.ROOT));
      }
    }

    /** Whether it names whole sets: at most a queue and a state. */
    public boolean plain() {
      return clientId == null
          && label == null
          && host == null
          && status == null
          && error == null
          && createdAfter == null
          && createdBefore == null
          && dueAfter == null
          && dueBefore == null;
    }

    /** One that says no more than this. */
    public Filter(
        @Nullable String queue,
        @Nullable TaskState state,
        @Nullable String clientId,
        @Nullable Label label) {
      this(queue, state, clientId, label, null, null, null, null, null, null, null);
    }
  }

  /** A label to filter by. */
  record Label(String name, String value) {}

  /**
   * Some of the matches.
   *
   * @param nextCursor gives the next page; null at the end
   * @param examined so many tasks were looked at
   */
  record Page(List<Task> tasks, @Nullable String nextCursor, long examined) {}

  /** What came of a move. */
  sealed interface Moved {
    /** It was done, or was so already. */
    record Done() implements Moved {}

    /** No such task. */
    record NotFound() implements Moved {}

    /** The task is in a state that does not allow it. */
    record WrongState(TaskState state) implements Moved {}
  }

  /** A cursor that cannot be read. */
  final class BadCursor extends Exception {
    private static final long serialVersionUID = 1L;
  }
}
