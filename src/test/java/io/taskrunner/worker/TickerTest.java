package io.taskrunner.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.taskrunner.schedule.CatchUp;
import io.taskrunner.schedule.Overlap;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.schedule.Schedule.Result;
import io.taskrunner.schedule.Schedule.Run;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The thread that runs due schedules, at the pace of a real clock. */
class TickerTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final Duration WITHIN = Duration.ofSeconds(20);
  private static final long POLL_NANOS = 20_000_000;

  private RedisStore store;

  @BeforeEach
  void open() {
    store = RedisStore.open(StoreOptions.defaults(REDIS.settings()));
  }

  @AfterEach
  void close() {
    assertEquals(List.of(), store.doctor().examine(false));
    store.close();
  }

  private void everySecond(Duration jitter) {
    TargetUrl url = new TargetUrl("http://127.0.0.1:1/", "http", "127.0.0.1", 1, "/");
    TaskSpec spec =
        new TaskSpec(
            new TargetRequest("POST", url, List.of(), new byte[0], true),
            Retry.UNSET,
            null,
            null,
            null,
            Duration.ZERO,
            Map.of(),
            null,
            null);
    Unconditional.put(
        store.schedules(),
        "s",
        new Schedule.Settings(
            "abc",
            "default",
            new Rhythm.Every(Duration.ofSeconds(1)),
            Overlap.ALLOW,
            CatchUp.NONE,
            jitter,
            false,
            spec));
  }

  /** The results of the first ticks, once there were this many. */
  private List<Run> runs(int count) {
    long end = System.nanoTime() + WITHIN.toNanos();
    while (System.nanoTime() < end) {
      List<Run> runs = store.schedules().get("s").orElseThrow().runs();
      if (runs.size() >= count) {
        return runs;
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    return fail("not " + count + " ticks within " + WITHIN);
  }

  private long ready() {
    return store.queues().get("default").orElseThrow().stats().ready();
  }

  @Test
  void twoTickersCreateOneTaskPerRunAndNoneOnceClosed() throws Exception {
    Ticker one = Ticker.begin(store.schedules());
    Ticker two = Ticker.begin(store.schedules());
    everySecond(Duration.ZERO);
    List<Run> runs = runs(4);
    one.close();
    two.close();
    Schedule after = store.schedules().get("s").orElseThrow();
    assertEquals(0, after.missed());
    assertEquals(after.runs().size(), ready());
    for (int i = 0; i < runs.size(); i++) {
      assertEquals(Result.STARTED, runs.get(i).result());
      Duration late = Duration.between(runs.get(i).tick(), runs.get(i).at());
      assertTrue(!late.isNegative(), late::toString);
      if (i > 0) {
        assertEquals(runs.get(i - 1).tick().plusSeconds(1), runs.get(i).tick());
      }
    }
    // It waits for the tick itself, and does not find it at its next check. Not all: the machine
    // may be busy.
    assertTrue(
        runs.stream()
            .skip(1)
            .anyMatch(run ->
                Duration.between(run.tick(), run.at()).compareTo(Duration.ofMillis(100)) < 0),
        runs::toString);
  }

  @Test
  void jitterLongerThanTheIntervalLosesNoRun() throws Exception {
    everySecond(Duration.ofHours(1));
    try (Ticker ticker = Ticker.begin(store.schedules())) {
      List<Run> runs = runs(4);
      assertTrue(runs.stream().allMatch(run -> run.result() == Result.STARTED), runs::toString);
      assertEquals(0, store.schedules().get("s").orElseThrow().missed());
    }
  }
}
