package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.task.TaskId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The permits that a worker holds for one shard. What has limits over all shards, a queue or a
 * host, has them in its home shard, which gives out permits to run tasks in any of them.
 *
 * <p>A claim that finds such tasks, and no permit for them, says so. As many permits as there are
 * tasks and slots are then asked for; when they come the worker is woken, and its next claim brings
 * them along. What it finds no task for goes back at once, or soon where it found no slot for them;
 * the others go back when their tasks end, and are kept like leases meanwhile. They last for two
 * leases, so that a place is not given to another while its task still runs.
 *
 * <p>Who gets too few is told when some come back, or knows when there is another token; until then
 * it does not ask again, and of a host its claims are told that it is full.
 *
 * <p>Whatever fails here costs time, never a limit: a permit that nobody keeps runs out.
 */
final class Permits {

  private static final Logger LOG = LoggerFactory.getLogger(Permits.class);
  private static final int ID_BYTES = 8;
  private static final int ASKED_MAX = 100;
  private static final long UNUSED_MILLIS = 200;
  private static final int LEASES = 2;

  /** After this long it is asked again, though nobody told that some came back. */
  private static final long FULL_MILLIS = 1000;

  private static final String HOST = "h:";
  private static final String FULL_HOST = "f:";
  private static final String FRESH = "n:";
  private static final byte[] USED = Keys.bytes("0");
  private static final byte[] UNUSED = Keys.bytes("1");

  private final int shard;
  private final Function<String, Shard> home;
  private final ScheduledExecutorService timer;

  // Guarded by this. What a permit is for is a queue's number, or HOST and a host.
  private final Map<String, List<AtHand>> atHand = new HashMap<>();
  private final Set<String> asking = new HashSet<>();
  private final Set<String> cameBack = new HashSet<>();
  private final Map<String, Long> fullUntilNanos = new HashMap<>();
  private Map<String, List<AtHand>> brought = Map.of();
  private long broughtBy = -1;
  private final Map<TaskId, Held> held = new HashMap<>();

  /** A permit that nothing runs under yet; a fresh one was not brought to a claim yet. */
  private record AtHand(byte[] id, long untilNanos, boolean fresh) {
    AtHand brought() {
      return new AtHand(id, untilNanos, false);
    }
  }

  private record Permit(String what, byte[] id) {}

  /** What a task runs under, and when it was last known to run. */
  private record Held(List<Permit> permits, long keptNanos) {}

  /**
   * No permits yet.
   *
   * @param shard whose claims need them
   * @param home the home shard of a queue, by its number, or of a host, behind {@link #HOST}
   */
  Permits(int shard, Function<String, Shard> home, ScheduledExecutorService timer) {
    this.shard = shard;
    this.home = home;
    this.timer = timer;
  }

  /** What permits for a host are for. */
  static String forHost(String host) {
    return HOST + host;
  }

  /** The host that permits are for; empty for a queue. */
  static Optional<String> hostOf(String what) {
    return what.startsWith(HOST) ? Optional.of(what.substring(HOST.length())) : Optional.empty();
  }

  /**
   * What a claim brings along, names and numbers in turn: what permits are for, and how many; how
   * many of a host's were not brought before; the hosts that are full. The same permits when the
   * claim is repeated.
   */
  synchronized List<byte[]> bring(ClaimRequest claim) {
    if (broughtBy != claim.request()) {
      giveBackUnused(brought); // the claim before was given up
      brought = claim.slots() == 0 ? Map.of() : Map.copyOf(atHand);
      brought.keySet().forEach(atHand::remove);
      broughtBy = claim.request();
    }
    List<byte[]> args = new ArrayList<>(2 * brought.size());
    brought.forEach((what, permits) -> {
      args.add(Keys.bytes(what));
      args.add(Keys.bytes(permits.size()));
      hostOf(what)
          .ifPresent(host -> {
            args.add(Keys.bytes(FRESH + host));
            args.add(Keys.bytes(permits.stream().filter(AtHand::fresh).count()));
          });
    });
    long now = System.nanoTime();
    fullUntilNanos.values().removeIf(until -> now - until >= 0);
    fullUntilNanos.keySet().stream()
        .flatMap(what -> hostOf(what).stream())
        .forEach(host -> {
          args.add(Keys.bytes(FULL_HOST + host));
          args.add(Keys.bytes(0));
        });
    return args;
  }

  /**
   * A claim was answered with these tasks.
   *
   * @param queues the numbers of their queues
   * @param hosts what those need permits for that go to a host with limits
   * @param filled whether all its slots were taken, so that there may be more tasks
   */
  synchronized void used(
      List<Claim> claims, List<Integer> queues, Map<TaskId, String> hosts, boolean filled) {
    if (brought.isEmpty()) {
      return;
    }
    Map<String, List<AtHand>> left = new HashMap<>();
    brought.forEach((what, permits) -> left.put(what, new ArrayList<>(permits)));
    for (int i = 0; i < claims.size(); i++) {
      TaskId task = claims.get(i).id();
      List<Permit> permits = new ArrayList<>(2);
      take(left, Integer.toString(queues.get(i)), permits);
      take(left, hosts.getOrDefault(task, ""), permits);
      if (!permits.isEmpty()) {
        held.put(task, new Held(permits, System.nanoTime()));
      }
    }
    long now = System.nanoTime();
    left.forEach((what, unused) -> {
      List<AtHand> kept =
          unused.stream().filter(one -> filled && now - one.untilNanos() < 0).toList();
      putAtHand(what, kept.stream().map(AtHand::brought).toList());
      unused.removeAll(kept);
    });
    giveBackUnused(left);
    brought = Map.of();
  }

  private static void take(Map<String, List<AtHand>> from, String what, List<Permit> to) {
    List<AtHand> permits = from.get(what);
    if (permits != null && !permits.isEmpty()) {
      to.add(new Permit(what, permits.removeLast().id()));
    }
  }

  private void putAtHand(String what, List<AtHand> permits) {
    if (!permits.isEmpty()) {
      atHand.computeIfAbsent(what, _ -> new ArrayList<>()).addAll(permits);
    }
  }

  private void giveBackUnused(Map<String, List<AtHand>> permits) {
    Map<String, List<byte[]>> ids = new HashMap<>();
    permits.forEach((what, some) -> ids.put(what, some.stream().map(AtHand::id).toList()));
    giveBack(ids, UNUSED);
  }

  /** Some came back that were wanted here. The answer that there are none may come after this. */
  synchronized void cameBack(String what) {
    fullUntilNanos.remove(what);
    cameBack.add(what);
  }

  /** Begins to ask, unless it is known that there are none, or a call is under way. */
  private synchronized boolean mayAsk(String what) {
    if (fullUntilNanos.containsKey(what) || !asking.add(what)) {
      return false;
    }
    cameBack.remove(what);
    return true;
  }

  /**
   * Asks for permits; at most one call for the same is under way.
   *
   * @param what they are for
   * @param count how many are of use
   * @param then to be run when some are there, or when it is worth asking again
   */
  void ask(String what, int count, ClaimRequest claim, Runnable then) {
    if (count <= 0 || !mayAsk(what)) {
      return;
    }
    List<byte[]> ids = new ArrayList<>();
    for (int i = 0; i < Math.min(count, ASKED_MAX); i++) {
      byte[] id = new byte[ID_BYTES];
      ThreadLocalRandom.current().nextBytes(id);
      ids.add(id);
    }
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(what));
    args.add(Keys.bytes(shard + ":" + claim.workerId()));
    args.add(Keys.bytes(claim.lease().toMillis() * LEASES));
    args.addAll(ids);
    this.<List<Long>>run(what, Script.PERMIT, args)
        .whenComplete((reply, failure) -> {
          if (failure != null) {
            asked(what);
            LOG.atDebug().addKeyValue("what", what).log("no permits: their home is away");
            return; // the next look asks again; what was given without our knowing runs out
          }
          answered(what, ids, Math.toIntExact(reply.get(0)), reply.get(1), then);
        });
  }

  private synchronized void asked(String what) {
    asking.remove(what);
  }

  private void answered(String what, List<byte[]> ids, int given, long tokenMillis, Runnable then) {
    boolean full;
    long fullMillis = tokenMillis >= 0 ? tokenMillis : FULL_MILLIS;
    long now = System.nanoTime();
    long until = now + TimeUnit.MILLISECONDS.toNanos(UNUSED_MILLIS);
    synchronized (this) {
      asking.remove(what);
      full = given < ids.size() && !cameBack.contains(what);
      putAtHand(
          what, ids.subList(0, given).stream().map(id -> new AtHand(id, until, true)).toList());
      if (full) {
        fullUntilNanos.put(what, now + TimeUnit.MILLISECONDS.toNanos(fullMillis));
      }
    }
    if (given > 0 || !full || hostOf(what).isPresent()) {
      then.run(); // for the tasks, to ask again, or for others behind those of a full host
    }
    if (given > 0) {
      timer.schedule(() -> returnUnused(what), UNUSED_MILLIS + 1, TimeUnit.MILLISECONDS);
    }
    if (full) {
      timer.schedule(then, fullMillis, TimeUnit.MILLISECONDS);
    }
  }

  /** A worker whose slots were taken meanwhile does not keep them from others. */
  private synchronized void returnUnused(String what) {
    long now = System.nanoTime();
    List<AtHand> unused =
        atHand.getOrDefault(what, List.of()).stream()
            .filter(one -> now - one.untilNanos() >= 0)
            .toList();
    atHand.computeIfPresent(
        what, (_, there) -> there.removeAll(unused) && there.isEmpty() ? null : there);
    giveBackUnused(Map.of(what, unused));
  }

  /** Whether any task runs under one. */
  synchronized boolean anyHeld() {
    return !held.isEmpty();
  }

  /** Tasks do not run here any more. */
  synchronized void ended(List<TaskId> tasks) {
    List<Permit> back = new ArrayList<>();
    for (TaskId task : tasks) {
      Held ended = held.remove(task);
      if (ended != null) {
        back.addAll(ended.permits());
      }
    }
    giveBack(byWhat(back.stream()), USED);
  }

  /** Tasks still run here. */
  void keep(List<TaskId> tasks, Duration lease) {
    Map<String, List<byte[]>> kept = keepHere(tasks, lease);
    kept.forEach((what, ids) -> {
      List<byte[]> args = new ArrayList<>();
      args.add(Keys.bytes(what));
      args.add(Keys.bytes(lease.toMillis() * LEASES));
      args.addAll(ids);
      run(what, Script.KEEP_PERMITS, args);
    });
  }

  private static Map<String, List<byte[]>> byWhat(Stream<Permit> permits) {
    return permits.collect(
        Collectors.groupingBy(Permit::what, Collectors.mapping(Permit::id, Collectors.toList())));
  }

  private synchronized Map<String, List<byte[]>> keepHere(List<TaskId> tasks, Duration lease) {
    long now = System.nanoTime();
    for (TaskId task : tasks) {
      held.computeIfPresent(task, (_, kept) -> new Held(kept.permits(), now));
    }
    for (Iterator<Held> all = held.values().iterator(); all.hasNext(); ) {
      if (now - all.next().keptNanos() > LEASES * lease.toNanos()) {
        all.remove(); // its task is gone, and they have run out
      }
    }
    return byWhat(
        held.values().stream()
            .filter(one -> one.keptNanos() == now)
            .flatMap(one -> one.permits().stream()));
  }

  private void giveBack(Map<String, List<byte[]>> permits, byte[] unused) {
    permits.forEach((what, ids) -> {
      if (!ids.isEmpty()) {
        List<byte[]> args = new ArrayList<>();
        args.add(Keys.bytes(what));
        for (byte[] id : ids) {
          args.add(id);
          args.add(unused);
        }
        run(what, Script.RETURN_PERMITS, args);
      }
    });
  }

  private <T> CompletableFuture<T> run(String what, Script script, List<byte[]> args) {
    Shard at = home.apply(what);
    try {
      CompletionStage<T> reply =
          at.moves().begin(at.link().node().calls(), script, args.toArray(byte[][]::new));
      return reply.toCompletableFuture();
    } catch (RedisException away) {
      at.link().doubt();
      return CompletableFuture.failedFuture(away);
    }
  }
}
