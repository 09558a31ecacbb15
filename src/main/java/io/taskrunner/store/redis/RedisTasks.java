package io.taskrunner.store.redis;

import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.TaskStore;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The moves of tasks that callers ask for. */
final class RedisTasks implements TaskStore {

  /** How many tasks one call looks at: with a rare label, a page may come out short. */
  private static final int EXAMINED_MAX = 20_000;

  private static final int STEP = 200;
  private static final int STEP_FILTERED = 1000;

  /** The sets that a list walks, in this order, and the states that stand in each. */
  private static final List<Walked> SETS =
      List.of(
          new Walked("active", List.of(TaskState.ACTIVE)),
          new Walked("ready", List.of(TaskState.READY)),
          new Walked("due", List.of(TaskState.SCHEDULED, TaskState.RETRY)),
          new Walked("dead", List.of(TaskState.DEAD)),
          new Walked("done", List.of(TaskState.SUCCEEDED, TaskState.CANCELLED)));

  private final Shards shards;
  private final QueueNames names;

  private record Walked(String set, List<TaskState> states) {}

  /**
   * A place in the walk: the queue's name, the set, the shard, and the owner, score and id of the
   * last task that was looked at.
   */
  private record Place(String queue, int set, int shard, String owner, String score, byte[] id) {
    String text(String filter) {
      String plain =
          String.join(
              "\n",
              filter,
              queue,
              Integer.toString(set),
              Integer.toString(shard),
              owner,
              score,
              Base64.getEncoder().encodeToString(id));
      return Base64.getUrlEncoder()
          .withoutPadding()
          .encodeToString(plain.getBytes(StandardCharsets.UTF_8));
    }

    static Place start(String queue, int set, int shard) {
      return new Place(queue, set, shard, "", "", new byte[0]);
    }

    static Place read(String cursor, String filter, int shards) throws BadCursor {
      try {
        String[] parts =
            new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.UTF_8)
                .split("\n", -1);
        int set = Integer.parseInt(parts[2]);
        int shard = Integer.parseInt(parts[3]);
        if (parts.length != 7
            || !parts[0].equals(filter)
            || Objects.checkIndex(set, SETS.size()) != set
            || Objects.checkIndex(shard, shards) != shard) {
          throw new BadCursor();
        }
        if (!parts[5].isEmpty()) {
          Double.parseDouble(parts[5]);
        }
        return new Place(
            parts[1], set, shard, parts[4], parts[5], Base64.getDecoder().decode(parts[6]));
      } catch (IllegalArgumentException | IndexOutOfBoundsException unreadable) {
        throw new BadCursor();
      }
    }
  }

  RedisTasks(Shards shards, QueueNames names) {
    this.shards = shards;
    this.names = names;
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
      TaskCodec.Decoded record = TaskCodec.decode((byte[]) reply.get(i + 2));
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
      return new Page(List.of(), null);
    }
    Walk walk = new Walk(queues, homes(filter));
    Place place = cursor == null ? walk.start() : Place.read(cursor, fingerprint, shards.count());
    boolean filtered = filter.clientId() != null || filter.label() != null;
    List<Task> found = new ArrayList<>();
    int examined = 0;
    while (true) {
      int want = filtered ? STEP_FILTERED : Math.min(limit - found.size(), STEP);
      List<Object> ids = holds(filter, place) ? walk(place, Math.max(1, want)) : List.of();
      examined += 1 + ids.size() / 3;
      for (Task task : read(shards.all().get(place.shard()), everyThird(ids))) {
        if (found.size() < limit && matches(filter, task, place)) {
          found.add(task);
          if (found.size() == limit) {
            place = placeOf(place, ids, task.id());
          }
        }
      }
      if (found.size() == limit) {
        return new Page(found, place.text(fingerprint));
      }
      Place next = ids.size() / 3 < want ? walk.following(place) : last(place, ids);
      if (next == null) {
        return new Page(found, null);
      }
      place = next;
      if (examined >= EXAMINED_MAX) {
        return new Page(found, place.text(fingerprint));
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

  private static boolean holds(Filter filter, Place place) {
    return filter.state() == null || SETS.get(place.set()).states().contains(filter.state());
  }

  private List<Object> walk(Place place, int most) {
    int n = names.known(place.queue()).orElse(-1);
    return shards
        .all()
        .get(place.shard())
        .moves()
        .run(
            Script.WALK,
            Keys.bytes(n),
            Keys.bytes(SETS.get(place.set()).set()),
            Keys.bytes(most),
            Keys.bytes(place.owner()),
            Keys.bytes(place.score()),
            place.id());
  }

  static List<byte[]> everyThird(List<Object> ids) {
    List<byte[]> found = new ArrayList<>(ids.size() / 3);
    for (int i = 0; i < ids.size(); i += 3) {
      found.add((byte[]) ids.get(i));
    }
    return found;
  }

  private static boolean matches(Filter filter, Task task, Place place) {
    return (filter.state() == null || task.state() == filter.state())
        && task.queue().equals(place.queue())
        && (filter.clientId() == null || task.clientId().equals(filter.clientId()))
        && (filter.label() == null
            || filter.label().value().equals(task.spec().labels().get(filter.label().name())));
  }

  private static Place placeOf(Place place, List<Object> ids, TaskId id) {
    for (int i = 0; i < ids.size(); i += 3) {
      if (TaskId.of((byte[]) ids.get(i)).equals(id)) {
        return at(place, ids, i);
      }
    }
    throw new IllegalStateException("walked past " + id);
  }

  private static Place last(Place place, List<Object> ids) {
    return at(place, ids, ids.size() - 3);
  }

  private static Place at(Place place, List<Object> ids, int i) {
    return new Place(
        place.queue(),
        place.set(),
        place.shard(),
        Keys.text((byte[]) ids.get(i + 2)),
        Keys.text((byte[]) ids.get(i + 1)),
        (byte[]) ids.get(i));
  }

  /** The shards that may hold what is asked for. */
  private List<Integer> homes(Filter filter) {
    return filter.clientId() == null
        ? shards.all().stream().map(Shard::number).toList()
        : List.of(shards.of(filter.clientId()).number());
  }

  /** The order of the walk: queue by queue, in each set by set, in each shard by shard. */
  private record Walk(List<String> queues, List<Integer> shards) {
    Place start() {
      return Place.start(queues.getFirst(), 0, shards.getFirst());
    }

    @Nullable Place following(Place place) {
      for (int shard : shards) {
        if (shard > place.shard()) {
          return Place.start(place.queue(), place.set(), shard);
        }
      }
      if (place.set() + 1 < SETS.size()) {
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
