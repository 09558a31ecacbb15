package io.taskrunner.worker;

import static java.time.Duration.ofSeconds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.task.Retry;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.worker.Target.Arrival;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Hosts that fail, with a real worker, a real Redis and real requests. */
@Tag("faults")
@Timeout(400)
class BreakerFaultsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final Duration LEASE = ofSeconds(30);
  private static final Duration ANSWER = Duration.ofMillis(50);
  private static final int TASKS = 3050;
  private static final int SUCCEED = 3000;

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

  private void answers(IntSupplier status) {
    target.answers(arrival ->
        new CompletableFuture<Integer>()
            .completeOnTimeout(status.getAsInt(), ANSWER.toMillis(), TimeUnit.MILLISECONDS));
  }

  @Test
  void aHostThatFailsThirtyPercentKeepsSevenTenthsOfItsThroughput() throws Exception {
    double without = perSecond("off");
    rig.breaker(5, ofSeconds(30), 3);
    double with = perSecond("on");
    assertTrue(with >= 0.7 * without, with + " a second, without a breaker " + without);
  }

  /** How many tasks succeed in a second, five at once. */
  private double perSecond(String client) throws Exception {
    Random random = new Random(15);
    CountDownLatch left = new CountDownLatch(SUCCEED);
    answers(() -> {
      synchronized (random) {
        boolean fails = random.nextInt(100) < 30;
        if (!fails) {
          left.countDown();
        }
        return fails ? 503 : 200;
      }
    });
    rig.client(client, 5);
    rig.enqueue(TASKS, client, "default", target.url("/" + client));
    Worker worker = rig.worker(20, LEASE);
    long begun = System.nanoTime();
    worker.start();
    assertTrue(left.await(180, TimeUnit.SECONDS), left.getCount() + " left after 3 minutes");
    double seconds = (System.nanoTime() - begun) / 1e9;
    worker.stop(ofSeconds(5));
    return SUCCEED / seconds;
  }

  private static int afterPause(List<Arrival> arrivals, Duration pause) {
    for (int i = 1; i < arrivals.size(); i++) {
      if (arrivals.get(i).nanos() - arrivals.get(i - 1).nanos() >= pause.toNanos()) {
        return i;
      }
    }
    return -1;
  }

  @Test
  void aFailedHostIsProbedSparinglyAndFullyUsedAfterRecovery() throws Exception {
    Duration longest = ofSeconds(4);
    AtomicBoolean down = new AtomicBoolean(true);
    answers(() -> down.get() ? 503 : 200);
    rig.breaker(5, longest, 3);
    rig.client("mia", 20);
    Retry few = new Retry(2, Duration.ofMillis(100), Duration.ofMillis(200), null, null, null);
    List<TaskId> ids = new ArrayList<>();
    for (int i = 0; i < 2500; i++) {
      ids.add(rig.enqueue("mia", "default", target.url("/"), few));
    }
    rig.worker(20, LEASE).start();
    int longPause = -1; // the first arrival after one
    while (longPause < 0 || target.count() < longPause + 12) {
      target.awaitCount(target.count() + 1, ofSeconds(60));
      longPause = afterPause(target.arrivals(), longest);
    }
    List<Arrival> probes = target.arrivals().subList(longPause, longPause + 12);
    for (int i = 3; i < probes.size(); i++) {
      long apart = probes.get(i).nanos() - probes.get(i - 3).nanos();
      assertTrue(apart >= longest.toNanos(), "four probes within " + apart / 1_000_000 + " ms");
    }
    int before = target.count();
    down.set(false);
    target.awaitCount(before + 1, ofSeconds(10));
    long first = target.arrivals().get(before).nanos();
    for (TaskId id : ids) {
      Task task = rig.finished(id);
      assertEquals(TaskState.SUCCEEDED, task.state());
      assertTrue(task.attempts().size() <= 2, "probes use up no attempt: " + task.attempts());
    }
    long full = ofSeconds(1).toNanos() / ANSWER.toNanos() * 20;
    long inASecond =
        target.arrivals().stream()
            .filter(one -> one.nanos() - first >= ofSeconds(4).toNanos())
            .filter(one -> one.nanos() - first < ofSeconds(5).toNanos())
            .count();
    assertTrue(inASecond >= full / 2, inASecond + " in the fifth second, of " + full);
  }
}
