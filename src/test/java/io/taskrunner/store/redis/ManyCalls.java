package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.WORKER;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.taskrunner.store.Operation.Action;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.OperationStore.Begun;
import io.taskrunner.store.OperationStore.Run;
import io.taskrunner.store.OperationStore.Step;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Label;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Exchange;
import io.taskrunner.store.WorkStore.GateAnswer;
import io.taskrunner.store.WorkStore.Running;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The calls of a worker, of an admin and of the housekeeping, many at a time. */
record ManyCalls(Stage stage) {

  private static final int SLOTS = 100;
  private static final int VERDICTS = 200;

  List<Claim> claim(int rounds) {
    List<Claim> claims = new ArrayList<>();
    for (int i = 0; i < rounds; i++) {
      claims.addAll(begun(stage.exchange(WORKER, SLOTS)));
    }
    return claims;
  }

  /** Tasks that may begin; those that a gate rejected are settled as held. */
  List<Claim> begun(Exchange exchange) {
    List<Claim> begun = new ArrayList<>(exchange.claims());
    GateAnswer answer = exchange.atGates().answer().toCompletableFuture().join();
    begun.addAll(answer.passed());
    settle(
        answer.refused().stream()
            .map(one -> stage.verdict(one.claim(), one.verdict(), -1))
            .toList());
    return begun;
  }

  /** Claims until a claim returns no task and expects no more. */
  List<Claim> claimAll(int roundsMost) {
    List<Claim> claims = new ArrayList<>();
    int empty = 0;
    for (int i = 0; i < roundsMost && empty < 3; i++) {
      Exchange exchange = stage.exchange(WORKER, SLOTS);
      List<Claim> given = begun(exchange);
      claims.addAll(given);
      empty = given.isEmpty() && !exchange.again() ? empty + 1 : 0;
    }
    return claims;
  }

  void settle(List<Claim> claims, Verdict verdict, BreakerReport report) {
    settle(claims.stream().map(claim -> stage.verdict(claim, verdict, 200, report)).toList());
  }

  private void settle(List<Settlement> verdicts) {
    int settled = 0;
    while (settled < verdicts.size()) { // the store may take only the first of them
      List<Settlement> some =
          verdicts.subList(settled, Math.min(verdicts.size(), settled + VERDICTS));
      settled += stage.store.works().getFirst().settle(WORKER, some).size();
    }
  }

  void succeed(List<Claim> claims) {
    settle(claims, new Verdict.Succeed(), new BreakerReport.Good());
  }

  void renew(List<Claim> claims) {
    stage
        .store
        .works()
        .getFirst()
        .renew(
            WORKER,
            Stage.LEASE,
            claims.stream().limit(500).map(one -> new Running(one.id(), one.number())).toList());
  }

  private static Filter filter(
      @Nullable String queue, @Nullable TaskState state, @Nullable String client) {
    return new Filter(queue, state, client, null);
  }

  /** Pages of tasks and statistics, as shown to callers. */
  void look() {
    try {
      for (TaskState state : TaskState.values()) {
        list(filter("default", state, null));
      }
      list(filter(null, null, null));
      list(filter(null, TaskState.READY, "abc"));
      list(filter(null, TaskState.DEAD, "abc"));
      list(new Filter(null, null, null, new Label("color", "red")));
      list(
          new Filter(
              null, null, null, null, "no.test", 500, null, null, null, null, null, List.of()));
      stage.store.clients().list(100, null);
    } catch (BadCursor impossible) {
      throw new AssertionError(impossible);
    }
    stage.store.queues().list();
    stage.store.queues().deadSummary("default");
    stage.store.hosts().list();
  }

  private void list(Filter filter) throws BadCursor {
    stage.store.tasks().count(filter, null);
    String next = stage.store.tasks().list(filter, 1000, null).nextCursor();
    if (next != null) {
      stage.store.tasks().list(filter, 50, next);
    }
  }

  /** Some chunks of each operation on many tasks. */
  void operate(int steps) {
    for (boolean dry : new boolean[] {true, false}) {
      for (Action action : Action.values()) {
        String to = action == Action.MOVE ? "low" : null;
        operate(new Order(action, filter("default", null, null), null, to, null, dry), steps);
      }
    }
  }

  private void operate(Order order, int steps) {
    Begun.Entered begun =
        assertInstanceOf(Begun.Entered.class, stage.store.operations().begin(order));
    stage.pass(Duration.ofMillis(1));
    String id = begun.operation().id();
    List<Run> runs = stage.store.operations().lease("one", Duration.ofSeconds(5), List.of());
    for (Run run : runs) {
      for (int i = 0; i < steps && !(run.step(50) instanceof Step.Over); i++) {}
    }
    stage.store.operations().lease("one", Duration.ofSeconds(5), runs);
    stage.store.operations().stop(id);
    runs.forEach(run -> run.step(1));
    stage.store.operations().lease("one", Duration.ofSeconds(5), List.of());
    stage.pass(Duration.ofSeconds(6));
  }

  void tidy(int times) {
    for (int i = 0; i < times; i++) {
      stage.pass(Duration.ofSeconds(1));
      stage.store.tidy();
    }
  }

  void dropQueue(String name) {
    stage.store.queues().purge(name);
    tidy(3);
    claim(3);
    Unconditional.delete(stage.store.queues(), "side", true);
    tidy(3);
  }
}
