package io.taskrunner.store;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Operations on many tasks: whoever asks for one enters it in a list, and a runner that holds its
 * lease carries it out, chunk by chunk. All methods block, and raise {@link StoreUnavailable}.
 */
public interface OperationStore {

  /** Most that run at once. */
  int RUNNING_MAX = 100;

  /** Most of one client that run at once. */
  int OWN_MAX = 5;

  /** Most that are kept, running or over. */
  int KEPT_MAX = 1000;

  /** How long one is kept. */
  Duration KEPT = Duration.ofDays(7);

  /** Enters one in the list; it is begun by whichever runner looks next. */
  Begun begin(Operation.Order order);

  /** One that is kept. */
  Optional<Operation> get(String id);

  /**
   * Those that are kept, newest first.
   *
   * @param owner whose alone; null for all
   */
  List<Operation> list(@Nullable String owner, int most);

  /** Stops one: once this has returned nothing more is done. What was done stays done. */
  Stopped stop(String id);

  /**
   * Says that a runner is there, and takes up what nobody has.
   *
   * @param had what it had before; what they came to is entered in the list
   * @return what it is to carry out from now on; the same objects for what it still has
   */
  List<Run> lease(String runner, Duration lease, Collection<Run> had);

  /** What came of {@link #begin}. */
  sealed interface Begun {
    /** It is in the list. */
    record Entered(Operation operation) implements Begun {}

    /** No such queue. */
    record QueueNotFound(String queue) implements Begun {}

    /** Too many run. */
    record TooMany() implements Begun {}
  }

  /** What came of {@link #stop}. */
  sealed interface Stopped {
    /** It is stopped, or was already. */
    record Done() implements Stopped {}

    /** There is none. */
    record NotFound() implements Stopped {}

    /** It had ended before. */
    record Ended(Operation.State state) implements Stopped {}
  }

  /**
   * An operation in a runner's hands. One thread at a time carries it out; {@link #lease} may
   * report it meanwhile.
   */
  interface Run {
    /** As it stood when it was taken up. */
    Operation operation();

    /**
     * Does the next chunk.
     *
     * @param most tasks, 1 to 100
     */
    Step step(int most);

    /** Ends it, since it cannot go on. What was done stays done. */
    void fail(String reason);
  }

  /** What came of a chunk. */
  sealed interface Step {
    /**
     * There may be more.
     *
     * @param tasks that it came to; 0 where none of those looked at matched
     */
    record Went(int tasks) implements Step {}

    /** It has ended, and the list says how. */
    record Over(Operation.State state) implements Step {}
  }
}
