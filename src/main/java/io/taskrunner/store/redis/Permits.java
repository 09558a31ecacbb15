package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.task.TaskId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The permits that a worker holds for one shard: where a queue is spread over shards, its own
 * limits are held in its home shard, which gives out permits to run its tasks in any of them.
 *
 * <p>A claim that finds tasks of such a queue, and no permit for them, says so. As many permits as
 * there are tasks and free slots are then asked for; when they come the worker is woken, and its
 * next claim brings them along. What it finds no task for goes back at once; the others go back
 * when their tasks end, and are kept like leases meanwhile. They last for two leases, so that a
 * place is not given to another while its task still runs.
 *
 * <p>Whatever fails here costs time, never a limit: a permit that nobody keeps runs out.
 */
final class Permits {

  private static final Logger LOG = LoggerFactory.getLogger(Permits.class);
  private static final int ID_BYTES = 8;
  private static final int ASKED_MAX = 100;
  private static final long UNUSED_MILLIS = 200;
  private static final int LEASES = 2;
  private static final byte[] USED = Keys.bytes("0");
  private static final byte[] UNUSED = Keys.bytes("1");

  private final int shard;
  private final IntFunction<Shard> home;
  private final ScheduledExecutorService timer;

  // Guarded by this.
  private final Map<Integer, List<byte[]>> atHand = new HashMap<>();
  private final Set<Integer> asking = ConcurrentHashMap.newKeySet();
  private Map<Integer, List<byte[]>> brought = Map.of();
  private long broughtBy = -1;
  private final Map<TaskId, Permit> held = new HashMap<>();

  /** What a task runs under, and when it was last known to run. */
  private record Permit(int n, byte[] id, long keptNanos) {}

  /**
   * No permits yet.
   *
   * @param shard whose claims need them
   * @param home the home shard of a queue, by its number
   */
  Permits(int shard, IntFunction<Shard> home, ScheduledExecutorService timer) {
    this.shard = shard;
    this.home = home;
    this.timer = timer;
  }

  /** What a claim brings along: n and how many, in turn. The same when the claim is repeated. */
  synchronized List<byte[]> bring(ClaimRequest claim) {
    if (broughtBy != claim.request()) {
      giveBack(brought, UNUSED); // the claim before was given up
      brought = claim.slots() == 0 ? Map.of() : Map.copyOf(atHand);
      brought.keySet().forEach(atHand::remove);
      broughtBy = claim.request();
    }
    List<byte[]> args = new ArrayList<>(2 * brought.size());
    brought.forEach((n, ids) -> {
      args.add(Keys.bytes(n));
      args.add(Keys.bytes(ids.size()));
    });
    return args;
  }

  /** A claim was answered with these tasks, whose queues have these numbers. */
  synchronized void used(List<Claim> claims, List<Integer> numbers) {
    if (brought.isEmpty()) {
      return;
    }
    Map<Integer, List<byte[]>> left = new HashMap<>();
    brought.forEach((n, ids) -> left.put(n, new ArrayList<>(ids)));
    for (int i = 0; i < claims.size(); i++) {
      List<byte[]> ids = left.get(numbers.get(i));
      if (ids != null && !ids.isEmpty()) {
        Permit permit = new Permit(numbers.get(i), ids.removeLast(), System.nanoTime());
        held.put(claims.get(i).id(), permit);
      }
    }
    giveBack(left, UNUSED);
    brought = Map.of();
  }

  /**
   * Asks for permits; at most one call a queue is under way.
   *
   * @param n of the queue
   * @param count how many are of use
   * @param then to be run when some are there, or when it is worth asking again
   */
  void ask(int n, int count, ClaimRequest claim, Runnable then) {
    if (count <= 0 || !asking.add(n)) {
      return;
    }
    List<byte[]> ids = new ArrayList<>();
    for (int i = 0; i < Math.min(count, ASKED_MAX); i++) {
      byte[] id = new byte[ID_BYTES];
      ThreadLocalRandom.current().nextBytes(id);
      ids.add(id);
    }
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(n));
    args.add(Keys.bytes(shard + ":" + claim.workerId()));
    args.add(Keys.bytes(claim.lease().toMillis() * LEASES));
    args.addAll(ids);
    this.<List<Long>>run(n, Script.PERMIT, args)
        .whenComplete((reply, failure) -> {
          asking.remove(n);
          if (failure != null) {
            LOG.atDebug().addKeyValue("queue", n).log("no permits: the queue's home is away");
            return; // the next look asks again; what was given without our knowing runs out
          }
          answered(n, ids, Math.toIntExact(reply.get(0)), reply.get(1), then);
        });
  }

  private void answered(int n, List<byte[]> ids, int given, long tokenMillis, Runnable then) {
    if (given > 0) {
      List<byte[]> granted = List.copyOf(ids.subList(0, given));
      synchronized (this) {
        atHand.merge(
            n,
            granted,
            (had, more) -> {
              List<byte[]> both = new ArrayList<>(had);
              both.addAll(more);
              return both;
            });
      }
      then.run();
      timer.schedule(() -> returnUnused(n, granted), UNUSED_MILLIS, TimeUnit.MILLISECONDS);
    } else if (tokenMillis >= 0) {
      timer.schedule(then, tokenMillis, TimeUnit.MILLISECONDS);
    }
  }

  /** A worker whose slots were taken meanwhile does not keep them from others. */
  private synchronized void returnUnused(int n, List<byte[]> granted) {
    List<byte[]> there = atHand.getOrDefault(n, List.of());
    List<byte[]> unused = there.stream().filter(granted::contains).toList();
    if (!unused.isEmpty()) {
      List<byte[]> kept = there.stream().filter(id -> !granted.contains(id)).toList();
      if (kept.isEmpty()) {
        atHand.remove(n);
      } else {
        atHand.put(n, kept);
      }
      giveBack(Map.of(n, unused), UNUSED);
    }
  }

  /** Whether any task runs under one. */
  synchronized boolean anyHeld() {
    return !held.isEmpty();
  }

  /** Tasks do not run here any more. */
  synchronized void ended(List<TaskId> tasks) {
    Map<Integer, List<byte[]>> back = new HashMap<>();
    for (TaskId task : tasks) {
      Permit permit = held.remove(task);
      if (permit != null) {
        back.computeIfAbsent(permit.n(), _ -> new ArrayList<>()).add(permit.id());
      }
    }
    giveBack(back, USED);
  }

  /** Tasks still run here. */
  void keep(List<TaskId> tasks, Duration lease) {
    Map<Integer, List<byte[]>> kept = keepHere(tasks, lease);
    kept.forEach((n, ids) -> {
      List<byte[]> args = new ArrayList<>();
      args.add(Keys.bytes(n));
      args.add(Keys.bytes(lease.toMillis() * LEASES));
      args.addAll(ids);
      run(n, Script.KEEP_PERMITS, args);
    });
  }

  private synchronized Map<Integer, List<byte[]>> keepHere(List<TaskId> tasks, Duration lease) {
    long now = System.nanoTime();
    for (TaskId task : tasks) {
      held.computeIfPresent(task, (_, permit) -> new Permit(permit.n(), permit.id(), now));
    }
    for (Iterator<Permit> all = held.values().iterator(); all.hasNext(); ) {
      if (now - all.next().keptNanos() > LEASES * lease.toNanos()) {
        all.remove(); // its task is gone, and it has run out
      }
    }
    return held.values().stream()
        .filter(permit -> permit.keptNanos() == now)
        .collect(
            Collectors.groupingBy(Permit::n, Collectors.mapping(Permit::id, Collectors.toList())));
  }

  private void giveBack(Map<Integer, List<byte[]>> permits, byte[] unused) {
    permits.forEach((n, ids) -> {
      if (!ids.isEmpty()) {
        List<byte[]> args = new ArrayList<>();
        args.add(Keys.bytes(n));
        for (byte[] id : ids) {
          args.add(id);
          args.add(unused);
        }
        run(n, Script.RETURN_PERMITS, args);
      }
    });
  }

  private <T> CompletableFuture<T> run(int n, Script script, List<byte[]> args) {
    Shard at = home.apply(n);
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
