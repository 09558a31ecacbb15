package io.taskrunner.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.testkit.Ports;
import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.RedisServer;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The series under load, while a process that counts is killed. */
@Tag("faults")
@Timeout(180)
class SeriesFaultsTest {

  private static final int PER_SECOND = 100;

  /** How often a process sends, and so how much of what it did is lost when it is killed. */
  private static final int LOST_MAX = 5 * PER_SECOND;

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @RegisterExtension final Scene scene = new Scene();

  @Test
  void sumsEqualTheLedgerLessTheLastSecondsOfAKilledProcess() throws Exception {
    RedisServer redis = scene.redis(Ports.free(), "everysec");
    Installation all = new Installation(scene, Scene.on(redis.port()), PER_SECOND);
    ProgramProcess second = scene.program("worker", Scene.on(redis.port()));
    second.awaitReady();

    all.begin();
    all.ledger.awaitMore(30 * PER_SECOND);
    all.worker.kill();
    all.ledger.awaitMore(15 * PER_SECOND);

    Account account = all.ledger.settle(redis.settings());
    Scene.assertNothingLost(account);
    awaitSum(all.api, "enqueued", account.accepted());
    JsonNode series = series(all.api);
    long succeeded = sum(series, "succeeded");
    Table.add("a worker that counts is killed", account, "counted: " + succeeded);
    assertEquals(account.accepted(), sum(series, "enqueued"), "the API was not killed");
    assertTrue(
        succeeded <= account.accepted() && succeeded >= account.accepted() - LOST_MAX,
        succeeded + " of " + account.accepted());
    assertEquals(0, sum(series, "died"));
    assertTrue(sum(series, "failed") <= Scene.SLOTS, "only the attempts of the killed worker");
    series
        .path("duration_p50_sec")
        .forEach(half -> assertTrue(half.isNull() || half.asDouble() < 0.3, half.toString()));
  }

  private static JsonNode series(ProgramProcess api) throws IOException, InterruptedException {
    return new Admin(api).get("/v1/series?queue=default");
  }

  private static long sum(JsonNode series, String column) {
    return series.path(column).valueStream().mapToLong(JsonNode::asLong).sum();
  }

  /** What was counted last is sent within some seconds. */
  private static void awaitSum(ProgramProcess api, String column, long sum)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (sum(series(api), column) < sum && System.nanoTime() < deadline) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
    }
  }
}
