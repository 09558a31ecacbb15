package io.taskrunner.store.redis;

import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Label;
import io.taskrunner.task.TaskState;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Looks for tasks in a shard, a bounded part at a time: in one of a queue's sets, or among all that
 * have a label.
 */
final class TaskSearch {

  /** What one script looks at, at most: some 2 ms of Redis' time. */
  static final int STEP = 250;

  /** The same where hosts are compared, which do not stand in the heads of records. */
  static final int STEP_DEEP = 100;

  /**
   * A label that more tasks have is not looked for by itself when a state is asked for too: the
   * state's sets may hold far fewer tasks, and few others among them.
   */
  static final int COMMON = 8_000; // a page looks at so many

  private static final int ANY_QUEUE = -1;
  private static final int NO_QUEUE = 0;
  private static final byte[] NONE = new byte[0];

  private final QueueNames names;

  /** A set to walk, and the states that stand in it. */
  record Walked(String set, Set<TaskState> states) {}

  /** Behind a task that was looked at; the score is empty by label, and all of it at the start. */
  record Spot(String owner, String score, byte[] id) {
    static final Spot START = new Spot("", "", NONE);
  }

  /**
   * What was found.
   *
   * @param examined so many tasks were looked at
   * @param end whether that was the end of the set
   * @param at behind the last of them
   * @param ids of those that may match: whoever reads the records looks again
   */
  record Looked(long examined, boolean end, Spot at, List<byte[]> ids) {}

  TaskSearch(QueueNames names) {
    this.names = names;
  }

  /** All that have the label that is asked for, the newest first. */
  static Walked labeled(Set<TaskState> states) {
    return new Walked("label", states);
  }

  /** The number of a queue; of no queue, or of any when none is named. */
  int number(@Nullable String queue) {
    return queue == null ? ANY_QUEUE : names.known(queue).orElse(NO_QUEUE);
  }

  /** Whether what is asked for is best looked for by its label. */
  static boolean byLabel(Shards shards, Filter filter, boolean ofSomeStates) {
    Label label = filter.label();
    if (label == null || !ofSomeStates) {
      return label != null;
    }
    String index = "label:" + TaskCodec.labelDigest(label);
    return shards.together((shard, redis) -> redis.zcard(shard.keys().key(index))).stream()
            .mapToLong(Long::longValue)
            .sum()
        <= COMMON;
  }

  /** What one script looks at, at most. */
  static int step(Filter filter) {
    return filter.host() == null ? STEP : STEP_DEEP;
  }

  /**
   * Looks at the next tasks.
   *
   * @param n the queue's number
   * @param from behind what was looked at before
   * @param most to find
   */
  Looked look(Shard shard, Filter filter, int n, Walked walked, Spot from, int most) {
    String states =
        walked.states().stream()
            .filter(state -> filter.state() == null || filter.state() == state)
            .map(state -> String.valueOf(state.code()))
            .collect(Collectors.joining());
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(n));
    args.add(Keys.bytes(walked.set().equals("dead") ? dead(filter) : walked.set()));
    args.add(Keys.bytes(step(filter)));
    args.add(Keys.bytes(most));
    args.add(Keys.bytes(from.owner()));
    args.add(Keys.bytes(from.score()));
    args.add(from.id());
    args.add(Keys.bytes(states));
    args.add(text(filter.clientId()));
    args.add(text(filter.status()));
    args.add(text(filter.error() == null ? null : filter.error().code()));
    for (Instant time :
        Arrays.asList(
            filter.createdAfter(), filter.createdBefore(), filter.dueAfter(), filter.dueBefore())) {
      args.add(text(time == null ? null : Math.max(0, time.toEpochMilli())));
    }
    args.add(text(filter.host()));
    args.add(text(filter.label() == null ? null : TaskCodec.labelDigest(filter.label())));
    List<Object> reply = shard.moves().run(Script.SEARCH, args.toArray(byte[][]::new));
    return new Looked(
        (Long) reply.get(0),
        Keys.text((byte[]) reply.get(1)).equals("1"),
        new Spot(
            Keys.text((byte[]) reply.get(2)),
            Keys.text((byte[]) reply.get(3)),
            (byte[]) reply.get(4)),
        reply.stream().skip(5).map(id -> (byte[]) id).toList());
  }

  private static byte[] text(@Nullable Object value) {
    return value == null ? NONE : Keys.bytes(value.toString());
  }

  /** Of the dead the narrowest index. */
  private static String dead(Filter filter) {
    if (filter.host() != null) {
      return "dead:h:" + filter.host().replaceFirst(":[0-9]+$", "");
    }
    if (filter.error() != null) {
      return "dead:e:e" + filter.error().code();
    }
    if (filter.status() != null) {
      return "dead:e:s" + filter.status();
    }
    return filter.clientId() != null ? "dead:c:" + filter.clientId() : "dead";
  }
}
