package io.taskrunner.store.redis;

import io.taskrunner.store.CloudStore;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.record.CloudFields;
import io.taskrunner.store.redis.record.Digests;
import io.taskrunner.store.redis.record.Packed;
import io.taskrunner.store.redis.record.SeriesRecord.Event;
import io.taskrunner.store.redis.record.TaskCodec;
import io.taskrunner.store.redis.record.TaskNumber;
import io.taskrunner.store.redis.record.TaskRecord;
import io.taskrunner.task.TaskId;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Operations on queues and tasks of Cloud Tasks. Such a queue is a queue of the engine, but stored
 * entirely in one shard, that of its name, and is itself the owner of its tasks.
 */
final class RedisCloud implements CloudStore {

  private static final byte[] NONE = new byte[0];
  private static final int MAKER_BYTES = 16;

  /** The reply of {@code name_cloud}. */
  enum Named {
    NAMED,
    /** A queue of this name was deleted recently. */
    RECENT,
    /** Its deletion is in progress. */
    DYING
  }

  /** The reply of {@code make_queue}. */
  enum Created {
    MADE,
    EXISTS
  }

  /** The reply of a script about one task. */
  enum Seen {
    TASK,
    OVER,
    NOTHING,
    NO_QUEUE
  }

  /** The reply of {@code list_tasks}. */
  enum Listed {
    TASKS,
    NO_QUEUE
  }

  private final Shards shards;
  private final Shard config;
  private final QueueNames names;
  private final Function<Shard, Enqueuer> enqueuers;
  private final SeriesCounts counts;

  RedisCloud(
      Shards shards,
      Shard config,
      QueueNames names,
      Function<Shard, Enqueuer> enqueuers,
      SeriesCounts counts) {
    this.shards = shards;
    this.config = config;
    this.names = names;
    this.enqueuers = enqueuers;
    this.counts = counts;
  }

  private Shard home(QueueName name) {
    return shards.of(name.toString());
  }

  // -- queues

  @Override
  public QueueMade make(QueueName name, Settings settings, Duration reuseAfter) {
    byte[] maker = new byte[MAKER_BYTES];
    ThreadLocalRandom.current().nextBytes(maker);
    while (true) {
      Reply reply = config.moves().run(Script.NAME_CLOUD, name.toString(), reuseAfter.toMillis());
      Named named = reply.word(Named.class);
      int n = reply.count();
      switch (named) {
        case RECENT -> {
          return new QueueMade.TooRecent();
        }
        case DYING -> bury(name, n);
        case NAMED -> {
          names.learn(name.toString(), n);
          return make(name, n, maker, settings);
        }
      }
    }
  }

  private QueueMade make(QueueName name, int n, byte[] maker, Settings settings) {
    Reply reply =
        home(name).moves().run(Script.MAKE_QUEUE, n, maker, CloudFields.write(name, settings));
    return reply.word(Created.class) == Created.MADE
        ? new QueueMade.Made(new CloudQueue(name, settings, false, Optional.empty()))
        : new QueueMade.Exists();
  }

  @Override
  public Optional<CloudQueue> queue(QueueName name) {
    return ofQueue(name, n -> read(name, n));
  }

  private Optional<CloudQueue> read(QueueName name, int n) {
    Shard shard = home(name);
    return CloudFields.read(name, shard.link().patiently(redis -> redis.hgetall(flow(shard, n))));
  }

  private static byte[] flow(Shard shard, int n) {
    return shard.key("queue:" + n + ":flow");
  }

  /**
   * Does something with the number of a queue. A cached number may belong to a deleted queue whose
   * name is used by another: so it is looked up again before an empty result.
   */
  private <T> Optional<T> ofQueue(QueueName name, IntFunction<Optional<T>> with) {
    OptionalInt known = names.known(name.toString());
    if (known.isPresent()) {
      Optional<T> found = with.apply(known.getAsInt());
      if (found.isPresent()) {
        return found;
      }
    }
    OptionalInt looked = names.look(name.toString());
    return looked.isEmpty() || looked.equals(known)
        ? Optional.empty()
        : with.apply(looked.getAsInt());
  }

  @Override
  public Optional<CloudQueue> change(QueueName name, Settings settings) {
    return moved(name, Script.CHANGE_QUEUE, CloudFields.write(name, settings));
  }

  @Override
  public Optional<CloudQueue> purge(QueueName name) {
    return moved(name, Script.PURGE_QUEUE, NONE);
  }

  @Override
  public Optional<CloudQueue> pause(QueueName name, boolean paused) {
    return moved(name, Script.PAUSE_QUEUE, paused, NONE);
  }

  /** Performs an operation on a queue, and returns its new state. */
  private Optional<CloudQueue> moved(QueueName name, Script script, Object... args) {
    return ofQueue(
        name,
        n ->
            home(name).moves().run(script, n, Args.of(args)).word(Done.class) == Done.DONE
                ? read(name, n)
                : Optional.empty());
  }

  @Override
  public boolean delete(QueueName name) {
    OptionalInt n = names.look(name.toString());
    return n.isPresent() && bury(name, n.getAsInt());
  }

  /** Begins a deletion, or continues an interrupted one. */
  private boolean bury(QueueName name, int n) {
    if (!mark("begin", name, n)) {
      return false;
    }
    home(name).moves().run(Script.DELETE_QUEUE, n);
    boolean ended = mark("end", name, n);
    names.reload();
    return ended;
  }

  private boolean mark(String end, QueueName name, int n) {
    return config.moves().run(Script.BURY_NAME, end, name.toString(), n).word(Done.class)
        == Done.DONE;
  }

  @Override
  public List<CloudQueue> queues(
      String project, String location, @Nullable String after, int limit) {
    names.reload();
    String prefix = new QueueName(project, location, "").toString();
    TreeMap<String, QueueName> wanted = new TreeMap<>();
    for (String name : names.names()) {
      String id = name.startsWith(prefix) ? name.substring(prefix.length()) : "";
      if (!id.isEmpty() && (after == null || id.compareTo(after) > 0)) {
        wanted.put(id, new QueueName(project, location, id));
      }
    }
    List<CloudQueue> found = new ArrayList<>();
    List<QueueName> left = List.copyOf(wanted.values());
    while (found.size() < limit && !left.isEmpty()) {
      List<QueueName> some = left.subList(0, Math.min(left.size(), limit - found.size()));
      found.addAll(readAll(some));
      left = left.subList(some.size(), left.size());
    }
    return found;
  }

  /** Those that exist, in one round trip per shard. */
  private List<CloudQueue> readAll(List<QueueName> all) {
    List<Map<byte[], byte[]>> flows =
        Shards.each(
            all, this::home, (shard, redis, name) -> redis.hgetall(flow(shard, number(name))));
    List<CloudQueue> found = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      CloudFields.read(all.get(i), flows.get(i)).ifPresent(found::add);
    }
    return found;
  }

  private int number(QueueName name) {
    return names.known(name.toString()).orElse(-1);
  }

  // -- tasks

  @Override
  public CompletableFuture<TaskMade> create(NewTask task) {
    return enqueuers
        .apply(home(task.queue()))
        .create(task)
        .thenApply(result -> {
          if (result instanceof TaskMade.Made) {
            counts.count(task.queue().toString(), Event.ENQUEUED, 1);
          }
          return result;
        });
  }

  @Override
  public Found task(QueueName queue, String id) {
    return found(queue, id, Script.FIND_TASK);
  }

  @Override
  public Found delete(QueueName queue, String id) {
    return found(queue, id, Script.DROP_TASK);
  }

  @Override
  public Found run(QueueName queue, String id) {
    return found(queue, id, Script.RUN_TASK);
  }

  private Found found(QueueName queue, String id, Script script) {
    Shard shard = home(queue);
    byte[] digest = Digests.ofName(id);
    byte[] candidate = TaskNumber.parse(id, shard.number()).map(TaskId::bytes).orElse(NONE);
    return this.<Found>ofQueue(
            queue,
            n -> {
              Reply reply = shard.moves().run(script, n, digest, candidate);
              return switch (reply.word(Seen.class)) {
                case TASK -> Optional.of(new Found.Task(task(queue, reply.id(), reply.bytes())));
                case OVER -> Optional.of(new Found.Over());
                case NOTHING -> Optional.of(new Found.Nothing());
                case NO_QUEUE -> Optional.<Found>empty();
              };
            })
        .orElseGet(Found.Nothing::new);
  }

  @Override
  public Optional<Page> tasks(QueueName queue, @Nullable String cursor, int limit)
      throws BadCursor {
    Place place = cursor == null ? Place.START : Place.read(cursor, queue);
    return ofQueue(
        queue,
        n -> {
          Reply reply =
              home(queue).moves().run(Script.LIST_TASKS, n, limit, place.score(), place.id());
          if (reply.word(Listed.class) == Listed.NO_QUEUE) {
            return Optional.empty();
          }
          boolean more = reply.flag();
          Place last = new Place(reply.text(), reply.bytes());
          List<CloudTask> tasks = new ArrayList<>();
          while (reply.more()) {
            TaskId id = reply.id();
            TaskCodec.read(reply.bytes()).ifPresent(record -> tasks.add(task(queue, id, record)));
          }
          return Optional.of(new Page(tasks, more ? last.text(queue) : null));
        });
  }

  /** A place in a list: the creation time of the last task examined, and its id. */
  private record Place(String score, byte[] id) {
    static final Place START = new Place("", NONE);
    private static final int QUEUE = 8;

    /** A cursor is valid for one queue only. */
    String text(QueueName queue) {
      Packed plain = new Packed(64);
      plain.write(Arrays.copyOf(Digests.sha256(queue.toString()), QUEUE));
      plain.write(id);
      plain.write(Keys.bytes(score));
      return Base64.getUrlEncoder().withoutPadding().encodeToString(plain.toByteArray());
    }

    static Place read(String cursor, QueueName queue) throws BadCursor {
      try {
        byte[] plain = Base64.getUrlDecoder().decode(cursor);
        int end = QUEUE + TaskId.BYTES;
        byte[] of = Arrays.copyOf(Digests.sha256(queue.toString()), QUEUE);
        if (plain.length <= end || !Arrays.equals(plain, 0, QUEUE, of, 0, QUEUE)) {
          throw new BadCursor();
        }
        String score = new String(plain, end, plain.length - end, StandardCharsets.US_ASCII);
        Double.parseDouble(score);
        return new Place(score, Arrays.copyOfRange(plain, QUEUE, end));
      } catch (IllegalArgumentException unreadable) {
        throw new BadCursor();
      }
    }
  }

  private static CloudTask task(QueueName queue, TaskId id, byte[] raw) {
    return task(queue, id, TaskCodec.decode(raw));
  }

  private static CloudTask task(QueueName queue, TaskId id, TaskRecord record) {
    TaskRecord.Cloud cloud = record.cloud();
    if (cloud == null) {
      throw new IllegalStateException(id + " is not a task of Cloud Tasks");
    }
    return new CloudTask(
        queue,
        cloud.name() == null ? TaskNumber.of(id) : cloud.name(),
        id,
        record.spec(),
        cloud.echoed(),
        record.created(),
        record.due(),
        record.attempts(),
        cloud.responses(),
        record.first(),
        record.attempts() == 0
            ? Optional.empty()
            : cloud.lastBegan().map(began -> last(record, cloud, began)));
  }

  private static LastAttempt last(TaskRecord record, TaskRecord.Cloud cloud, Instant began) {
    return new LastAttempt(
        cloud.lastDue(),
        began,
        cloud.lastEnded(),
        cloud.lastEnded().isPresent() ? record.previousStatus() : OptionalInt.empty());
  }
}
