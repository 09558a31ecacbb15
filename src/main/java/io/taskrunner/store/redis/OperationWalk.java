package io.taskrunner.store.redis;

import io.taskrunner.store.Operation.Action;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.redis.TaskSearch.Looked;
import io.taskrunner.store.redis.TaskSearch.Spot;
import io.taskrunner.store.redis.TaskSearch.Walked;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskState;
import java.time.Instant;
import java.util.ArrayList;
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

  private static final int EMPTY_MAX = 50;

  private static final Walked DUE = new Walked("due", Set.of(TaskState.SCHEDULED, TaskState.RETRY));
  private static final Walked READY = new Walked("ready", Set.of(TaskState.READY));
  private static final Walked ACTIVE = new Walked("active", Set.of(TaskState.ACTIVE));
  private static final Walked DEAD = new Walked("dead", Set.of(TaskState.DEAD));
  private static final Walked DONE =
      new Walked("done", Set.of(TaskState.SUCCEEDED, TaskState.CANCELLED));

  private final RedisTasks tasks;
  private final QueueNames names;
  private final TaskSearch search;

  /**
   * Tasks that match.
   *
   * @param queue the number of their queue; -1 for any
   * @param place behind them; empty at the end of the shard
   */
  record Found(int queue, List<byte[]> ids, String place) {}

  /** In a set of a queue, or, when the queue is empty, among all tasks that have the label. */
  private record Place(String queue, int set, Spot spot) {
    static Place start(String queue, int set) {
      return new Place(queue, set, Spot.START);
    }

    static Place read(String text) {
      String[] parts = text.split("\n", -1);
      return new Place(
          parts[0],
          Integer.parseInt(parts[1]),
          new Spot(parts[2], parts[3], Base64.getDecoder().decode(parts[4])));
    }

    boolean byLabel() {
      return queue.isEmpty();
    }

    String text() {
      return String.join(
          "\n",
          queue,
          Integer.toString(set),
          spot.owner(),
          spot.score(),
          Base64.getEncoder().encodeToString(spot.id()));
    }
  }

  OperationWalk(RedisTasks tasks, QueueNames names) {
    this.tasks = tasks;
    this.names = names;
    this.search = new TaskSearch(names);
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
    Place at = place.isEmpty() ? start(shard, order) : Place.read(place);
    Filter filter = order.filter();
    long examined = 0;
    int empty = 0;
    while (at != null) {
      List<Walked> sets = sets(order, at.byLabel());
      String queue = at.byLabel() ? filter.queue() : at.queue();
      int n = search.number(queue);
      Looked looked = search.look(shard, filter, n, sets.get(at.set()), at.spot(), most);
      List<byte[]> found = new ArrayList<>();
      for (Task task : tasks.read(shard, looked.ids())) {
        if (matches(order, begun, task, queue)) {
          found.add(task.id().bytes());
        }
      }
      Place next =
          looked.end() ? following(order, sets, at) : new Place(at.queue(), at.set(), looked.at());
      examined += looked.examined();
      empty += looked.examined() == 0 ? 1 : 0;
      if (!found.isEmpty() || examined >= EXAMINED_MAX || empty >= EMPTY_MAX) {
        return new Found(n, found, next == null ? "" : next.text());
      }
      at = next;
    }
    return new Found(-1, List.of(), "");
  }

  private @Nullable Place start(Shard shard, Order order) {
    return TaskSearch.byLabel(new Shards(List.of(shard)), order.filter(), true)
        ? Place.start("", 0)
        : following(order, sets(order, false), null);
  }

  private static List<Walked> sets(Order order, boolean byLabel) {
    if (byLabel) {
      // What ran meanwhile may wait again: so what is moved is looked for once more.
      Walked labeled = TaskSearch.labeled(RedisOperations.states(order));
      return order.action() == Action.MOVE && order.filter().state() == null
          ? List.of(labeled, labeled)
          : List.of(labeled);
    }
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
    if (place != null && place.byLabel()) {
      return null;
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

  private static boolean matches(Order order, Instant begun, Task task, @Nullable String queue) {
    return (queue == null || task.queue().equals(queue))
        && meant(order, task.queue())
        && RedisOperations.states(order).contains(task.state())
        && !task.created().isAfter(begun)
        && RedisTasks.matches(order.filter(), task);
  }
}
