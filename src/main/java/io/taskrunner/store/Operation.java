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
 * One move made of many tasks, as it stands.
 *
 * @param id its name
 * @param order what was asked for
 * @param begun when; what was made, or ended, later is not meant
 * @param state whether it still runs
 * @param counts what it came to; while it runs at most a second old
 * @param total how many match; null while that is not known
 * @param sample the first tasks that it was done to, or would be
 * @param updated when it last went on
 * @param finished when it ended; null while it runs
 * @param error why it failed; null where it did not
 */
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

  /** What is done to each task, and the states that it is for. */
  public enum Action {
    /** Calls off what waits or runs. */
    CANCEL(Set.of(TaskState.SCHEDULED, TaskState.READY, TaskState.RETRY, TaskState.ACTIVE)),
    /** Makes ready what waits for its time. */
    RUN(Set.of(TaskState.SCHEDULED, TaskState.RETRY)),
    /** Starts dead ones again, with fresh attempts. */
    RETRY(Set.of(TaskState.DEAD)),
    /** Puts what waits, or is dead, into another queue. */
    MOVE(Set.of(TaskState.SCHEDULED, TaskState.READY, TaskState.RETRY, TaskState.DEAD)),
    /** Forgets what is over. */
    DELETE(Set.of(TaskState.SUCCEEDED, TaskState.DEAD, TaskState.CANCELLED));

    private final Set<TaskState> states;

    Action(Set<TaskState> states) {
      this.states = states;
    }

    /** The states that it is for. */
    public Set<TaskState> states() {
      return states;
    }

    /** The word that stands for it in calls, answers and scripts. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** The action of a word; empty when there is none. */
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
    /** In somebody's hands, or soon again. */
    RUNNING,
    /** It came to the end. */
    DONE,
    /** It was called off. */
    STOPPED,
    /** It could not go on. */
    FAILED;

    /** The word that stands for it. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * What was asked for.
   *
   * @param owner the client that asked; null for the admin
   * @param toQueue where a move goes; null for other actions
   * @param perSec tasks a second at most; null for as fast as may be
   * @param dryRun whether it counts alone
   */
  public record Order(
      Action action,
      Filter filter,
      @Nullable String owner,
      @Nullable String toQueue,
      @Nullable Double perSec,
      boolean dryRun) {}

  /**
   * What an operation came to.
   *
   * @param done tasks that it was done to, or would be
   * @param failed tasks that a rule forbids it to
   * @param skipped tasks whose record cannot be read
   */
  public record Counts(long done, long failed, long skipped) {
    /** Nothing yet. */
    public static final Counts NONE = new Counts(0, 0, 0);

    /** All that matched. */
    public long all() {
      return done + failed + skipped;
    }

    /** Both together. */
    public Counts plus(Counts other) {
      return new Counts(done + other.done, failed + other.failed, skipped + other.skipped);
    }
  }
}
