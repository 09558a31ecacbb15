package io.taskrunner.store;

import io.taskrunner.schedule.Schedule;
import io.taskrunner.schedule.Schedule.Result;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.task.TaskId;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Operations on schedules. All methods block, and raise {@link StoreUnavailable}. */
public interface ScheduleStore {

  /**
   * Schedules by name. A page may hold fewer than its limit and still have a next one: the size of
   * their bodies is bounded too.
   *
   * @param limit at most this many
   * @param cursor where the previous page ended; null for the first
   * @throws BadCursor the cursor is invalid
   */
  Page list(int limit, @Nullable String cursor) throws BadCursor;

  /** A schedule. */
  Optional<Schedule> get(String name);

  /**
   * Creates a schedule or replaces its settings; its history is kept. It waits for its next tick
   * from now on, and an interval restarts only when it changed.
   *
   * @return whether it was created
   */
  boolean put(String name, Schedule.Settings settings, Expected expected) throws ChangedMeanwhile;

  /** Deletes a schedule; its tasks are kept. False when there is no such schedule. */
  boolean delete(String name, Expected expected) throws ChangedMeanwhile;

  /** Pauses a schedule, or resumes it with its next tick. Empty: no such schedule. */
  Optional<Schedule> pause(String name, boolean paused);

  /** Creates a task now, also while it is paused; its ticks are not affected. */
  Ran run(String name);

  /**
   * The parts that store schedules. Each ticks independently, so that an unavailable part delays no
   * other.
   */
  List<Part> parts();

  /** Schedules that are stored together. */
  interface Part {
    /**
     * Processes the due schedules of this part. Any number of processes may do so: one tick creates
     * one task.
     *
     * @return the time until there is more to do, at most a second
     */
    Duration tick();
  }

  /**
   * A page of schedules.
   *
   * @param unavailable names of schedules that belong to the page but cannot be read now
   * @param count total number
   */
  record Page(
      List<Schedule> schedules,
      List<String> unavailable,
      long count,
      @Nullable String nextCursor) {}

  /** The result of requesting a run. */
  sealed interface Ran {
    /**
     * A task was created.
     *
     * @param schedule its schedule
     * @param at when it was created
     */
    record Done(TaskId id, Schedule schedule, Instant at) implements Ran {}

    /** No such schedule. */
    record NotFound() implements Ran {}

    /** No task could be created. */
    record Failed(Result why, Schedule schedule) implements Ran {}

    /** The store is full. */
    record Full() implements Ran {}
  }
}
