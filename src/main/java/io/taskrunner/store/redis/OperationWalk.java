package io.taskrunner.store.redis;

import io.taskrunner.store.Operation.Action;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskState;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The way of an operation through a shard: queue by queue, in each set by set, a place in which can
 * be kept as a text.
 *
 * <p>The sets stand in the order in which a task goes through them, so that one which moves on
 * meanwhile is met later. One that fails meanwhile goes back to {@code due}: what calls off or
 * moves looks there once more at the end.
 */
final class OperationWalk {

  /** What one call looks at, at most, before it tells how far it is. */
  private static final int EXAMINED_MAX = 1000;

  private static final int STEP_FILTERED = 200;
  private static final int EMPTY_MAX = 50;

  private static final Walked DUE = new Walked("due", Set.of(TaskState.SCHEDULED, TaskState.RETRY));
  private static final Walked READY = new Walked("ready", Set.of(TaskState.READY));
  private static final Walked ACTIVE = new Walked("active", Set.of(TaskState.ACTIVE));
  private static final Walked DEAD = new Walked("dead", Set.of(TaskState.DEAD));
  private static final Walked DONE =
      new Walked("done", Set.of(TaskState.SUCCEEDED, TaskState.CANCELLED));

  private final RedisTasks tasks;
  private final QueueNames names;

  private record Walked(String set, Set<TaskState> states) {}

  /**
   * Tasks of one queue that match.
   *
   * @param queue the number of the queue
   * @param place behind them; empty at the end of the shard
   */
  record Found(int queue, List<byte[]> ids, String place) {}

  private record Place(String queue, int set, String owner, String score, byte[] id) {
    static Place start(String queue, int set) {
      return new Place(queue, set, "", "", new byte[0]);
    }

    static Place read(String text) {
      String[] parts = text.split("\n", -1);
      return new Place(
          parts[0],
          Integer.parseInt(parts[1]),
          parts[2],
          parts[3],
          Base64.getDecoder().decode(parts[4]));
    }

    Place at(List<Object> ids, int i) {
      return new Place(
          queue,
          set,
          Keys.text((byte[]) ids.get(i + 2)),
          Keys.text((byte[]) ids.get(i + 1)),
          (byte[]) ids.get(i));
    }

    String text() {
      return String.join(
          "\n", queue, Integer.toString(set), owner, score, Base64.getEncoder().encodeToString(id));
    }
  }

  OperationWalk(RedisTasks tasks, QueueNames names) {
    this.tasks = tasks;
    this.names = names;
  }

  /** The shards that may hold what is meant. */
  static List<Shard> homes(Shards shards, Filter filter) {
    if (filter.clientId() != null) {
      return List.of(shards.of(filter.clientId()));
    }
    return filter.queue() == null ? shards.all() : shards.allOfQueue(filter.queue()).all();
  }

  /** Whether the tasks of a queue are meant. Those of Cloud Tasks keep their queue. */
  static boolean meant(Order order, String queue) {
    return order.action() != Action.MOVE
        || (!queue.equals(order.toQueue()) && queue.indexOf('/') < 0);
  }

  /**
   * The next tasks of a shard that match.
   *
   * @param place behind which to look; empty from the start
   */
  Found look(Shard shard, Order order, Instant begun, String place, int most) {
    List<Walked> sets = sets(order);
    Place at = place.isEmpty() ? following(order, sets, null) : Place.read(place);
    int want = order.filter().plain() ? most : Math.max(most, STEP_FILTERED);
    int examined = 0;
    int empty = 0;
    while (at != null) {
      Walked walked = sets.get(at.set());
      int n = names.known(at.queue()).orElse(-1);
      List<Object> ids =
          shard
              .moves()
              .run(
                  Script.WALK,
                  Keys.bytes(n),
                  Keys.bytes(walked.set()),
                  Keys.bytes(want),
                  Keys.bytes(at.owner()),
                  Keys.bytes(at.score()),
                  at.id());
      List<byte[]> found = new ArrayList<>();
      for (Task task : tasks.read(shard, RedisTasks.everyThird(ids))) {
        if (found.size() < most && matches(order, begun, task, at.queue())) {
          found.add(task.id().bytes());
        }
      }
      Place next = ids.size() / 3 < want ? following(order, sets, at) : at.at(ids, ids.size() - 3);
      if (found.size() == most) {
        next = behind(at, ids, found.getLast());
      }
      examined += ids.size() / 3;
      empty += ids.isEmpty() ? 1 : 0;
      if (!found.isEmpty() || examined >= EXAMINED_MAX || empty >= EMPTY_MAX) {
        return new Found(n, found, next == null ? "" : next.text());
      }
      at = next;
    }
    return new Found(-1, List.of(), "");
  }

  private static Place behind(Place at, List<Object> ids, byte[] id) {
    for (int i = 0; i < ids.size(); i += 3) {
      if (Arrays.equals((byte[]) ids.get(i), id)) {
        return at.at(ids, i);
      }
    }
    throw new IllegalStateException("walked past a task");
  }

  private static List<Walked> sets(Order order) {
    List<Walked> way =
        switch (order.action()) {
          case CANCEL -> List.of(DUE, READY, ACTIVE, DUE);
          case RUN -> List.of(DUE);
          case RETRY -> List.of(DEAD);
          case MOVE -> List.of(DUE, READY, DEAD, DUE);
          case DELETE -> List.of(DEAD, DONE);
        };
    TaskState state = order.filter().state();
    return state == null
        ? way
        : way.stream().filter(walked -> walked.states().contains(state)).distinct().toList();
  }

  /** Where the next set begins; null at the end. */
  private @Nullable Place following(Order order, List<Walked> sets, @Nullable Place place) {
    if (place != null && place.set() + 1 < sets.size()) {
      return Place.start(place.queue(), place.set() + 1);
    }
    String only = order.filter().queue();
    if (only != null) {
      return place == null && meant(order, only) ? Place.start(only, 0) : null;
    }
    return names.names().stream()
        .filter(name -> place == null || name.compareTo(place.queue()) > 0)
        .filter(name -> meant(order, name))
        .findFirst()
        .map(name -> Place.start(name, 0))
        .orElse(null);
  }

  private static boolean matches(Order order, Instant begun, Task task, String queue) {
    return task.queue().equals(queue)
        && RedisOperations.states(order).contains(task.state())
        && !task.created().isAfter(begun)
        && RedisTasks.matches(order.filter(), task);
  }
}
