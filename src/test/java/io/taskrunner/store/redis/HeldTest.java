package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.taskrunner.store.EnqueueResult.Duplicate;
import io.taskrunner.store.EnqueueResult.Enqueued;
import io.taskrunner.store.EnqueueResult.Wait;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Retry;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** An enqueue reports what keeps the task from starting. */
class HeldTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
    stage.client("abc", 2);
  }

  @AfterEach
  void close() {
    stage.proven();
    stage.close();
  }

  private Optional<Wait> waits(Stage.Wish wish) {
    return assertInstanceOf(Enqueued.class, stage.put(wish)).waits();
  }

  @Test
  void nothingHoldsATaskThatStartsAtOnceOrAtItsTime() {
    assertEquals(Optional.empty(), waits(Stage.wish()));
    assertEquals(Optional.empty(), waits(Stage.wish().in(Duration.ofHours(1))));
    assertEquals(Optional.empty(), waits(Stage.wish().client("new")));
  }

  @Test
  void aPausedQueueHoldsAlsoWhatIsDueLater() {
    stage.store.queues().pause("default", true);
    assertEquals(Optional.of(Wait.QUEUE_PAUSED), waits(Stage.wish()));
    assertEquals(Optional.of(Wait.QUEUE_PAUSED), waits(Stage.wish().in(Duration.ofHours(1))));
    assertEquals(Optional.empty(), waits(Stage.wish().queue("low")));
    stage.store.queues().pause("default", false);
    assertEquals(Optional.empty(), waits(Stage.wish()));
  }

  @Test
  void aPauseOfAllQueuesIsKnownWithinASecond() {
    stage.store.queues().pauseAll(true);
    stage.store.tidy();
    assertEquals(Optional.of(Wait.DISPATCH_PAUSED), waits(Stage.wish()));
    stage.store.queues().pauseAll(false);
    stage.store.tidy();
    assertEquals(Optional.empty(), waits(Stage.wish()));
  }

  @Test
  void aClientAtItsLimitHoldsItsTasks() {
    stage.enqueue(2, Stage.wish());
    Claim first = stage.claim(2).getFirst();
    assertEquals(Optional.of(Wait.CLIENT_MAX_CONCURRENT), waits(Stage.wish()));
    assertEquals(Optional.empty(), waits(Stage.wish().in(Duration.ofHours(1))));
    stage.succeed(first);
    assertEquals(Optional.empty(), waits(Stage.wish()));
    assertEquals(
        Optional.of(Wait.CLIENT_MAX_CONCURRENT), waits(Stage.wish().limits(1, null)), "its own");
  }

  @Test
  void aQueueAtItsLimitHoldsItsTasks() {
    QueueSettings d = QueueSettings.defaults(3);
    Unconditional.put(
        stage.store.queues(),
        "default",
        new QueueSettings(
            3,
            null,
            null,
            1,
            Retry.UNSET,
            null,
            d.deadRetention(),
            d.deadMax(),
            d.deadMaxBytes(),
            d.doneMax()));
    stage.enqueue(Stage.wish());
    assertEquals(1, stage.claim(2).size());
    assertEquals(Optional.of(Wait.QUEUE_MAX_CONCURRENT), waits(Stage.wish()));
  }

  @Test
  void anOpenCircuitBreakerIsKnownWithinASecond() {
    stage.enqueue(Stage.wish().url("http://down.example/"));
    stage.settle(
        Stage.WORKER,
        stage.verdict(
            stage.claim(1).getFirst(),
            new Verdict.Retry(Duration.ofSeconds(20)),
            500,
            new BreakerReport.Failed(5)));
    stage.store.tidy();
    Stage.Wish again = Stage.wish().url("http://down.example/other");
    assertEquals(Optional.of(Wait.CIRCUIT_BREAKER), waits(again));
    assertEquals(Optional.empty(), waits(Stage.wish()), "of another host");
    stage.pass(Duration.ofSeconds(40));
    stage.store.tidy();
    assertEquals(Optional.empty(), waits(again), "it may be probed");
  }

  @Test
  void aRepeatedCallSaysNothingOfATaskThatMayBeOver() {
    Stage.Wish once = Stage.wish().key("k", "p");
    stage.put(once);
    stage.store.queues().pause("default", true);
    assertInstanceOf(Duplicate.class, stage.put(once));
  }
}
