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

  private final Moves moves;
  private final Enqueuer enqueuer;
  private final QueueNames names;

  private record Walked(String set, List<TaskState> states) {}

  /**
   * A place in the walk: the queue's name, the set, and the owner, score and id of the last task
   * that was looked at.
   */
  private record Place(String queue, int set, String owner, String score, byte[] id) {
    String text(String filter) {
      String plain =
          String.join(
              "\n",
              filter,
              queue,
              Integer.toString(set),
              owner,
              score,
              Base64.getEncoder().encodeToString(id));
      return Base64.getUrlEncoder()
          .withoutPadding()
          .encodeToString(plain.getBytes(StandardCharsets.UTF_8));
    }

    static Place start(String queue, int set) {
      return new Place(queue, set, "", "", new byte[0]);
    }

    static Place read(String cursor, String filter) throws BadCursor {
      try {
        String[] parts =
            new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.UTF_8)
                .split("\n", -1);
        int set = Integer.parseInt(parts[2]);
        if (parts.length != 6 || !parts[0].equals(filter) || set < 0 || set >= SETS.size()) {
          throw new BadCursor();
        }
        if (!parts[4].isEmpty()) {
          Double.parseDouble(parts[4]);
        }
        return new Place(parts[1], set, parts[3], parts[4], Base64.getDecoder().decode(parts[5]));
      } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException unreadable) {
        throw new BadCursor();
      }
    }
  }

  RedisTasks(Moves moves, Enqueuer enqueuer, QueueNames names) {
    this.moves = moves;
    this.enqueuer = enqueuer;
    this.names = names;
  }

  @Override
  public CompletableFuture<EnqueueResult> enqueue(Enqueue command) {
    return enqueuer.enqueue(command);
  }

  @Override
  public Optional<Task> get(TaskId id) {
    return read(List.of(id.bytes())).stream().findFirst();
  }

  private List<Task> read(List<byte[]> ids) {
    if (ids.isEmpty()) {
      return List.of();
    }
    List<Object> reply = moves.run(Script.GET, ids.toArray(byte[][]::new));
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
        record.clientId(),
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
    Place place =
        cursor == null ? Place.start(queues.getFirst(), 0) : Place.read(cursor, fingerprint);
    boolean filtered = filter.clientId() != null || filter.label() != null;
    List<Task> found = new ArrayList<>();
    int examined = 0;
    while (true) {
      int want = filtered ? STEP_FILTERED : Math.min(limit - found.size(), STEP);
      List<Object> ids = holds(filter, place) ? walk(place, Math.max(1, want)) : List.of();
      examined += 1 + ids.size() / 3;
      for (Task task : read(everyThird(ids))) {
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
      Place next = ids.size() / 3 < want ? following(place, queues) : last(place, ids);
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
    return moves.run(
        Script.WALK,
        Keys.bytes(n),
        Keys.bytes(SETS.get(place.set()).set()),
        Keys.bytes(most),
        Keys.bytes(place.owner()),
        Keys.bytes(place.score()),
        place.id());
  }

  private static List<byte[]> everyThird(List<Object> ids) {
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
        Keys.text((byte[]) ids.get(i + 2)),
        Keys.text((byte[]) ids.get(i + 1)),
        (byte[]) ids.get(i));
  }

  private static @Nullable Place following(Place place, List<String> queues) {
    if (place.set() + 1 < SETS.size()) {
      return Place.start(place.queue(), place.set() + 1);
    }
    return queues.stream()
        .filter(name -> name.compareTo(place.queue()) > 0)
        .findFirst()
        .map(name -> Place.start(name, 0))
        .orElse(null);
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
    byte[] word = moves.run(script, id.bytes());
    return switch (Keys.text(word)) {
      case "done" -> new Moved.Done();
      case "missing" -> new Moved.NotFound();
      default -> new Moved.WrongState(TaskState.ofCode(word[0]));
    };
  }
}
