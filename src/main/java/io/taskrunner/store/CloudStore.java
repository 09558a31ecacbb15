package io.taskrunner.store;

import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Operations on queues and tasks with the semantics of Google Cloud Tasks. Such a queue is its own
 * client: its name is the full resource name, it is stored in one shard, no tier applies to it, and
 * its limits and retries are Google's. All methods except {@link #create} block, and raise {@link
 * StoreUnavailable}.
 */
public interface CloudStore {

  /**
   * Creates a queue.
   *
   * @param reuseAfter how long the name of a deleted queue stays reserved; zero for not at all
   */
  QueueMade make(QueueName name, Settings settings, Duration reuseAfter);

  /** A queue that exists. */
  Optional<CloudQueue> queue(QueueName name);

  /**
   * Replaces the settings of a queue; they apply to waiting tasks at once. Empty: no such queue.
   */
  Optional<CloudQueue> change(QueueName name, Settings settings);

  /**
   * The queues of a location, ordered by name.
   *
   * @param after only queues after this id; null for all
   * @param limit maximum number
   */
  List<CloudQueue> queues(String project, String location, @Nullable String after, int limit);

  /** Deletes a queue with all its tasks; false when it does not exist. */
  boolean delete(QueueName name);

  /**
   * Deletes all waiting tasks and detaches running ones; their names stay reserved. Empty: no such
   * queue.
   */
  Optional<CloudQueue> purge(QueueName name);

  /** Pauses or resumes a queue. Empty: no such queue. */
  Optional<CloudQueue> pause(QueueName name, boolean paused);

  /**
   * Puts a task into a queue. Concurrent calls share one round trip. Never blocks.
   *
   * @return completes with the result, or exceptionally with {@link StoreUnavailable}: then the
   *     task may exist or not
   */
  CompletableFuture<TaskMade> create(NewTask task);

  /** A waiting or running task. */
  Found task(QueueName queue, String id);

  /**
   * The waiting and running tasks of a queue, oldest first.
   *
   * @param cursor where the previous page ended; null for the first
   * @param limit maximum number
   * @throws TaskStore.BadCursor the cursor is invalid
   */
  Optional<Page> tasks(QueueName queue, @Nullable String cursor, int limit)
      throws TaskStore.BadCursor;

  /** Deletes a task; a running attempt continues and is never retried. */
  Found delete(QueueName queue, String id);

  /** Dispatches a task now, regardless of its due time and of the limits and pause of its queue. */
  Found run(QueueName queue, String id);

  /** The name of a queue: {@code projects/P/locations/L/queues/Q}. */
  record QueueName(String project, String location, String id) {
    /** The full resource name. */
    @Override
    public String toString() {
      return "projects/" + project + "/locations/" + location + "/queues/" + id;
    }
  }

  /**
   * The settings of a queue; complete, with Google's defaults filled in.
   *
   * @param maxDispatchesPerSecond above 0, at most 500
   * @param maxBurstSize the capacity of the bucket
   * @param maxConcurrentDispatches 1 to 5000
   * @param retry when a failed attempt is retried
   * @param echoed fields that are stored for the caller and not interpreted, as the protocol
   *     encodes them
   */
  record Settings(
      double maxDispatchesPerSecond,
      int maxBurstSize,
      int maxConcurrentDispatches,
      Retries retry,
      byte[] echoed) {}

  /**
   * Google's retry rule: without jitter, for every outcome except 2xx; gives up when both limits
   * are exceeded.
   *
   * @param maxAttempts including the first; -1 for no limit
   * @param maxRetryDuration since the first attempt; zero for unset
   * @param minBackoff before the first retry
   * @param maxBackoff the longest wait
   * @param maxDoublings then the wait grows by a constant step
   */
  record Retries(
      int maxAttempts,
      Duration maxRetryDuration,
      Duration minBackoff,
      Duration maxBackoff,
      int maxDoublings) {}

  /**
   * A read-only view of a queue.
   *
   * @param purged when it was last purged; empty for never
   */
  record CloudQueue(QueueName name, Settings settings, boolean paused, Optional<Instant> purged) {}

  /** The result of creating a queue. */
  sealed interface QueueMade {
    /** It exists. */
    record Made(CloudQueue queue) implements QueueMade {}

    /** A queue of this name exists. */
    record Exists() implements QueueMade {}

    /** A queue of this name was deleted too recently. */
    record TooRecent() implements QueueMade {}
  }

  /**
   * A task to create; everything in it has been validated.
   *
   * @param id the last part of its name; null to have one generated
   * @param due earliest start; null, or a past time, for now
   * @param spec the request and its settings: timeout is the dispatch deadline, retention zero
   * @param echoed the task as the protocol encodes it, without its body; returned unchanged
   * @param nameTaken how long its name, if given, stays reserved after its end
   */
  record NewTask(
      QueueName queue,
      @Nullable String id,
      @Nullable Instant due,
      TaskSpec spec,
      byte[] echoed,
      Duration nameTaken) {}

  /** The result of creating a task. */
  sealed interface TaskMade {
    /** It waits. */
    record Made(CloudTask task) implements TaskMade {}

    /** The name is, or was until recently, used by another task. */
    record Exists() implements TaskMade {}

    /** No such queue. */
    record NoQueue() implements TaskMade {}

    /** The store is full. */
    record Full() implements TaskMade {}
  }

  /** A task, or why it was not found. */
  sealed interface Found {
    /** It exists, or existed. */
    record Task(CloudTask task) implements Found {}

    /** A task of this name ended recently. */
    record Over() implements Found {}

    /** It does not exist, and no task of this name ended recently. */
    record Nothing() implements Found {}
  }

  /**
   * A read-only view of a task.
   *
   * @param id the last part of its name
   * @param taskId its id outside Cloud Tasks
   * @param due of the next or the running attempt
   * @param dispatches attempts started
   * @param responses attempts that received an HTTP status
   * @param first start of the first attempt
   * @param last the latest attempt; empty before the first
   */
  // Flat row: one component for each field of the protocol.
  record CloudTask(
      QueueName queue,
      String id,
      TaskId taskId,
      TaskSpec spec,
      byte[] echoed,
      Instant created,
      Instant due,
      int dispatches,
      int responses,
      Optional<Instant> first,
      Optional<LastAttempt> last) {}

  /**
   * The latest attempt.
   *
   * @param due when it was due
   * @param dispatched when it began
   * @param ended when its outcome was known; empty while it runs
   * @param status the target's; 504 after a timeout; empty when none was received
   */
  record LastAttempt(
      Instant due, Instant dispatched, Optional<Instant> ended, OptionalInt status) {}

  /**
   * A page of tasks.
   *
   * @param next cursor of the next page; null at the end
   */
  record Page(List<CloudTask> tasks, @Nullable String next) {}
}
