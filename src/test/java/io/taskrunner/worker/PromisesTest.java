package io.taskrunner.worker;

import static java.time.Duration.ZERO;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.TaskStore.Moved;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Retry;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import io.taskrunner.worker.Target.Arrival;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The guarantees of workers, with a real Redis, real requests and a real target. */
@Timeout(120)
class PromisesTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  /** The shortest that is allowed. */
  private static final Duration LEASE = ofSeconds(5);

  private Rig rig;
  private Target target;

  @BeforeEach
  void start() throws Exception {
    rig = new Rig(REDIS.settings(), REDIS.server().port());
    target = new Target();
  }

  @AfterEach
  void stop() throws Exception {
    rig.close();
    target.close();
  }

  @Test
  void aTaskWhoseWorkerDiedIsDeliveredByAnother() throws Exception {
    target.answers(arrival ->
        arrival.header("x-cloudtasks-taskretrycount").equals("0")
            ? new CompletableFuture<>() // The first never ends: its worker dies over it.
            : CompletableFuture.completedFuture(200));
    WorkerProcess.Child first = rig.process(4, LEASE);
    TaskId id = rig.enqueue("mia", "default", target.url("/once"));
    target.awaitCount(1, ofSeconds(20));

    rig.worker(4, LEASE).start();
    first.kill();

    target.awaitCount(2, ofSeconds(20));
    Task task = rig.finished(id);
    assertEquals(TaskState.SUCCEEDED, task.state());
    List<Attempt> attempts = task.attempts();
    assertEquals(2, attempts.size());
    assertEquals(Optional.of(AttemptError.LEASE_LOST), attempts.get(0).error());
    assertEquals(OptionalInt.of(200), attempts.get(1).status());
    long before = claim(target.arrivals().get(0));
    assertTrue(claim(target.arrivals().get(1)) > before, "the claim grows");
  }

  private static long claim(Arrival arrival) {
    return Long.parseLong(arrival.header("x-task-runner-claim"));
  }

  @Test
  void twoWorkersRunTenThousandTasksOnceEach() throws Exception {
    int tasks = 10_000;
    WorkerProcess.Child one = rig.process(32, LEASE);
    WorkerProcess.Child two = rig.process(32, LEASE);
    List<TaskId> ids = new ArrayList<>();
    for (int client = 0; client < 10; client++) {
      ids.addAll(rig.enqueue(tasks / 10, "client-" + client, "default", target.url("/")));
    }
    target.awaitCount(tasks, ofSeconds(90));
    for (TaskId id : ids) {
      assertEquals(TaskState.SUCCEEDED, rig.finished(id).state());
    }
    long byOne = one.stop();
    long byTwo = two.stop();
    assertEquals(tasks, byOne + byTwo, "claims");
    assertTrue(byOne > 0 && byTwo > 0, byOne + " and " + byTwo);

    List<String> arrived = target.arrivals().stream().map(Arrival::task).toList();
    assertEquals(tasks, arrived.size(), "none twice");
    Set<String> expected = ids.stream().map(TaskId::toString).collect(Collectors.toSet());
    assertEquals(expected, new HashSet<>(arrived), "none lost");
  }

  @Test
  void weights631HoldWithin10PercentUnderSaturation() throws Exception {
    Map<String, Integer> backlog = Map.of("critical", 2400, "default", 1200, "low", 400);
    for (Map.Entry<String, Integer> queue : backlog.entrySet()) {
      for (int client = 0; client < 4; client++) {
        rig.enqueue(queue.getValue() / 4, "client-" + client, queue.getKey(), target.url("/"));
      }
    }
    target.answers(arrival -> Target.after(ofMillis(2), 200));
    rig.worker(8, ofSeconds(30)).start();
    int seen = 3000; // All three still have a backlog.
    target.awaitCount(seen, ofSeconds(60));
    Map<String, Long> starts =
        target.arrivals().stream()
            .limit(seen)
            .map(arrival -> arrival.header("x-cloudtasks-queuename"))
            .collect(Collectors.groupingBy(queue -> queue, Collectors.counting()));
    assertWithin10Percent(seen * 0.6, starts.get("critical"));
    assertWithin10Percent(seen * 0.3, starts.get("default"));
    assertWithin10Percent(seen * 0.1, starts.get("low"));
  }

  private static void assertWithin10Percent(double expected, long actual) {
    assertTrue(
        Math.abs(actual - expected) <= expected / 10,
        actual + " (expected: about " + expected + ")");
  }

  @Test
  void aBacklogOf3000DelaysAnotherClientByOneTurnAtMost() throws Exception {
    int slots = 4;
    target.answers(arrival -> Target.after(ofMillis(30), 200));
    rig.enqueue(3000, "bulk", "default", target.url("/bulk"));
    rig.worker(slots, ofSeconds(30)).start();
    target.awaitCount(40, ofSeconds(20));

    long startedBefore = target.count();
    rig.enqueue("urgent", "default", target.url("/urgent"));
    long until = System.nanoTime() + ofSeconds(10).toNanos();
    Optional<Integer> at = Optional.empty();
    while (at.isEmpty() && System.nanoTime() < until) {
      target.awaitCount(target.count() + 1, ofSeconds(10));
      at = positionOf("/urgent");
    }
    long between = at.orElseThrow() - startedBefore;
    // Those of the claim in flight, and one turn of each slot.
    assertTrue(between <= 2L * slots, between + " tasks of the backlog went first");
  }

  private Optional<Integer> positionOf(String path) {
    List<Arrival> all = target.arrivals();
    for (int i = 0; i < all.size(); i++) {
      if (all.get(i).path().equals(path)) {
        return Optional.of(i);
      }
    }
    return Optional.empty();
  }

  @Test
  void tasksOfAFreeClientNeverOverlap() throws Exception {
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    target.answers(arrival -> {
      most.accumulateAndGet(running.incrementAndGet(), Math::max);
      return Target.after(ofMillis(5), 200)
          .thenApply(status -> {
            running.decrementAndGet();
            return status;
          });
    });
    rig.worker(8, ofSeconds(30)).start();
    rig.worker(8, ofSeconds(30)).start();
    rig.client("freda", 1);
    List<TaskId> ids = rig.enqueue(100, "freda", "default", target.url("/"));
    ids.addAll(rig.enqueue(100, "freda", "critical", target.url("/")));
    target.awaitCount(200, ofSeconds(60));
    for (TaskId id : ids) {
      assertEquals(TaskState.SUCCEEDED, rig.finished(id).state());
    }
    assertEquals(1, most.get(), "at once");
  }

  @Test
  void cancelAbortsARunningRequestWithinASecond() throws Exception {
    target.answers(arrival -> new CompletableFuture<>());
    rig.worker(4, ofSeconds(30)).start();
    TaskId id = rig.enqueue("mia", "default", target.url("/"));
    target.awaitCount(1, ofSeconds(10));
    long before = System.nanoTime();
    assertInstanceOf(Moved.Done.class, rig.tasks().cancel(id));
    target.arrivals().getFirst().over().get(1, TimeUnit.SECONDS);
    assertTrue(System.nanoTime() - before < ofSeconds(1).toNanos());
    assertEquals(TaskState.CANCELLED, rig.finished(id).state());
    assertEquals(1, target.count(), "not retried");
  }

  @Test
  void anOpenBreakerStopsRequestsAndUsesNoAttempt() throws Exception {
    AtomicInteger status = new AtomicInteger(500);
    target.answers(arrival -> CompletableFuture.completedFuture(status.get()));
    rig.breaker(3, ofSeconds(2), 2);
    Retry quick = new Retry(5, ofMillis(1), ofMillis(10), null, null, null);
    rig.worker(2, ofSeconds(30)).start();
    List<TaskId> ids = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      ids.add(rig.enqueue("mia", "default", target.url("/"), quick));
    }
    rig.awaitBreakers(1);
    status.set(200);
    int attempts = 0;
    for (TaskId id : ids) {
      Task task = rig.finished(id);
      assertEquals(TaskState.SUCCEEDED, task.state());
      attempts += task.attempts().size();
    }
    assertEquals(target.count(), attempts, "only what was sent is an attempt");
    int sent = untilPause(target.arrivals(), ofMillis(800));
    assertTrue(sent <= 3 + 2, sent + " requests before the host was spared");
    rig.awaitBreakers(0);
  }

  /** The number of requests before the first pause of this length; all, if there was none. */
  private static int untilPause(List<Arrival> arrivals, Duration pause) {
    int count = 1;
    while (count < arrivals.size()
        && arrivals.get(count).nanos() - arrivals.get(count - 1).nanos() < pause.toNanos()) {
      count++;
    }
    return count;
  }

  @Test
  void aShutdownCostsNoAttempt() throws Exception {
    Map<String, AtomicInteger> seen = new ConcurrentHashMap<>();
    target.answers(arrival ->
        seen.computeIfAbsent(arrival.task(), task -> new AtomicInteger()).incrementAndGet() == 1
            ? new CompletableFuture<>()
            : CompletableFuture.completedFuture(200));
    Worker first = rig.worker(4, ofSeconds(30));
    first.start();
    Retry none = new Retry(0, null, null, null, null, null);
    TaskId id = rig.enqueue("mia", "default", target.url("/"), none);
    target.awaitCount(1, ofSeconds(10));
    first.stop(ZERO);
    target.arrivals().getFirst().over().get(1, TimeUnit.SECONDS);
    Task between = rig.tasks().get(id).orElseThrow();
    assertEquals(TaskState.READY, between.state());
    assertEquals(List.of(), between.attempts());

    rig.worker(4, ofSeconds(30)).start();
    target.awaitCount(2, ofSeconds(10));
    Task task = rig.finished(id);
    assertEquals(TaskState.SUCCEEDED, task.state());
    assertEquals(1, task.attempts().size());
    assertEquals(1, task.attempts().getFirst().number());
  }

  @Test
  void threeBusyQueuesOfTenThousandAreServedPromptly() throws Exception {
    QueueSettings settings = QueueSettings.defaults(1);
    try (ExecutorService several = Executors.newFixedThreadPool(32, Thread.ofVirtual().factory())) {
      List<Future<Boolean>> made = new ArrayList<>();
      for (int i = 0; i < 10_000; i++) {
        String name = "queue-" + i;
        made.add(several.submit(() -> Unconditional.put(rig.queues(), name, settings)));
      }
      for (Future<Boolean> one : made) {
        assertTrue(one.get());
      }
    }
    rig.worker(8, ofSeconds(30)).start();
    List<TaskId> ids = new ArrayList<>();
    long before = System.nanoTime();
    for (String queue : List.of("queue-1", "queue-5000", "queue-9999")) {
      ids.addAll(rig.enqueue(100, "mia", queue, target.url("/" + queue)));
    }
    target.awaitCount(300, ofSeconds(20));
    assertTrue(System.nanoTime() - before < ofSeconds(10).toNanos());
    for (TaskId id : ids) {
      assertEquals(TaskState.SUCCEEDED, rig.finished(id).state());
    }
  }
}
