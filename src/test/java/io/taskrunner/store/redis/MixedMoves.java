package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Model.require;
import static io.taskrunner.store.redis.Stage.wish;

import io.taskrunner.client.Limits;
import io.taskrunner.schedule.CatchUp;
import io.taskrunner.schedule.Overlap;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.Operation;
import io.taskrunner.store.Operation.Action;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.OperationStore.Begun;
import io.taskrunner.store.OperationStore.Run;
import io.taskrunner.store.OperationStore.Step;
import io.taskrunner.store.Queue;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.TargetHost;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Label;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.Ticks;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The moves of a history in addition to those of workers: settings, operations, schedules,
 * deletions.
 */
final class MixedMoves {

  private static final Duration INTERVAL = Duration.ofSeconds(10);
  private static final Duration OPERATION_LEASE = Duration.ofSeconds(5);
  private static final double PER_SEC = 3;
  private static final int BURST = 2;
  private static final int WAITING_MOST = 8;

  private final MixedHistory history;
  private final Promises promises;

  /** Changes that have to reach every shard, by their subject: the last of each. */
  private final Map<String, Runnable> unsure = new LinkedHashMap<>();

  /** Operations that may not match more tasks than existed when they began. */
  private final Map<String, Meant> meant = new HashMap<>();

  private final Set<String> delivered = new HashSet<>();
  private final Map<String, Set<TaskId>> ticks = new HashMap<>();
  private @Nullable MixedProcess runner;
  private List<Run> runs = List.of();
  private long ticksMost = 1;
  private long harmed;

  /** The number of tasks that an operation is meant for, and when it began. */
  private record Meant(long count, long begun) {}

  MixedMoves(MixedHistory history) {
    this.history = history;
    this.promises = history.promises;
  }

  private RedisStore store() {
    return history.store();
  }

  void begin() {
    for (String client : MixedHistory.CLIENTS) {
      setClient(client);
    }
    promises.limitClient("small", 2);
    promises.limitWaiting("fifth", WAITING_MOST);
    change(
        "side",
        () -> Unconditional.put(store().queues(), "side", Stage.settings(2, null, null, null)));
    change("few", () -> limitFew(2));
    change(
        "slow",
        () -> Unconditional.put(store().queues(), "slow", Stage.settings(1, PER_SEC, BURST, null)));
    promises.limitRate("slow", PER_SEC, BURST);
  }

  private void setClient(String client) {
    change(client, () -> set(client));
  }

  private void set(String client) {
    int most = client.equals("small") ? 2 : Limits.MAX;
    Integer waiting = client.equals("fifth") ? WAITING_MOST : null;
    ClientStore.Change change =
        ClientChange.of().enabled(true).limits(most, Limits.MAX).maxWaiting(waiting).done();
    Unconditional.set(store().clients(), client, change);
  }

  private void limitFew(int most) {
    promises.limitQueue("few", null);
    Unconditional.put(store().queues(), "few", Stage.settings(1, null, null, most));
    promises.limitQueue("few", most);
  }

  private void limitHost(String host, int most) {
    promises.limitHost(host, null);
    Unconditional.put(store().hosts(), new TargetHost(host, most, null, 0));
    promises.limitHost(host, most);
  }

  private void freeHost(String host) {
    promises.limitHost(host, null);
    Unconditional.delete(store().hosts(), host);
  }

  /** Performs a change; until it is answered it is repeated whenever the network is up. */
  private void change(String what, Runnable how) {
    unsure.put(what, how);
    how.run();
    unsure.remove(what);
  }

  /** Whether a change of this client or queue was not answered: it may be applied later. */
  boolean isUnsure(String what) {
    return unsure.containsKey(what);
  }

  /** Repeats the changes that were not answered. */
  void redo() {
    for (String what : List.copyOf(unsure.keySet())) {
      change(what, unsure.get(what));
    }
  }

  void move() {
    int way = history.random.nextInt(100);
    if (way < 15) {
      int most = 1 + history.random.nextInt(3);
      String host = history.any(MixedHistory.HOSTS.subList(0, 3));
      boolean limited = history.chance(70);
      history.note("host %s %s", host, limited ? most : "is free");
      change(
          host,
          () -> {
            if (limited) {
              limitHost(host, most);
            } else {
              freeHost(host);
            }
          });
    } else if (way < 20) {
      int most = 1 + history.random.nextInt(3);
      history.note("few %d", most);
      change("few", () -> limitFew(most));
    } else if (way < 32) {
      beginOperation();
    } else if (way < 60) {
      stepOperations(1 + history.random.nextInt(6));
    } else if (way < 70) {
      oneTask();
    } else if (way < 76) {
      pause();
    } else if (way < 82) {
      destroy();
    } else if (way < 88) {
      history.note("tidy");
      store().tidy();
    } else {
      schedules();
    }
  }

  private void oneTask() {
    List<TaskId> ids = List.copyOf(promises.tasks.keySet());
    if (ids.isEmpty()) {
      return;
    }
    TaskId id = history.any(ids.subList(Math.max(0, ids.size() - 40), ids.size()));
    switch (history.random.nextInt(3)) {
      case 0 -> {
        promises.tasks.get(id).mayBeGone = true;
        store().tasks().cancel(id);
      }
      case 1 -> store().tasks().runNow(id);
      default -> store().tasks().retry(id);
    }
    history.note("one task %s", id);
  }

  private void pause() {
    String queue = history.any(MixedHistory.QUEUES);
    boolean paused = history.chance(40);
    history.note("pause %s %s", queue, paused);
    change("pause " + queue, () -> store().queues().pause(queue, paused));
  }

  private void destroy() {
    switch (history.random.nextInt(4)) {
      case 0, 1 -> {
        String queue = history.any(MixedHistory.QUEUES);
        history.note("purge %s", queue);
        promises.mayBeGone(task -> task.queue.equals(queue) || "red".equals(task.color));
        store().queues().purge(queue);
      }
      case 2 -> {
        history.note("delete queue side");
        promises.mayBeGone(task -> task.queue.equals("side") || "red".equals(task.color));
        change(
            "side",
            () -> {
              Unconditional.delete(store().queues(), "side", true);
              Unconditional.put(store().queues(), "side", Stage.settings(2, null, null, null));
            });
      }
      default -> {
        history.note("delete client other");
        change(
            "other",
            () -> {
              promises.mayBeGone(task -> task.client.equals("other"));
              Unconditional.delete(store().clients(), "other");
              set("other");
            });
      }
    }
  }

  // -- operations

  /** Cancels, moves and deletes only red tasks: so green ones must be given to a worker. */
  private void beginOperation() {
    Action action = history.any(List.of(Action.values()));
    boolean harmless = action == Action.RUN || action == Action.RETRY;
    String color = harmless ? history.any(MixedHistory.COLORS) : "red";
    Filter filter = new Filter(null, null, null, new Label("color", color));
    String to = action == Action.MOVE ? history.any(MixedHistory.QUEUES) : null;
    if (!harmless) {
      harmed = Math.max(harmed, history.now());
      promises.mayBeGone(task -> "red".equals(task.color));
    }
    Order order = new Order(action, filter, null, to, null, history.chance(10));
    if (store().operations().begin(order) instanceof Begun.Entered entered) {
      long count = promises.labeled(color) + history.unanswered();
      meant.put(entered.operation().id(), new Meant(count, history.now()));
      history.note("operation %s %s", entered.operation().id(), action);
    }
    history.time(history.now() + 1);
  }

  private void stepOperations(int steps) {
    MixedProcess now = history.processes.getFirst();
    if (now != runner) { // the one before died
      runner = now;
      runs = List.of();
    }
    OperationStore operations = now.store.operations();
    runs = operations.lease(now.worker, OPERATION_LEASE, runs);
    for (Run run : runs) {
      for (int i = 0; i < steps; i++) {
        if (run.step(1 + history.random.nextInt(7)) instanceof Step.Over) {
          break;
        }
      }
    }
    runs = operations.lease(now.worker, OPERATION_LEASE, runs);
    meant.forEach((id, all) ->
        operations
            .get(id)
            .map(Operation::counts)
            .ifPresent(counts ->
                require(
                    counts.done() + counts.failed() + counts.skipped() <= all.count(),
                    "operation %s met %s of %d tasks",
                    id,
                    counts,
                    all.count())));
  }

  /** The clock was set back: tasks created from now on may seem older than an operation. */
  void clockWasSetBack() {
    meant.values().removeIf(one -> one.begun() >= history.now());
  }

  /** The clock was set back behind an operation that cancels, moves or deletes red tasks. */
  boolean seemsOlderThanAnOperation(@Nullable String color) {
    return "red".equals(color) && history.now() <= harmed;
  }

  // -- schedules

  private void schedules() {
    String name = "s" + history.random.nextInt(2);
    switch (history.random.nextInt(6)) {
      case 0 -> {
        Schedule.Settings every = every();
        change(
            name,
            () -> {
              ticksMost++;
              Unconditional.put(store().schedules(), name, every);
            });
      }
      case 1 -> change(name, () -> Unconditional.delete(store().schedules(), name));
      default -> Ticks.tick(store().schedules());
    }
    history.note("schedules");
  }

  private Schedule.Settings every() {
    return new Schedule.Settings(
        history.any(List.of("abc", "fourth")),
        "default",
        new Rhythm.Every(INTERVAL),
        history.any(List.of(Overlap.values())),
        history.any(List.of(CatchUp.values())),
        Duration.ZERO,
        false,
        wish().url("http://tick.test/x").retention(Duration.ZERO).spec());
  }

  /** Each run creates one task: no more than there was time for. */
  void delivered(Claim claim) {
    String url = claim.spec().request().url().toString();
    if (url.startsWith("http://done.test/")) {
      delivered.add(url);
    } else if (url.startsWith("http://tick.test/")) {
      Set<TaskId> all = ticks.computeIfAbsent(url, _ -> new HashSet<>());
      all.add(claim.id());
      long most = 2 * (history.forward() / INTERVAL.toMillis() + 1) + ticksMost;
      require(all.size() <= most, "%d ticks, of %d that there were", all.size(), most);
    }
  }

  // -- the end

  /** All limits are open, and everything that proceeds by itself ends. */
  void end() {
    for (String queue : MixedHistory.QUEUES) {
      store().queues().pause(queue, false);
    }
    MixedHistory.HOSTS.forEach(this::freeHost);
    Unconditional.delete(store().schedules(), "s0");
    Unconditional.delete(store().schedules(), "s1");
    for (int i = 0; i < 200; i++) {
      history.time(history.now() + 1000);
      stepOperations(20);
      if (i > OPERATION_LEASE.toSeconds() && runs.isEmpty()) {
        return;
      }
    }
    throw new StoreUnavailable("operations do not end: " + runs, null);
  }

  /** Pending or running tasks. */
  long unfinished() {
    long sum = 0;
    for (Queue queue : store().queues().list()) {
      Queue.Stats stats = queue.stats();
      sum += stats.scheduled() + stats.ready() + stats.active() + stats.retry();
    }
    return sum;
  }

  /** Some of the pending or running tasks. */
  String stuck() {
    List<String> some = new ArrayList<>();
    store().queues().list().forEach(queue -> some.add(queue.name() + " " + queue.stats()));
    for (TaskState state : TaskState.values()) {
      if (!state.finished()) {
        try {
          store()
              .tasks()
              .list(new Filter(null, state, null, null), 5, null)
              .tasks()
              .forEach(task ->
                  some.add(
                      "%s %s of %s in %s to %s due %d ms from now"
                          .formatted(
                              state,
                              task.id(),
                              task.clientId(),
                              task.queue(),
                              task.spec().request().url().host(),
                              task.due().toEpochMilli() - history.now())));
        } catch (TaskStore.BadCursor impossible) {
          throw new AssertionError(impossible);
        }
      }
    }
    return String.join("\n", some);
  }

  /** Every task that ended by a verdict reported it to its callback. */
  void allToldOfTheirEnd() {
    List<String> silent = new ArrayList<>();
    promises.tasks.forEach((id, task) -> {
      if (task.callback != null && task.given && !task.mayBeGone) {
        if (!delivered.contains(task.callback)) {
          silent.add(id + " of " + task.client);
        }
      }
    });
    require(silent.isEmpty(), "no callback for %s", silent);
  }
}
