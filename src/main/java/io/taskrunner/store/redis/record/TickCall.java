package io.taskrunner.store.redis.record;

import io.taskrunner.store.redis.link.Args;
import io.taskrunner.task.TaskId;
import java.time.Instant;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A call of {@code tick.lua}.
 *
 * @param schedule its name
 * @param expected the tick that it must wait for; null for a requested run
 * @param next the tick after all of these, and its time; null for a requested run
 * @param missed number of missed ticks, and the last of them
 * @param queue the number of its queue
 * @param sure whether that number was read from Redis; otherwise the script replies when it must be
 *     looked up
 * @param tasks of these ticks
 */
public record TickCall(
    String schedule,
    @Nullable Instant expected,
    @Nullable Next next,
    Missed missed,
    OptionalInt queue,
    boolean sure,
    List<Task> tasks) {

  public static final Missed NONE_MISSED = new Missed(0, null);

  /** What the script may return instead of a letter for each task. */
  public enum Passed {
    /** There is no such schedule. */
    MISSING,
    /** Another process was first, or the schedule was changed meanwhile. */
    STALE,
    /** Its queue must be looked up; nothing was done. */
    QUEUE
  }

  /** A tick, and the time of its task. */
  public record Next(Instant tick, Instant comes) {}

  /** Ticks that create no task. */
  public record Missed(long count, @Nullable Instant last) {}

  /** The task of a tick, and when it is due. */
  public record Task(TaskId id, Instant tick, Instant due) {}

  public TickCall {
    tasks = List.copyOf(tasks);
  }

  /** The same with the number of the queue from Redis. */
  public TickCall in(OptionalInt found) {
    return new TickCall(schedule, expected, next, missed, found, true, tasks);
  }

  /** The rest after the first of its ticks are done. */
  public TickCall behind(int done) {
    List<Task> rest = tasks.subList(done, tasks.size());
    return new TickCall(schedule, rest.getFirst().tick(), next, NONE_MISSED, queue, sure, rest);
  }

  public Args args(boolean openClients, int maxOpenClients) {
    Args args =
        Args.of(
            schedule,
            millis(expected),
            millis(next == null ? null : next.tick()),
            millis(next == null ? null : next.comes()),
            missed.count(),
            millis(missed.last()),
            queue.orElse(0),
            sure,
            openClients,
            maxOpenClients);
    for (Task task : tasks) {
      args.addAll(Args.of(task.id(), millis(task.tick()), millis(task.due())));
    }
    return args;
  }

  private static @Nullable Long millis(@Nullable Instant time) {
    return time == null ? null : time.toEpochMilli();
  }
}
