package io.taskrunner.store.redis;

import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.Expected;
import io.taskrunner.store.Queue;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.redis.Changes.Step;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.record.FlowFields;
import io.taskrunner.task.AttemptError;
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
 * Operations on queues. A queue is in every shard, with the same settings; a change is applied in
 * all of them before the call returns.
 */
final class RedisQueues implements QueueStore {

  private static final long OPEN = 0;
  private static final byte[] NONE = new byte[0];

  /** The reply of {@code close_queue}. */
  enum Closed {
    DONE,
    MISSING,
    /** It holds tasks. */
    FULL
  }

  /** Scripts in flight at the same time: few, so that other calls can run in between. */
  private static final int AT_ONCE = 512;

  private final Shards shards;
  private final Shard config;
  private final QueueNames names;
  private final Revisions revisions;
  private final Changes changes;

  RedisQueues(Shards shards, Shard config, QueueNames names, Revisions revisions, Changes changes) {
    this.revisions = revisions;
    this.changes = changes;
    this.shards = shards;
    this.config = config;
    this.names = names;
  }

  /** While a shard is unavailable, its tasks are missing from the sums. */
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

  /** A queue whose number is cached. */
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

  /** Its state in the available shards. */
  private Optional<Queue> read(String name, int n, Shards up) {
    Shards read = shards.allOfQueue(name).among(up);
    Map<String, String> flow = flow(read.first(), n);
    List<Queue.Stats> stats =
        read.run(Script.QUEUE_STATS, n).stream()
            .filter(Reply::more)
            .map(RedisQueues::stats)
            .toList();
    if (flow.isEmpty() || stats.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new Queue(
            name,
            FlowFields.settings(flow),
            flow.getOrDefault("paused", "0").endsWith("1"),
            stats.stream().reduce(RedisQueues::sum).orElseThrow(),
            FlowFields.revision(flow)));
  }

  private static Queue.Stats stats(Reply reply) {
    return new Queue.Stats(
        reply.number(),
        reply.number(),
        reply.number(),
        reply.number(),
        reply.number(),
        reply.number(),
        reply.number(),
        oldestAge(reply.number(), reply.number()));
  }

  private static double oldestAge(long due, long now) {
    return due < 0 ? 0 : Math.max(0, now - due) / 1000.0;
  }

  private static Queue.Stats sum(Queue.Stats a, Queue.Stats b) {
    return new Queue.Stats(
        a.scheduled() + b.scheduled(),
        a.ready() + b.ready(),
        a.active() + b.active(),
        a.retry() + b.retry(),
        a.dead() + b.dead(),
        a.succeeded() + b.succeeded(),
        a.cancelled() + b.cancelled(),
        Math.max(a.oldestReadyAgeSec(), b.oldestReadyAgeSec()));
  }

  private Map<String, String> flow(String name, int n) {
    return flow(shards.ofQueue(name), n);
  }

  private static Map<String, String> flow(Shard shard, int n) {
    return FlowFields.read(shard.hash("queue:" + n + ":flow"));
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
      int n = config.moves().run(Script.NAME_QUEUE, name).count();
      Args args = Args.of(n, FlowFields.write(name, settings, revision, shards.count()));
      Reply made =
          changes
              .carryOut(field(name), revision, Step.everywhere(Script.PUT_QUEUE, args))
              .getFirst();
      if (names.look(name).equals(OptionalInt.of(n))) {
        names.learn(name, n);
        return made.number() == 1;
      }
      shards.run(Script.DELETE_QUEUE, n); // It was deleted meanwhile.
    }
  }

  @Override
  public Deleted delete(String name, boolean force, Expected expected) throws ChangedMeanwhile {
    OptionalInt n = names.look(name);
    if (n.isEmpty()) {
      return Deleted.NOT_FOUND;
    }
    int number = n.getAsInt();
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
    // From the first step on, the queue no longer exists for any process, and its name is free.
    List<Reply> answers =
        changes.carryOut(
            "number:" + number,
            revision,
            Step.inConfiguration(Script.FORGET_QUEUE, name, number, revision),
            Step.everywhere(Script.DELETE_QUEUE, number));
    revisions.forget(field(name), revision);
    names.reload();
    return Changes.isDone(answers) ? Deleted.DONE : Deleted.NOT_FOUND;
  }

  /**
   * Closes the queue if it is empty, so that no task is added while it is deleted. It reopens
   * automatically when its deletion is not decided in time.
   */
  private boolean close(int n) {
    List<Reply> answers = shards.run(Script.CLOSE_QUEUE, n, revisions.patience().toMillis());
    boolean empty = answers.stream().noneMatch(answer -> answer.word(Closed.class) == Closed.FULL);
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
    return Changes.isDone(
        changes.carryOut(
            "pause:" + name,
            number,
            Step.ofQueue(name, Script.PAUSE_QUEUE, n.getAsInt(), paused, number)));
  }

  @Override
  public boolean purge(String name) {
    // Not finished later when a shard is unavailable: the queue may have new tasks by then.
    OptionalInt n = names.look(name);
    return n.isPresent()
        && Changes.isDone(
            shards.allOfQueue(name).run(Script.PURGE_QUEUE, n.getAsInt(), changes.next()));
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
            .<Map<byte[], byte[]>>together((shard, redis) -> redis.hgetall(shard.key(key)))) {
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

  /** Reads the format of {@code lua/lib/dead.lua}. */
  private static DeadGroup group(String pair, long count) {
    int space = pair.indexOf(' ');
    if (space < 0) {
      return new DeadGroup(DeadGroup.OTHER, DeadGroup.OTHER, count);
    }
    String cause = pair.substring(space + 2);
    return new DeadGroup(
        pair.substring(0, space),
        pair.charAt(space + 1) == 's'
            ? AttemptError.wordOf(Integer.parseInt(cause))
            : AttemptError.ofCode(Integer.parseInt(cause)).word(),
        count);
  }

  @Override
  public boolean dropDead(String name) {
    OptionalInt n = names.look(name);
    if (n.isEmpty()) {
      return false;
    }
    long until = shards.first().moves().millis();
    return Changes.isDone(
        changes.carryOut(
            "dead:" + name,
            changes.next(),
            Step.ofQueue(name, Script.DROP_DEAD, n.getAsInt(), until)));
  }

  @Override
  public Optional<Long> replayDead(String name, @Nullable Long limit, @Nullable String clientId) {
    OptionalInt n = names.look(name);
    if (n.isEmpty()) {
      return Optional.empty();
    }
    long most = limit == null ? Long.MAX_VALUE : limit;
    long until = shards.first().moves().millis();
    long started = 0;
    for (Shard shard :
        clientId == null ? shards.allOfQueue(name).all() : List.of(shards.of(clientId))) {
      started += replayDead(shard, n.getAsInt(), most - started, clientId, until);
    }
    return Optional.of(started);
  }

  private static long replayDead(
      Shard shard, int n, long most, @Nullable String clientId, long until) {
    long started = 0;
    boolean over = false;
    byte[] score = NONE;
    byte[] id = NONE;
    while (!over && started < most) {
      long wanted = Math.min(most - started, 1_000_000_000);
      Reply reply = shard.moves().run(Script.REPLAY_DEAD, n, wanted, clientId, until, score, id);
      started += reply.number();
      over = reply.flag();
      score = reply.bytes();
      id = reply.bytes();
    }
    return started;
  }

  @Override
  public void pauseAll(boolean paused) {
    long number = changes.next();
    changes.carryOut("pause", number, Step.everywhere(Script.PAUSE_ALL, paused, number));
  }

  @Override
  public boolean allPaused() {
    Shard first = shards.first();
    byte[] paused = first.field("shard", "paused");
    return paused != null && Keys.text(paused).equals("1");
  }

  /** Creates the queues that always exist. */
  void makeBuiltIn() {
    for (Map.Entry<String, Integer> queue : new TreeMap<>(QueueSettings.BUILT_IN).entrySet()) {
      OptionalInt n = names.look(queue.getKey());
      if (n.isEmpty() || flow(queue.getKey(), n.getAsInt()).isEmpty()) {
        put(
            queue.getKey(),
            QueueSettings.defaults(queue.getValue()),
            revisions.decide(field(queue.getKey())));
      }
    }
  }
}
