package io.taskrunner.store;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Operations on queues. All methods block, and raise {@link StoreUnavailable}. */
public interface QueueStore {

  /** All queues, by name. */
  List<Queue> list();

  /** One queue. */
  Optional<Queue> get(String name);

  /**
   * Creates a queue or replaces its settings; its tasks and its pause are kept.
   *
   * @return whether it was created
   */
  boolean put(String name, QueueSettings settings, Expected expected) throws ChangedMeanwhile;

  /**
   * Deletes a queue.
   *
   * @param force even when it has tasks, which are deleted too
   */
  Deleted delete(String name, boolean force, Expected expected) throws ChangedMeanwhile;

  /** Pauses or resumes a queue; false when there is no such queue. */
  boolean pause(String name, boolean paused);

  /** Deletes the waiting tasks of a queue; false when there is no such queue. */
  boolean purge(String name);

  /**
   * Replays dead tasks, oldest first.
   *
   * @param limit maximum number; null for all
   * @param clientId only tasks of this client; null for all
   * @return how many; empty when there is no such queue
   */
  Optional<Long> replayDead(String name, @Nullable Long limit, @Nullable String clientId);

  /** The number of dead tasks of a queue, by host and cause; empty when there is no such queue. */
  Optional<DeadSummary> deadSummary(String name);

  /** Deletes all dead tasks of a queue; false when there is no such queue. */
  boolean dropDead(String name);

  /** Pauses or resumes all queues. */
  void pauseAll(boolean paused);

  /** Whether all queues are paused. */
  boolean allPaused();

  /**
   * The dead tasks of a queue by host and cause.
   *
   * @param total all dead tasks
   * @param groups the largest first; of a queue with more than 1,000 kinds, some are reported as
   *     {@link DeadGroup#OTHER}
   */
  record DeadSummary(long total, List<DeadGroup> groups) {}

  /**
   * Dead tasks of one kind.
   *
   * @param host and port of their target
   * @param cause a word of {@link io.taskrunner.task.AttemptError}, or {@code http_} and the status
   */
  record DeadGroup(String host, String cause, long count) {
    /** The host and the cause of the group of all other kinds. */
    public static final String OTHER = "other";
  }

  /** The result of a deletion. */
  enum Deleted {
    /** It was deleted. */
    DONE,
    /** No such queue. */
    NOT_FOUND,
    /** It has tasks. */
    NOT_EMPTY
  }
}
