package io.taskrunner.store.redis;

import io.taskrunner.store.Operation.Action;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Label;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.record.Digests;
import io.taskrunner.store.redis.record.Packed;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A walk through the matching tasks of a shard, for lists and operations. {@code lua/lib/walk.lua}
 * walks; this class builds its arguments.
 *
 * @param only the number of the only queue; {@link #ANY_QUEUE} for any
 * @param wide sets of tasks of all queues
 * @param narrow sets of one queue's tasks, walked queue by queue
 * @param numbers of the queues, ascending
 * @param match the rest of the arguments: the values that tasks are compared with
 */
record TaskWalk(
    int only, List<String> wide, List<String> narrow, List<Integer> numbers, Args match) {

  /**
   * A label of more tasks than this is not walked when a state is given too: the state's sets may
   * hold far fewer tasks, most of which match.
   */
  static final int COMMON = 8_000;

  private static final int ANY_QUEUE = -1;
  private static final int NO_QUEUE = 0;

  /** Number of queues passed to one call: more than it can walk while they are empty. */
  private static final int QUEUES_MAX = 500;

  private static final byte[] NONE = new byte[0];

  private static final List<String> BY_LABEL = List.of("label");
  private static final List<String> BY_ID = List.of("ids");

  /** A set of a queue's tasks, and the states that these are in. */
  private record Held(String set, Set<TaskState> states) {}

  private static final Held DUE = new Held("due", Set.of(TaskState.SCHEDULED, TaskState.RETRY));
  private static final Held READY = new Held("ready", Set.of(TaskState.READY));
  private static final Held DEAD = new Held("dead", Set.of(TaskState.DEAD));
  private static final Held DONE =
      new Held("done", Set.of(TaskState.SUCCEEDED, TaskState.CANCELLED));

  /** In the order of lists. */
  private static final List<Held> LISTED = List.of(READY, DUE, DEAD, DONE);

  /** In the order of operations: the order in which tasks go through them. */
  private static final List<Held> MET = List.of(DUE, READY, DEAD, DONE);

  /**
   * A position in a walk.
   *
   * @param set that is being walked; empty after all sets of the queue, or at the start
   * @param queue the number of its queue
   * @param owner whose ready tasks are being walked
   * @param score of the last task examined; empty before the first, and by label
   * @param id of the last task examined; empty before the first
   */
  record Place(String set, int queue, String owner, String score, byte[] id) {
    static final Place START = new Place("", -2, "", "", NONE);

    private static final int PARTS = 5;

    /** The start of the walk of a list, as a text. */
    static byte[] start(boolean byLabel) {
      return Keys.bytes(byLabel ? "label\n-1\n\n\n" : "\n-2\n\n\n");
    }

    boolean isByLabel() {
      return set.equals("label");
    }

    /**
     * Reads the reply of a script.
     *
     * @throws IllegalArgumentException it is invalid
     */
    static Place read(byte[] text) {
      String[] parts = new String(text, StandardCharsets.ISO_8859_1).split("\n", PARTS);
      if (parts.length < PARTS) {
        throw new IllegalArgumentException("no place in a walk");
      }
      if (!parts[3].isEmpty()) {
        Double.parseDouble(parts[3]);
      }
      return new Place(
          parts[0],
          Integer.parseInt(parts[1]),
          parts[2],
          parts[3],
          parts[4].getBytes(StandardCharsets.ISO_8859_1));
    }
  }

  /** The walk of a list: all that match, in the sets that may hold them. */
  static TaskWalk of(Filter filter, QueueNames names, boolean byLabel) {
    TaskState state = filter.state();
    Set<TaskState> sought = state == null ? Set.of(TaskState.values()) : Set.of(state);
    return walk(
        filter,
        names,
        byLabel ? BY_LABEL : wide(sought),
        byLabel ? List.of() : narrow(LISTED, sought, filter),
        _ -> true,
        match(filter, state == null ? Set.of() : sought, filter.createdBefore()));
  }

  /** The walk of an operation that began then. */
  static TaskWalk of(Order order, Instant begun, QueueNames names, boolean byLabel) {
    Filter filter = order.filter();
    Set<TaskState> states = states(order);
    Instant end = begun.plusMillis(1);
    Instant before = filter.createdBefore();
    boolean byId = !filter.ids().isEmpty();
    return walk(
        filter,
        names,
        byId ? BY_ID : byLabel ? BY_LABEL : wide(states),
        byId || byLabel ? List.of() : narrow(MET, states, filter),
        n -> isMeant(order, names.byNumber().getOrDefault(n, "")),
        match(filter, states, before != null && before.isBefore(end) ? before : end));
  }

  /** The states to visit: the filter's, or all that the action applies to. */
  static Set<TaskState> states(Order order) {
    TaskState state = order.filter().state();
    return state == null ? order.action().states() : Set.of(state);
  }

  private static TaskWalk walk(
      Filter filter,
      QueueNames names,
      List<String> wide,
      List<String> narrow,
      IntPredicate meant,
      Args match) {
    int only = filter.queue() == null ? ANY_QUEUE : number(names, filter.queue());
    Stream<Integer> numbers =
        only == ANY_QUEUE
            ? names.byNumber().keySet().stream()
            : Stream.of(only).filter(n -> n != NO_QUEUE);
    return new TaskWalk(
        only,
        wide,
        narrow,
        narrow.isEmpty() ? List.of() : numbers.filter(meant::test).toList(),
        match);
  }

  private static int number(QueueNames names, String queue) {
    OptionalInt known = names.known(queue);
    return (known.isPresent() ? known : names.look(queue)).orElse(NO_QUEUE);
  }

  /** Whether the tasks of a queue are included. Those of Cloud Tasks cannot be moved. */
  static boolean isMeant(Order order, String queue) {
    return order.action() != Action.MOVE
        || (!queue.equals(order.toQueue()) && queue.indexOf('/') < 0);
  }

  private static List<String> wide(Set<TaskState> states) {
    return states.contains(TaskState.ACTIVE) ? List.of("active") : List.of();
  }

  /** The sets that hold tasks in some of these states. */
  private static List<String> narrow(List<Held> sets, Set<TaskState> states, Filter filter) {
    return sets.stream()
        .filter(held -> !Collections.disjoint(held.states(), states))
        .map(held -> held.equals(DEAD) ? dead(filter) : held.set())
        .toList();
  }

  /** The narrowest index of dead tasks. */
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

  private static Args match(Filter filter, Set<TaskState> states, @Nullable Instant createdBefore) {
    return Args.of(
        states.stream().map(state -> String.valueOf(state.code())).collect(Collectors.joining()),
        filter.clientId(),
        filter.status(),
        filter.error() == null ? null : filter.error().code(),
        millis(filter.createdAfter()),
        millis(createdBefore),
        millis(filter.dueAfter()),
        millis(filter.dueBefore()),
        filter.host(),
        filter.label() == null ? null : Digests.ofLabel(filter.label()),
        ids(filter));
  }

  private static byte[] ids(Filter filter) {
    Packed ids = new Packed(filter.ids().size() * TaskId.BYTES);
    filter.ids().forEach(ids::put);
    return ids.toByteArray();
  }

  private static @Nullable Long millis(@Nullable Instant time) {
    return time == null ? null : Math.max(0, time.toEpochMilli());
  }

  /** Whether the label is the best index for the search. */
  static boolean byLabel(Shards shards, Filter filter, boolean ofSomeStates) {
    Label label = filter.label();
    if (label == null || !filter.ids().isEmpty()) {
      return false;
    }
    if (!ofSomeStates) {
      return true;
    }
    String index = "label:" + Digests.ofLabel(label);
    return shards.together((shard, redis) -> redis.zcard(shard.key(index))).stream()
            .mapToLong(Long::longValue)
            .sum()
        <= COMMON;
  }

  /** The arguments of a script that continues from a position. */
  Args args(Place place) {
    List<Integer> rest =
        numbers.stream()
            .filter(n -> n >= place.queue() && !(n == place.queue() && place.set().isEmpty()))
            .limit(QUEUES_MAX + 1)
            .toList();
    int skip = wide.size();
    boolean within = false;
    if (wide.contains(place.set())) {
      skip = wide.indexOf(place.set());
      within = true;
    } else if (place.queue() < ANY_QUEUE) {
      skip = 0;
    } else if (!rest.isEmpty() && rest.getFirst() == place.queue()) {
      within = narrow.contains(place.set());
      skip += Math.max(0, narrow.indexOf(place.set()));
    }
    Packed packed = new Packed(4 * rest.size());
    rest.stream().limit(QUEUES_MAX).forEach(n -> packed.put(n, 4));
    return Args.of(
        only,
        String.join(" ", wide),
        String.join(" ", narrow),
        packed.toByteArray(),
        skip,
        rest.size() <= QUEUES_MAX,
        within ? place.owner() : null,
        within ? place.score() : null,
        within ? place.id() : null,
        match);
  }
}
