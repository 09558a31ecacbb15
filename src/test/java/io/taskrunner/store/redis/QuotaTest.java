package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.taskrunner.store.EnqueueResult.BacklogFull;
import io.taskrunner.store.EnqueueResult.Duplicate;
import io.taskrunner.store.EnqueueResult.Enqueued;
import io.taskrunner.store.EnqueueResult.RateLimited;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.redis.Model.Answer;
import io.taskrunner.store.redis.doctor.Finding;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The limits of a client's unfinished tasks. */
class QuotaTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
  }

  @AfterEach
  void close() {
    stage.proven();
    stage.close();
  }

  private void quota(@Nullable Integer tasks, @Nullable Long bytes) {
    Unconditional.set(
        stage.store.clients(),
        "abc",
        ClientChange.of().maxWaiting(tasks).maxWaitingBytes(bytes).done());
  }

  private static Stage.Wish body(int bytes) {
    return Stage.wish().body("x".repeat(bytes));
  }

  @Test
  void theNumberOfUnfinishedTasksIsLimited() {
    stage.client("abc", 10);
    quota(3, null);
    stage.enqueue(Stage.wish().in(Duration.ofHours(1))); // scheduled
    stage.enqueue(2, Stage.wish());
    assertEquals(new BacklogFull(3, 3, false), stage.put(Stage.wish()));
    Claim running = stage.claim(1).getFirst();
    assertEquals(
        new BacklogFull(3, 3, false), stage.put(Stage.wish()), "running tasks may be returned");
    stage.settle(
        Stage.WORKER, stage.verdict(running, new Verdict.Retry(Duration.ofMinutes(1)), 503));
    assertEquals(new BacklogFull(3, 3, false), stage.put(Stage.wish()), "it did");
    stage.succeed(stage.claim(1).getFirst());
    stage.enqueue(Stage.wish());
    assertInstanceOf(BacklogFull.class, stage.put(Stage.wish()));
    assertInstanceOf(Enqueued.class, stage.put(Stage.wish().client("other")));
  }

  @Test
  void theBytesOfUnfinishedTasksAreLimited() {
    stage.client("abc", 10);
    quota(null, 100L);
    assertEquals(new BacklogFull(100, 0, true), stage.put(body(101)));
    stage.enqueue(body(60));
    assertEquals(new BacklogFull(100, 60, true), stage.put(body(41)));
    stage.enqueue(body(40));
    stage.enqueue(body(0));
    assertEquals(new BacklogFull(100, 100, true), stage.put(body(1)));
    for (Claim claim : stage.claim(1)) {
      stage.settle(Stage.WORKER, stage.verdict(claim, new Verdict.Bury(), 400));
    }
    assertEquals(40, stage.counts("abc").bytes());
    stage.enqueue(body(60));
  }

  @Test
  void eachTaskOfAGroupIsCountedBeforeTheNext() {
    stage.client("abc", 10);
    quota(3, 100L);
    List<Answer> answers =
        stage.group(
            List.of(
                Map.entry(stage.id(), body(50)),
                Map.entry(stage.id(), body(51)),
                Map.entry(stage.id(), body(50)),
                Map.entry(stage.id(), body(0)),
                Map.entry(stage.id(), body(0))));
    assertEquals(List.of('e', 'b', 'e', 'e', 'b'), answers.stream().map(Answer::word).toList());
  }

  @Test
  void aRejectedCallUsesUpNothing() {
    stage.client("abc", 10, 5);
    quota(1, null);
    TaskId first = stage.enqueue(Stage.wish());
    for (int i = 0; i < 20; i++) {
      assertInstanceOf(BacklogFull.class, stage.put(Stage.wish().key("k", "p")));
    }
    stage.store.tasks().cancel(first);
    Enqueued made = assertInstanceOf(Enqueued.class, stage.put(Stage.wish().key("k", "p")));
    assertEquals(3, made.quota().remaining());
    Duplicate again = assertInstanceOf(Duplicate.class, stage.put(Stage.wish().key("k", "p")));
    assertEquals(made.id(), again.id(), "a duplicate is answered even when nothing more may wait");
  }

  @Test
  void aRepeatedCallGetsTheReplyOfTheFirst() {
    stage.client("abc", 10);
    quota(1, null);
    List<Map.Entry<TaskId, Stage.Wish>> group = List.of(Map.entry(stage.id(), Stage.wish()));
    assertEquals(stage.group(group), stage.group(group));
    assertEquals('e', stage.group(group).getFirst().word());
  }

  @Test
  void theBacklogLimitIsReportedBeforeTheRate() {
    stage.client("abc", 10, 1);
    quota(1, null);
    TaskId first = stage.enqueue(Stage.wish());
    assertInstanceOf(BacklogFull.class, stage.put(Stage.wish()));
    stage.store.tasks().cancel(first);
    assertInstanceOf(RateLimited.class, stage.put(Stage.wish()));
  }

  @Test
  void aLoweredQuotaDropsNothingAndNoQuotaAcceptsAll() {
    stage.client("abc", 10);
    stage.enqueue(5, Stage.wish());
    quota(2, 3L);
    assertEquals(new BacklogFull(2, 5, false), stage.put(Stage.wish()));
    assertEquals(5, stage.claim(10).size());
    quota(null, null);
    assertInstanceOf(Enqueued.class, stage.put(Stage.wish()));
    assertEquals(null, stage.store.clients().get("abc").orElseThrow().settings().maxWaiting());
    assertEquals(null, stage.store.clients().get("abc").orElseThrow().settings().maxWaitingBytes());
  }

  @Test
  void purgedTasksCountUntilTheyAreDeleted() {
    stage.client("abc", 10);
    quota(3, null);
    stage.enqueue(3, Stage.wish());
    stage.store.queues().purge("default");
    assertInstanceOf(BacklogFull.class, stage.put(Stage.wish()));
    stage.store.tidy();
    stage.enqueue(3, Stage.wish());
  }

  @Test
  void aReplayedTaskIsAcceptedAndCounted() {
    stage.client("abc", 10);
    quota(1, null);
    TaskId dead = stage.enqueue(Stage.wish());
    stage.settle(Stage.WORKER, stage.verdict(stage.claim(1).getFirst(), new Verdict.Bury(), 400));
    stage.enqueue(Stage.wish());
    stage.store.tasks().retry(dead);
    assertEquals(new BacklogFull(1, 2, false), stage.put(Stage.wish()));
  }

  @Test
  void theDoctorRepairsTheBytes() {
    stage.client("abc", 10);
    stage.enqueue(body(30));
    stage.enqueue(body(20).in(Duration.ofHours(1)));
    stage.claim(1);
    stage.enqueue(body(7));
    stage.miscount("tr:{0}:client:abc", 8, new byte[] {0, 0, 0, 0, 0, 12});
    assertEquals(
        List.of(new Finding("count_wrong", "client:abc", "bytes is 12, 57 are there")),
        stage.store.doctor().repair(false));
    assertEquals(57, stage.counts("abc").bytes());
  }
}
