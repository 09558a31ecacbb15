package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.client.Limits;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Under saturation the queues share the workers by weight. */
class WeightsTest {

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

  private static final List<String> QUEUES = List.of("critical", "default", "low");

  private record Ends(long at, Claim claim) {}

  private void fill(String queue, int count) {
    List<Map.Entry<TaskId, Stage.Wish>> group = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      group.add(
          Map.entry(
              stage.id(), wish().client("client" + i % 3).queue(queue).retention(Duration.ZERO)));
      if (group.size() == 100) {
        stage.group(group);
        group.clear();
      }
    }
  }

  /**
   * Saturates this many slots for this time, and returns the started and the running tasks, by
   * queue.
   */
  private Map<String, double[]> saturate(int slots, Duration time, Map<String, Long> lasts) {
    for (int i = 0; i < 3; i++) {
      stage.client("client" + i, 1000, Limits.MAX);
    }
    PriorityQueue<Ends> running = new PriorityQueue<>((a, b) -> Long.compare(a.at(), b.at()));
    Map<String, double[]> seen = new HashMap<>();
    QUEUES.forEach(queue -> seen.put(queue, new double[2]));
    long end = stage.now() + time.toMillis();
    for (; stage.now() < end; stage.pass(Duration.ofMillis(100))) {
      for (String queue : QUEUES) {
        long ready = stage.queueCounts(queue).ready();
        if (ready < 300) {
          fill(queue, 300);
        }
      }
      List<Settlement> verdicts = new ArrayList<>();
      while (!running.isEmpty() && running.peek().at() <= stage.now()) {
        verdicts.add(stage.verdict(running.remove().claim(), new Verdict.Succeed(), 200));
      }
      List<Claim> claims =
          stage
              .exchange(WORKER, slots - running.size(), verdicts.toArray(Settlement[]::new))
              .claims();
      for (Claim claim : claims) {
        running.add(new Ends(stage.now() + lasts.get(claim.queue()), claim));
        seen.get(claim.queue())[0]++;
      }
      assertEquals(slots, running.size());
      running.forEach(one -> seen.get(one.claim().queue())[1]++);
    }
    return seen;
  }

  private static double share(Map<String, double[]> seen, String queue, int of) {
    return seen.get(queue)[of] / seen.values().stream().mapToDouble(one -> one[of]).sum();
  }

  @Test
  void equalTasksStartSixToThreeToOne() {
    Map<String, double[]> seen =
        saturate(
            20, Duration.ofSeconds(10), Map.of("critical", 100L, "default", 100L, "low", 100L));
    assertEquals(0.6, share(seen, "critical", 0), 0.02);
    assertEquals(0.3, share(seen, "default", 0), 0.02);
    assertEquals(0.1, share(seen, "low", 0), 0.01);
  }

  @Test
  void longTasksOfOneQueueDoNotOccupyAllWorkers() {
    for (String slow : QUEUES) {
      Map<String, Long> lasts = new HashMap<>();
      QUEUES.forEach(queue -> lasts.put(queue, queue.equals(slow) ? 2000L : 100L));
      Map<String, double[]> seen = saturate(30, Duration.ofSeconds(14), lasts);
      String shares =
          slow
              + " is slow: "
              + share(seen, "critical", 1)
              + " "
              + share(seen, "default", 1)
              + " "
              + share(seen, "low", 1);
      assertEquals(0.6, share(seen, "critical", 1), 0.06, shares);
      assertEquals(0.3, share(seen, "default", 1), 0.06, shares);
      assertEquals(0.1, share(seen, "low", 1), 0.04, shares);
      drain();
    }
  }

  private void drain() {
    for (String queue : QUEUES) {
      stage.store.queues().purge(queue);
    }
    stage.store.tidy();
    for (int i = 0; i < 80 && stage.redis.zcard("tr:{0}:leases") > 0; i++) {
      stage.pass(Duration.ofSeconds(1));
      stage.exchange(WORKER, 0);
    }
    assertEquals(0, stage.redis.zcard("tr:{0}:leases"));
  }

  @Test
  void aQueueThatWasEmptyGetsNoCatchUp() {
    for (int i = 0; i < 3; i++) {
      stage.client("client" + i, 1000, Limits.MAX);
    }
    fill("low", 200);
    for (int i = 0; i < 10; i++) {
      stage.claim(10).forEach(stage::succeed);
    }
    fill("critical", 200);
    int low = 0;
    for (int i = 0; i < 7; i++) {
      List<Claim> claims = stage.claim(10);
      low += (int) claims.stream().filter(claim -> claim.queue().equals("low")).count();
      claims.forEach(stage::succeed);
    }
    assertTrue(low >= 8 && low <= 12, low + " of 70");
  }
}
