package io.taskrunner.store.redis.record;

import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.task.TaskId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A call of {@code tick.lua}.
 *
 * @param schedule its name
 * @param expected the tick that it must wait for; null for a run that was asked for
 * @param next the tick behind all of these, and when that comes; null for a run that was asked for
 * @param missed how many ticks were missed, and the last of them
 * @param queue the number of its queue
 * @param sure whether that number is what Redis has; otherwise the script says when to look
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

  private static final byte[] NONE = new byte[0];

  /** A tick, and when its task is made. */
  public record Next(Instant tick, Instant comes) {}

  /** Ticks that make no task. */
  public record Missed(long count, @Nullable Instant last) {}

  /** The task of a tick, and when it is due. */
  public record Task(TaskId id, Instant tick, Instant due) {}

  public TickCall {
    tasks = List.copyOf(tasks);
  }

  /** The same with the number of the queue as Redis has it. */
  public TickCall in(OptionalInt found) {
    return new TickCall(schedule, expected, next, missed, found, true, tasks);
  }

  /** What is left when the first of its ticks are done. */
  public TickCall behind(int done) {
    List<Task> rest = tasks.subList(done, tasks.size());
    return new TickCall(schedule, rest.getFirst().tick(), next, NONE_MISSED, queue, sure, rest);
  }

  public byte[][] args(boolean openClients, int maxOpenClients) {
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(schedule));
    args.add(bytes(expected));
    args.add(bytes(next == null ? null : next.tick()));
    args.add(bytes(next == null ? null : next.comes()));
    args.add(Keys.bytes(missed.count()));
    args.add(bytes(missed.last()));
    args.add(Keys.bytes(queue.orElse(0)));
    args.add(Keys.bytes(sure ? 1 : 0));
    args.add(Keys.bytes(openClients ? 1 : 0));
    args.add(Keys.bytes(maxOpenClients));
    for (Task task : tasks) {
      args.add(task.id().bytes());
      args.add(bytes(task.tick()));
      args.add(bytes(task.due()));
    }
    return args.toArray(byte[][]::new);
  }

  private static byte[] bytes(@Nullable Instant time) {
    return time == null ? NONE : Keys.bytes(time.toEpochMilli());
  }
}
