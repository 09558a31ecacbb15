package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.redis.link.Answers;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Link;
import io.taskrunner.store.redis.link.Moves;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.record.Packed;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;

/** Operations of a worker. */
final class RedisWork implements WorkStore {

  private static final int SETTLE_ARGS = 2;
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
  private final Hearings hearings;

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
    this.hearings = new Hearings(shard, this::hasRoom);
    this.gates = gates.apply(hearings::tend);
    this.trimmed = trimmed;
    this.breakerThreshold = Keys.bytes(options.breaker().failureThreshold());
    this.breakerLongestMillis = Keys.bytes(options.breaker().timeout().toMillis());
    this.breakerProbes = Keys.bytes(options.breaker().maxRequests());
    this.clock = new TendClock(options.injectedTime().isPresent());
  }

  @Override
  public Exchange exchange(List<Settlement> verdicts, ClaimRequest claim) {
    Args settleArgs = verdicts.isEmpty() ? null : settleArgs(claim.workerId(), verdicts);
    Args claimArgs = claimArgs(claim);
    Map<String, Integer> rooms = gates.rooms().now();
    Args tendArgs = rooms.isEmpty() && !clock.isTimeToTend() ? null : tendArgs(claim, rooms);
    List<CompletionStage<Reply>> replies = new ArrayList<>(3);
    long deadline = System.nanoTime() + link.patience().toNanos();
    enqueuer.giveWay();
    try {
      hearings.follow();
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
      Iterator<CompletionStage<Reply>> next = replies.iterator();
      List<Settled> settled =
          settleArgs == null
              ? List.of()
              : settled(Answers.await(next.next(), deadline), claim.workerId());
      left(verdicts.subList(0, settled.size()));
      Tended tended = Tended.NOTHING;
      if (tendArgs != null) {
        tended = tended(Answers.await(next.next(), deadline), claim);
        gates.rooms().told(rooms);
      }
      return read(claim, settled, tended, Answers.await(next.next(), deadline));
    } catch (RedisException failure) {
      if (Answers.isOutage(failure)) {
        link.doubt();
        throw new StoreUnavailable("Redis is not reachable", failure);
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
        settled(moves.run(Script.SETTLE, settleArgs(workerId, verdicts)), workerId);
    left(verdicts.subList(0, settled.size()));
    return settled;
  }

  private void left(List<Settlement> verdicts) {
    if (gates.any()) {
      gates.left(verdicts.stream().map(one -> new Running(one.id(), one.claim())).toList());
    }
  }

  private Args claimArgs(ClaimRequest claim) {
    return new Args(6)
        .add(claim.workerId())
        .add(Keys.worker(claim.workerId()))
        .add(claim.request())
        .add(claim.slots())
        .add(claim.lease().toMillis())
        .add(claim.express());
  }

  private Args tendArgs(ClaimRequest claim, Map<String, Integer> rooms) {
    Args args =
        new Args(3 + 2 * rooms.size())
            .add(claim.lease().toMillis())
            .add(claim.maxRetries())
            .add(breakerThreshold);
    rooms.forEach((gate, room) -> args.add(gate).add(room));
    return args;
  }

  private Args settleArgs(String workerId, List<Settlement> verdicts) {
    Args args =
        new Args(4 + verdicts.size() * SETTLE_ARGS)
            .add(Keys.worker(workerId))
            .add(breakerThreshold)
            .add(breakerLongestMillis)
            .add(breakerProbes);
    verdicts.forEach(settlement -> SettleArgs.add(args, settlement));
    return args;
  }

  private List<Settled> settled(Reply reply, String workerId) {
    byte[] letters = reply.bytes();
    trimmed.count(reply);
    hearings.tell(reply.list(RedisWork::change), workerId);
    List<Settled> settled = new ArrayList<>(letters.length);
    for (byte letter : letters) {
      settled.add(
          switch (letter) {
            case 'd' -> Settled.DONE;
            case 'r' -> Settled.REPEATED;
            case 'l' -> Settled.LATE;
            default -> throw reply.unknown(Character.toString(letter), "d, r or l");
          });
    }
    return settled;
  }

  /** A breaker that a script changed. */
  static BreakerChange change(Reply breaker) {
    return new BreakerChange(
        breaker.text(),
        breaker.word(BreakerChange.Change.class),
        Duration.ofMillis(breaker.number()));
  }

  /** Why a task must no longer run here. */
  enum Cause {
    LOST,
    CANCELLED
  }

  /** The reply of {@code tend}. */
  private record Tended(boolean again, List<Recovered> recovered) {
    static final Tended NOTHING = new Tended(false, List.of());
  }

  private Tended tended(Reply reply, ClaimRequest claim) {
    clock.tended();
    boolean again = reply.flag();
    List<Recovered> recovered =
        reply.list(task -> new Recovered(task.id(), task.text(), task.flag()));
    gates.rooms().want(ClaimReply.waiting(reply.apart()), claim);
    gates.rooms().renounce(ClaimReply.waiting(reply.apart()), claim);
    trimmed.count(reply);
    hearings.tell(reply.list(RedisWork::change), claim.workerId());
    return new Tended(again, recovered);
  }

  private Exchange read(ClaimRequest claim, List<Settled> settled, Tended tended, Reply reply) {
    ClaimReply claimed = ClaimReply.read(claim, reply, trimmed);
    clock.claimed(claimed.tendIn());
    List<Gates.AtGate> atGates = claimed.atGates();
    AtGates asked =
        atGates.isEmpty() ? AtGates.NONE : new AtGates(atGates.size(), gates.enter(atGates, claim));
    gates.rooms().want(claimed.waiting(), claim);
    hearings.tell(claimed.breakers(), claim.workerId());
    // Other workers look again after about a second, not all at once.
    long wait =
        claimed.lookAgainIn() >= 0
            ? claimed.lookAgainIn()
            : ThreadLocalRandom.current().nextLong(800, 1200);
    return new Exchange(
        settled,
        claimed.claims(),
        tended.again() || claimed.again(),
        Duration.ofMillis(wait),
        tended.recovered(),
        claimed.weight(),
        asked);
  }

  @Override
  public List<Ended> renew(String workerId, Duration lease, List<Running> running) {
    if (running.isEmpty()) {
      return List.of();
    }
    Args args = new Args(2 + running.size() * 2).add(Keys.worker(workerId)).add(lease.toMillis());
    running.forEach(task -> args.add(task.id().bytes()).add(task.claim()));
    List<Ended> ended =
        moves
            .run(Script.RENEW, args)
            .rest(task ->
                new Ended(
                    task.id(),
                    Long.parseLong(task.text()),
                    task.word(Cause.class) == Cause.CANCELLED));
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
    return hearings.listen(workerId, listener);
  }

  private void hasRoom(String gate) {
    gates.rooms().hear(gate, 1);
  }

  @Override
  public void leave(String workerId) {
    moves.run(Script.LEAVE, workerId);
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
        breakers.add(new Breaker(Keys.text(host), Packed.number(ByteBuffer.wrap(text), 6) <= now)));
    return breakers.size() > 100 ? List.copyOf(breakers.subList(0, 100)) : breakers;
  }
}
