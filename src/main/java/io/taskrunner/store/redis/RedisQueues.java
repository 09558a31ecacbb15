package io.taskrunner.store.redis;

import io.taskrunner.store.Queue;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.QueueStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The moves of queues. */
final class RedisQueues implements QueueStore {

  private static final byte[] HOLD = Keys.bytes("1");
  private static final byte[] LET_GO = Keys.bytes("0");
  private static final byte[] NONE = new byte[0];

  private final Link link;
  private final Moves moves;
  private final Moves configMoves;
  private final Keys shard;
  private final QueueNames names;

  RedisQueues(Link link, Moves moves, Moves configMoves, Keys shard, QueueNames names) {
    this.link = link;
    this.moves = moves;
    this.configMoves = configMoves;
    this.shard = shard;
    this.names = names;
  }

  @Override
  public List<Queue> list() {
    List<Queue> queues = new ArrayList<>();
    for (String name : names.names()) {
      names.known(name).ifPresent(n -> read(name, n).ifPresent(queues::add));
    }
    return queues;
  }

  @Override
  public Optional<Queue> get(String name) {
    OptionalInt n = names.known(name);
    Optional<Queue> known = n.isPresent() ? read(name, n.getAsInt()) : Optional.empty();
    if (known.isPresent()) {
      return known;
    }
    OptionalInt looked = names.look(name);
    return looked.isPresent() ? read(name, looked.getAsInt()) : Optional.empty();
  }

  private Optional<Queue> read(String name, int n) {
    Map<String, String> flow = flow(n);
    List<Object> stats = moves.run(Script.QUEUE_STATS, Keys.bytes(n));
    if (flow.isEmpty() || stats.isEmpty()) {
      return Optional.empty();
    }
    long oldestDue = number(stats, 6);
    double age = oldestDue < 0 ? 0 : Math.max(0, number(stats, 7) - oldestDue) / 1000.0;
    return Optional.of(
        new Queue(
            name,
            FlowFields.settings(flow),
            "1".equals(flow.get("paused")),
            new Queue.Stats(
                number(stats, 0),
                number(stats, 1),
                number(stats, 2),
                number(stats, 3),
                number(stats, 4),
                number(stats, 5),
                age)));
  }

  private static long number(List<Object> reply, int at) {
    return (Long) reply.get(at);
  }

  private Map<String, String> flow(int n) {
    Map<byte[], byte[]> raw =
        link.patiently(redis -> redis.hgetall(shard.key("queue:" + n + ":flow")));
    return FlowFields.read(raw);
  }

  @Override
  public boolean put(String name, QueueSettings settings) {
    int n = Math.toIntExact(configMoves.<Long>run(Script.NAME_QUEUE, Keys.bytes(name), NONE));
    if (flow(n).isEmpty()) {
      // The name's number is of a queue that is gone, or was just given: a number is never used
      // twice.
      n =
          Math.toIntExact(
              configMoves.<Long>run(Script.NAME_QUEUE, Keys.bytes(name), Keys.bytes(n)));
    }
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(n));
    args.addAll(FlowFields.write(name, settings));
    long made = moves.run(Script.PUT_QUEUE, args.toArray(byte[][]::new));
    names.learn(name, n);
    return made == 1;
  }

  @Override
  public Deleted delete(String name, boolean force) {
    OptionalInt n = names.look(name);
    if (n.isEmpty()) {
      return Deleted.NOT_FOUND;
    }
    byte[] word = moves.run(Script.DELETE_QUEUE, Keys.bytes(n.getAsInt()), force ? HOLD : LET_GO);
    if (Keys.text(word).equals("full")) {
      return Deleted.NOT_EMPTY;
    }
    configMoves.run(Script.FORGET_QUEUE, Keys.bytes(name), Keys.bytes(n.getAsInt()));
    names.reload();
    return Keys.text(word).equals("done") ? Deleted.DONE : Deleted.NOT_FOUND;
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
    return Keys.text(moves.run(script, all)).equals("done");
  }

  @Override
  public Optional<Long> replayDead(String name, @Nullable Long limit, @Nullable String clientId) {
    OptionalInt n = names.look(name);
    if (n.isEmpty()) {
      return Optional.empty();
    }
    long most = limit == null ? Long.MAX_VALUE : limit;
    long started = 0;
    long rank = 0;
    byte[] until = Keys.bytes(moves.millis());
    while (rank >= 0 && started < most) {
      List<Object> reply =
          moves.run(
              Script.REPLAY_DEAD,
              Keys.bytes(n.getAsInt()),
              Keys.bytes(Math.min(most - started, 1_000_000_000)),
              clientId == null ? NONE : Keys.bytes(clientId),
              until,
              Keys.bytes(rank));
      started += number(reply, 0);
      rank = number(reply, 1);
    }
    return Optional.of(started);
  }

  @Override
  public void pauseAll(boolean paused) {
    moves.run(Script.PAUSE_ALL, paused ? HOLD : LET_GO);
  }

  @Override
  public boolean allPaused() {
    byte[] paused = link.patiently(redis -> redis.hget(shard.key("shard"), Keys.bytes("paused")));
    return paused != null && Keys.text(paused).equals("1");
  }

  /** Makes the queues that always exist. */
  void makeBuiltIn() {
    for (Map.Entry<String, Integer> queue : new TreeMap<>(QueueSettings.BUILT_IN).entrySet()) {
      OptionalInt n = names.look(queue.getKey());
      if (n.isEmpty() || flow(n.getAsInt()).isEmpty()) {
        put(queue.getKey(), QueueSettings.defaults(queue.getValue()));
      }
    }
  }
}
