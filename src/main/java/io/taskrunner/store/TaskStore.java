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
 * Operations on tasks for callers. All methods except {@link #enqueue} block, and raise {@link
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
   * Tasks that match, in the order that the contract defines for their state. The search is
   * bounded, so a page may be short, or empty, without being the last.
   *
   * @throws BadCursor the cursor is invalid, or of another filter
   */
  Page list(Filter filter, int limit, @Nullable String cursor, View view) throws BadCursor;

  /** Entire tasks, as {@link #list(Filter, int, String, View)} lists them. */
  default Page list(Filter filter, int limit, @Nullable String cursor) throws BadCursor {
    return list(filter, limit, cursor, View.FULL);
  }

  /**
   * Counts tasks that match: among at most about 100,000, or for a second.
   *
   * @param cursor of an earlier count; null for the beginning
   * @throws BadCursor the cursor is invalid, or of another filter
   */
  Count count(Filter filter, @Nullable String cursor) throws BadCursor;

  /** The parts of the tasks of a list. */
  enum View {
    /** Everything. */
    FULL,
    /** Everything except bodies and attempts, which can be large. */
    BASIC
  }

  /** The store's time. */
  Instant now();

  /** Cancels a task. */
  Moved cancel(TaskId id);

  /** Makes a scheduled or retrying task ready now. */
  Moved runNow(TaskId id);

  /** Replays a dead task, with its attempts reset. */
  Moved retry(TaskId id);

  /**
   * A filter for tasks; null is any.
   *
   * @param host of the url, in any spelling, optionally with its port
   * @param status the target's last HTTP status
   * @param error why the last attempt, or the task, failed
   * @param createdAfter created then or later
   * @param createdBefore created earlier
   * @param dueAfter due then or later
   * @param dueBefore due earlier
   * @param ids only these tasks; empty for any. Only for operations
   */
  // Flat row: one component for each filter of the API.
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
      @Nullable Instant dueBefore,
      List<TaskId> ids) {

    /** Normalizes the spelling of the host. */
    public Filter {
      ids = List.copyOf(ids);
      if (host != null) {
        host = TargetUrl.hostOf(host).orElse(host.toLowerCase(Locale.ROOT));
      }
    }

    /** Whether it selects entire sets: at most a queue and a state. */
    public boolean plain() {
      return clientId == null
          && label == null
          && host == null
          && status == null
          && error == null
          && createdAfter == null
          && createdBefore == null
          && dueAfter == null
          && dueBefore == null
          && ids.isEmpty();
    }

    /** A filter with these fields only. */
    public Filter(
        @Nullable String queue,
        @Nullable TaskState state,
        @Nullable String clientId,
        @Nullable Label label) {
      this(queue, state, clientId, label, null, null, null, null, null, null, null, List.of());
    }
  }

  /** A label to filter by. */
  record Label(String name, String value) {}

  /**
   * A page of the matches.
   *
   * @param nextCursor cursor of the next page; null at the end
   * @param examined number of tasks examined
   */
  record Page(List<Task> tasks, @Nullable String nextCursor, long examined) {}

  /**
   * A part of a count.
   *
   * @param count number of matches
   * @param examined number of tasks examined
   * @param nextCursor cursor of the rest; null at the end
   */
  record Count(long count, long examined, @Nullable String nextCursor) {}

  /** The result of an operation. */
  sealed interface Moved {
    /** It was done, or already had been. */
    record Done() implements Moved {}

    /** No such task. */
    record NotFound() implements Moved {}

    /** The task is in a state that does not allow it. */
    record WrongState(TaskState state) implements Moved {}
  }

  /** An invalid cursor. */
  final class BadCursor extends Exception {
    private static final long serialVersionUID = 1L;
  }
}
