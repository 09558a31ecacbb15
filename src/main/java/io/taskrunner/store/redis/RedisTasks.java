package io.taskrunner.store.redis;

import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.TaskStore;
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
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The moves of tasks that callers ask for. */
final class RedisTasks implements TaskStore {

  /** What one script looks at, at most: some 2 to 4 ms of Redis' time. */
  private static final int STEP = 500;

  /** The same where hosts or labels are compared, which do not stand in the heads of records. */
  private static final int STEP_DEEP = 200;

  /** What a page takes, at most: some 50 ms of Redis' time. Then it is short. */
  private static final int STEPS_MAX = 20;

  private static final int SCRIPTS_MAX = 200;

  private static final byte[] NONE = new byte[0];

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

    /** Behind what a search looked at last. */
    Place at(List<Object> reply) {
      return new Place(
          queue,
          set,
          shard,
          Keys.text((byte[]) reply.get(2)),
          Keys.text((byte[]) reply.get(3)),
          (byte[]) reply.get(4));
    }

    static Place start(String queue, int set, int shard) {
      return new Place(queue, set, shard, "", "", new byte[0]);
    }

    static Place read(String cursor, String filter, Walk walk, int shards) throws BadCursor {
      try {
        String[] parts =
            new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.UTF_8)
                .split("\n", -1);
        int set = Integer.parseInt(parts[2]);
        int shard = Integer.parseInt(parts[3]);
        if (parts.length != 7
            || !parts[0].equals(filter)
            || Objects.checkIndex(set, walk.sets().size()) != set
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
      return new Page(List.of(), null, 0);
    }
    Walk walk = new Walk(queues, sets(filter), homes(filter));
    Place place =
        cursor == null ? walk.start() : Place.read(cursor, fingerprint, walk, shards.count());
    List<Task> found = new ArrayList<>();
    long examined = 0;
    int step = filter.host() == null && filter.label() == null ? STEP : STEP_DEEP;
    for (int scripts = 1; ; scripts++) {
      Shard shard = shards.all().get(place.shard());
      List<Object> reply = search(shard, filter, walk, place, step, limit - found.size());
      examined += (Long) reply.get(0);
      for (Task task : read(shard, ids(reply))) {
        if (matches(filter, task) && isWithin(walk, place, task)) {
          found.add(task);
        }
      }
      Place next = isEnd(reply) ? walk.following(place) : place.at(reply);
      if (next == null) {
        return new Page(found, null, examined);
      }
      place = next;
      if (found.size() >= limit || examined >= (long) STEPS_MAX * step || scripts >= SCRIPTS_MAX) {
        return new Page(found, place.text(fingerprint), examined);
      }
    }
  }

  private static boolean isEnd(List<Object> reply) {
    return Keys.text((byte[]) reply.get(1)).equals("1");
  }

  private static List<byte[]> ids(List<Object> reply) {
    return reply.stream().skip(5).map(id -> (byte[]) id).toList();
  }

  private List<Object> search(
      Shard shard, Filter filter, Walk walk, Place place, int step, int most) {
    Walked walked = walk.sets().get(place.set());
    String states =
        walked.states().stream()
            .filter(state -> filter.state() == null || filter.state() == state)
            .map(state -> String.valueOf(state.code()))
            .collect(Collectors.joining());
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(names.known(place.queue()).orElse(-1)));
    args.add(Keys.bytes(walked.set()));
    args.add(Keys.bytes(step));
    args.add(Keys.bytes(most));
    args.add(Keys.bytes(place.owner()));
    args.add(Keys.bytes(place.score()));
    args.add(place.id());
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
    Label label = filter.label();
    args.add(label == null ? NONE : TaskCodec.label(label.name(), label.value()));
    return shard.moves().run(Script.SEARCH, args.toArray(byte[][]::new));
  }

  private static byte[] text(@Nullable Object value) {
    return value == null ? NONE : Keys.bytes(value.toString());
  }

  private List<String> queues(Filter filter) {
    if (filter.queue() == null) {
      return names.names();
    }
    return names.known(filter.queue()).isPresent() || names.look(filter.queue()).isPresent()
        ? List.of(filter.queue())
        : List.of();
  }

  /** The sets that may hold what is meant; of the dead the narrowest index. */
  private static List<Walked> sets(Filter filter) {
    return SETS.stream()
        .filter(walked -> filter.state() == null || walked.states().contains(filter.state()))
        .map(walked ->
            walked.set().equals("dead") ? new Walked(dead(filter), walked.states()) : walked)
        .toList();
  }

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

  static List<byte[]> everyThird(List<Object> ids) {
    List<byte[]> found = new ArrayList<>(ids.size() / 3);
    for (int i = 0; i < ids.size(); i += 3) {
      found.add((byte[]) ids.get(i));
    }
    return found;
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
    return host.equals(url.host().toLowerCase(Locale.ROOT))
        || host.equals(url.hostAndPort().toLowerCase(Locale.ROOT));
  }

  private static boolean within(@Nullable Instant from, Instant time, @Nullable Instant before) {
    return (from == null || !time.isBefore(from)) && (before == null || time.isBefore(before));
  }

  /**
   * Whether a task is still where it was found: what moved on meanwhile is met, or was, elsewhere.
   */
  private static boolean isWithin(Walk walk, Place place, Task task) {
    return task.queue().equals(place.queue())
        && walk.sets().get(place.set()).states().contains(task.state());
  }

  /** The shards that may hold what is asked for. */
  private List<Integer> homes(Filter filter) {
    return filter.clientId() == null
        ? shards.all().stream().map(Shard::number).toList()
        : List.of(shards.of(filter.clientId()).number());
  }

  /** The order of the walk: queue by queue, in each set by set, in each shard by shard. */
  private record Walk(List<String> queues, List<Walked> sets, List<Integer> shards) {
    Place start() {
      return Place.start(queues.getFirst(), 0, shards.getFirst());
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
