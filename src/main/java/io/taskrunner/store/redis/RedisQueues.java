package io.taskrunner.store.redis;

import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.Expected;
import io.taskrunner.store.Queue;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.redis.Changes.Step;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Moves;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.record.FlowFields;
import io.taskrunner.task.AttemptError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.stream.Gatherers;
import org.jspecify.annotations.Nullable;

/**
 * The moves of queues. A queue is in every shard, with the same settings; what a move changes is
 * changed in all of them before it is answered.
 */
final class RedisQueues implements QueueStore {

  private static final byte[] HOLD = Keys.bytes("1");
  private static final byte[] LET_GO = Keys.bytes("0");
  private static final byte[] OPEN = Keys.bytes("0");
  private static final byte[] NONE = new byte[0];

  /**
   * Scripts that are under way at the same time: few, so that other calls find their way between.
   */
  private static final int AT_ONCE = 512;

  private final Shards shards;
  private final Moves configMoves;
  private final QueueNames names;
  private final Revisions revisions;
  private final Changes changes;

  RedisQueues(
      Shards shards, Moves configMoves, QueueNames names, Revisions revisions, Changes changes) {
    this.revisions = revisions;
    this.changes = changes;
    this.shards = shards;
    this.configMoves = configMoves;
    this.names = names;
  }

  /** While a shard is away, its tasks are in no sum. */
  @Override
  public List<Queue> list() {
    Shards up = shards.up();
    return names.names().stream()
        .gather(
            Gatherers.mapConcurrent(
                Math.max(AT_ONCE / shards.count(), 1),
                name ->
                    shards.allOfQueue(name).meet(up) ? known(name, up) : Optional.<Queue>empty()))
        .flatMap(Optional::stream)
        .toList();
  }

  /** A queue of which the copy knows the number. */
  private Optional<Queue> known(String name, Shards up) {
    OptionalInt n = names.known(name);
    return n.isPresent() ? read(name, n.getAsInt(), up) : Optional.empty();
  }

  @Override
  public Optional<Queue> get(String name) {
    Shards up = shards.up();
    Optional<Queue> known = known(name, up);
    if (known.isPresent()) {
      return known;
    }
    OptionalInt looked = names.look(name);
    return looked.isPresent() ? read(name, looked.getAsInt(), up) : Optional.empty();
  }

  /** As the shards that are not away have it. */
  private Optional<Queue> read(String name, int n, Shards up) {
    Shards read = shards.allOfQueue(name).among(up);
    Map<String, String> flow = flow(read.first(), n);
    List<List<Object>> stats = read.run(Script.QUEUE_STATS, Keys.bytes(n));
    stats = stats.stream().filter(ofShard -> !ofShard.isEmpty()).toList();
    if (flow.isEmpty() || stats.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new Queue(
            name,
            FlowFields.settings(flow),
            flow.getOrDefault("paused", "0").endsWith("1"),
            new Queue.Stats(
                sum(stats, 0),
                sum(stats, 1),
                sum(stats, 2),
                sum(stats, 3),
                sum(stats, 4),
                sum(stats, 5),
                sum(stats, 6),
                stats.stream().mapToDouble(RedisQueues::oldestAge).max().orElse(0)),
            FlowFields.revision(flow)));
  }

  private static long sum(List<List<Object>> stats, int at) {
    return stats.stream().mapToLong(ofShard -> number(ofShard, at)).sum();
  }

  private static double oldestAge(List<Object> stats) {
    long due = number(stats, 7);
    return due < 0 ? 0 : Math.max(0, number(stats, 8) - due) / 1000.0;
  }

  private static long number(List<Object> reply, int at) {
    return (Long) reply.get(at);
  }

  private Map<String, String> flow(String name, int n) {
    return flow(shards.ofQueue(name), n);
  }

  private static Map<String, String> flow(Shard shard, int n) {
    return FlowFields.read(
        shard.link().patiently(redis -> redis.hgetall(shard.keys().key("queue:" + n + ":flow"))));
  }

  @Override
  public boolean put(String name, QueueSettings settings, Expected expected)
      throws ChangedMeanwhile {
    long revision = revisions.decide(field(name), expected, () -> seen(name));
    return put(name, settings, revision);
  }

  private static String field(String name) {
    return "queue:" + name;
  }

  private OptionalLong seen(String name) {
    OptionalInt n = names.look(name);
    Map<String, String> flow = n.isEmpty() ? Map.of() : flow(name, n.getAsInt());
    return flow.isEmpty() ? OptionalLong.empty() : OptionalLong.of(FlowFields.revision(flow));
  }

  private boolean put(String name, QueueSettings settings, long revision) {
    while (true) {
      int n = Math.toIntExact(configMoves.<Long>run(Script.NAME_QUEUE, Keys.bytes(name)));
      List<byte[]> args = new ArrayList<>();
      args.add(Keys.bytes(n));
      args.addAll(FlowFields.write(name, settings, revision, shards.count()));
      List<Long> made =
          changes.carryOut(
              field(name),
              revision,
              Step.everywhere(Script.PUT_QUEUE, args.toArray(byte[][]::new)));
      if (names.look(name).equals(OptionalInt.of(n))) {
        names.learn(name, n);
        return made.getFirst() == 1;
      }
      shards.run(Script.DELETE_QUEUE, Keys.bytes(n)); // It was deleted meanwhile.
    }
  }

  @Override
  public Deleted delete(String name, boolean force, Expected expected) throws ChangedMeanwhile {
    OptionalInt n = names.look(name);
    if (n.isEmpty()) {
      return Deleted.NOT_FOUND;
    }
    byte[] number = Keys.bytes(n.getAsInt());
    long began = System.nanoTime();
    if (!force && !close(number)) {
      return Deleted.NOT_EMPTY;
    }
    long revision;
    try {
      if (System.nanoTime() - began > revisions.patience().toNanos() / 2) {
        throw new StoreUnavailable("closing the queue took too long", null);
      }
      revision = revisions.decide(field(name), expected, () -> seen(name));
    } catch (ChangedMeanwhile | StoreUnavailable notDecided) {
      if (!force) {
        shards.run(Script.CLOSE_QUEUE, number, OPEN);
      }
      throw notDecided;
    }
    // From the first step on the queue is gone for all, and its name free.
    List<byte[]> words =
        changes.carryOut(
            "number:" + n.getAsInt(),
            revision,
            Step.inConfiguration(
                Script.FORGET_QUEUE, Keys.bytes(name), number, Keys.bytes(revision)),
            Step.everywhere(Script.DELETE_QUEUE, number));
    revisions.forget(field(name), revision);
    names.reload();
    return isDone(words) ? Deleted.DONE : Deleted.NOT_FOUND;
  }

  /**
   * Lets nothing in any more, if it is empty; so that no task comes in while it is deleted. It
   * opens by itself when its deletion is not decided in time.
   */
  private boolean close(byte[] n) {
    byte[] time = Keys.bytes(revisions.patience().toMillis());
    List<byte[]> words = shards.run(Script.CLOSE_QUEUE, n, time);
    boolean empty = words.stream().noneMatch(word -> Keys.text(word).equals("full"));
    if (!empty) {
      shards.run(Script.CLOSE_QUEUE, n, OPEN);
    }
    return empty;
  }

  @Override
  public boolean pause(String name, boolean paused) {
    OptionalInt n = names.look(name);
    if (n.isEmpty()) {
      return false;
    }
    long number = changes.next();
    byte[][] args = {Keys.bytes(n.getAsInt()), paused ? HOLD : LET_GO, Keys.bytes(number)};
    return isDone(
        changes.carryOut("pause:" + name, number, Step.ofQueue(name, Script.PAUSE_QUEUE, args)));
  }

  @Override
  public boolean purge(String name) {
    // Not finished later, when a shard is away: the queue may have new tasks by then.
    OptionalInt n = names.look(name);
    byte[] number = Keys.bytes(changes.next());
    return n.isPresent()
        && isDone(
            shards.allOfQueue(name).run(Script.PURGE_QUEUE, Keys.bytes(n.getAsInt()), number));
  }

  @Override
  public Optional<DeadSummary> deadSummary(String name) {
    OptionalInt n = names.look(name);
    Shards up = shards.up();
    Optional<Queue> queue = n.isEmpty() ? Optional.empty() : read(name, n.getAsInt(), up);
    if (queue.isEmpty()) {
      return Optional.empty();
    }
    String key = "queue:" + n.getAsInt() + ":dead:sums";
    Map<String, Long> sums = new HashMap<>();
    for (Map<byte[], byte[]> ofShard :
        shards
            .allOfQueue(name)
            .among(up)
            .<Map<byte[], byte[]>>together(
                (shard, redis) -> redis.hgetall(shard.keys().key(key)))) {
      ofShard.forEach(
          (pair, count) -> sums.merge(Keys.text(pair), Long.valueOf(Keys.text(count)), Long::sum));
    }
    List<DeadGroup> groups =
        sums.entrySet().stream()
            .map(sum -> group(sum.getKey(), sum.getValue()))
            .sorted(
                Comparator.comparing(DeadGroup::count)
                    .reversed()
                    .thenComparing(DeadGroup::host)
                    .thenComparing(DeadGroup::cause))
            .toList();
    return Optional.of(new DeadSummary(queue.get().stats().dead(), groups));
  }

  /** Reads what {@code lua/lib/dead.lua} writes. */
  private static DeadGroup group(String pair, long count) {
    int space = pair.indexOf(' ');
    if (space < 0) {
      return new DeadGroup(DeadGroup.OTHER, DeadGroup.OTHER, count);
    }
    String cause = pair.substring(space + 2);
    return new DeadGroup(
        pair.substring(0, space),
        pair.charAt(space + 1) == 's'
            ? "http_" + cause
            : AttemptError.ofCode(Integer.parseInt(cause)).word(),
        count);
  }

  @Override
  public boolean dropDead(String name) {
    OptionalInt n = names.look(name);
    if (n.isEmpty()) {
      return false;
    }
    byte[] until = Keys.bytes(shards.first().moves().millis());
    return isDone(
        changes.carryOut(
            "dead:" + name,
            changes.next(),
            Step.ofQueue(name, Script.DROP_DEAD, Keys.bytes(n.getAsInt()), until)));
  }

  private static boolean isDone(List<byte[]> words) {
    return words.stream().anyMatch(word -> Keys.text(word).equals("done"));
  }

  @Override
  public Optional<Long> replayDead(String name, @Nullable Long limit, @Nullable String clientId) {
    OptionalInt n = names.look(name);
    if (n.isEmpty()) {
      return Optional.empty();
    }
    long most = limit == null ? Long.MAX_VALUE : limit;
    byte[] until = Keys.bytes(shards.first().moves().millis());
    long started = 0;
    for (Shard shard :
        clientId == null ? shards.allOfQueue(name).all() : List.of(shards.of(clientId))) {
      started += replayDead(shard, n.getAsInt(), most - started, clientId, until);
    }
    return Optional.of(started);
  }

  private static long replayDead(
      Shard shard, int n, long most, @Nullable String clientId, byte[] until) {
    long started = 0;
    List<Object> reply = List.of(0L, LET_GO, NONE, NONE);
    while (!Arrays.equals((byte[]) reply.get(1), HOLD) && started < most) {
      reply =
          shard
              .moves()
              .run(
                  Script.REPLAY_DEAD,
                  Keys.bytes(n),
                  Keys.bytes(Math.min(most - started, 1_000_000_000)),
                  clientId == null ? NONE : Keys.bytes(clientId),
                  until,
                  (byte[]) reply.get(2),
                  (byte[]) reply.get(3));
      started += number(reply, 0);
    }
    return started;
  }

  @Override
  public void pauseAll(boolean paused) {
    long number = changes.next();
    changes.carryOut(
        "pause",
        number,
        Step.everywhere(Script.PAUSE_ALL, paused ? HOLD : LET_GO, Keys.bytes(number)));
  }

  @Override
  public boolean allPaused() {
    Shard first = shards.first();
    byte[] paused =
        first
            .link()
            .patiently(redis -> redis.hget(first.keys().key("shard"), Keys.bytes("paused")));
    return paused != null && Keys.text(paused).equals("1");
  }

  /** Makes the queues that always exist. */
  void makeBuiltIn() {
    for (Map.Entry<String, Integer> queue : new TreeMap<>(QueueSettings.BUILT_IN).entrySet()) {
      OptionalInt n = names.look(queue.getKey());
      if (n.isEmpty() || flow(queue.getKey(), n.getAsInt()).isEmpty()) {
        put(queue.getKey(), QueueSettings.defaults(queue.getValue()));
      }
    }
  }
}
