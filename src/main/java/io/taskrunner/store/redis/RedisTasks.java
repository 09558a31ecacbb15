package io.taskrunner.store.redis;

import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.redis.TaskSearch.Looked;
import io.taskrunner.store.redis.TaskSearch.Spot;
import io.taskrunner.store.redis.TaskSearch.Walked;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The moves of tasks that callers ask for. */
final class RedisTasks implements TaskStore {

  /** What a page takes, at most: some 50 ms of Redis' time. Then it is short. */
  private static final int STEPS_MAX = 32;

  private static final int SCRIPTS_MAX = 200;

  /** The sets that a list walks, in this order, and the states that stand in each. */
  private static final List<Walked> SETS =
      List.of(
          new Walked("active", Set.of(TaskState.ACTIVE)),
          new Walked("ready", Set.of(TaskState.READY)),
          new Walked("due", Set.of(TaskState.SCHEDULED, TaskState.RETRY)),
          new Walked("dead", Set.of(TaskState.DEAD)),
          new Walked("done", Set.of(TaskState.SUCCEEDED, TaskState.CANCELLED)));

  private final Shards shards;
  private final QueueNames names;
  private final TaskSearch search;

  /**
   * A place in the walk.
   *
   * @param queue the queue's name; empty on a walk by label, which is through all queues at once
   * @param set of the walk's sets
   */
  private record Place(String queue, int set, int shard, Spot spot) {
    String text(String filter) {
      String plain =
          String.join(
              "\n",
              filter,
              queue,
              Integer.toString(set),
              Integer.toString(shard),
              spot.owner(),
              spot.score(),
              Base64.getEncoder().encodeToString(spot.id()));
      return Base64.getUrlEncoder()
          .withoutPadding()
          .encodeToString(plain.getBytes(StandardCharsets.UTF_8));
    }

    static Place start(String queue, int set, int shard) {
      return new Place(queue, set, shard, Spot.START);
    }

    static Place read(String cursor, String filter) throws BadCursor {
      try {
        String[] parts =
            new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.UTF_8)
                .split("\n", -1);
        if (parts.length != 7 || !parts[0].equals(filter)) {
          throw new BadCursor();
        }
        if (!parts[5].isEmpty()) {
          Double.parseDouble(parts[5]);
        }
        return new Place(
            parts[1],
            Integer.parseInt(parts[2]),
            Integer.parseInt(parts[3]),
            new Spot(parts[4], parts[5], Base64.getDecoder().decode(parts[6])));
      } catch (IllegalArgumentException unreadable) {
        throw new BadCursor();
      }
    }

    boolean byLabel() {
      return queue.isEmpty();
    }
  }

  RedisTasks(Shards shards, QueueNames names) {
    this.shards = shards;
    this.names = names;
    this.search = new TaskSearch(names);
  }

  @Override
  public CompletableFuture<EnqueueResult> enqueue(Enqueue command) {
    return shards.of(command.clientId()).enqueuer().enqueue(command);
  }

  @Override
  public Optional<Task> get(TaskId id) {
    return shards.of(id).flatMap(shard -> read(shard, List.of(id.bytes())).stream().findFirst());
  }

  List<Task> read(Shard shard, List<byte[]> ids) {
    if (ids.isEmpty()) {
      return List.of();
    }
    List<Object> reply = shard.moves().run(Script.GET, ids.toArray(byte[][]::new));
    Map<Integer, String> byNumber = names.byNumber();
    List<Task> tasks = new ArrayList<>(reply.size() / 4);
    for (int i = 0; i < reply.size(); i += 4) {
      TaskId id = TaskId.of((byte[]) reply.get(i));
      TaskState state = TaskState.ofCode(((byte[]) reply.get(i + 1))[0]);
      TaskCodec.Decoded record = TaskCodec.read((byte[]) reply.get(i + 2)).orElse(null);
      if (record == null) {
        continue; // unreadable: the doctor reports it
      }
      @SuppressWarnings("unchecked")
      List<Object> log = (List<Object>) reply.get(i + 3);
      String queue = byNumber.get(record.queue());
      if (queue == null) {
        names.reload();
        byNumber = names.byNumber();
        queue = byNumber.get(record.queue());
      }
      if (queue != null) {
        tasks.add(task(id, state, queue, record, log));
      }
    }
    return tasks;
  }

  private static Task task(
      TaskId id, TaskState state, String queue, TaskCodec.Decoded record, List<Object> log) {
    List<Attempt> attempts = new ArrayList<>();
    for (Object entry : log) {
      attempts.add(TaskCodec.logEntry((byte[]) entry));
    }
    boolean answered = record.status() > 0;
    if (attempts.isEmpty() && state == TaskState.SUCCEEDED && record.first().isPresent()) {
      // The log begins with the first failure: a success at once is told by the head.
      Duration duration = Duration.between(record.first().get(), record.ended().orElseThrow());
      attempts.add(
          new Attempt(
              record.attempts(),
              record.first().get(),
              duration,
              OptionalInt.of(record.status()),
              Optional.empty(),
              ""));
    }
    return new Task(
        id,
        record.cloud() == null ? record.clientId() : queue,
        queue,
        state,
        record.spec(),
        record.bodyDropped(),
        record.created(),
        record.due(),
        attempts,
        record.error() == 0 ? Optional.empty() : Optional.of(AttemptError.ofCode(record.error())),
        answered ? OptionalInt.of(record.status()) : OptionalInt.empty());
  }

  @Override
  public Page list(Filter filter, int limit, @Nullable String cursor) throws BadCursor {
    // Of its text, since an enum's hash differs between the processes that a cursor may go to.
    String fingerprint = Integer.toHexString(filter.toString().hashCode());
    List<String> queues = queues(filter);
    if (queues.isEmpty()) {
      return new Page(List.of(), null, 0);
    }
    Place place = cursor == null ? null : Place.read(cursor, fingerprint);
    Shards homes = homes(filter);
    boolean byLabel =
        place == null
            ? TaskSearch.byLabel(homes, filter, filter.state() != null)
            : place.byLabel() && filter.label() != null;
    Walk walk =
        byLabel
            ? new Walk(
                List.of(""),
                List.of(TaskSearch.labeled(Set.of(TaskState.values()))),
                numbers(homes))
            : new Walk(queues, sets(filter), numbers(homes));
    if (place == null) {
      place = walk.start();
    } else if (!walk.has(place)) {
      throw new BadCursor();
    }
    List<Task> found = new ArrayList<>();
    long examined = 0;
    int step = TaskSearch.step(filter);
    for (int scripts = 1; ; scripts++) {
      Shard shard = shards.all().get(place.shard());
      Walked walked = walk.sets().get(place.set());
      String queue = place.byLabel() ? filter.queue() : place.queue();
      Looked looked =
          search.look(
              shard, filter, search.number(queue), walked, place.spot(), limit - found.size());
      examined += looked.examined();
      for (Task task : read(shard, looked.ids())) {
        // What moved on meanwhile is met elsewhere, or was.
        boolean there =
            (queue == null || task.queue().equals(queue)) && walked.states().contains(task.state());
        if (there && matches(filter, task)) {
          found.add(task);
        }
      }
      Place next =
          looked.end()
              ? walk.following(place)
              : new Place(place.queue(), place.set(), place.shard(), looked.at());
      if (next == null) {
        return new Page(found, null, examined);
      }
      place = next;
      if (found.size() >= limit || examined >= (long) STEPS_MAX * step || scripts >= SCRIPTS_MAX) {
        return new Page(found, place.text(fingerprint), examined);
      }
    }
  }

  private List<String> queues(Filter filter) {
    if (filter.queue() == null) {
      return names.names();
    }
    return names.known(filter.queue()).isPresent() || names.look(filter.queue()).isPresent()
        ? List.of(filter.queue())
        : List.of();
  }

  /** The sets that may hold what is meant. */
  private static List<Walked> sets(Filter filter) {
    return SETS.stream()
        .filter(walked -> filter.state() == null || walked.states().contains(filter.state()))
        .toList();
  }

  /** Whether a filter means a task. */
  static boolean matches(Filter filter, Task task) {
    return (filter.state() == null || task.state() == filter.state())
        && (filter.clientId() == null || filter.clientId().equals(task.clientId()))
        && (filter.label() == null
            || filter.label().value().equals(task.spec().labels().get(filter.label().name())))
        && (filter.status() == null
            || (task.lastStatus().isPresent() && task.lastStatus().getAsInt() == filter.status()))
        && (filter.error() == null || filter.error().equals(task.lastError().orElse(null)))
        && (filter.host() == null || isOf(filter.host(), task))
        && within(filter.createdAfter(), task.created(), filter.createdBefore())
        && within(filter.dueAfter(), task.scheduled(), filter.dueBefore());
  }

  private static boolean isOf(String host, Task task) {
    TargetUrl url = task.spec().request().url();
    return host.equals(url.hostName()) || host.equals(url.hostAndPort());
  }

  private static boolean within(@Nullable Instant from, Instant time, @Nullable Instant before) {
    return (from == null || !time.isBefore(from)) && (before == null || time.isBefore(before));
  }

  /** The shards that may hold what is asked for. */
  private Shards homes(Filter filter) {
    return filter.clientId() == null ? shards : new Shards(List.of(shards.of(filter.clientId())));
  }

  private static List<Integer> numbers(Shards some) {
    return some.all().stream().map(Shard::number).toList();
  }

  /** The order of the walk: queue by queue, in each set by set, in each shard by shard. */
  private record Walk(List<String> queues, List<Walked> sets, List<Integer> shards) {
    Place start() {
      return Place.start(queues.getFirst(), 0, shards.getFirst());
    }

    boolean has(Place place) {
      return place.byLabel() == queues.getFirst().isEmpty()
          && place.set() >= 0
          && place.set() < sets.size()
          && shards.contains(place.shard());
    }

    @Nullable Place following(Place place) {
      for (int shard : shards) {
        if (shard > place.shard()) {
          return Place.start(place.queue(), place.set(), shard);
        }
      }
      if (place.set() + 1 < sets.size()) {
        return Place.start(place.queue(), place.set() + 1, shards.getFirst());
      }
      return queues.stream()
          .filter(name -> name.compareTo(place.queue()) > 0)
          .findFirst()
          .map(name -> Place.start(name, 0, shards.getFirst()))
          .orElse(null);
    }
  }

  @Override
  public Moved cancel(TaskId id) {
    return move(Script.CANCEL, id);
  }

  @Override
  public Moved runNow(TaskId id) {
    return move(Script.RUN_NOW, id);
  }

  @Override
  public Moved revive(TaskId id) {
    return move(Script.REVIVE, id);
  }

  private Moved move(Script script, TaskId id) {
    Optional<Shard> shard = shards.of(id);
    if (shard.isEmpty()) {
      return new Moved.NotFound();
    }
    byte[] word = shard.get().moves().run(script, id.bytes());
    return switch (Keys.text(word)) {
      case "done" -> new Moved.Done();
      case "missing" -> new Moved.NotFound();
      default -> new Moved.WrongState(TaskState.ofCode(word[0]));
    };
  }
}
