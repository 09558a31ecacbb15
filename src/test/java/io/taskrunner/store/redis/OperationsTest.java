package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.Operation;
import io.taskrunner.store.Operation.Action;
import io.taskrunner.store.Operation.Counts;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.Operation.State;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.OperationStore.Begun;
import io.taskrunner.store.OperationStore.Run;
import io.taskrunner.store.OperationStore.Step;
import io.taskrunner.store.OperationStore.Stopped;
import io.taskrunner.store.Queue;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Label;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Retry;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** An operation applies one move to all tasks that match, once each, and counts its results. */
class OperationsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final Duration LEASE = Duration.ofSeconds(5);

  private Stage stage;
  private OperationStore operations;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
    stage.client("abc", 1000);
    operations = stage.store.operations();
  }

  @AfterEach
  void prove() {
    stage.proven();
    stage.close();
  }

  /** A filter of which a test sets little. */
  private static final class Which {
    @Nullable String queue = "default";
    @Nullable TaskState state;
    @Nullable String clientId;
    @Nullable Label label;
    @Nullable String host;
    @Nullable Integer status;
    @Nullable AttemptError error;
    @Nullable Instant createdAfter;
    @Nullable Instant createdBefore;
    @Nullable Instant dueAfter;
    @Nullable Instant dueBefore;
    List<TaskId> ids = List.of();

    Filter filter() {
      return new Filter(
          queue,
          state,
          clientId,
          label,
          host,
          status,
          error,
          createdAfter,
          createdBefore,
          dueAfter,
          dueBefore,
          ids);
    }
  }

  private static Which of(List<TaskId> ids) {
    Which which = new Which();
    which.queue = null;
    which.ids = ids;
    return which;
  }

  @Test
  void onlyTheGivenTasksAreChangedInAnyStateAndQueue() {
    List<TaskId> waiting = stage.enqueue(3, Stage.wish().in(Duration.ofHours(1)));
    List<TaskId> ready = stage.enqueue(3, Stage.wish().queue("low"));
    TaskId gone = stage.id();
    List<TaskId> some = List.of(waiting.get(0), gone, ready.get(1), waiting.get(2));
    Operation operation = begin(order(Action.CANCEL, of(some)));
    assertEquals(
        some, stage.store.operations().get(operation.id()).orElseThrow().order().filter().ids());
    finish(take("a"), 1);
    assertEquals(new Counts(3, 0, 0), operations.get(operation.id()).orElseThrow().counts());
    assertEquals(
        Set.of(TaskState.CANCELLED), states(List.of(some.get(0), some.get(2), some.get(3))));
    assertEquals(TaskState.SCHEDULED, stage.state(waiting.get(1)));
    assertEquals(TaskState.READY, stage.state(ready.get(0)));
  }

  @Test
  void idsAreCombinedWithOtherConditionsAndCountedByADryRun() {
    List<TaskId> ids = new ArrayList<>(stage.enqueue(2, Stage.wish().in(Duration.ofHours(1))));
    ids.addAll(stage.enqueue(2, Stage.wish().client("xyz").in(Duration.ofHours(1))));
    Which which = of(ids);
    which.clientId = "abc";
    Order counted = new Order(Action.RUN, which.filter(), null, null, null, true);
    Operation dry = begin(counted);
    finish(take("a"), 10);
    assertEquals(new Counts(2, 0, 0), operations.get(dry.id()).orElseThrow().counts());
    begin(order(Action.RUN, which));
    finish(take("a"), 10);
    assertEquals(Set.of(TaskState.READY), states(ids.subList(0, 2)));
    assertEquals(Set.of(TaskState.SCHEDULED), states(ids.subList(2, 4)));
    begin(order(Action.MOVE, of(ids)));
    finish(take("a"), 1);
    for (TaskId id : ids) {
      assertEquals("low", stage.store.tasks().get(id).orElseThrow().queue());
    }
  }

  private static Which all() {
    return new Which();
  }

  private static Order order(Action action, Which which) {
    return new Order(
        action, which.filter(), null, action == Action.MOVE ? "low" : null, null, false);
  }

  private Operation begin(Order order) {
    return assertInstanceOf(Begun.Entered.class, operations.begin(order)).operation();
  }

  private Run take(String runner) {
    List<Run> runs = operations.lease(runner, LEASE, List.of());
    assertEquals(1, runs.size());
    return runs.getFirst();
  }

  private static void finish(Run run, int most) {
    for (int i = 0; i < 10_000; i++) {
      if (run.step(most) instanceof Step.Over) {
        return;
      }
    }
    throw new AssertionError("does not end");
  }

  /** Performs an operation. */
  private Operation carryOut(Order order) {
    Operation begun = begin(order);
    stage.pass(Duration.ofMillis(10));
    finish(take("one"), 7);
    return get(begun.id());
  }

  private Operation get(String id) {
    return operations.get(id).orElseThrow();
  }

  private Operation carryOut(Action action, Which which) {
    return carryOut(order(action, which));
  }

  private static void assertCame(long done, long failed, long skipped, Operation operation) {
    assertEquals(State.DONE, operation.state());
    assertEquals(new Counts(done, failed, skipped), operation.counts());
    assertEquals(done + failed + skipped, operation.total());
  }

  private List<TaskId> dead(int count, Stage.Wish wish) {
    List<TaskId> ids = stage.enqueue(count, wish);
    for (int ended = 0; ended < count; ) {
      for (Claim claim : stage.claim(100)) {
        stage.settle(Stage.WORKER, stage.verdict(claim, new Verdict.Bury(), 404));
        ended++;
      }
    }
    stage.pass(Duration.ofMillis(10));
    return ids;
  }

  private Set<TaskState> states(List<TaskId> ids) {
    Set<TaskState> states = new HashSet<>();
    ids.forEach(id -> states.add(stage.state(id)));
    return states;
  }

  private List<String> told(List<TaskId> ids) {
    return ids.stream()
        .map(id -> stage.store.tasks().get(id).orElseThrow())
        .map(task -> task.state() + " " + task.due() + " " + task.attempts())
        .toList();
  }

  private String queueOf(TaskId id) {
    return stage.store.tasks().get(id).map(Task::queue).orElseThrow();
  }

  @Test
  void cancelCancelsWaitingAndRunningTasks() {
    List<TaskId> ran = stage.enqueue(3, Stage.wish());
    stage.claim(3);
    List<TaskId> ready = stage.enqueue(20, Stage.wish());
    List<TaskId> scheduled = stage.enqueue(20, Stage.wish().in(Duration.ofHours(1)));
    TaskId other = stage.enqueue(Stage.wish().queue("low"));
    stage.pass(Duration.ofMillis(5));
    Operation came = carryOut(Action.CANCEL, all());
    assertCame(43, 0, 0, came);
    assertEquals(Set.of(TaskState.CANCELLED), states(ran));
    assertEquals(Set.of(TaskState.CANCELLED), states(ready));
    assertEquals(Set.of(TaskState.CANCELLED), states(scheduled));
    assertEquals(TaskState.READY, stage.state(other));
    assertEquals(10, came.sample().size());
    assertEquals(stage.now(), came.finished().toEpochMilli());
  }

  @Test
  void runMakesScheduledAndRetryingTasksReady() {
    List<TaskId> scheduled = stage.enqueue(15, Stage.wish().in(Duration.ofHours(1)));
    stage.enqueue(2, Stage.wish());
    Claim failed = stage.claim(1).getFirst();
    stage.settle(
        Stage.WORKER, stage.verdict(failed, new Verdict.Retry(Duration.ofMinutes(9)), 500));
    Operation came = carryOut(Action.RUN, all());
    assertCame(16, 0, 0, came);
    assertEquals(Set.of(TaskState.READY), states(scheduled));
    assertEquals(TaskState.READY, stage.state(failed.id()));
  }

  @Test
  void retryRestartsDeadTasksWithFreshAttempts() {
    List<TaskId> dead = dead(120, Stage.wish());
    Operation came = carryOut(Action.RETRY, all());
    assertCame(120, 0, 0, came);
    assertEquals(Set.of(TaskState.READY), states(dead));
    assertEquals(0, stage.store.tasks().get(dead.getFirst()).orElseThrow().attempts().size());
    assertEquals(120, stage.claim(100).size() + stage.claim(100).size());
  }

  @Test
  void tasksThatDieAgainAreNotProcessedTwice() {
    dead(10, Stage.wish());
    Operation begun = begin(order(Action.RETRY, all()));
    stage.pass(Duration.ofMillis(1));
    Run run = take("one");
    int rounds = 0;
    while (!(run.step(3) instanceof Step.Over)) {
      for (Claim claim : stage.claim(100)) {
        stage.settle(Stage.WORKER, stage.verdict(claim, new Verdict.Bury(), 404));
      }
      stage.pass(Duration.ofMillis(1));
      assertTrue(rounds++ < 100, "goes round in circles");
    }
    assertCame(10, 0, 0, get(begun.id()));
    assertEquals(10, stage.store.queues().get("default").orElseThrow().stats().dead());
  }

  @Test
  void tasksCreatedLaterAreNotIncluded() {
    stage.enqueue(5, Stage.wish());
    stage.pass(Duration.ofMillis(1));
    Operation begun = begin(order(Action.CANCEL, all()));
    stage.pass(Duration.ofMillis(1));
    List<TaskId> later = stage.enqueue(5, Stage.wish());
    finish(take("one"), 100);
    assertCame(5, 0, 0, get(begun.id()));
    assertEquals(Set.of(TaskState.READY), states(later));
  }

  @Test
  void tasksThatFailMeanwhileAreCancelledToo() {
    stage.enqueue(1, Stage.wish());
    Claim claim = stage.claim(1).getFirst();
    Operation begun = begin(order(Action.CANCEL, all()));
    Run run = take("one");
    assertEquals(new Step.Went(0), run.step(1), "learns how far it is");
    stage.enqueue(1, Stage.wish().in(Duration.ofHours(1)).client("abc"));
    run.step(1); // past the due ones
    stage.settle(Stage.WORKER, stage.verdict(claim, new Verdict.Retry(Duration.ofMinutes(9)), 500));
    finish(run, 1);
    assertEquals(2, get(begun.id()).counts().done());
    assertEquals(TaskState.CANCELLED, stage.state(claim.id()));
  }

  @Test
  void moveKeepsStateTimesAndAttempts() {
    TaskId dead = dead(1, Stage.wish()).getFirst();
    TaskId ready = stage.enqueue(Stage.wish());
    TaskId scheduled = stage.enqueue(Stage.wish().in(Duration.ofHours(1)));
    stage.pass(Duration.ofMillis(5));
    TaskId retrying = stage.enqueue(Stage.wish());
    for (Claim claim : stage.claim(2)) {
      Verdict verdict =
          claim.id().equals(retrying)
              ? new Verdict.Retry(Duration.ofMinutes(9))
              : new Verdict.PutBack(Duration.ZERO);
      stage.settle(Stage.WORKER, stage.verdict(claim, verdict, 500));
    }
    assertEquals(TaskState.RETRY, stage.state(retrying));
    Task before = stage.store.tasks().get(dead).orElseThrow();
    List<TaskId> all = List.of(ready, scheduled, retrying, dead);
    List<Instant> due = new ArrayList<>();
    all.forEach(id -> due.add(stage.store.tasks().get(id).orElseThrow().due()));

    assertEquals(TaskState.DEAD, before.state());
    Operation came = carryOut(Action.MOVE, all());

    assertEquals(0, came.counts().failed());
    for (int i = 0; i < all.size(); i++) {
      assertEquals("low", queueOf(all.get(i)));
      assertEquals(due.get(i), stage.store.tasks().get(all.get(i)).orElseThrow().due());
    }
    Task after = stage.store.tasks().get(dead).orElseThrow();
    assertEquals(TaskState.DEAD, after.state());
    assertEquals(before.attempts(), after.attempts());
    assertEquals(TaskState.SCHEDULED, stage.state(scheduled));
    assertEquals(TaskState.RETRY, stage.state(retrying));
    assertEquals(1, stage.store.tasks().get(retrying).orElseThrow().attempts().size());
    assertEquals(0, stage.store.queues().get("default").orElseThrow().stats().dead());
    assertEquals(1, stage.store.queues().get("low").orElseThrow().stats().dead());
    stage.proven();
    assertEquals(List.of(ready), stage.claim(10).stream().map(Claim::id).toList());
  }

  private static final Map<String, String> SALE = Map.of("campaign", "sale");

  private static Which sale() {
    Which which = all();
    which.queue = null;
    which.label = new Label("campaign", "sale");
    return which;
  }

  @Test
  void aLabelMatchesTasksOfAllQueuesInAllStates() {
    List<TaskId> ran = stage.enqueue(2, Stage.wish().labels(SALE));
    stage.claim(2);
    List<TaskId> waits = stage.enqueue(9, Stage.wish().labels(SALE).queue("critical"));
    waits.addAll(stage.enqueue(9, Stage.wish().labels(SALE).in(Duration.ofHours(1))));
    List<TaskId> others = stage.enqueue(9, Stage.wish().labels(Map.of("campaign", "none")));
    Operation came = carryOut(Action.CANCEL, sale());
    assertCame(20, 0, 0, came);
    assertEquals(Set.of(TaskState.CANCELLED), states(ran));
    assertEquals(Set.of(TaskState.CANCELLED), states(waits));
    assertEquals(Set.of(TaskState.READY), states(others));
  }

  @Test
  void deadTasksWithALabelAreRetriedOnceEach() {
    dead(10, Stage.wish().labels(SALE));
    List<TaskId> others = dead(10, Stage.wish());
    Operation begun = begin(order(Action.RETRY, sale()));
    stage.pass(Duration.ofMillis(1));
    Run run = take("one");
    int rounds = 0;
    while (!(run.step(3) instanceof Step.Over)) {
      for (Claim claim : stage.claim(100)) {
        stage.settle(Stage.WORKER, stage.verdict(claim, new Verdict.Bury(), 404));
      }
      stage.pass(Duration.ofMillis(1));
      assertTrue(rounds++ < 100, "goes round in circles");
    }
    assertCame(10, 0, 0, get(begun.id()));
    assertEquals(Set.of(TaskState.DEAD), states(others));
  }

  @Test
  void runningTasksWithTheLabelAreMovedWhenTheyFailAndOnlyOnce() {
    Which which = sale();
    stage.enqueue(1, Stage.wish().labels(SALE));
    Claim claim = stage.claim(1).getFirst();
    stage.pass(Duration.ofMillis(5));
    List<TaskId> waits = stage.enqueue(5, Stage.wish().labels(SALE).queue("critical"));
    TaskId there = stage.enqueue(Stage.wish().labels(SALE).queue("low"));
    Operation begun = begin(order(Action.MOVE, which));
    Run run = take("one");
    for (int i = 0; i < 4; i++) {
      run.step(2); // all the way through, past running ones
    }
    stage.settle(Stage.WORKER, stage.verdict(claim, new Verdict.Retry(Duration.ofMinutes(9)), 500));
    finish(run, 2);
    assertCame(6, 0, 0, get(begun.id()));
    assertEquals("low", queueOf(claim.id()));
    waits.forEach(id -> assertEquals("low", queueOf(id)));
    assertEquals(TaskState.READY, stage.state(there));
  }

  @Test
  void aLabelInOneQueueDoesNotAffectOthers() {
    List<TaskId> mine = stage.enqueue(3, Stage.wish().labels(SALE));
    List<TaskId> others = stage.enqueue(3, Stage.wish().labels(SALE).queue("critical"));
    Which which = sale();
    which.queue = "default";
    assertCame(3, 0, 0, carryOut(Action.CANCEL, which));
    assertEquals(Set.of(TaskState.CANCELLED), states(mine));
    assertEquals(Set.of(TaskState.READY), states(others));
  }

  @Test
  void aCommonLabelIsSearchedInTheSetsOfTheState() {
    for (int left = TaskWalk.COMMON; left > 0; left -= 100) {
      List<Map.Entry<TaskId, Stage.Wish>> group = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        group.add(Map.entry(stage.id(), Stage.wish().labels(SALE).in(Duration.ofHours(1))));
      }
      stage.group(group);
      stage.pass(Duration.ofMillis(1));
    }
    List<TaskId> dead = dead(5, Stage.wish().labels(SALE));
    List<TaskId> others = dead(5, Stage.wish());
    Operation begun = begin(order(Action.RETRY, sale()));
    Run run = take("one");
    int steps = 1;
    while (!(run.step(100) instanceof Step.Over)) {
      steps++;
    }
    assertTrue(steps < 6, "looks at what is not dead");
    assertCame(5, 0, 0, get(begun.id()));
    assertEquals(Set.of(TaskState.READY), states(dead));
    assertEquals(Set.of(TaskState.DEAD), states(others));
  }

  @Test
  void aMoveRespectsQueueAndClientPermissions() {
    stage.client("few", 10);
    List<TaskId> forbidden = stage.enqueue(4, Stage.wish().client("few"));
    Unconditional.set(
        stage.store.clients(), "few", ClientChange.of().queues(List.of("default")).done());
    stage.enqueue(3, Stage.wish());
    Operation came = carryOut(Action.MOVE, all());
    assertCame(3, 4, 0, came);
    assertEquals("default", queueOf(forbidden.getFirst()));
  }

  @Test
  void aMoveOfDeadTasksDropsNoneWhenTheTargetIsFull() {
    QueueSettings small = QueueSettings.defaults(1);
    Unconditional.put(
        stage.store.queues(),
        "low",
        new QueueSettings(
            1,
            null,
            null,
            null,
            Retry.UNSET,
            null,
            small.deadRetention(),
            3,
            small.deadMaxBytes(),
            small.doneMax()));
    List<TaskId> dead = dead(5, Stage.wish());
    Which which = all();
    which.state = TaskState.DEAD;
    assertCame(3, 2, 0, carryOut(Action.MOVE, which));
    assertEquals(Set.of(TaskState.DEAD), states(dead));
  }

  @Test
  void aMoveToADeletedQueueFailsAndLosesNothing() {
    stage.queue("archive", 1);
    List<TaskId> ids = stage.enqueue(5, Stage.wish());
    Operation begun = begin(new Order(Action.MOVE, all().filter(), null, "archive", null, false));
    Run run = take("one");
    Unconditional.delete(stage.store.queues(), "archive", true);
    finish(run, 2);
    Operation came = get(begun.id());
    assertEquals(State.FAILED, came.state());
    assertEquals("Queue \"archive\" was deleted.", came.error());
    assertEquals(Set.of(TaskState.READY), states(ids));
  }

  @Test
  void deleteRemovesFinishedTasks() {
    List<TaskId> dead = dead(12, Stage.wish());
    List<TaskId> done = stage.enqueue(12, Stage.wish());
    stage.claim(12).forEach(stage::succeed);
    TaskId waiting = stage.enqueue(Stage.wish());
    stage.pass(Duration.ofMillis(1));
    assertCame(24, 0, 0, carryOut(Action.DELETE, all()));
    dead.forEach(id -> assertNull(stage.state(id)));
    done.forEach(id -> assertNull(stage.state(id)));
    assertEquals(TaskState.READY, stage.state(waiting));
    assertEquals("0", stage.flow("default", "dead_bytes"));
  }

  @Test
  void eachFieldOfAFilterIsApplied() {
    TaskId one = dead(1, Stage.wish().url("http://one.test:81/")).getFirst();
    stage.pass(Duration.ofMinutes(1));
    TaskId two = stage.enqueue(Stage.wish().url("https://two.test/"));
    stage.settle(Stage.WORKER, stage.verdict(stage.claim(1).getFirst(), new Verdict.Bury(), 0));
    stage.pass(Duration.ofMinutes(1));
    Instant between = Instant.ofEpochMilli(stage.now() - 90_000);

    Which status = all();
    status.status = 404;
    assertEquals(List.of(one), counted(status));
    Which error = all();
    error.error = AttemptError.TIMEOUT;
    assertEquals(List.of(two), counted(error));
    for (String host : List.of("one.test", "one.test:81")) {
      Which of = all();
      of.host = host;
      assertEquals(List.of(one), counted(of), host);
    }
    Which wrongPort = all();
    wrongPort.host = "one.test:80";
    assertEquals(List.of(), counted(wrongPort));
    Which after = all();
    after.createdAfter = between;
    assertEquals(List.of(two), counted(after));
    Which before = all();
    before.createdBefore = between;
    assertEquals(List.of(one), counted(before));
    Which due = all();
    due.dueAfter = between;
    assertEquals(List.of(two), counted(due));
    Which notDue = all();
    notDue.dueBefore = between;
    assertEquals(List.of(one), counted(notDue));
    Which client = all();
    client.clientId = "nobody";
    assertEquals(List.of(), counted(client));
    Which label = all();
    label.label = new Label("a", "b");
    assertEquals(List.of(), counted(label));
    Which anywhere = all();
    anywhere.queue = null;
    anywhere.state = TaskState.DEAD;
    assertEquals(Set.of(one, two), Set.copyOf(counted(anywhere)));
  }

  /** The tasks that a retry would change. */
  private List<TaskId> counted(Which which) {
    Operation came = carryOut(new Order(Action.RETRY, which.filter(), null, null, null, true));
    assertEquals(State.DONE, came.state());
    assertEquals(came.sample().size(), came.counts().done());
    return came.sample();
  }

  @Test
  void aDryRunCountsAndChangesNothing() {
    List<TaskId> dead = dead(25, Stage.wish());
    List<String> before = told(dead);
    List<String> keys = stage.redis.keys("tr:{0}:queue:*");
    Operation came = carryOut(new Order(Action.RETRY, all().filter(), null, null, null, true));
    assertCame(25, 0, 0, came);
    assertEquals(10, came.sample().size());
    assertTrue(dead.containsAll(came.sample()));
    assertEquals(before, told(dead));
    assertEquals(Set.copyOf(keys), Set.copyOf(stage.redis.keys("tr:{0}:queue:*")));
  }

  /** Waiting, due long ago, running, dead and finished tasks, some of each. */
  private void someOfEachState() {
    dead(2, Stage.wish());
    stage.enqueue(3, Stage.wish());
    stage.claim(3).forEach(stage::succeed);
    stage.enqueue(4, Stage.wish());
    stage.claim(4).stream()
        .limit(2)
        .forEach(claim ->
            stage.settle(
                Stage.WORKER, stage.verdict(claim, new Verdict.Retry(Duration.ofHours(2)), 500)));
    stage.enqueue(5, Stage.wish());
    stage.enqueue(6, Stage.wish().in(Duration.ofSeconds(5)));
    stage.enqueue(7, Stage.wish().in(Duration.ofHours(1)));
    stage.pass(Duration.ofSeconds(6));
  }

  @Test
  void aDryRunCountsTheSameAsTheRealRun() {
    List<TaskState> states = new ArrayList<>(List.of(TaskState.values()));
    states.addFirst(null);
    for (Action action : Action.values()) {
      for (TaskState state : states) {
        if (state != null && !action.states().contains(state)) {
          continue;
        }
        for (boolean labels : List.of(false, true)) {
          stage.close();
          REDIS.redis().sync().flushall();
          open();
          someOfEachState();
          Which which = all();
          which.state = state;
          which.clientId = labels ? "abc" : null;
          Order real = order(action, which);
          Order dry = new Order(action, which.filter(), null, real.toQueue(), null, true);
          Counts counted = carryOut(dry).counts();
          Counts done = carryOut(real).counts();
          assertEquals(done, counted, action + " of " + state);
          assertTrue(done.done() > 0 || state == TaskState.CANCELLED, action + " of " + state);
        }
      }
    }
  }

  @Test
  void aForbiddenMoveIsCountedOnceAlthoughItsTaskBecomesDue() {
    for (boolean dry : List.of(false, true)) {
      stage.enqueue(12, Stage.wish().in(Duration.ofSeconds(30)));
      stage.enqueue(12, Stage.wish().in(Duration.ofHours(1)));
      stage.enqueue(12, Stage.wish());
      Unconditional.set(
          stage.store.clients(),
          "abc",
          ClientChange.of().queues(dry ? null : List.of("default")).done());
      stage.pass(Duration.ofMillis(1));
      Operation begun = begin(new Order(Action.MOVE, all().filter(), null, "low", null, dry));
      Run run = take("one");
      for (int i = 0; i < 5; i++) {
        run.step(5); // past the first of them
      }
      stage.pass(Duration.ofMinutes(1));
      for (Claim claim : stage.claim(7)) {
        stage.settle(
            Stage.WORKER, stage.verdict(claim, new Verdict.Retry(Duration.ofMinutes(9)), 500));
      }
      finish(run, 5);
      Counts counts = get(begun.id()).counts();
      long counted = dry ? counts.done() : counts.failed();
      assertTrue(counted >= 29 && counted <= 36, counts.toString());
      assertEquals(counted, counts.done() + counts.failed() + counts.skipped());
      stage.store.queues().purge("default");
      stage.store.tidy();
    }
  }

  @Test
  void runTriesTasksThatFailMeanwhileOnce() {
    List<TaskId> ids = stage.enqueue(20, Stage.wish());
    for (Claim claim : stage.claim(20)) {
      stage.settle(
          Stage.WORKER, stage.verdict(claim, new Verdict.Retry(Duration.ofMinutes(10)), 500));
    }
    stage.pass(Duration.ofMillis(10));
    Operation begun = begin(order(Action.RUN, all()));
    Run run = take("one");
    int rounds = 0;
    while (!(run.step(3) instanceof Step.Over)) {
      stage.pass(Duration.ofMillis(10));
      for (Claim claim : stage.claim(100)) {
        stage.settle(
            Stage.WORKER, stage.verdict(claim, new Verdict.Retry(Duration.ofMinutes(10)), 500));
      }
      assertTrue(rounds++ < 100, "goes round in circles");
    }
    assertCame(20, 0, 0, get(begun.id()));
    for (TaskId id : ids) {
      assertEquals(2, stage.store.tasks().get(id).orElseThrow().attempts().size());
    }
  }

  @Test
  void tasksThatChangeSetsMeanwhileAreCancelledToo() {
    stage.enqueue(30, Stage.wish());
    stage.enqueue(30, Stage.wish().in(Duration.ofSeconds(2)));
    stage.pass(Duration.ofMillis(10));
    begin(order(Action.CANCEL, all()));
    Run run = take("one");
    for (int round = 0; !(run.step(2) instanceof Step.Over); round++) {
      stage.pass(Duration.ofMillis(100));
      for (Claim claim : stage.claim(3)) {
        Verdict again =
            round % 2 == 0
                ? new Verdict.Retry(Duration.ofMillis(150))
                : new Verdict.PutBack(Duration.ofMillis(50));
        stage.settle(Stage.WORKER, stage.verdict(claim, again, 500));
      }
      assertTrue(round < 1000, "goes round in circles");
    }
    Queue.Stats left = stage.store.queues().get("default").orElseThrow().stats();
    assertEquals(0, left.ready() + left.scheduled() + left.retry() + left.active());
  }

  @Test
  void readyTasksOfVeryManyClientsAreAllProcessed() throws TaskStore.BadCursor {
    int clients = 10_500;
    for (int left = clients; left > 0; left -= 100) {
      List<Map.Entry<TaskId, Stage.Wish>> group = new ArrayList<>();
      for (int i = left; i > left - 100; i--) {
        String id = String.format("client%06d", i); // the first turn has the last id
        stage.redis.hset("tr:{0}:client:" + id, Map.of("on", "1", "tier", "default"));
        stage.redis.zadd("tr:{0}:clients", 0, id);
        group.add(Map.entry(stage.id(), Stage.wish().client(id)));
      }
      stage.group(group);
    }
    stage.pass(Duration.ofMillis(10));
    Set<TaskId> listed = new HashSet<>();
    Filter ready = new Filter(null, TaskState.READY, null, null);
    String cursor = null;
    do {
      TaskStore.Page page = stage.store.tasks().list(ready, 1000, cursor);
      page.tasks().forEach(task -> assertTrue(listed.add(task.id()), "listed twice"));
      cursor = page.nextCursor();
    } while (cursor != null);
    assertEquals(clients, listed.size());
    Operation begun = begin(order(Action.CANCEL, all()));
    finish(take("one"), 100);
    assertCame(clients, 0, 0, get(begun.id()));
    assertEquals(0, stage.store.queues().get("default").orElseThrow().stats().ready());
  }

  @Test
  void deleteDoesNotAffectARunningTaskThatIsBeingCancelled() {
    stage.enqueue(1, Stage.wish().labels(SALE));
    Claim claim = stage.claim(1).getFirst();
    stage.store.tasks().cancel(claim.id());
    stage.pass(Duration.ofMillis(10));
    assertCame(0, 0, 0, carryOut(Action.DELETE, sale()));
    assertEquals(TaskState.CANCELLED, stage.state(claim.id()));
    stage.settle(Stage.WORKER, stage.verdict(claim, new Verdict.Succeed(), 200));
    stage.pass(Duration.ofMillis(10));
    assertCame(1, 0, 0, carryOut(Action.DELETE, sale()));
  }

  @Test
  void largeTasksAreCancelledAFewAtATime() {
    stage.enqueue(10, Stage.wish().in(Duration.ofHours(1)));
    stage.enqueue(5, Stage.wish().body("x".repeat(900_000)).in(Duration.ofHours(2)));
    stage.enqueue(40, Stage.wish().in(Duration.ofHours(3)));
    stage.pass(Duration.ofMillis(10));
    Operation begun = begin(order(Action.CANCEL, all()));
    Run run = take("one");
    int most = 0;
    int steps = 0;
    while (run.step(100) instanceof Step.Went(int tasks)) {
      most = Math.max(most, tasks);
      steps++;
    }
    assertCame(55, 0, 0, get(begun.id()));
    assertTrue(most < 55 && steps >= 6, most + " at once, in " + steps + " steps");
  }

  @Test
  void anUnreadableRecordIsSkippedAndTheRestIsProcessed() {
    List<TaskId> ids = stage.enqueue(5, Stage.wish());
    byte[] prefix = Keys.bytes("tr:{0}:task:");
    byte[] key = Arrays.copyOf(prefix, prefix.length + TaskId.BYTES);
    System.arraycopy(ids.get(2).bytes(), 0, key, prefix.length, TaskId.BYTES);
    byte[] record = stage.link.patiently(redis -> redis.get(key));
    stage.link.patiently(redis -> redis.set(key, Arrays.copyOf(record, 80)));
    stage.pass(Duration.ofMillis(10));
    assertCame(4, 0, 1, carryOut(Action.CANCEL, all()));
    stage.link.patiently(redis -> redis.set(key, record));
    assertEquals(TaskState.READY, stage.state(ids.get(2)));
  }

  @Test
  void theTotalIsKnownImmediatelyWhereSetsHaveIt() {
    dead(4, Stage.wish());
    assertEquals(4, begin(order(Action.RETRY, all())).total());
    assertEquals(4, begin(order(Action.DELETE, all())).total());
    Which everywhere = all();
    everywhere.queue = null;
    everywhere.state = TaskState.DEAD;
    assertEquals(4, begin(order(Action.MOVE, everywhere)).total());
    Which some = all();
    some.status = 404;
    assertNull(begin(order(Action.RETRY, some)).total());
    Which cancelled = all();
    cancelled.state = TaskState.CANCELLED;
    assertEquals(0, begin(order(Action.DELETE, cancelled)).total());
  }

  @Test
  void aStopTakesEffectAtOnceAndKeepsTheResults() {
    dead(10, Stage.wish());
    Operation begun = begin(order(Action.RETRY, all()));
    Run run = take("one");
    run.step(3);
    assertEquals(new Step.Went(3), run.step(3));
    assertInstanceOf(Stopped.Done.class, operations.stop(begun.id()));
    assertEquals(new Step.Over(State.STOPPED), run.step(3));
    Operation came = get(begun.id());
    assertEquals(State.STOPPED, came.state());
    assertEquals(3, came.counts().done());
    assertEquals(7, stage.store.queues().get("default").orElseThrow().stats().dead());
    assertInstanceOf(Stopped.Done.class, operations.stop(begun.id()), "again");
    assertEquals(List.of(), operations.lease("two", LEASE, List.of()));
    assertInstanceOf(Stopped.NotFound.class, operations.stop("nothing"));
    Operation done = carryOut(Action.RETRY, all());
    assertEquals(new Stopped.Ended(State.DONE), operations.stop(done.id()));
  }

  @Test
  void aRepeatedChunkIsExecutedAndCountedOnce() {
    List<TaskId> dead = dead(30, Stage.wish());
    Operation begun = begin(order(Action.RETRY, all()));
    Run first = take("one");
    first.step(10); // learns
    first.step(10);
    // The runner is frozen past its lease; another takes over, and the first returns.
    stage.pass(LEASE.plusMillis(1));
    Run second = take("two");
    second.step(10); // learns
    assertEquals(new Step.Went(10), second.step(10));
    first.step(10); // the same chunk as the second's
    assertEquals(20, 30 - stage.store.queues().get("default").orElseThrow().stats().dead());
    finish(second, 10);
    finish(first, 10);
    assertCame(30, 0, 0, get(begun.id()));
    assertEquals(Set.of(TaskState.READY), states(dead));
  }

  @Test
  void onlyOneRunnerHasAnOperationUntilItsLeaseEnds() {
    begin(order(Action.RETRY, all()));
    Run run = take("one");
    assertEquals(List.of(), operations.lease("two", LEASE, List.of()));
    stage.pass(LEASE.minusMillis(1));
    assertEquals(List.of(run), operations.lease("one", LEASE, List.of(run)), "kept");
    stage.pass(LEASE.minusMillis(1));
    assertEquals(List.of(), operations.lease("two", LEASE, List.of()));
    stage.pass(Duration.ofMillis(1));
    assertEquals(1, operations.lease("two", LEASE, List.of()).size());
    assertEquals(List.of(), operations.lease("one", LEASE, List.of(run)), "lost");
    stage.now(stage.now() - Duration.ofHours(1).toMillis());
    assertEquals(1, operations.lease("one", LEASE, List.of()).size(), "a clock set back");
  }

  @Test
  void movesOfTheSameTasksRunOneAfterAnother() {
    List<TaskId> ids = stage.enqueue(10, Stage.wish());
    stage.queue("other", 1);
    stage.pass(Duration.ofMillis(10));
    Which anywhere = new Which();
    anywhere.queue = null;
    Operation first = begin(order(Action.MOVE, anywhere));
    stage.pass(Duration.ofMillis(10));
    Operation second = begin(new Order(Action.MOVE, anywhere.filter(), null, "other", null, false));
    Run run = take("one");
    assertEquals(first.id(), run.operation().id());
    assertEquals(List.of(), operations.lease("two", LEASE, List.of()), "the second one waits");
    run.step(4);
    assertEquals(List.of(run), operations.lease("one", LEASE, List.of(run)));
    finish(run, 4);
    finish(take("two"), 4);
    assertCame(10, 0, 0, get(first.id()));
    assertCame(10, 0, 0, get(second.id()));
    ids.forEach(id -> assertEquals("other", queueOf(id)));
  }

  @Test
  void theListShowsTheProgress() {
    dead(10, Stage.wish());
    Operation begun = begin(order(Action.RETRY, all()));
    Run run = take("one");
    run.step(4);
    run.step(4);
    assertEquals(Counts.NONE, get(begun.id()).counts());
    operations.lease("one", LEASE, List.of(run));
    assertEquals(new Counts(4, 0, 0), get(begun.id()).counts());
    assertEquals(4, get(begun.id()).sample().size());
    assertEquals(State.RUNNING, get(begun.id()).state());
  }

  @Test
  void theListIsBounded() {
    Operation old = carryOut(Action.RETRY, all());
    stage.pass(OperationStore.KEPT.plusMillis(20));
    Order own = new Order(Action.RETRY, all().filter(), "abc", null, null, false);
    for (int i = 0; i < OperationStore.OWN_MAX; i++) {
      begin(own);
    }
    assertFalse(operations.get(old.id()).isPresent(), "older than it is kept");
    assertInstanceOf(Begun.TooMany.class, operations.begin(own));
    for (int i = OperationStore.OWN_MAX; i < OperationStore.RUNNING_MAX; i++) {
      begin(order(Action.RETRY, all()));
    }
    assertInstanceOf(Begun.TooMany.class, operations.begin(order(Action.RETRY, all())));
    assertEquals(OperationStore.OWN_MAX, operations.list("abc", 1000).size());
    assertEquals(OperationStore.RUNNING_MAX, operations.list(null, 1000).size());
    assertEquals(3, operations.list(null, 3).size());
    for (int i = 0; i < OperationStore.KEPT_MAX; i++) {
      String id = "00000000-0000-0000-0000-" + String.format("%012d", i);
      stage.redis.hset("tr:{config}:operation:" + id, Map.of("action", "run", "state", "done"));
      stage.redis.zadd("tr:{config}:operations", stage.now() + 1, id);
    }
    stage.pass(Duration.ofMillis(2));
    operations.stop(operations.list("abc", 1).getFirst().id());
    begin(own);
    assertEquals(OperationStore.KEPT_MAX, operations.list(null, 5000).size());
    assertEquals(OperationStore.KEPT_MAX, stage.redis.zcard("tr:{config}:operations"));
    assertEquals(OperationStore.RUNNING_MAX, stage.redis.zcard("tr:{config}:operations:running"));
  }

  @Test
  void anUnknownQueueIsRejected() {
    Which nowhere = all();
    nowhere.queue = "nowhere";
    assertEquals(
        new Begun.QueueNotFound("nowhere"), operations.begin(order(Action.RETRY, nowhere)));
    assertEquals(
        new Begun.QueueNotFound("nowhere"),
        operations.begin(new Order(Action.MOVE, all().filter(), null, "nowhere", null, false)));
  }

  @Test
  void aDeletedClientGetsNoTasksBack() {
    List<TaskId> dead = dead(6, Stage.wish());
    Unconditional.delete(stage.store.clients(), "abc");
    Operation came = carryOut(Action.RETRY, all());
    assertCame(0, 6, 0, came);
    assertEquals(Set.of(TaskState.DEAD), states(dead));
  }

  @Test
  void theDataOfAnOperationInTheShardsExpires() {
    stage.enqueue(Stage.wish());
    String key = "tr:{0}:operation:" + carryOut(Action.CANCEL, all()).id();
    long days = Duration.ofMillis(stage.redis.pttl(key)).toDays();
    assertTrue(days >= 6 && days <= 7, "for " + days + " days");
    stage.redis.persist(key);
    assertEquals("key_never_expires", stage.store.doctor().repair(false).getFirst().kind());
    assertTrue(stage.redis.pttl(key) > 0);
  }

  @Test
  void theParametersOfAnOperationAreStoredCompletely() {
    Which which = all();
    which.state = TaskState.DEAD;
    which.clientId = "abc";
    which.label = new Label("größe", "a:b");
    which.host = "h.test:8080";
    which.status = 503;
    which.error = AttemptError.TIMEOUT;
    which.createdAfter = Instant.ofEpochMilli(1);
    which.createdBefore = Instant.ofEpochMilli(2);
    which.dueAfter = Instant.ofEpochMilli(3);
    which.dueBefore = Instant.ofEpochMilli(4);
    Order order = new Order(Action.MOVE, which.filter(), "abc", "low", 2.5, true);
    assertEquals(order, get(begin(order).id()).order());
    Order bare = new Order(Action.RETRY, all().filter(), null, null, null, false);
    assertEquals(bare, get(begin(bare).id()).order());
  }
}
