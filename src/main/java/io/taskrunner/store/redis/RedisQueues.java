package io.taskrunner.store.redis;

import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.Expected;
import io.taskrunner.store.Queue;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.QueueStore;
import io.taskrunner.task.AttemptError;
import java.util.ArrayList;
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
  private static final byte[] NONE = new byte[0];

  /**
   * Scripts that are under way at the same time: few, so that other calls find their way between.
   */
  private static final int AT_ONCE = 512;

  private final Shards shards;
  private final Moves configMoves;
  private final QueueNames names;
  private final Revisions revisions;

  RedisQueues(Shards shards, Moves configMoves, QueueNames names, Revisions revisions) {
    this.revisions = revisions;
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
            "1".equals(flow.get("paused")),
            new Queue.Stats(
                sum(stats, 0),
                sum(stats, 1),
                sum(stats, 2),
                sum(stats, 3),
                sum(stats, 4),
                sum(stats, 5),
                stats.stream().mapToDouble(RedisQueues::oldestAge).max().orElse(0)),
            FlowFields.revision(flow)));
  }

  private static long sum(List<List<Object>> stats, int at) {
    return stats.stream().mapToLong(ofShard -> number(ofShard, at)).sum();
  }

  private static double oldestAge(List<Object> stats) {
    long due = number(stats, 6);
    return due < 0 ? 0 : Math.max(0, number(stats, 7) - due) / 1000.0;
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
    int n = Math.toIntExact(configMoves.<Long>run(Script.NAME_QUEUE, Keys.bytes(name), NONE));
    if (flow(name, n).isEmpty()) {
      // The name's number is of a queue that is gone, or was just given: a number is never used
      // twice.
      n =
          Math.toIntExact(
              configMoves.<Long>run(Script.NAME_QUEUE, Keys.bytes(name), Keys.bytes(n)));
    }
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(n));
    args.addAll(FlowFields.write(name, settings, revision, shards.count()));
    List<Long> made = shards.run(Script.PUT_QUEUE, args.toArray(byte[][]::new));
    names.learn(name, n);
    return made.getFirst() == 1;
  }

  @Override
  public Deleted delete(String name, boolean force, Expected expected) throws ChangedMeanwhile {
    OptionalInt n = names.look(name);
    if (n.isEmpty()) {
      return Deleted.NOT_FOUND;
    }
    byte[] number = Keys.bytes(n.getAsInt());
    if (!force && !close(number)) {
      return Deleted.NOT_EMPTY;
    }
    long revision;
    try {
      revision = revisions.decide(field(name), expected, () -> seen(name));
    } catch (ChangedMeanwhile changed) {
      if (!force) {
        shards.run(Script.CLOSE_QUEUE, number, LET_GO);
      }
      throw changed;
    }
    List<byte[]> words = shards.run(Script.DELETE_QUEUE, number);
    configMoves.run(Script.FORGET_QUEUE, Keys.bytes(name), number);
    revisions.forget(field(name), revision);
    names.reload();
    return words.stream().anyMatch(word -> Keys.text(word).equals("done"))
        ? Deleted.DONE
        : Deleted.NOT_FOUND;
  }

  /** Lets nothing in any more, if it is empty; so that no task comes in while it is deleted. */
  private boolean close(byte[] n) {
    List<byte[]> words = shards.run(Script.CLOSE_QUEUE, n, HOLD);
    boolean empty = words.stream().noneMatch(word -> Keys.text(word).equals("full"));
    if (!empty) {
      shards.run(Script.CLOSE_QUEUE, n, LET_GO);
    }
    return empty;
  }

  @Override
  public boolean pause(String name, boolean paused) {
    return done(name, Script.PAUSE_QUEUE, paused ? HOLD : LET_GO);
  }

  @Override
  public boolean purge(String name) {
    return done(name, Script.PURGE_QUEUE);
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
    return done(name, Script.DROP_DEAD);
  }

  private boolean done(String name, Script script, byte[]... args) {
    OptionalInt n = names.look(name);
    if (n.isEmpty()) {
      return false;
    }
    byte[][] all = new byte[args.length + 1][];
    all[0] = Keys.bytes(n.getAsInt());
    System.arraycopy(args, 0, all, 1, args.length);
    List<byte[]> words = shards.allOfQueue(name).run(script, all);
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
    long rank = 0;
    while (rank >= 0 && started < most) {
      List<Object> reply =
          shard
              .moves()
              .run(
                  Script.REPLAY_DEAD,
                  Keys.bytes(n),
                  Keys.bytes(Math.min(most - started, 1_000_000_000)),
                  clientId == null ? NONE : Keys.bytes(clientId),
                  until,
                  Keys.bytes(rank));
      started += number(reply, 0);
      rank = number(reply, 1);
    }
    return started;
  }

  @Override
  public void pauseAll(boolean paused) {
    shards.run(Script.PAUSE_ALL, paused ? HOLD : LET_GO);
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
