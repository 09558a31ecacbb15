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
 * The moves of queues and tasks as Google Cloud Tasks knows them. Such a queue is its own client:
 * its name is the whole resource name, it lies in one shard, no tier applies to it, and its limits
 * and retries are Google's. All methods but {@link #create} block, and raise {@link
 * StoreUnavailable}.
 */
public interface CloudStore {

  /**
   * Makes a queue.
   *
   * @param reuseAfter how long the name of a deleted queue stays taken; zero for not at all
   */
  QueueMade make(QueueName name, Settings settings, Duration reuseAfter);

  /** A queue that was made and not deleted. */
  Optional<CloudQueue> queue(QueueName name);

  /**
   * Replaces the settings of a queue: they bind at once what waits. Empty: there is no such queue.
   */
  Optional<CloudQueue> change(QueueName name, Settings settings);

  /**
   * The queues of a location, in the order of their names.
   *
   * @param after only those behind this id; null for all
   * @param limit at most so many
   */
  List<CloudQueue> queues(String project, String location, @Nullable String after, int limit);

  /** Deletes a queue with all its tasks; false when there is none. */
  boolean delete(QueueName name);

  /** Drops all that waits and forgets what runs, by names that stay taken. Empty: no such queue. */
  Optional<CloudQueue> purge(QueueName name);

  /** Holds a queue, or lets it go. Empty: no such queue. */
  Optional<CloudQueue> pause(QueueName name, boolean paused);

  /**
   * Puts a task into a queue. Calls that come together share one round trip. Never blocks.
   *
   * @return completes with the result, or exceptionally with {@link StoreUnavailable}: then the
   *     task may exist or not
   */
  CompletableFuture<TaskMade> create(NewTask task);

  /** A task that waits or runs. */
  Found task(QueueName queue, String id);

  /**
   * The tasks of a queue that wait or run, oldest first.
   *
   * @param cursor where the page before ended; null for the first
   * @param limit at most so many
   * @throws TaskStore.BadCursor the cursor is none of ours
   */
  Optional<Page> tasks(QueueName queue, @Nullable String cursor, int limit)
      throws TaskStore.BadCursor;

  /** Deletes a task; what runs of it goes on, and is never retried. */
  Found delete(QueueName queue, String id);

  /** Dispatches a task now, past its time, the limits and the pause of its queue. */
  Found run(QueueName queue, String id);

  /** The name of a queue: {@code projects/P/locations/L/queues/Q}. */
  record QueueName(String project, String location, String id) {
    /** The whole resource name. */
    @Override
    public String toString() {
      return "projects/" + project + "/locations/" + location + "/queues/" + id;
    }
  }

  /**
   * What a queue obeys; complete, with Google's defaults filled in.
   *
   * @param maxDispatchesPerSecond above 0, at most 500
   * @param maxBurstSize the capacity of the bucket
   * @param maxConcurrentDispatches 1 to 5000
   * @param retry when a failed attempt is made again
   * @param echoed what is kept for the caller and means nothing here, as the protocol writes it
   */
  record Settings(
      double maxDispatchesPerSecond,
      int maxBurstSize,
      int maxConcurrentDispatches,
      Retries retry,
      byte[] echoed) {}

  /**
   * Google's rule of retries: without jitter, for every outcome but 2xx; given up when both limits
   * are spent.
   *
   * @param maxAttempts with the first; -1 for no limit
   * @param maxRetryDuration since the first attempt; zero for not said
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
   * A queue as it stands.
   *
   * @param purged when it was last purged; empty for never
   */
  record CloudQueue(QueueName name, Settings settings, boolean paused, Optional<Instant> purged) {}

  /** What came of making a queue. */
  sealed interface QueueMade {
    /** It is there. */
    record Made(CloudQueue queue) implements QueueMade {}

    /** The name is another queue's. */
    record Exists() implements QueueMade {}

    /** A queue of this name was deleted too recently. */
    record TooRecent() implements QueueMade {}
  }

  /**
   * A task to create; everything in it has been validated.
   *
   * @param id the last part of its name; null to have one made
   * @param due not before this; null, or a past one, for now
   * @param spec what to perform: timeout is the dispatch deadline, retention zero
   * @param echoed the task as the protocol writes it, without its body; given back as it is
   * @param nameTaken how long its name stays taken after its end, when it was given
   */
  record NewTask(
      QueueName queue,
      @Nullable String id,
      @Nullable Instant due,
      TaskSpec spec,
      byte[] echoed,
      Duration nameTaken) {}

  /** What came of creating a task. */
  sealed interface TaskMade {
    /** It waits. */
    record Made(CloudTask task) implements TaskMade {}

    /** The name is, or was until recently, another task's. */
    record Exists() implements TaskMade {}

    /** There is no such queue. */
    record NoQueue() implements TaskMade {}

    /** The store has no room. */
    record Full() implements TaskMade {}
  }

  /** A task, or why there is none. */
  sealed interface Found {
    /** It is, or was, there. */
    record Task(CloudTask task) implements Found {}

    /** One of this name ended not long ago. */
    record Over() implements Found {}

    /** Neither. */
    record Nothing() implements Found {}
  }

  /**
   * A task as it stands.
   *
   * @param id the last part of its name
   * @param taskId its name everywhere else
   * @param due of the next attempt, or of the one that runs
   * @param dispatches attempts begun
   * @param responses attempts that got an HTTP status
   * @param first when the first attempt began
   * @param last the attempt begun last; empty before the first
   */
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
   * The attempt begun last.
   *
   * @param due when it was due
   * @param dispatched when it began
   * @param ended when its outcome was known; empty while it runs
   * @param status the target's; 504 after a time-out; empty when none came
   */
  record LastAttempt(
      Instant due, Instant dispatched, Optional<Instant> ended, OptionalInt status) {}

  /**
   * Some of the tasks.
   *
   * @param next gives the next page; null at the end
   */
  record Page(List<CloudTask> tasks, @Nullable String next) {}
}
