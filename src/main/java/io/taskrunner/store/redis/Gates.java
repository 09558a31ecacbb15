package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.GateCalls.ENTER;
import static io.taskrunner.store.redis.GateCalls.FREE;
import static io.taskrunner.store.redis.GateCalls.FREE_UNUSED;
import static io.taskrunner.store.redis.GateCalls.KEEP;
import static io.taskrunner.store.redis.GateCalls.NOT_NEEDED;

import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.GateAnswer;
import io.taskrunner.store.WorkStore.Refused;
import io.taskrunner.store.WorkStore.Running;
import io.taskrunner.store.redis.GateCalls.Asker;
import io.taskrunner.store.redis.GateCalls.Op;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.record.Packed;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Function;

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
 * next token, and after some seconds in case the message was lost: see {@link GateRooms}.
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

  private static final long REPEAT_MILLIS = 250;
  private static final int LEASES = 2;

  private static final long AWAY_MILLIS = 1000;

  private final GateCalls calls;
  private final GateRooms rooms;

  // Guarded by this.
  private final Map<TaskId, Inside> inside = new HashMap<>();

  /** The gates that a claim of a task is inside, and when it was last known to run. */
  private record Inside(long claim, List<String> gates, Asker asker, long keptNanos) {}

  /**
   * Nothing is inside yet.
   *
   * @param shard the shard of these tasks
   * @param homes the home of a gate
   * @param tend has {@code tend} run soon
   */
  Gates(int shard, Function<String, Shard> homes, ScheduledExecutorService timer, Runnable tend) {
    this.calls = new GateCalls(shard, homes, timer);
    this.rooms = new GateRooms(calls, tend);
  }

  /** The room of gates for tasks that wait. */
  GateRooms rooms() {
    return rooms;
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
          further.computeIfAbsent(calls.home(task.gate(step)), _ -> new ArrayList<>()).add(task);
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
      return calls
          .call(home, asker, ops)
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
            full.forEach((gate, wait) -> rooms.askAgain(gate, tasks.size(), wait, asker));
            return let;
          });
    }

    private synchronized void pass(AtGate task) {
      moveIn(task, asker);
      passed.add(task.claim());
    }

    private synchronized void refuse(AtGate task, int leaves, int by) {
      for (String gate : task.gates().subList(0, leaves)) {
        leave(calls.home(gate), asker, List.of(Op.of(FREE_UNUSED, gate, task.claim())));
      }
      for (String gate : task.gates().subList(by + 1, task.gates().size())) {
        leave(calls.home(gate), asker, List.of(Op.of(NOT_NEEDED, gate, task.claim())));
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
      leave(calls.home(gate), one.asker(), List.of(Op.of(FREE, gate, task, one.claim())));
    }
  }

  /**
   * Repeated until the home shard replies: a place that is not freed stays taken for two leases.
   */
  private void leave(Shard home, Asker asker, List<Op> ops) {
    calls
        .call(home, asker, ops)
        .whenComplete((_, failure) -> {
          if (failure != null) {
            calls.later(REPEAT_MILLIS, () -> leave(home, asker, ops));
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
            kept.computeIfAbsent(calls.home(gate), _ -> new ArrayList<>())
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
      calls.call(some.getKey(), Objects.requireNonNull(asker), some.getValue());
    }
  }
}
