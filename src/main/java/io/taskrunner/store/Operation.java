package io.taskrunner.store;

import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A read-only view of one action on many tasks.
 *
 * @param id its name
 * @param order the request
 * @param begun when it began; tasks created, or ended, later are not included
 * @param state whether it still runs
 * @param counts its results; while it runs, at most a second old
 * @param total number of matches; null while unknown
 * @param sample the first tasks that it was, or would be, applied to
 * @param updated when it last progressed
 * @param finished when it ended; null while it runs
 * @param error why it failed; null where it did not
 */
// Flat row: one component for each field of the API.
public record Operation(
    String id,
    Order order,
    Instant begun,
    State state,
    Counts counts,
    @Nullable Long total,
    List<TaskId> sample,
    Instant updated,
    @Nullable Instant finished,
    @Nullable String error) {

  /** Keeps the sample from being changed. */
  public Operation {
    sample = List.copyOf(sample);
  }

  /** The action on each task, and the states that it applies to. */
  public enum Action {
    /** Cancels waiting or running tasks. */
    CANCEL(Set.of(TaskState.SCHEDULED, TaskState.READY, TaskState.RETRY, TaskState.ACTIVE)),
    /** Makes scheduled or retrying tasks ready. */
    RUN(Set.of(TaskState.SCHEDULED, TaskState.RETRY)),
    /** Replays dead tasks, with their attempts reset. */
    RETRY(Set.of(TaskState.DEAD)),
    /** Moves waiting or dead tasks to another queue. */
    MOVE(Set.of(TaskState.SCHEDULED, TaskState.READY, TaskState.RETRY, TaskState.DEAD)),
    /** Deletes finished tasks. */
    DELETE(Set.of(TaskState.SUCCEEDED, TaskState.DEAD, TaskState.CANCELLED));

    private final Set<TaskState> states;

    Action(Set<TaskState> states) {
      this.states = states;
    }

    /** The states that it applies to. */
    public Set<TaskState> states() {
      return states;
    }

    /** Its name in requests, responses and scripts. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** The action with a name; empty when there is none. */
    public static Optional<Action> ofWord(String word) {
      for (Action action : values()) {
        if (action.word().equals(word)) {
          return Optional.of(action);
        }
      }
      return Optional.empty();
    }
  }

  /** Whether an operation still runs. */
  public enum State {
    /** A runner carries it out, or will soon. */
    RUNNING,
    /** It is complete. */
    DONE,
    /** It was stopped. */
    STOPPED,
    /** It failed. */
    FAILED;

    /** Its name. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * The request.
   *
   * @param owner the client that asked; null for the admin
   * @param toQueue destination of a move; null for other actions
   * @param perSec maximum tasks per second; null for as fast as possible
   * @param dryRun whether it only counts
   */
  public record Order(
      Action action,
      Filter filter,
      @Nullable String owner,
      @Nullable String toQueue,
      @Nullable Double perSec,
      boolean dryRun) {}

  /**
   * The counts of an operation.
   *
   * @param done tasks that it was, or would be, applied to
   * @param failed tasks that a rule excludes
   * @param skipped tasks whose record cannot be read
   */
  public record Counts(long done, long failed, long skipped) {
    /** Nothing yet. */
    public static final Counts NONE = new Counts(0, 0, 0);

    /** Both together. */
    public Counts plus(Counts other) {
      return new Counts(done + other.done, failed + other.failed, skipped + other.skipped);
    }
  }
}
