package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Exchange;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Wake-ups: everything that makes a task claimable wakes exactly one idle worker; one keeps the
 * time.
 */
class WakeTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : listening) {
      one.close();
    }
    stage.proven();
    stage.close();
  }

  private static final String ONE = Stage.worker(1);
  private static final String TWO = Stage.worker(2);

  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
  private final List<AutoCloseable> listening = new ArrayList<>();

  /** The worker subscribes; the greeting messages are received, and dropped. */
  private void listen(String worker) throws InterruptedException {
    listening.add(
        stage
            .store
            .works()
            .getFirst()
            .listen(
                worker,
                new WorkStore.Listener() {
                  @Override
                  public void wake() {
                    heard.add(worker);
                  }

                  @Override
                  public void cancelled(TaskId id) {
                    heard.add(worker + " " + id);
                  }
                }));
    assertEquals(worker, heard.poll(5, TimeUnit.SECONDS));
  }

  private @Nullable String heard() throws InterruptedException {
    return heard.poll(5, TimeUnit.SECONDS);
  }

  /** No message was sent: one that is sent after all others is the next that arrives. */
  private void silence() throws InterruptedException {
    for (String worker : List.of(ONE, TWO)) {
      if (stage.redis.publish("tr:{0}:wake:" + worker, "wake") > 0) {
        assertEquals(worker, heard());
      }
    }
    assertNull(heard.poll());
  }

  private Exchange look(String worker) {
    return stage.exchange(worker, 5);
  }

  @Test
  void anEnqueueWakesOneIdleWorker() throws InterruptedException {
    listen(ONE);
    listen(TWO);
    look(ONE);
    look(TWO);
    stage.enqueue(wish());
    String first = heard();
    silence();
    stage.enqueue(wish().client("two"));
    String second = heard();
    assertTrue(!String.valueOf(first).equals(second), first + " then " + second);
    stage.enqueue(wish().client("six"));
    silence();
  }

  @Test
  void aScheduledTaskWakesNoWorkerBeforeTheKeeperChecks() throws InterruptedException {
    listen(ONE);
    assertEquals(Duration.ofSeconds(1), look(ONE).lookAgainIn());
    stage.enqueue(wish().in(Duration.ofSeconds(5)));
    silence();
    stage.enqueue(wish().in(Duration.ofMillis(300)));
    assertEquals(ONE, heard());
    assertEquals(Duration.ofMillis(300), look(ONE).lookAgainIn());
    stage.pass(Duration.ofMillis(300));
    assertEquals(1, look(ONE).claims().size());
  }

  @Test
  void onlyOneWorkerIsTheKeeper() {
    stage.enqueue(wish().in(Duration.ofMillis(400)));
    assertEquals(Duration.ofMillis(400), look(ONE).lookAgainIn());
    assertTrue(look(TWO).lookAgainIn().toMillis() >= 800);
    assertEquals(Duration.ofMillis(400), look(ONE).lookAgainIn());
    // The keeper is overdue by more than 200 ms: another takes its place.
    stage.pass(Duration.ofMillis(601));
    assertEquals(1, look(TWO).claims().size());
    assertEquals(Duration.ofSeconds(1), look(TWO).lookAgainIn());
    assertTrue(look(ONE).lookAgainIn().toMillis() >= 800);
  }

  @Test
  void aFullKeeperHandsOver() throws InterruptedException {
    stage.client("abc", 10);
    listen(TWO);
    look(ONE);
    look(TWO);
    stage.enqueue(wish());
    assertEquals(TWO, heard());
    assertEquals(1, stage.exchange(ONE, 1).claims().size());
    look(TWO);
    assertEquals(TWO, stage.redis.hget("tr:{0}:shard", "keeper"));
  }

  @Test
  void aStoppingKeeperHandsOver() throws InterruptedException {
    listen(TWO);
    look(ONE);
    look(TWO);
    stage.store.works().getFirst().leave(ONE);
    assertEquals(TWO, heard());
    assertEquals("", stage.redis.hget("tr:{0}:shard", "keeper"));
    stage.enqueue(wish());
    silence();
  }

  @Test
  void aWorkerThatIsGoneIsSkipped() throws InterruptedException {
    listen(ONE);
    look(ONE);
    stage.pass(Duration.ofMillis(10));
    look(TWO); // does not listen
    stage.enqueue(wish());
    assertEquals(ONE, heard());
  }

  @Test
  void anIdleWorkerWithoutHeartbeatIsRemoved() throws InterruptedException {
    listen(ONE);
    look(ONE);
    stage.pass(Duration.ofSeconds(4));
    stage.enqueue(wish());
    silence();
    assertEquals(0, stage.redis.exists("tr:{0}:idle"));
  }

  @Test
  void aFullClaimThatLeavesTasksWakesAnotherWorker() throws InterruptedException {
    stage.client("abc", 10);
    listen(ONE);
    listen(TWO);
    look(ONE);
    look(TWO);
    stage.group(
        List.of(
            Map.entry(stage.id(), wish()),
            Map.entry(stage.id(), wish()),
            Map.entry(stage.id(), wish())));
    String first = String.valueOf(heard());
    silence();
    assertEquals(1, stage.exchange(first, 1).claims().size());
    assertEquals(first.equals(ONE) ? TWO : ONE, heard());
    // It takes the rest, and no further wake-up is needed.
    assertEquals(2, look(first.equals(ONE) ? TWO : ONE).claims().size());
    silence();
  }

  @Test
  void aSettleThatUnparksAClientWakesAWorker() throws InterruptedException {
    stage.client("abc", 1);
    listen(TWO);
    stage.enqueue(2, wish());
    Claim claim = stage.exchange(ONE, 1).claims().getFirst();
    look(TWO);
    silence();
    stage.settle(ONE, stage.verdict(claim, new Verdict.Succeed(), 200));
    assertEquals(TWO, heard());
    assertEquals(1, look(TWO).claims().size());
  }

  @Test
  void cancellingATaskThatBlocksOthersWakesAWorker() throws InterruptedException {
    stage.client("abc", 5);
    listen(TWO);
    stage.enqueue(wish());
    assertEquals(1, stage.exchange(ONE, 1).claims().size());
    TaskId alone = stage.enqueue(wish().limits(1, null));
    stage.enqueue(wish());
    assertEquals(0, look(TWO).claims().size());
    stage.store.tasks().cancel(alone);
    assertEquals(TWO, heard());
    assertEquals(1, look(TWO).claims().size());
  }

  @Test
  void aSettleOfAFullQueueWakesAWorker() throws InterruptedException {
    stage.client("abc", 10);
    Unconditional.put(stage.store.queues(), "default", Stage.settings(3, null, null, 1));
    listen(TWO);
    stage.enqueue(2, wish());
    Claim claim = stage.exchange(ONE, 1).claims().getFirst();
    assertEquals(0, look(TWO).claims().size());
    stage.settle(ONE, stage.verdict(claim, new Verdict.Succeed(), 200));
    assertEquals(TWO, heard());
  }

  @Test
  void resumingAndRaisingLimitsWakeAWorker() throws InterruptedException {
    stage.client("abc", 1);
    listen(TWO);
    stage.store.queues().pauseAll(true);
    stage.enqueue(3, wish());
    look(TWO);
    stage.store.queues().pauseAll(false);
    assertEquals(TWO, heard());
    stage.exchange(ONE, 1);
    look(TWO);
    stage.client("abc", 2);
    assertEquals(TWO, heard());
    stage.exchange(ONE, 1);
    look(TWO);
    Unconditional.put(stage.store.queues(), "default", Stage.settings(3, null, null, 1));
    stage.client("abc", 3);
    silence();
    Unconditional.put(stage.store.queues(), "default", Stage.settings(3, null, null, 5));
    assertEquals(TWO, heard());
  }

  @Test
  void anIdleWorkerKeepsTheTimeOfARetry() throws InterruptedException {
    listen(TWO);
    stage.enqueue(wish());
    Claim claim = stage.exchange(ONE, 1).claims().getFirst();
    look(TWO);
    stage.settle(ONE, stage.verdict(claim, new Verdict.Retry(Duration.ofMillis(200)), 500));
    assertEquals(TWO, heard());
    assertEquals(Duration.ofMillis(200), look(TWO).lookAgainIn());
  }

  @Test
  void theWorkerOfACancelledTaskIsNotified() throws InterruptedException {
    listen(ONE);
    stage.enqueue(wish());
    Claim claim = stage.exchange(ONE, 1).claims().getFirst();
    stage.store.tasks().cancel(claim.id());
    assertEquals(ONE + " " + claim.id(), heard());
  }

  @Test
  void anEndedLeaseReturnedByAFullWorkerWakesAnother() throws InterruptedException {
    stage.client("abc", 1);
    stage.enqueue(2, wish());
    for (int i = 0; i < 31; i++) {
      stage.pass(Duration.ofSeconds(1));
      stage.exchange(ONE, 0);
    }
    stage.exchange(ONE, 1);
    listen(TWO);
    for (int i = 0; i < 29; i++) {
      stage.pass(Duration.ofSeconds(1));
      stage.exchange(ONE, 0);
    }
    look(TWO);
    silence();
    stage.pass(Duration.ofSeconds(1));
    stage.exchange(ONE, 0);
    assertEquals(TWO, heard());
    assertEquals(1, look(TWO).claims().size());
  }
}
