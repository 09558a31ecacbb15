package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.client.Limits;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.TaskId;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Weights and turns also hold for tasks that are only just becoming due. */
class DueOrderTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final int BACKLOG = 12_000;
  private static final int AT_ONCE = 4_000;
  private static final Duration SOON = Duration.ofSeconds(10);

  /** Claims of one slot each; a weight of 6 to 1 gives the third at the latest. */
  private static final int CLAIMS = 10;

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
    stage.client("bulk", 1000, Limits.MAX);
  }

  @AfterEach
  void close() {
    stage.proven();
    stage.close();
  }

  private void backlog(String queue) {
    Enqueue one = wish().client("bulk").queue(queue).in(SOON).command();
    for (int sent = 0; sent < BACKLOG; sent += AT_ONCE) {
      List<CompletableFuture<EnqueueResult>> some = new ArrayList<>();
      for (int i = 0; i < AT_ONCE; i++) {
        some.add(stage.store.tasks().enqueue(one));
      }
      some.forEach(CompletableFuture::join);
    }
  }

  /** Whether this task is among the next that are given. */
  private boolean startsSoon(TaskId id) {
    for (int i = 0; i < CLAIMS; i++) {
      List<Claim> claims = stage.exchange(WORKER, 1).claims();
      if (claims.stream().anyMatch(claim -> claim.id().equals(id))) {
        return true;
      }
      claims.forEach(stage::succeed);
    }
    return false;
  }

  @Test
  void aTaskOfAHeavyQueueIsNotDelayedByADueBacklogOfALightOne() {
    backlog("low");
    TaskId critical = stage.enqueue(wish().queue("critical").in(SOON.plusMillis(500)));
    stage.pass(SOON.plusMillis(501));
    assertTrue(startsSoon(critical), "after " + CLAIMS + " claims it had not started");
  }

  @Test
  void aTaskThatBecomesDueDuringABacklogIsNotDelayed() {
    backlog("low");
    stage.pass(SOON.plusMillis(1));
    stage.exchange(WORKER, 1).claims().forEach(stage::succeed);
    TaskId critical = stage.enqueue(wish().queue("critical").in(Duration.ofMillis(50)));
    stage.pass(Duration.ofMillis(51));
    assertTrue(startsSoon(critical), "after " + CLAIMS + " claims it had not started");
  }

  @Test
  void anEndedLeaseIsReturnedPromptlyDuringADueBacklog() {
    TaskId lost = stage.enqueue(wish().queue("critical"));
    stage.exchange(WORKER, 1);
    backlog("low");
    stage.pass(SOON.plusMillis(1));
    String other = Stage.worker(2);
    for (int i = 0; i < 4; i++) { // each beat shows that Redis was there all the time
      stage.pass(Stage.LEASE.dividedBy(3));
      stage.exchange(other, 0);
    }
    for (int i = 0; i < CLAIMS; i++) {
      stage.exchange(other, 0);
    }
    stage.pass(Duration.ofMinutes(1)); // longer than the first backoff
    assertTrue(startsSoon(lost), "after " + CLAIMS + " claims it had not started");
  }
}
