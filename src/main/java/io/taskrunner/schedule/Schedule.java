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
 * A schedule as it stands: at each tick it makes a task.
 *
 * @param name its name
 * @param settings as set
 * @param next the tick that it waits for; empty while it is paused
 * @param lastTask the task that it made last
 * @param lastTick the tick whose turn came last, whatever became of it
 * @param missed so many ticks made no task since nobody could make it in time
 * @param runs what became of the last ticks, oldest first, at most {@value #RUNS_MAX}
 * @param created when it was created
 * @param updated when it was set last
 * @param revision differs after each change; 0 where nobody changed it since there are revisions
 */
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

  /** What a name is made of. */
  public static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  /** So many runs are kept. */
  public static final int RUNS_MAX = 10;

  /** Keeps the runs from being changed. */
  public Schedule {
    runs = List.copyOf(runs);
  }

  /**
   * What can be set.
   *
   * @param clientId whose tasks it makes
   * @param queue where to
   * @param rhythm when
   * @param overlap whether the task before may still be there
   * @param catchUp what becomes of missed ticks
   * @param jitter the longest wait after a tick, zero for none
   * @param paused whether it holds
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
   * What became of a tick, or of a run that was asked for.
   *
   * @param tick when it was to be; of a run that was asked for, when that was
   * @param at when that was decided
   * @param result what became of it
   * @param task the task, when one was made
   */
  public record Run(Instant tick, Instant at, Result result, Optional<TaskId> task) {}

  /** What became of a tick. */
  public enum Result {
    /** It made a task. */
    STARTED('s'),
    /** Somebody asked for this run, and it made a task. */
    ASKED('a'),
    /** It made none: the task before was still there. */
    OVERLAPPED('o'),
    /** It, and perhaps others before it, came while nobody could make the task. */
    MISSED('m'),
    /** It made none: there is no such queue. */
    QUEUE_NOT_FOUND('q'),
    /** It made none: the client may not use the queue. */
    QUEUE_NOT_ALLOWED('n'),
    /** It made none: the client is disabled or deleted. */
    CLIENT_DISABLED('x'),
    /** It made none: the client is not known, and may not be made known on the spot. */
    CLIENT_UNKNOWN('w');

    private final char letter;

    Result(char letter) {
      this.letter = letter;
    }

    /** As it is stored. */
    public char letter() {
      return letter;
    }

    /** As callers read it. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** The result of a letter. */
    public static Result ofLetter(char letter) {
      for (Result result : values()) {
        if (result.letter == letter) {
          return result;
        }
      }
      throw new IllegalArgumentException("no result has the letter " + letter);
    }
  }

  /** When the task of a tick is made. */
  public Jitter jitter() {
    return new Jitter(name, settings.jitter());
  }

  /** When it makes its next tasks; empty while it is paused. */
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
