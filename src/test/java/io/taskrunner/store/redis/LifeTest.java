package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Exchange;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** One task's path through the store, move by move. */
class LifeTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String WORKER = "00000000000000aa";

  private RedisStore store;
  private long request;

  @BeforeEach
  void open() {
    store = RedisStore.open(StoreOptions.defaults(REDIS.settings()));
  }

  @AfterEach
  void close() {
    store.close();
  }

  private TaskId enqueue(Duration delay, Duration retention) {
    TargetUrl url = ((TargetUrl.Parsed.Good) TargetUrl.parse("http://example.com:81/a?b=c")).url();
    TargetRequest call =
        new TargetRequest(
            "POST",
            url,
            List.of(new TargetRequest.Header("X-A", "b")),
            "hello".getBytes(StandardCharsets.UTF_8),
            true);
    Task.TaskSpec spec =
        new Task.TaskSpec(
            call, Retry.UNSET, null, null, null, retention, Map.of("k", "v"), null, null);
    EnqueueResult result =
        store
            .tasks()
            .enqueue(
                new Enqueue(
                    "abc",
                    Enqueue.Proof.OPEN,
                    "default",
                    new Enqueue.When.In(delay),
                    spec,
                    null,
                    null,
                    null))
            .join();
    return assertInstanceOf(EnqueueResult.Enqueued.class, result).id();
  }

  private Exchange claim(int slots, Settlement... verdicts) {
    return store
        .works()
        .getFirst()
        .exchange(
            List.of(verdicts),
            new ClaimRequest(WORKER, ++request, slots, Duration.ofSeconds(30), 5, 0));
  }

  @Test
  void aTaskIsEnqueuedClaimedAndSettled() throws Exception {
    TaskId id = enqueue(Duration.ZERO, Duration.ofHours(1));
    assertEquals(TaskState.READY, store.tasks().get(id).orElseThrow().state());

    Exchange exchange = claim(10);
    assertEquals(1, exchange.claims().size());
    Claim claim = exchange.claims().getFirst();
    assertEquals(id, claim.id());
    assertEquals(1, claim.start().attempt());
    assertEquals("default", claim.queue());
    assertEquals("hello", new String(claim.spec().request().body(), StandardCharsets.UTF_8));
    assertEquals(TaskState.ACTIVE, store.tasks().get(id).orElseThrow().state());

    Attempt attempt =
        new Attempt(
            1, Instant.now(), Duration.ofMillis(3), OptionalInt.of(200), Optional.empty(), "");
    Settlement done =
        new Settlement(
            id,
            claim.number(),
            new Verdict.Succeed(),
            attempt,
            Duration.ZERO,
            new BreakerReport.None());
    assertEquals(List.of(WorkStore.Settled.DONE), claim(10, done).settled());
    Task task = store.tasks().get(id).orElseThrow();
    assertEquals(TaskState.SUCCEEDED, task.state());
    assertTrue(task.bodyDropped());
    assertEquals(List.of(WorkStore.Settled.REPEATED), claim(10, done).settled());
    assertEquals(1, store.queues().get("default").orElseThrow().stats().succeeded());
    TaskStore.Page page =
        store
            .tasks()
            .list(new TaskStore.Filter(null, null, null, new TaskStore.Label("k", "v")), 10, null);
    assertEquals(List.of(id), page.tasks().stream().map(Task::id).toList());
  }

  @Test
  void aFailedAttemptIsRetriedUntilTheTaskIsDead() {
    TaskId id = enqueue(Duration.ZERO, Duration.ofHours(1));
    Claim claim = claim(1).claims().getFirst();
    Attempt attempt =
        new Attempt(
            1, Instant.now(), Duration.ofMillis(3), OptionalInt.of(500), Optional.empty(), "");
    claim(
        0,
        new Settlement(
            id,
            claim.number(),
            new Verdict.Retry(Duration.ofSeconds(10)),
            attempt,
            Duration.ZERO,
            new BreakerReport.None()));
    assertEquals(TaskState.RETRY, store.tasks().get(id).orElseThrow().state());
    assertInstanceOf(TaskStore.Moved.Done.class, store.tasks().runNow(id));
    Claim second = claim(1).claims().getFirst();
    assertEquals(2, second.start().attempt());
    assertEquals(OptionalInt.of(500), second.start().previousStatus());
    claim(
        0,
        new Settlement(
            id,
            second.number(),
            new Verdict.Bury(),
            attempt,
            Duration.ZERO,
            new BreakerReport.None()));
    assertEquals(TaskState.DEAD, store.tasks().get(id).orElseThrow().state());
    assertEquals(2, store.tasks().get(id).orElseThrow().attempts().size());
    assertInstanceOf(TaskStore.Moved.Done.class, store.tasks().retry(id));
    assertEquals(1, claim(1).claims().getFirst().start().attempt());
  }

  @Test
  void aScheduledTaskWaitsAndCanBeCancelled() {
    TaskId id = enqueue(Duration.ofMinutes(5), Duration.ZERO);
    assertEquals(TaskState.SCHEDULED, store.tasks().get(id).orElseThrow().state());
    assertTrue(claim(5).claims().isEmpty());
    assertInstanceOf(TaskStore.Moved.Done.class, store.tasks().cancel(id));
    assertTrue(store.tasks().get(id).isEmpty());
  }
}
