package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.GateAnswer;
import io.taskrunner.store.WorkStore.Refused;
import io.taskrunner.store.WorkStore.Running;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.record.Packed;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A shard's side of the gates that its tasks must pass: limits over all shards, of a queue or of a
 * host, that are counted in the gate's home shard ({@code gates.lua}).
 *
 * <p>A task is claimed first, then asks its gates, a queue's before a host's. A rejected task
 * leaves the gates that it had passed and is settled as held. A task that passes is inside until
 * its verdict was settled, or its claim was lost; its place is identified by task and claim, so
 * that a late or repeated message frees no other place. Leaving is repeated until the home shard
 * replies.
 *
 * <p>A gate that rejected a task notifies this shard when it has room, or is asked again: at the
 * next token, and after some seconds in case the message was lost. Room is passed to the next
 * {@code tend}.
 *
 * <p>A home shard that does not reply counts as a rejection: its tasks wait, those of other gates
 * continue.
 */
final class Gates {

  /** A claimed task, and the gates before it. */
  record AtGate(Claim claim, List<String> gates) {
    String gate(int step) {
      return gates.get(step);
    }
  }

  private static final Logger LOG = LoggerFactory.getLogger(Gates.class);
  private static final long ANSWER_WITHIN_MILLIS = 2000;
  private static final long REPEAT_MILLIS = 250;
  private static final int OPS_OF_A_CALL = 100;
  private static final int ROOM_MAX = 100;
  private static final int LEASES = 2;

  /** A gate whose retry delay is this long, or longer, announces its room. */
  private static final long ANNOUNCED_MILLIS = 3000;

  private static final long AWAY_MILLIS = 1000;
  private static final long LONG_WAIT_MILLIS = 600_000;
  private static final char ENTER = 'e';
  private static final char KEEP = 'k';
  private static final char FREE = 'f';
  private static final char FREE_UNUSED = 'u';
  private static final char NOT_NEEDED = 'n';
  private static final char WANT = 'w';

  private final int shard;
  private final Function<String, Shard> homes;
  private final ScheduledExecutorService timer;
  private final Runnable tend;

  // Guarded by this.
  private final Map<TaskId, Inside> inside = new HashMap<>();
  private final Map<String, Integer> rooms = new HashMap<>();
  private final Set<String> asking = new HashSet<>();

  /** The gates that a claim of a task is inside, and when it was last known to run. */
  private record Inside(long claim, List<String> gates, Asker asker, long keptNanos) {}

  /** A message or a question to one gate. */
  private record Op(char what, String gate, byte[] about) {
    static Op of(char what, String gate, Claim claim) {
      return of(what, gate, claim.id(), claim.number());
    }

    static Op of(char what, String gate, TaskId task, long claim) {
      return new Op(what, gate, new Packed(22).put(task).put(claim, 6).toByteArray());
    }
  }

  /** The asking worker, and the length of its leases. */
  private record Asker(String worker, Duration lease) {}

  /**
   * Nothing is inside yet.
   *
   * @param shard the shard of these tasks
   * @param homes the home of a gate
   * @param tend has {@code tend} run soon
   */
  Gates(int shard, Function<String, Shard> homes, ScheduledExecutorService timer, Runnable tend) {
    this.shard = shard;
    this.homes = homes;
    this.timer = timer;
    this.tend = tend;
  }

  /**
   * Asks the gates of tasks that were just claimed.
   *
   * @return completes within seconds, and never exceptionally
   */
  CompletionStage<GateAnswer> enter(List<AtGate> tasks, ClaimRequest claim) {
    Entering entering = new Entering(new Asker(claim.workerId(), claim.lease()));
    entering.step(tasks, 0);
    return entering.answer;
  }

  /** Tasks that are passing their gates. */
  private final class Entering {
    private final Asker asker;
    private final CompletableFuture<GateAnswer> answer = new CompletableFuture<>();

    // Guarded by this.
    private final List<Claim> passed = new ArrayList<>();
    private final List<Refused> refused = new ArrayList<>();

    Entering(Asker asker) {
      this.asker = asker;
    }

    /** These tasks have passed their gates before {@code step}. */
    void step(List<AtGate> tasks, int step) {
      Map<Shard, List<AtGate>> further = new HashMap<>();
      for (AtGate task : tasks) {
        if (step == task.gates().size()) {
          pass(task);
        } else {
          further.computeIfAbsent(homes.apply(task.gate(step)), _ -> new ArrayList<>()).add(task);
        }
      }
      if (further.isEmpty()) {
        answer.complete(answer());
        return;
      }
      List<CompletableFuture<List<AtGate>>> asked = new ArrayList<>();
      further.forEach((home, some) -> asked.add(ask(home, some, step)));
      CompletableFuture.allOf(asked.toArray(CompletableFuture[]::new))
          .thenRun(
              () -> step(asked.stream().flatMap(one -> one.join().stream()).toList(), step + 1));
    }

    private CompletableFuture<List<AtGate>> ask(Shard home, List<AtGate> tasks, int step) {
      List<Op> ops =
          tasks.stream().map(task -> new Op(ENTER, task.gate(step), entrant(task))).toList();
      return call(home, asker, ops)
          .handle((replies, failure) -> {
            List<AtGate> let = new ArrayList<>();
            Map<String, Long> full = new HashMap<>();
            for (int i = 0; i < tasks.size(); i++) {
              AtGate task = tasks.get(i);
              if (failure == null && replies.get(i) <= 0) {
                let.add(task);
                continue;
              }
              // Without a reply it may have been admitted.
              refuse(task, failure == null ? step : step + 1, step);
              full.put(task.gate(step), failure == null ? replies.get(i) : AWAY_MILLIS);
            }
            full.forEach((gate, wait) -> askAgain(gate, tasks.size(), wait, asker));
            return let;
          });
    }

    private synchronized void pass(AtGate task) {
      moveIn(task, asker);
      passed.add(task.claim());
    }

    private synchronized void refuse(AtGate task, int leaves, int by) {
      for (String gate : task.gates().subList(0, leaves)) {
        leave(homes.apply(gate), asker, List.of(Op.of(FREE_UNUSED, gate, task.claim())));
      }
      for (String gate : task.gates().subList(by + 1, task.gates().size())) {
        leave(homes.apply(gate), asker, List.of(Op.of(NOT_NEEDED, gate, task.claim())));
      }
      refused.add(new Refused(task.claim(), new Verdict.Hold(task.gate(by))));
    }

    private synchronized GateAnswer answer() {
      return new GateAnswer(List.copyOf(passed), List.copyOf(refused));
    }
  }

  /**
   * A task and its claim, and the older claim under which it is inside, whose place it takes over.
   */
  private synchronized byte[] entrant(AtGate task) {
    Claim claim = task.claim();
    Packed about = new Packed(28).put(claim.id()).put(claim.number(), 6);
    Inside before = inside.get(claim.id());
    return (before == null ? about : about.put(before.claim(), 6)).toByteArray();
  }

  private void moveIn(AtGate task, Asker asker) {
    Inside before;
    synchronized (this) {
      Claim claim = task.claim();
      Inside now = new Inside(claim.number(), task.gates(), asker, System.nanoTime());
      before = inside.put(claim.id(), now);
    }
    if (before != null && before.claim() != task.claim().number()) {
      leave(task.claim().id(), before);
    }
  }

  /** Whether any task is inside a gate. */
  synchronized boolean any() {
    return !inside.isEmpty();
  }

  /** These claims no longer run. */
  void left(List<Running> tasks) {
    for (Running task : tasks) {
      Inside one;
      synchronized (this) {
        one = inside.get(task.id());
        if (one == null || one.claim() != task.claim()) {
          continue;
        }
        inside.remove(task.id());
      }
      leave(task.id(), one);
    }
  }

  private void leave(TaskId task, Inside one) {
    for (String gate : one.gates()) {
      leave(homes.apply(gate), one.asker(), List.of(Op.of(FREE, gate, task, one.claim())));
    }
  }

  /**
   * Repeated until the home shard replies: a place that is not freed stays taken for two leases.
   */
  private void leave(Shard home, Asker asker, List<Op> ops) {
    call(home, asker, ops)
        .whenComplete((_, failure) -> {
          if (failure != null) {
            later(REPEAT_MILLIS, () -> leave(home, asker, ops));
          }
        });
  }

  /** Reports to the home shards the tasks that still run here, also those that a failover lost. */
  void keep(List<Running> tasks) {
    Map<Shard, List<Op>> kept = new HashMap<>();
    Asker asker = null;
    synchronized (this) {
      long now = System.nanoTime();
      for (Running task : tasks) {
        Inside one = inside.get(task.id());
        if (one != null) {
          inside.put(task.id(), new Inside(one.claim(), one.gates(), one.asker(), now));
          asker = one.asker();
          for (String gate : one.gates()) {
            kept.computeIfAbsent(homes.apply(gate), _ -> new ArrayList<>())
                .add(Op.of(KEEP, gate, task.id(), one.claim()));
          }
        }
      }
      // The lease of a task that was never settled has expired, and so has its place.
      inside
          .values()
          .removeIf(one -> now - one.keptNanos() > LEASES * one.asker().lease().toNanos());
    }
    for (Map.Entry<Shard, List<Op>> some : kept.entrySet()) {
      call(some.getKey(), Objects.requireNonNull(asker), some.getValue());
    }
  }

  /**
   * Asks for room at gates.
   *
   * @param gates each with the number of tasks that wait for it
   */
  void want(Map<String, Integer> gates, ClaimRequest claim) {
    Asker asker = new Asker(claim.workerId(), claim.lease());
    Map<Shard, Map<String, Integer>> byHome = new HashMap<>();
    synchronized (this) {
      gates.forEach((gate, waiting) -> {
        if (asking.add(gate)) {
          byHome.computeIfAbsent(homes.apply(gate), _ -> new HashMap<>()).put(gate, waiting);
        }
      });
    }
    byHome.forEach((home, some) -> ask(home, some, asker));
  }

  /** At most one question for a gate is in flight, or about to be. */
  private void askAgain(String gate, int waiting, long inMillis, Asker asker) {
    if (inMillis == ANNOUNCED_MILLIS) {
      return; // its home notifies when there is room, and `tend` asks in case that is lost
    }
    synchronized (this) {
      if (inMillis > ANNOUNCED_MILLIS) {
        rooms.put(gate, Math.toIntExact(-Math.min(inMillis, LONG_WAIT_MILLIS)));
        return;
      }
      if (!asking.add(gate)) {
        return;
      }
    }
    later(inMillis, () -> ask(homes.apply(gate), Map.of(gate, waiting), asker));
  }

  private void ask(Shard home, Map<String, Integer> waiting, Asker asker) {
    List<String> gates = List.copyOf(waiting.keySet());
    List<Op> ops = new ArrayList<>();
    for (String gate : gates) {
      int most = Math.min(waiting.getOrDefault(gate, 0), ROOM_MAX);
      ops.add(new Op(WANT, gate, Keys.bytes(most)));
    }
    call(home, asker, ops)
        .whenComplete((replies, failure) -> {
          synchronized (this) {
            gates.forEach(asking::remove);
          }
          if (failure != null) {
            LOG.atDebug().addKeyValue("gates", gates).log("the home of gates does not answer");
            return;
          }
          for (int i = 0; i < gates.size(); i++) {
            String gate = gates.get(i);
            if (replies.get(i) > 0) {
              hear(gate, Math.toIntExact(replies.get(i)));
            } else {
              askAgain(gate, waiting.getOrDefault(gate, 0), -replies.get(i), asker);
            }
          }
        });
  }

  /**
   * Returns promised room.
   *
   * @param gates each with the number of places for which this shard has no task
   */
  void renounce(Map<String, Integer> gates, ClaimRequest claim) {
    Asker asker = new Asker(claim.workerId(), claim.lease());
    gates.forEach((gate, count) -> {
      Op op = new Op(NOT_NEEDED, gate, Keys.bytes(count));
      call(homes.apply(gate), asker, Collections.nCopies(count, op));
    });
  }

  /** A gate has room for tasks of this shard. */
  void hear(String gate, int room) {
    synchronized (this) {
      rooms.merge(gate, room, (before, more) -> Math.max(before, 0) + more);
    }
    tend.run();
  }

  /**
   * The arguments of the next {@code tend}: how many tasks a gate can take, or minus the ms until
   * it must be asked again.
   */
  synchronized Map<String, Integer> rooms() {
    return Map.copyOf(rooms);
  }

  /** A {@code tend} was given this room. */
  synchronized void told(Map<String, Integer> some) {
    some.forEach((gate, room) ->
        rooms.computeIfPresent(
            gate,
            (_, now) -> now.equals(room) ? null : room > 0 ? Integer.valueOf(now - room) : now));
  }

  private void later(long millis, Runnable what) {
    if (millis == 0) {
      what.run();
      return;
    }
    try {
      timer.schedule(what, millis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException closed) {
      LOG.debug("the store is closed; its gates are told no more");
    }
  }

  private CompletableFuture<List<Long>> call(Shard home, Asker asker, List<Op> ops) {
    List<CompletableFuture<List<Long>>> calls = new ArrayList<>();
    for (int from = 0; from < ops.size(); from += OPS_OF_A_CALL) {
      calls.add(begin(home, asker, ops.subList(from, Math.min(ops.size(), from + OPS_OF_A_CALL))));
    }
    return CompletableFuture.allOf(calls.toArray(CompletableFuture[]::new))
        .thenApply(_ -> calls.stream().flatMap(one -> one.join().stream()).toList());
  }

  private CompletableFuture<List<Long>> begin(Shard home, Asker asker, List<Op> ops) {
    Args args = new Args(3 + 3 * ops.size());
    args.add(shard).add(asker.worker()).add(asker.lease().toMillis());
    for (Op op : ops) {
      args.add(String.valueOf(op.what())).add(op.gate()).add(op.about());
    }
    try {
      return home.moves()
          .begin(home.link().node().calls(), Script.GATES, args)
          .toCompletableFuture()
          .thenApply(reply -> reply.rest(Reply::number))
          .orTimeout(ANSWER_WITHIN_MILLIS, TimeUnit.MILLISECONDS);
    } catch (RedisException away) {
      home.link().doubt();
      return CompletableFuture.failedFuture(away);
    }
  }
}
