package io.taskrunner.store;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Operations on many tasks: a request adds one to a list, and a runner that holds its lease carries
 * it out, chunk by chunk. All methods block, and raise {@link StoreUnavailable}.
 */
public interface OperationStore {

  /** Maximum number that run at once. */
  int RUNNING_MAX = 100;

  /** Maximum number of one client that run at once. */
  int OWN_MAX = 5;

  /** Maximum number kept, running or finished. */
  int KEPT_MAX = 1000;

  /** How long one is kept. */
  Duration KEPT = Duration.ofDays(7);

  /** Adds one to the list; the next runner to look starts it. */
  Begun begin(Operation.Order order);

  /** One operation. */
  Optional<Operation> get(String id);

  /**
   * All that are kept, newest first.
   *
   * @param owner only operations of this client; null for all
   */
  List<Operation> list(@Nullable String owner, int most);

  /** Stops one: after this returns, nothing more is done. Completed work is not undone. */
  Stopped stop(String id);

  /**
   * Reports that a runner is alive, and leases operations that no runner holds.
   *
   * @param had what it held before; their counts are written to the list
   * @return the operations to carry out from now on; the same objects for those that it still holds
   */
  List<Run> lease(String runner, Duration lease, Collection<Run> had);

  /** The result of {@link #begin}. */
  sealed interface Begun {
    /** It is in the list. */
    record Entered(Operation operation) implements Begun {}

    /** No such queue. */
    record QueueNotFound(String queue) implements Begun {}

    /** The limit of running operations is reached. */
    record TooMany() implements Begun {}
  }

  /** The result of {@link #stop}. */
  sealed interface Stopped {
    /** It is stopped, or already was. */
    record Done() implements Stopped {}

    /** It does not exist. */
    record NotFound() implements Stopped {}

    /** It had ended before. */
    record Ended(Operation.State state) implements Stopped {}
  }

  /**
   * An operation that a runner holds. One thread at a time carries it out; {@link #lease} may
   * report it meanwhile.
   */
  interface Run {
    /** Its state when it was leased. */
    Operation operation();

    /**
     * Does the next chunk.
     *
     * @param most tasks, 1 to 100
     */
    Step step(int most);

    /** Ends it as failed. Completed work is not undone. */
    void fail(String reason);
  }

  /** The result of a chunk. */
  sealed interface Step {
    /**
     * There may be more.
     *
     * @param tasks in the chunk; 0 when none of those examined matched
     */
    record Went(int tasks) implements Step {}

    /** It has ended; the list contains how. */
    record Over(Operation.State state) implements Step {}
  }
}
