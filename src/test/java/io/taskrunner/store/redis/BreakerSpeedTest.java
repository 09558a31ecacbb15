package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.client.Limits;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Exchange;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The throughput of a host that fails now and then, or has recovered, by a clock that is set. */
class BreakerSpeedTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final Duration ANSWER = Duration.ofMillis(50);
  private static final String URL = "http://flaky.test/x";

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

  /** A worker with this many slots, whose attempts all take one answer's time. */
  private static final class Work {
    private final Stage stage;
    private final String worker;
    private final int slots;
    private final BooleanSupplier fails;
    private List<Claim> running = List.of();
    private int inARow;
    int succeeded;
    int succeededProbes;
    int failed;

    Work(Stage stage, String worker, int slots, BooleanSupplier fails) {
      this.stage = stage;
      this.worker = worker;
      this.slots = slots;
      this.fails = fails;
    }

    /** One answer's time passes. Returns the number of attempts that begin then. */
    int step() {
      stage.pass(ANSWER);
      List<Settlement> verdicts = new ArrayList<>();
      running.forEach(claim -> verdicts.add(ended(claim)));
      Settlement[] told = verdicts.toArray(Settlement[]::new);
      running = new ArrayList<>();
      Exchange exchange;
      do {
        exchange = stage.exchange(worker, slots - running.size(), told);
        running.addAll(exchange.claims());
        told = new Settlement[0];
      } while (running.size() < slots && (exchange.again() || exchange.lookAgainIn().isZero()));
      return running.size();
    }

    private Settlement ended(Claim claim) {
      boolean bad = fails.getAsBoolean();
      if (!bad) {
        inARow = 0;
        succeeded++;
        succeededProbes += claim.start().probe() ? 1 : 0;
        BreakerReport good =
            claim.start().probe() ? new BreakerReport.Good() : new BreakerReport.None();
        return stage.verdict(claim, new Verdict.Succeed(), 200, good);
      }
      failed++;
      if (claim.start().probe()) {
        return stage.verdict(claim, new Verdict.PutBack(AGAIN), -1, new BreakerReport.Failed(1));
      }
      BreakerReport report = new BreakerReport.Failed(++inARow);
      if (inARow >= 5) {
        inARow = 0; // as when the worker learns that it opened
      }
      return stage.verdict(claim, new Verdict.Retry(AGAIN), 503, report);
    }

    private static final Duration AGAIN = Duration.ofSeconds(1);
  }

  /** The time until all of this many tasks of a host that fails 30 % succeed. */
  private static Duration time(Stage stage, String worker, long seed, int tasks) {
    stage.client("abc", 1000, Limits.MAX);
    stage.enqueue(tasks, wish().url(URL));
    Random random = new Random(seed);
    Work work = new Work(stage, worker, 5, () -> random.nextInt(100) < 30);
    long from = stage.now();
    while (work.succeeded < tasks) {
      work.step();
      assertTrue(stage.now() - from < 600_000, "after 10 minutes " + work.succeeded);
    }
    return Duration.ofMillis(stage.now() - from);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void aHostThatFailsThirtyPercentKeepsSevenTenthsOfItsThroughput(long seed) {
    Duration with = time(stage, WORKER, seed, 3050);
    Duration without;
    try (Stage off = stage.withoutBreakers()) {
      without = time(off, Stage.worker(2), seed, 3050);
    }
    assertTrue(
        without.toMillis() >= 0.7 * with.toMillis(), with + ", without a breaker " + without);
  }

  @Test
  void aRecoveredHostGetsFullSpeedWithinASecondOfItsFirstGoodProbe() {
    stage.client("abc", 1000, Limits.MAX);
    stage.enqueue(6000, wish().url(URL));
    long back = stage.now() + Duration.ofMinutes(3).toMillis();
    Work work = new Work(stage, WORKER, 100, () -> stage.now() < back);
    while (work.succeededProbes == 0) {
      work.step();
    }
    long first = stage.now();
    assertTrue(first - back <= 30_100, "the first " + (first - back) + " ms after it was back");
    assertTrue(work.failed <= 100 + 5 + 3 * 10, "attempts while it was down: " + work.failed);
    while (work.step() < 100) {
      assertTrue(stage.now() - first < 1000, "not at full speed after a second");
    }
    for (int i = 0; i < 20; i++) {
      assertEquals(100, work.step());
    }
  }
}
