package io.taskrunner.schedule;

import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A read-only view of a schedule, which creates a task at each tick.
 *
 * @param name its name
 * @param settings as set
 * @param next the tick that it waits for; empty while it is paused
 * @param lastTask the latest task that it created
 * @param lastTick the latest processed tick, whatever its result
 * @param missed number of ticks without a task because no process could create it in time
 * @param runs the results of the last ticks, oldest first, at most {@value #RUNS_MAX}
 * @param created when it was created
 * @param updated when it was last set
 * @param revision differs after each change; 0 when it was never changed since revisions exist
 */
// Flat row: one component for each field of the API.
public record Schedule(
    String name,
    Settings settings,
    Optional<Instant> next,
    Optional<TaskId> lastTask,
    Optional<Instant> lastTick,
    long missed,
    List<Run> runs,
    Instant created,
    Instant updated,
    long revision) {

  /** The form of a name. */
  public static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  /** Maximum number of runs kept. */
  public static final int RUNS_MAX = 10;

  /** Keeps the runs from being changed. */
  public Schedule {
    runs = List.copyOf(runs);
  }

  /**
   * The settings.
   *
   * @param clientId the client of its tasks
   * @param queue the queue of its tasks
   * @param rhythm when
   * @param overlap whether the previous task may still be unfinished
   * @param catchUp how to handle missed ticks
   * @param jitter the longest delay after a tick, zero for none
   * @param paused whether it is paused
   * @param spec the task
   */
  public record Settings(
      String clientId,
      String queue,
      Rhythm rhythm,
      Overlap overlap,
      CatchUp catchUp,
      Duration jitter,
      boolean paused,
      TaskSpec spec) {}

  /**
   * The result of a tick, or of a requested run.
   *
   * @param tick its time; for a requested run, the time of the request
   * @param at when it was processed
   * @param result its result
   * @param task the task, if one was created
   */
  public record Run(Instant tick, Instant at, Result result, Optional<TaskId> task) {}

  /** The result of a tick. */
  public enum Result {
    /** It created a task. */
    STARTED('s'),
    /** The run was requested, and created a task. */
    ASKED('a'),
    /** No task: the previous one was unfinished. */
    OVERLAPPED('o'),
    /** It, and possibly earlier ones, occurred while no process could create the task. */
    MISSED('m'),
    /** No task: no such queue. */
    QUEUE_NOT_FOUND('q'),
    /** No task: the client may not use the queue. */
    QUEUE_NOT_ALLOWED('n'),
    /** No task: the client is disabled or deleted. */
    CLIENT_DISABLED('x'),
    /** No task: the client does not exist, and may not be auto-registered. */
    CLIENT_UNKNOWN('w');

    private final char letter;

    Result(char letter) {
      this.letter = letter;
    }

    /** Its name in the API. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** The result with a letter. */
    public static Result ofLetter(char letter) {
      for (Result result : values()) {
        if (result.letter == letter) {
          return result;
        }
      }
      throw new IllegalArgumentException("result: " + letter + " (expected: a letter of a result)");
    }
  }

  /** When the task of a tick is created. */
  public Jitter jitter() {
    return new Jitter(name, settings.jitter());
  }

  /** When it creates its next tasks; empty while it is paused. */
  public List<Instant> nextTimes(int count) {
    List<Instant> times = new ArrayList<>(count);
    Optional<Instant> tick = next;
    while (tick.isPresent() && times.size() < count) {
      times.add(jitter().of(tick.get(), settings.rhythm()));
      tick = tick.map(settings.rhythm()::next);
    }
    return times;
  }
}
