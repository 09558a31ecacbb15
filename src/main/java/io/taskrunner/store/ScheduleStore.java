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

/** The moves of schedules. All methods block, and raise {@link StoreUnavailable}. */
public interface ScheduleStore {

  /**
   * Schedules by name. A page may hold less than its limit and still have a next one: their bodies
   * are bounded too.
   *
   * @param limit at most this many
   * @param cursor where the previous page ended; null for the first
   * @throws BadCursor the cursor is invalid
   */
  Page list(int limit, @Nullable String cursor) throws BadCursor;

  /** One schedule. */
  Optional<Schedule> get(String name);

  /**
   * Makes a schedule or replaces its settings; what it did before stays known. It waits for its
   * next tick from now on, and an interval begins anew only where another was set.
   *
   * @return whether it was made
   */
  boolean put(String name, Schedule.Settings settings, Expected expected) throws ChangedMeanwhile;

  /** As {@link #put(String, Schedule.Settings, Expected)}, unconditionally. */
  default boolean put(String name, Schedule.Settings settings) {
    try {
      return put(name, settings, Expected.ANY);
    } catch (ChangedMeanwhile changed) {
      throw ChangedMeanwhile.impossible(changed);
    }
  }

  /** Deletes a schedule; its tasks stay. False when there is no such schedule. */
  boolean delete(String name, Expected expected) throws ChangedMeanwhile;

  /** As {@link #delete(String, Expected)}, unconditionally. */
  default boolean delete(String name) {
    try {
      return delete(name, Expected.ANY);
    } catch (ChangedMeanwhile changed) {
      throw ChangedMeanwhile.impossible(changed);
    }
  }

  /** Holds a schedule, or lets it go on with its next tick. Empty: there is no such schedule. */
  Optional<Schedule> pause(String name, boolean paused);

  /** Makes a task now, also while it is paused; no tick is moved by that. */
  Ran run(String name);

  /**
   * The parts that schedules are kept in. Each ticks for itself, so that one that is away holds up
   * no other.
   */
  List<Part> parts();

  /** Does what is due in all parts, one after the other: see {@link Part#tick}. */
  default Duration tick() {
    return parts().stream().map(Part::tick).min(Duration::compareTo).orElseThrow();
  }

  /** Some schedules that are kept together. */
  interface Part {
    /**
     * Does what is due of these. Any number of processes may do so: one tick makes one task.
     *
     * @return in how long there is more to do, at most a second
     */
    Duration tick();
  }

  /**
   * Some schedules.
   *
   * @param unavailable names of schedules that belong to the page, and cannot be read now
   * @param count total number
   */
  record Page(
      List<Schedule> schedules,
      List<String> unavailable,
      long count,
      @Nullable String nextCursor) {}

  /** What came of asking for a run. */
  sealed interface Ran {
    /**
     * There is a task.
     *
     * @param schedule that it is of
     * @param at when it was made
     */
    record Done(TaskId id, Schedule schedule, Instant at) implements Ran {}

    /** No such schedule. */
    record NotFound() implements Ran {}

    /** No task could be made. */
    record Failed(Result why) implements Ran {}

    /** The store is full. */
    record Full() implements Ran {}
  }
}
