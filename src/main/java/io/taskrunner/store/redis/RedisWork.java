package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.redis.link.Answers;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Link;
import io.taskrunner.store.redis.link.Moves;
import io.taskrunner.store.redis.link.Node;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Subscriber;
import io.taskrunner.store.redis.record.Packed;
import io.taskrunner.store.redis.record.TaskCodec;
import io.taskrunner.store.redis.record.TaskNumber;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.CloudRetryPolicy;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The moves of a worker. */
final class RedisWork implements WorkStore {

  private static final int SETTLE_ARGS = 2;
  private static final int FACTS_BYTES = 36;
  private static final long HOST_IS_GOOD = (1L << 32) - 1;
  private static final byte[] EMPTY = new byte[0];
  private static final String CANCELLED = "cancel";

  /** What is said to a worker that asked a gate: it has room for one more. */
  private static final String ROOM = "room";

  /** What is said to all workers: there is a task that RunTask called for. */
  private static final String EXPRESS = "express";

  private final Link link;
  private final Moves moves;
  private final Enqueuer enqueuer;
  private final Keys shard;
  private final Gates gates;
  private final Trimmed trimmed;
  private final byte[] breakerThreshold;
  private final byte[] breakerLongestMillis;
  private final byte[] breakerProbes;
  private final TendClock clock;
  private final Set<Hearing> hearings = ConcurrentHashMap.newKeySet();

  RedisWork(
      Shard shard,
      Enqueuer enqueuer,
      Function<Runnable, Gates> gates,
      Trimmed trimmed,
      StoreOptions options) {
    this.link = shard.link();
    this.moves = shard.moves();
    this.enqueuer = enqueuer;
    this.shard = shard.keys();
    this.gates = gates.apply(() -> hearings.forEach(Hearing::tend));
    this.trimmed = trimmed;
    this.breakerThreshold = Keys.bytes(options.breaker().failureThreshold());
    this.breakerLongestMillis = Keys.bytes(options.breaker().timeout().toMillis());
    this.breakerProbes = Keys.bytes(options.breaker().maxRequests());
    this.clock = new TendClock(options.injectedTime().isPresent());
  }

  @Override
  public Exchange exchange(List<Settlement> verdicts, ClaimRequest claim) {
    byte[][] settleArgs = verdicts.isEmpty() ? null : settleArgs(claim.workerId(), verdicts);
    byte[][] claimArgs = claimArgs(claim);
    Map<String, Integer> rooms = gates.rooms();
    byte[][] tendArgs = rooms.isEmpty() && !clock.isTimeToTend() ? null : tendArgs(claim, rooms);
    List<CompletionStage<List<Object>>> replies = new ArrayList<>(3);
    long deadline = System.nanoTime() + link.patience().toNanos();
    enqueuer.giveWay();
    try {
      hearings.forEach(Hearing::follow);
      link.node()
          .pipeline(redis -> {
            if (settleArgs != null) {
              replies.add(moves.begin(redis, Script.SETTLE, settleArgs));
            }
            if (tendArgs != null) {
              replies.add(moves.begin(redis, Script.TEND, tendArgs));
            }
            replies.add(moves.begin(redis, Script.CLAIM, claimArgs));
          });
      Iterator<CompletionStage<List<Object>>> next = replies.iterator();
      List<Settled> settled =
          settleArgs == null
              ? List.of()
              : settled(Answers.await(next.next(), deadline), claim.workerId());
      left(verdicts.subList(0, settled.size()));
      Tended tended = Tended.NOTHING;
      if (tendArgs != null) {
        tended = tended(Answers.await(next.next(), deadline), claim);
        gates.told(rooms);
      }
      return read(claim, settled, tended, Answers.await(next.next(), deadline));
    } catch (RedisException failure) {
      if (Answers.isOutage(failure)) {
        link.doubt();
        throw new StoreUnavailable("Redis is away", failure);
      }
      throw failure;
    } finally {
      enqueuer.goOn();
    }
  }

  @Override
  public List<Settled> settle(String workerId, List<Settlement> verdicts) {
    if (verdicts.isEmpty()) {
      return List.of();
    }
    List<Settled> settled =
        settled(moves.<List<Object>>run(Script.SETTLE, settleArgs(workerId, verdicts)), workerId);
    left(verdicts.subList(0, settled.size()));
    return settled;
  }

  private void left(List<Settlement> verdicts) {
    if (gates.any()) {
      gates.left(verdicts.stream().map(one -> new Running(one.id(), one.claim())).toList());
    }
  }

  private byte[][] claimArgs(ClaimRequest claim) {
    return new byte[][] {
      Keys.bytes(claim.workerId()),
      Keys.worker(claim.workerId()),
      Keys.bytes(claim.request()),
      Keys.bytes(claim.slots()),
      Keys.bytes(claim.lease().toMillis()),
      Keys.bytes(claim.express())
    };
  }

  private byte[][] tendArgs(ClaimRequest claim, Map<String, Integer> rooms) {
    List<byte[]> args = new ArrayList<>(4 + 2 * rooms.size());
    args.add(Keys.bytes(claim.lease().toMillis()));
    args.add(Keys.bytes(claim.maxRetries()));
    args.add(breakerThreshold);
    rooms.forEach((gate, room) -> {
      args.add(Keys.bytes(gate));
      args.add(Keys.bytes(room));
    });
    return args.toArray(byte[][]::new);
  }

  private byte[][] settleArgs(String workerId, List<Settlement> verdicts) {
    byte[][] args = new byte[4 + verdicts.size() * SETTLE_ARGS][];
    args[0] = Keys.worker(workerId);
    args[1] = breakerThreshold;
    args[2] = breakerLongestMillis;
    args[3] = breakerProbes;
    int at = 4;
    for (Settlement settlement : verdicts) {
      args[at++] = facts(settlement);
      args[at++] = logEntry(settlement);
    }
    return args;
  }

  private static byte[] facts(Settlement settlement) {
    Duration delay =
        switch (settlement.verdict()) {
          case Verdict.Retry(Duration in) -> in.minus(settlement.age());
          case Verdict.PutBack(Duration in) -> in.minus(settlement.age());
          case Verdict.Succeed _, Verdict.Bury _, Verdict.Hold _, Verdict.Cancel _ -> Duration.ZERO;
        };
    char kind =
        switch (settlement.verdict()) {
          case Verdict.Succeed _ -> 's';
          case Verdict.Retry _ -> 'r';
          case Verdict.Bury _ -> 'd';
          case Verdict.PutBack _ -> 'b';
          case Verdict.Hold _ -> 'h';
          case Verdict.Cancel _ -> 'c';
        };
    long report =
        switch (settlement.breaker()) {
          case BreakerReport.None _ -> 0;
          case BreakerReport.Good _ -> HOST_IS_GOOD;
          case BreakerReport.Failed(int inARow) -> inARow;
        };
    Attempt attempt = settlement.attempt();
    return new Packed(FACTS_BYTES)
        .put(settlement.id())
        .put(settlement.claim(), 6)
        .put(kind, 1)
        .put(delay.isPositive() ? delay.toMillis() : 0, 6)
        .put(attempt == null ? 0 : attempt.status().orElse(0), 2)
        .put(attempt == null ? 0 : attempt.error().map(AttemptError::code).orElse(0), 1)
        .put(report, 4)
        .toByteArray();
  }

  /** A success at once is not logged: the head tells it. */
  private static byte[] logEntry(Settlement settlement) {
    if (settlement.verdict() instanceof Verdict.Hold(String gate)) {
      return Keys.bytes(gate);
    }
    Attempt attempt = settlement.attempt();
    boolean untold =
        attempt == null
            || (attempt.number() == 1 && settlement.verdict() instanceof Verdict.Succeed);
    return attempt == null || untold ? EMPTY : TaskCodec.logEntry(attempt);
  }

  private List<Settled> settled(List<Object> reply, String workerId) {
    byte[] letters = (byte[]) reply.get(0);
    trimmed.count((Long) reply.get(1), (Long) reply.get(2));
    changed(reply.get(3), workerId);
    List<Settled> settled = new ArrayList<>(letters.length);
    for (byte letter : letters) {
      settled.add(
          switch (letter) {
            case 'd' -> Settled.DONE;
            case 'r' -> Settled.REPEATED;
            default -> Settled.LATE;
          });
    }
    return settled;
  }

  /** Tells the worker of breakers that a script changed. */
  @SuppressWarnings("unchecked")
  private void changed(Object reply, String workerId) {
    List<Object> breakers = (List<Object>) reply;
    for (int i = 0; i < breakers.size(); i += 3) {
      String word = Keys.text((byte[]) breakers.get(i + 1));
      BreakerChange change =
          new BreakerChange(
              Keys.text((byte[]) breakers.get(i)),
              BreakerChange.Change.valueOf(word.toUpperCase(Locale.ROOT)),
              Duration.ofMillis((Long) breakers.get(i + 2)));
      hearings.forEach(hearing -> hearing.tell(workerId, change));
    }
  }

  /** What a {@code tend} did. */
  private record Tended(boolean again, List<Recovered> recovered) {
    static final Tended NOTHING = new Tended(false, List.of());
  }

  @SuppressWarnings("unchecked")
  private Tended tended(List<Object> reply, ClaimRequest claim) {
    clock.tended();
    boolean again = ((byte[]) reply.get(0))[0] == '1';
    List<Object> tasks = (List<Object>) reply.get(1);
    List<Recovered> recovered = new ArrayList<>(tasks.size() / 3);
    for (int i = 0; i < tasks.size(); i += 3) {
      boolean dead = ((byte[]) tasks.get(i + 2))[0] == '1';
      TaskId id = TaskId.of((byte[]) tasks.get(i));
      recovered.add(new Recovered(id, Keys.text((byte[]) tasks.get(i + 1)), dead));
    }
    gates.want(waiting((List<Object>) reply.get(2)), claim);
    gates.renounce(waiting((List<Object>) reply.get(3)), claim);
    trimmed.count((Long) reply.get(4), (Long) reply.get(5));
    changed(reply.get(6), claim.workerId());
    return new Tended(again, recovered);
  }

  private static Map<String, Integer> waiting(List<Object> gates) {
    Map<String, Integer> waiting = HashMap.newHashMap(gates.size() / 2);
    for (int i = 0; i < gates.size(); i += 2) {
      waiting.put(Keys.text((byte[]) gates.get(i)), Math.toIntExact((Long) gates.get(i + 1)));
    }
    return waiting;
  }

  @SuppressWarnings("unchecked")
  private Exchange read(
      ClaimRequest claim, List<Settled> settled, Tended tended, List<Object> reply) {
    if (Keys.text((byte[]) reply.get(0)).equals("refused")) {
      throw new IllegalStateException(
          "claim request " + claim.request() + " is older than one that was answered");
    }
    long now = (Long) reply.get(1);
    clock.claimed((Long) reply.get(3));
    long wait = (Long) reply.get(2);
    boolean again = tended.again() || ((byte[]) reply.get(4))[0] == '1';
    Map<Integer, QueueFacts> queues = queues((List<Object>) reply.get(5));
    Map<String, Long> signed = signed((List<Object>) reply.get(8));
    Map<TaskId, List<String>> gated = gated((List<Object>) reply.get(9));
    List<Object> tasks = (List<Object>) reply.get(6);
    List<Claim> claims = new ArrayList<>(tasks.size() / 2);
    List<Gates.AtGate> atGates = new ArrayList<>(gated.size());
    for (int i = 0; i < tasks.size(); i += 2) {
      TaskId id = TaskId.of((byte[]) tasks.get(i));
      TaskCodec.Decoded task = TaskCodec.read((byte[]) tasks.get(i + 1)).orElse(null);
      if (task == null) {
        continue; // unreadable: its lease ends, and with its last attempt it is dead
      }
      boolean probe = (((byte[]) tasks.get(i + 1))[2] & 2) != 0;
      Claim one = claim(id, task, probe, queues, signed, Instant.ofEpochMilli(now));
      List<String> before = gated.get(id);
      if (before == null) {
        claims.add(one);
      } else {
        atGates.add(new Gates.AtGate(one, before));
      }
    }
    AtGates asked =
        atGates.isEmpty() ? AtGates.NONE : new AtGates(atGates.size(), gates.enter(atGates, claim));
    gates.want(waiting((List<Object>) reply.get(10)), claim);
    trimmed.count((Long) reply.get(11), (Long) reply.get(12));
    changed(reply.get(13), claim.workerId());
    // Those that do not watch the clock look again after about a second, not all at once.
    Duration lookAgainIn =
        Duration.ofMillis(wait >= 0 ? wait : ThreadLocalRandom.current().nextLong(800, 1200));
    double weight = (Long) reply.get(7);
    return new Exchange(settled, claims, again, lookAgainIn, tended.recovered(), weight, asked);
  }

  private record QueueFacts(String name, TaskCodec.Policy policy) {}

  private static Map<Integer, QueueFacts> queues(List<Object> facts) {
    Map<Integer, QueueFacts> queues = HashMap.newHashMap(facts.size() / 3);
    for (int i = 0; i < facts.size(); i += 3) {
      queues.put(
          Math.toIntExact((Long) facts.get(i)),
          new QueueFacts(
              Keys.text((byte[]) facts.get(i + 1)),
              TaskCodec.Policy.of((byte[]) facts.get(i + 2))));
    }
    return queues;
  }

  private static Claim claim(
      TaskId id,
      TaskCodec.Decoded task,
      boolean probe,
      Map<Integer, QueueFacts> queues,
      Map<String, Long> signed,
      Instant now) {
    QueueFacts queue = queues.get(task.queue());
    if (queue == null) {
      throw new IllegalStateException("claim of " + id + " does not tell its queue");
    }
    return new Claim(
        id,
        task.claim(),
        task.cloud() == null ? task.clientId() : queue.name(),
        queue.name(),
        queue.policy().retry(),
        queue.policy().timeout(),
        task.attempts(),
        task.answers(),
        task.previousStatus(),
        task.due(),
        task.attempts() == 1 ? Optional.empty() : task.first(),
        now,
        probe,
        task.spec(),
        cloud(id, task.cloud(), queue),
        signed.isEmpty() ? 0 : signed.getOrDefault(task.clientId(), 0L));
  }

  /** The gates of each task that has some, in the order in which it passes them. */
  private static Map<TaskId, List<String>> gated(List<Object> facts) {
    if (facts.isEmpty()) {
      return Map.of();
    }
    Map<TaskId, List<String>> gates = HashMap.newHashMap(facts.size() / 2);
    for (int i = 0; i < facts.size(); i += 2) {
      gates
          .computeIfAbsent(TaskId.of((byte[]) facts.get(i)), _ -> new ArrayList<>(2))
          .add(Keys.text((byte[]) facts.get(i + 1)));
    }
    return gates;
  }

  private static Map<String, Long> signed(List<Object> facts) {
    if (facts.isEmpty()) {
      return Map.of();
    }
    Map<String, Long> versions = HashMap.newHashMap(facts.size() / 2);
    for (int i = 0; i < facts.size(); i += 2) {
      versions.put(
          Keys.text((byte[]) facts.get(i)), Long.parseLong(Keys.text((byte[]) facts.get(i + 1))));
    }
    return versions;
  }

  private static @Nullable Cloud cloud(
      TaskId id, TaskCodec.@Nullable Cloud task, QueueFacts queue) {
    CloudRetryPolicy retry = queue.policy().cloud();
    return task == null || retry == null
        ? null
        : new Cloud(
            queue.name().substring(queue.name().lastIndexOf('/') + 1),
            task.name() == null ? TaskNumber.of(id) : task.name(),
            retry,
            task.echoed(),
            task.calledFor());
  }

  @Override
  public List<Ended> renew(String workerId, Duration lease, List<Running> running) {
    if (running.isEmpty()) {
      return List.of();
    }
    byte[][] args = new byte[2 + running.size() * 2][];
    args[0] = Keys.worker(workerId);
    args[1] = Keys.bytes(lease.toMillis());
    int at = 2;
    for (Running task : running) {
      args[at++] = task.id().bytes();
      args[at++] = Keys.bytes(task.claim());
    }
    List<Object> reply = moves.run(Script.RENEW, args);
    List<Ended> ended = new ArrayList<>(reply.size() / 3);
    for (int i = 0; i < reply.size(); i += 3) {
      ended.add(
          new Ended(
              TaskId.of((byte[]) reply.get(i)),
              Long.parseLong(Keys.text((byte[]) reply.get(i + 1))),
              Keys.text((byte[]) reply.get(i + 2)).equals("cancelled")));
    }
    if (gates.any()) {
      gates.left(
          ended.stream()
              .filter(task -> !task.cancelled())
              .map(task -> new Running(task.id(), task.claim()))
              .toList());
      gates.keep(running);
    }
    return ended;
  }

  @Override
  public AutoCloseable listen(String workerId, Listener listener) {
    Hearing hearing = new Hearing(shard.channel(workerId), listener);
    hearings.add(hearing);
    try {
      hearing.follow();
    } catch (StoreUnavailable late) {
      link.doubt(); // each exchange tries again
    } catch (RedisException failure) {
      if (!Answers.isOutage(failure)) {
        hearings.remove(hearing);
        throw failure;
      }
      link.doubt();
    }
    return hearing;
  }

  /** A worker's channel, listened to at the node where the shard is. */
  private final class Hearing implements AutoCloseable {
    private final String channel;
    private final Listener listener;
    private boolean before;
    private @Nullable Node at;

    Hearing(String channel, Listener listener) {
      this.channel = channel;
      this.listener = listener;
    }

    /** Goes where the shard is. */
    synchronized void follow() {
      Node there = link.node();
      if (there != at) {
        leave();
        there
            .subscriber()
            .listen(
                channel, new Subscriber.Channel(message -> hear(message, listener), this::stands));
        at = there;
      }
    }

    void tend() {
      listener.tend();
    }

    void tell(String workerId, BreakerChange change) {
      if (channel.equals(shard.channel(workerId))) {
        listener.breaker(change);
      }
    }

    /** What was sent while nobody listened is looked for. */
    private void stands() {
      if (before) {
        listener.reconnected();
      } else {
        before = true;
        listener.wake();
      }
    }

    private void leave() {
      if (at != null) {
        at.subscriber().forget(channel);
        at = null;
      }
    }

    @Override
    public synchronized void close() {
      hearings.remove(this);
      leave();
    }
  }

  private void hear(byte[] message, Listener listener) {
    String text = Keys.text(message);
    if (text.startsWith(CANCELLED)) {
      int word = CANCELLED.length();
      listener.cancelled(TaskId.of(Arrays.copyOfRange(message, word, message.length)));
    } else if (text.equals(EXPRESS)) {
      listener.express();
    } else if (text.startsWith(ROOM)) {
      gates.hear(text.substring(ROOM.length()), 1);
    } else {
      listener.wake();
    }
  }

  @Override
  public void leave(String workerId) {
    moves.run(Script.LEAVE, Keys.bytes(workerId));
  }

  @Override
  public List<Breaker> breakers() {
    Map<byte[], byte[]> open = link.patiently(redis -> redis.hgetall(shard.key("open")));
    if (open.isEmpty()) {
      return List.of();
    }
    long now = moves.millis();
    List<Breaker> breakers = new ArrayList<>();
    open.forEach((host, text) ->
        breakers.add(
            new Breaker(Keys.text(host), TaskCodec.number(ByteBuffer.wrap(text), 6) <= now)));
    return breakers.size() > 100 ? List.copyOf(breakers.subList(0, 100)) : breakers;
  }
}
