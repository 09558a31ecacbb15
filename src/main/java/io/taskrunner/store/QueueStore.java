package io.taskrunner.store;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The moves of queues. All methods block, and raise {@link StoreUnavailable}. */
public interface QueueStore {

  /** All queues, by name. */
  List<Queue> list();

  /** One queue. */
  Optional<Queue> get(String name);

  /**
   * Makes a queue or replaces its settings; its tasks and its pause stay.
   *
   * @return whether it was made
   */
  boolean put(String name, QueueSettings settings, Expected expected) throws ChangedMeanwhile;

  /** As {@link #put(String, QueueSettings, Expected)}, unconditionally. */
  default boolean put(String name, QueueSettings settings) {
    try {
      return put(name, settings, Expected.ANY);
    } catch (ChangedMeanwhile changed) {
      throw ChangedMeanwhile.impossible(changed);
    }
  }

  /**
   * Deletes a queue.
   *
   * @param force even when it has tasks, which go with it
   */
  Deleted delete(String name, boolean force, Expected expected) throws ChangedMeanwhile;

  /** As {@link #delete(String, boolean, Expected)}, unconditionally. */
  default Deleted delete(String name, boolean force) {
    try {
      return delete(name, force, Expected.ANY);
    } catch (ChangedMeanwhile changed) {
      throw ChangedMeanwhile.impossible(changed);
    }
  }

  /** Holds (or lets go) what waits in a queue; false when there is no such queue. */
  boolean pause(String name, boolean paused);

  /** Drops what waits in a queue; false when there is no such queue. */
  boolean purge(String name);

  /**
   * Starts dead tasks again, oldest first.
   *
   * @param limit maximum number; null for all
   * @param clientId of this client alone; null for all
   * @return how many; empty when there is no such queue
   */
  Optional<Long> replayDead(String name, @Nullable Long limit, @Nullable String clientId);

  /** How many dead tasks a queue has, by host and cause; empty when there is no such queue. */
  Optional<DeadSummary> deadSummary(String name);

  /** Drops all dead tasks of a queue; false when there is no such queue. */
  boolean dropDead(String name);

  /** Holds (or lets go) everything everywhere. */
  void pauseAll(boolean paused);

  /** Whether everything is held. */
  boolean allPaused();

  /**
   * What the dead of a queue died of.
   *
   * @param total all dead tasks
   * @param groups the largest first; of a queue with more than a thousand kinds, some are told as
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
    /** The host and the cause of those of all other kinds. */
    public static final String OTHER = "other";
  }

  /** What came of a deletion. */
  enum Deleted {
    /** It is gone. */
    DONE,
    /** No such queue. */
    NOT_FOUND,
    /** It has tasks. */
    NOT_EMPTY
  }
}
