package io.taskrunner.store.redis;

import io.taskrunner.store.CloudStore;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Moves;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.record.CloudFields;
import io.taskrunner.store.redis.record.Digests;
import io.taskrunner.store.redis.record.Packed;
import io.taskrunner.store.redis.record.TaskCodec;
import io.taskrunner.store.redis.record.TaskNumber;
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
 * The moves of queues and tasks of Cloud Tasks. Such a queue is one of the engine's, but whole in
 * one shard, that of its name, and the owner of its tasks itself.
 */
final class RedisCloud implements CloudStore {

  private static final byte[] NONE = new byte[0];
  private static final int MAKER_BYTES = 16;

  private final Shards shards;
  private final Moves configMoves;
  private final QueueNames names;
  private final Function<Shard, Enqueuer> enqueuers;

  RedisCloud(
      Shards shards, Moves configMoves, QueueNames names, Function<Shard, Enqueuer> enqueuers) {
    this.shards = shards;
    this.configMoves = configMoves;
    this.names = names;
    this.enqueuers = enqueuers;
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
      List<Object> named =
          configMoves.run(
              Script.NAME_CLOUD, Keys.bytes(name.toString()), Keys.bytes(reuseAfter.toMillis()));
      int n = Math.toIntExact((Long) named.get(1));
      switch (word(named)) {
        case "recent" -> {
          return new QueueMade.TooRecent();
        }
        case "dying" -> bury(name, n);
        default -> {
          names.learn(name.toString(), n);
          return make(name, n, maker, settings);
        }
      }
    }
  }

  private QueueMade make(QueueName name, int n, byte[] maker, Settings settings) {
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(n));
    args.add(maker);
    args.addAll(CloudFields.write(name, settings));
    byte[] word = home(name).moves().run(Script.MAKE_QUEUE, args.toArray(byte[][]::new));
    return Keys.text(word).equals("made")
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
    return shard.keys().key("queue:" + n + ":flow");
  }

  /**
   * Does something with the number of a queue. A number that is known here may be of a queue that
   * is gone by now, and another may have its name: so it is looked up before an empty answer.
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
    List<byte[]> fields = CloudFields.write(name, settings);
    return moved(name, Script.CHANGE_QUEUE, fields.toArray(byte[][]::new));
  }

  @Override
  public Optional<CloudQueue> purge(QueueName name) {
    return moved(name, Script.PURGE_QUEUE, NONE);
  }

  @Override
  public Optional<CloudQueue> pause(QueueName name, boolean paused) {
    return moved(name, Script.PAUSE_QUEUE, Keys.bytes(paused ? 1 : 0), NONE);
  }

  /** Makes a move of a queue, and tells how it then stands. */
  private Optional<CloudQueue> moved(QueueName name, Script script, byte[]... args) {
    return ofQueue(
        name,
        n -> {
          byte[][] all = new byte[args.length + 1][];
          all[0] = Keys.bytes(n);
          System.arraycopy(args, 0, all, 1, args.length);
          byte[] word = home(name).moves().run(script, all);
          return Keys.text(word).equals("done") ? read(name, n) : Optional.empty();
        });
  }

  @Override
  public boolean delete(QueueName name) {
    OptionalInt n = names.look(name.toString());
    return n.isPresent() && bury(name, n.getAsInt());
  }

  /** Begins a deletion, or goes on with one that was broken off. */
  private boolean bury(QueueName name, int n) {
    byte[] number = Keys.bytes(n);
    byte[] text = Keys.bytes(name.toString());
    byte[] begun = configMoves.run(Script.BURY_NAME, Keys.bytes("begin"), text, number);
    if (!Keys.text(begun).equals("done")) {
      return false;
    }
    home(name).moves().run(Script.DELETE_QUEUE, number);
    byte[] ended = configMoves.run(Script.BURY_NAME, Keys.bytes("end"), text, number);
    names.reload();
    return Keys.text(ended).equals("done");
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

  /** Those that are there, in one round trip a shard. */
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
    return enqueuers.apply(home(task.queue())).create(task);
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
    byte[] digest = TaskCodec.digest(id);
    byte[] candidate = TaskNumber.parse(id, shard.number()).map(TaskId::bytes).orElse(NONE);
    return ofQueue(
            queue,
            n -> {
              List<Object> reply = shard.moves().run(script, Keys.bytes(n), digest, candidate);
              return switch (word(reply)) {
                case "task" ->
                    Optional.<Found>of(
                        new Found.Task(
                            task(queue, TaskId.of((byte[]) reply.get(1)), (byte[]) reply.get(2))));
                case "over" -> Optional.<Found>of(new Found.Over());
                case "nothing" -> Optional.<Found>of(new Found.Nothing());
                default -> Optional.<Found>empty();
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
          List<Object> reply =
              home(queue)
                  .moves()
                  .run(
                      Script.LIST_TASKS,
                      Keys.bytes(n),
                      Keys.bytes(limit),
                      Keys.bytes(place.score()),
                      place.id());
          if (!word(reply).equals("tasks")) {
            return Optional.empty();
          }
          List<CloudTask> tasks = new ArrayList<>();
          for (int i = 4; i < reply.size(); i += 2) {
            TaskId id = TaskId.of((byte[]) reply.get(i));
            TaskCodec.read((byte[]) reply.get(i + 1))
                .ifPresent(record -> tasks.add(task(queue, id, record)));
          }
          boolean more = ((byte[]) reply.get(1))[0] == '1';
          Place last = new Place(Keys.text((byte[]) reply.get(2)), (byte[]) reply.get(3));
          return Optional.of(new Page(tasks, more ? last.text(queue) : null));
        });
  }

  /** A place in a list: when the last task that was looked at was made, and its id. */
  private record Place(String score, byte[] id) {
    static final Place START = new Place("", NONE);
    private static final int QUEUE = 8;

    /** A cursor is of one queue alone. */
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

  private static CloudTask task(QueueName queue, TaskId id, TaskCodec.Decoded record) {
    TaskCodec.Cloud cloud = record.cloud();
    if (cloud == null) {
      throw new IllegalStateException(id + " is no task of Cloud Tasks");
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

  private static LastAttempt last(TaskCodec.Decoded record, TaskCodec.Cloud cloud, Instant began) {
    return new LastAttempt(
        cloud.lastDue(),
        began,
        cloud.lastEnded(),
        cloud.lastEnded().isPresent() ? record.previousStatus() : OptionalInt.empty());
  }

  private static String word(List<Object> reply) {
    return Keys.text((byte[]) reply.getFirst());
  }
}
