package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.taskrunner.store.QueueStore;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.task.Callback;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The time that a task was asked to run at is kept, whatever becomes of it. */
class PlannedTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final Duration HOUR = Duration.ofHours(1);
  private static final Instant START = Instant.ofEpochMilli(Stage.START);

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
    stage.client("abc", 10);
  }

  @AfterEach
  void close() {
    stage.proven();
    stage.close();
  }

  private Task task(TaskId id) {
    return stage.store.tasks().get(id).orElseThrow();
  }

  private byte[] record(TaskId id) {
    byte[] prefix = Keys.bytes("tr:{0}:task:");
    byte[] key = Arrays.copyOf(prefix, prefix.length + TaskId.BYTES);
    System.arraycopy(id.bytes(), 0, key, prefix.length, TaskId.BYTES);
    return stage.link.patiently(redis -> redis.get(key));
  }

  /** Fails the running attempt of a task. */
  private void fail(Verdict verdict) {
    Claim claim = stage.claim(1).getFirst();
    stage.settle(Stage.WORKER, stage.verdict(claim, verdict, 500));
  }

  @Test
  void aDelayedTaskKeepsItsTime() {
    TaskId id = stage.enqueue(Stage.wish().in(HOUR));
    assertEquals(START.plus(HOUR), task(id).scheduled());
    assertEquals(START.plus(HOUR), task(id).due());
    stage.store.tasks().runNow(id);
    assertEquals(START, task(id).due());
    fail(new Verdict.Retry(Duration.ofSeconds(20)));
    assertEquals(START.plusSeconds(20), task(id).due());
    stage.pass(Duration.ofSeconds(20));
    fail(new Verdict.Bury());
    assertEquals(TaskState.DEAD, task(id).state());
    stage.store.tasks().retry(id);
    assertEquals(START.plusSeconds(20), task(id).due());
    assertEquals(START.plus(HOUR), task(id).scheduled());
    stage.succeed(stage.claim(1).getFirst());
    assertEquals(TaskState.SUCCEEDED, task(id).state());
    assertEquals(START.plus(HOUR), task(id).scheduled());
  }

  @Test
  void aTaskThatIsDueAtOnceWasAskedForWhenItWasCreated() {
    TaskId id = stage.enqueue(Stage.wish());
    stage.pass(Duration.ofSeconds(5));
    fail(new Verdict.Retry(Duration.ofSeconds(20)));
    assertEquals(START, task(id).scheduled());
    assertEquals(START.plusSeconds(25), task(id).due());
  }

  @Test
  void onlyATaskWithATimeHasALongerRecord() {
    TaskId plain = stage.enqueue(Stage.wish());
    TaskId delayed = stage.enqueue(Stage.wish().in(HOUR));
    TaskId past = stage.enqueue(Stage.wish().at(Stage.START - 1));
    assertEquals(6, record(delayed).length - record(plain).length);
    assertEquals(START, task(past).scheduled(), "a time in the past is now");
  }

  @Test
  void whatFollowsTheTimeInTheRecordIsFound() throws TaskStore.BadCursor {
    TargetUrl url = ((TargetUrl.Parsed.Good) TargetUrl.parse("https://example.org/done")).url();
    TaskId id =
        stage.enqueue(
            Stage.wish()
                .in(HOUR)
                .url("https://host.example/x")
                .labels(Map.of("a", "b"))
                .retry(new Retry(0, null, null, null, null, null))
                .limits(1, null)
                .callback(new Callback(url, List.of(), Callback.USUAL)));
    TaskStore.Filter byLabel =
        new TaskStore.Filter(null, null, null, new TaskStore.Label("a", "b"));
    assertEquals(
        List.of(id),
        stage.store.tasks().list(byLabel, 10, null).tasks().stream().map(Task::id).toList());
    stage.pass(HOUR);
    Claim claim = stage.claim(1).getFirst();
    assertEquals("https://host.example/x", claim.spec().request().url().value());
    stage.settle(Stage.WORKER, stage.verdict(claim, new Verdict.Bury(), 500));
    assertEquals(
        List.of(new QueueStore.DeadGroup("host.example:443", "http_500", 1)),
        stage.store.queues().deadSummary("default").orElseThrow().groups());
    Claim told = stage.claim(1).getFirst();
    assertEquals(id, told.spec().callbackOf());
    assertEquals(Instant.ofEpochMilli(stage.now()), task(told.id()).scheduled());
  }
}
