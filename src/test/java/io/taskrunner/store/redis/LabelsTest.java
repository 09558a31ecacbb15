package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.LEASE;
import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.schedule.CatchUp;
import io.taskrunner.schedule.Overlap;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.ScheduleStore.Ran;
import io.taskrunner.store.TaskStore.Label;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.record.Digests;
import io.taskrunner.task.Callback;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest.Header;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Ticks;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A task is in the index of each of its labels from its creation until it is gone. */
class LabelsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final Map<String, String> LABELS = Map.of("env", "prod", "größe", "\0\"ß");
  private static final Duration HOUR = Duration.ofHours(1);

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
    stage.client("abc", 100);
  }

  @AfterEach
  void close() {
    stage.proven();
    stage.close();
  }

  private static Stage.Wish labeled() {
    return wish().labels(LABELS);
  }

  /** As many tasks are in the index of each of the labels. */
  private void assertIndexed(int count) {
    LABELS.forEach((name, value) -> {
      String index = "tr:{0}:label:" + Digests.ofLabel(new Label(name, value));
      assertEquals(count, stage.redis.zcard(index), name);
    });
    stage.proven();
  }

  private void later(Duration time) {
    stage.pass(time);
    stage.store.tidy();
  }

  private Claim claimed(Stage.Wish wish) {
    stage.enqueue(wish);
    return stage.claim(1).getFirst();
  }

  private void dead(Stage.Wish wish) {
    Claim claim = claimed(wish);
    stage.settle(WORKER, stage.verdict(claim, new Verdict.Bury(), 404));
  }

  @Test
  void aSucceededTaskIsIndexedForItsRetention() {
    stage.succeed(claimed(labeled()));
    assertIndexed(1);
    later(HOUR);
    assertIndexed(0);
  }

  @Test
  void aTaskWithoutRetentionLeavesTheIndexAtItsEnd() {
    stage.succeed(claimed(labeled().retention(Duration.ZERO)));
    assertIndexed(0);
    stage.store.tasks().cancel(stage.enqueue(labeled().in(HOUR).retention(Duration.ZERO)));
    assertIndexed(0);
  }

  @Test
  void aRepeatedEnqueueIsIndexedOnce() {
    var once = List.of(Map.entry(stage.id(), labeled()));
    stage.group(once);
    stage.group(once);
    assertIndexed(1);
  }

  @Test
  void labelsAreFoundAtEveryPositionOfTheRecord() {
    TargetUrl url = ((TargetUrl.Parsed.Good) TargetUrl.parse("http://done.test/x")).url();
    String owner = "o".repeat(64);
    stage.client(owner, 10);
    TaskId id =
        stage.enqueue(
            labeled()
                .client(owner)
                .url("http://example.com/" + "x".repeat(1000))
                .body("y".repeat(100_000))
                .expires(stage.now() + 100_000)
                .limits(2, null)
                .retry(new Retry(3, null, null, null, null, null))
                .callback(
                    new Callback(
                        url, List.of(new Header("X-B", "z".repeat(500))), Callback.USUAL)));
    assertIndexed(1);
    stage.succeed(stage.claim(1).getFirst());
    assertEquals(TaskState.SUCCEEDED, stage.state(id));
    assertIndexed(1);
    later(HOUR);
    assertIndexed(0);
  }

  @Test
  void deadTasksAreIndexedUntilTheyAreDropped() {
    dead(labeled());
    assertIndexed(1);
    stage.store.queues().replayDead("default", 1L, null);
    assertIndexed(1);
    Claim claim = stage.claim(1).getFirst();
    stage.settle(WORKER, stage.verdict(claim, new Verdict.Bury(), 404));
    stage.store.queues().dropDead("default");
    later(Duration.ofMillis(1));
    assertIndexed(0);
  }

  @Test
  void anExpiredTaskIsDeadAndStaysIndexed() {
    stage.enqueue(labeled().expires(stage.now() + 1000));
    stage.pass(Duration.ofSeconds(2));
    assertEquals(List.of(), stage.claim(1));
    assertIndexed(1);
    later(QueueSettings.defaults(1).deadRetention());
    assertIndexed(0);
  }

  @Test
  void aLostLeaseAndARetryKeepTheIndex() {
    claimed(labeled());
    for (int i = 0; i < 3; i++) {
      stage.pass(LEASE.dividedBy(2));
      stage.claim(0);
    }
    assertIndexed(1);
  }

  @Test
  void aTrimmedTaskLeavesTheIndex() {
    QueueSettings d = QueueSettings.defaults(1);
    Unconditional.put(
        stage.store.queues(),
        "default",
        new QueueSettings(
            1, null, null, null, Retry.UNSET, null, d.deadRetention(), 2, d.deadMaxBytes(), 2));
    for (int i = 0; i < 5; i++) {
      stage.succeed(claimed(labeled()));
      stage.pass(Duration.ofMillis(1));
    }
    assertIndexed(2);
    for (int i = 0; i < 5; i++) {
      dead(labeled());
      stage.pass(Duration.ofMillis(1));
    }
    assertIndexed(4);
    assertEquals(2, stage.moves.run(Script.TRIM_DONE, stage.n("default")).number());
    assertIndexed(2);
  }

  @Test
  void aPurgeRemovesWaitingAndRunningTasksFromTheIndex() {
    final Claim claim = claimed(labeled());
    stage.enqueue(labeled());
    stage.enqueue(labeled().in(HOUR));
    stage.store.queues().purge("default");
    later(Duration.ZERO);
    assertIndexed(1);
    stage.succeed(claim);
    assertIndexed(0);
  }

  @Test
  void aDeletedQueueLeavesNothing() {
    stage.queue("other", 1);
    dead(labeled().queue("other"));
    stage.succeed(claimed(labeled().queue("other")));
    final Claim claim = claimed(labeled().queue("other"));
    stage.enqueue(labeled().queue("other").in(HOUR));
    Unconditional.delete(stage.store.queues(), "other", true);
    later(Duration.ofMillis(1));
    assertIndexed(1);
    stage.succeed(claim);
    assertIndexed(0);
  }

  @Test
  void tasksOfADeletedClientAreCancelledAndThenUnindexed() {
    stage.enqueue(labeled());
    stage.enqueue(labeled().in(HOUR));
    Unconditional.delete(stage.store.clients(), "abc");
    later(Duration.ofMillis(1));
    assertIndexed(2);
    later(HOUR);
    assertIndexed(0);
  }

  @Test
  void tasksOfAScheduleHaveItsLabels() {
    Unconditional.put(
        stage.store.schedules(),
        "s",
        new Schedule.Settings(
            "abc",
            "default",
            new Rhythm.Every(Duration.ofMinutes(1)),
            Overlap.ALLOW,
            CatchUp.NONE,
            Duration.ZERO,
            false,
            labeled().spec()));
    assertInstanceOf(Ran.Done.class, stage.store.schedules().run("s"));
    assertIndexed(1);
    stage.pass(Duration.ofMinutes(1));
    Ticks.tick(stage.store.schedules());
    assertIndexed(2);
  }

  @Test
  void aCallbackHasNoLabelsOfItsOwn() {
    TargetUrl url = ((TargetUrl.Parsed.Good) TargetUrl.parse("http://done.test/x")).url();
    stage.succeed(claimed(labeled().callback(new Callback(url, List.of(), Callback.USUAL))));
    List<Claim> told = new ArrayList<>(stage.claim(1));
    assertEquals(1, told.size());
    assertTrue(told.getFirst().spec().labels().isEmpty());
    assertIndexed(1);
  }
}
