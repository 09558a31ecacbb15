package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.CloudStore;
import io.taskrunner.store.CloudStore.NewTask;
import io.taskrunner.store.CloudStore.QueueName;
import io.taskrunner.store.Histogram;
import io.taskrunner.store.SeriesStore.Counts;
import io.taskrunner.store.SeriesStore.Failure;
import io.taskrunner.store.SeriesStore.Of;
import io.taskrunner.store.SeriesStore.Point;
import io.taskrunner.store.SeriesStore.Sample;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Settled;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What is counted in the queues, and where it is kept. */
class SeriesTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Of ALL = new Of.All();
  private static final Of OTHERS = new Of.Others();
  private static final Of DEFAULT = new Of.Named("default");

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
    stage.client("abc", 1000);
  }

  @AfterEach
  void close() {
    stage.close();
  }

  /** The beginning of the current minute or hour. */
  private Instant begin(Duration step) {
    return Instant.ofEpochMilli(Math.floorDiv(stage.now(), step.toMillis()) * step.toMillis());
  }

  private Point now(Of of) {
    return at(of, begin(MINUTE), MINUTE);
  }

  private Point at(Of of, Instant from, Duration step) {
    return stage.store.series().read(of, from, 1, step).orElseThrow().getFirst();
  }

  private void work(String queue, int tasks, Verdict verdict, int status) {
    stage.enqueue(tasks, wish().queue(queue));
    for (Claim claim : stage.claim(tasks)) {
      stage.settle(Stage.WORKER, stage.verdict(claim, verdict, status));
    }
  }

  private static long[] counts(Point point) {
    Counts counts = point.counts();
    return new long[] {counts.enqueued(), counts.succeeded(), counts.failed(), counts.died()};
  }

  private static void assertCounts(Point point, long... expected) {
    assertEquals(list(expected), list(counts(point)));
  }

  private static List<Long> list(long... numbers) {
    return LongStream.of(numbers).boxed().toList();
  }

  @Test
  void whatHappensIsCountedForItsQueueAndForAllTogether() {
    work("default", 3, new Verdict.Succeed(), 200);
    work("default", 2, new Verdict.Bury(), 500);
    work("low", 1, new Verdict.Retry(HOUR), 0);
    stage.store.sendSeries();
    assertCounts(now(DEFAULT), 5, 3, 2, 2);
    assertCounts(now(new Of.Named("low")), 1, 0, 1, 0);
    assertCounts(now(ALL), 6, 3, 3, 2);
    assertEquals(6, now(ALL).counts().lag().total());
    assertEquals(6, now(ALL).counts().duration().total());
    assertEquals(new Sample(0, 0, 1, 2, Duration.ZERO), now(ALL).sample());
    assertEquals(new Sample(0, 0, 0, 2, Duration.ZERO), now(DEFAULT).sample());
  }

  @Test
  void countsOfSeveralProcessesAddUpAndAKilledOneLosesWhatItHasNotSent() {
    work("default", 3, new Verdict.Succeed(), 200);
    stage.store.sendSeries();
    Stage killed = stage.withoutBreakers();
    killed.enqueue(4, wish());
    killed.store.sendSeries();
    killed.enqueue(7, wish());
    killed.close(); // as when it is killed: nothing more is sent
    assertCounts(now(DEFAULT), 7, 3, 0, 0);
    assertCounts(now(ALL), 7, 3, 0, 0);
  }

  @Test
  void aProcessThatStopsSendsWhatItHasCounted() {
    Instant before;
    try (RedisStore stopping = RedisStore.open(StoreOptions.defaults(REDIS.settings()))) {
      before = stopping.tasks().now().truncatedTo(ChronoUnit.MINUTES);
      stopping.tasks().enqueue(wish().command()).join();
    }
    long counted =
        stage.store.series().read(ALL, before, 2, MINUTE).orElseThrow().stream()
            .filter(Objects::nonNull)
            .mapToLong(point -> point.counts().enqueued())
            .sum();
    assertEquals(1, counted);
  }

  @Test
  void nothingKnownIsNotZero() {
    stage.store.sendSeries();
    stage.pass(MINUTE.multipliedBy(3));
    work("default", 1, new Verdict.Succeed(), 200);
    stage.store.sendSeries();
    Instant from = begin(MINUTE).minus(MINUTE.multipliedBy(3));
    List<Point> points = stage.store.series().read(ALL, from, 4, MINUTE).orElseThrow();
    assertCounts(points.get(0), 0, 0, 0, 0);
    assertNull(points.get(1));
    assertNull(points.get(2));
    assertCounts(points.get(3), 1, 1, 0, 0);
    assertEquals(Optional.empty(), stage.store.series().read(new Of.Named("no"), from, 1, MINUTE));
  }

  @Test
  void aMinuteBecomesAPartOfItsHourWhenItsPlaceIsNeeded() {
    Instant first = begin(HOUR);
    for (int day = 0; day < 3; day++) {
      work("default", 1 + day, new Verdict.Succeed(), 200);
      stage.store.sendSeries();
      stage.pass(MINUTE);
      work("default", 10, new Verdict.Succeed(), 200);
      stage.store.sendSeries();
      stage.pass(Duration.ofDays(1).minus(MINUTE));
    }
    for (int day = 0; day < 3; day++) {
      Instant hour = first.plus(Duration.ofDays(day));
      assertCounts(at(DEFAULT, hour, HOUR), 11 + day, 11 + day, 0, 0);
      assertCounts(at(ALL, hour, HOUR), 11 + day, 11 + day, 0, 0);
    }
    List<Point> day =
        stage.store.series().read(DEFAULT, first, 1, Duration.ofDays(3)).orElseThrow();
    assertCounts(day.getFirst(), 36, 36, 0, 0);
  }

  @Test
  void aRingHasItsFullSizeFromTheStartAndEndsSomeTimeAfterItsQueueWasUsed() {
    work("default", 1, new Verdict.Succeed(), 200);
    stage.store.sendSeries();
    stage.pass(Duration.ofDays(1));
    work("default", 1, new Verdict.Succeed(), 200);
    stage.store.sendSeries();
    for (String of : List.of("all", Integer.toString(stage.n("default")))) {
      String ring = "tr:{config}:series:" + of;
      assertEquals(184_320, stage.redis.strlen(ring + ":m"));
      assertEquals(107_520, stage.redis.strlen(ring + ":h"));
      assertTrue(stage.redis.memoryUsage(ring + ":m") < 200_000, "not twice its size");
      assertTrue(stage.redis.memoryUsage(ring + ":h") < 120_000, "not twice its size");
      assertTrue(stage.redis.pttl(ring + ":m") > Duration.ofDays(35).toMillis());
      assertTrue(stage.redis.pttl(ring + ":h") > Duration.ofDays(35).toMillis());
    }
  }

  @Test
  void percentilesAreWithinTheirRange() {
    stage.enqueue(20, wish());
    stage.pass(Duration.ofSeconds(2));
    stage.claim(19).forEach(claim -> stage.succeed(claim));
    stage.pass(Duration.ofSeconds(50));
    stage.claim(1).forEach(claim -> stage.succeed(claim));
    stage.store.sendSeries();
    Histogram lag = now(DEFAULT).counts().lag();
    Duration p95 = lag.quantile(0.95).orElseThrow();
    assertTrue(
        p95.compareTo(Duration.ofSeconds(1)) > 0 && p95.compareTo(Duration.ofSeconds(3)) <= 0,
        p95.toString());
    Duration longest = lag.quantile(1).orElseThrow();
    assertTrue(
        longest.compareTo(Duration.ofSeconds(30)) > 0
            && longest.compareTo(Duration.ofMinutes(2)) <= 0,
        longest.toString());
    assertTrue(
        now(DEFAULT).counts().duration().quantile(0.5).orElseThrow().toMillis() <= 10,
        "each attempt took 3 ms");
  }

  @Test
  void aVerdictIsCountedOnceAndALateOneNever() {
    stage.enqueue(2, wish());
    List<Claim> claims = stage.claim(2);
    Claim first = claims.get(0);
    stage.succeed(first);
    assertEquals(Settled.REPEATED, stage.succeed(first));
    for (int i = 0; i <= 2 * Stage.LEASE.toSeconds(); i++) {
      stage.pass(Duration.ofSeconds(1)); // another worker's heartbeats, so that the lease may end
      stage.exchange(Stage.worker(2), 0);
    }
    assertEquals(Settled.LATE, stage.succeed(claims.get(1)));
    stage.store.sendSeries();
    assertCounts(now(DEFAULT), 2, 1, 1, 0);
    assertEquals(
        List.of("lease_lost"),
        stage.store.series().failures().stream().map(Failure::cause).toList());
  }

  @Test
  void theNewestFailuresAreKept() {
    work("default", 1, new Verdict.Retry(HOUR), 503);
    work("low", 1, new Verdict.Bury(), 0);
    stage.store.sendSeries();
    List<Failure> failures = stage.store.series().failures();
    assertEquals(
        List.of("low example.com:80 timeout 1", "default example.com:80 http_503 1"),
        failures.stream()
            .map(each ->
                each.queue() + " " + each.host() + " " + each.cause() + " " + each.attempt())
            .toList());
    TaskId task = failures.getFirst().task();
    assertEquals("low", stage.store.tasks().get(task).orElseThrow().queue());
    for (int i = 0; i < 11; i++) {
      work("default", 25, new Verdict.Bury(), 500);
      stage.store.sendSeries();
    }
    assertEquals(200, stage.store.series().failures().size());
  }

  @Test
  void theSeriesOfADeletedQueueAreDeletedAndThoseOfAPurgedOneStay() {
    stage.queue("mail", 1);
    work("mail", 1, new Verdict.Succeed(), 200);
    stage.store.sendSeries();
    String ring = "tr:{config}:series:" + stage.n("mail") + ":m";
    stage.store.queues().purge("mail");
    assertEquals(1, stage.redis.exists(ring));
    Unconditional.delete(stage.store.queues(), "mail", true);
    assertEquals(0, stage.redis.exists(ring));
    assertEquals(Map.of(), stage.store.series().ended(List.of("mail"), 5));
    stage.queue("mail", 1);
    work("mail", 1, new Verdict.Succeed(), 200);
    stage.store.sendSeries();
    assertCounts(now(new Of.Named("mail")), 1, 1, 0, 0);
    assertCounts(now(ALL), 2, 2, 0, 0);
  }

  @Test
  void theSeriesOfADeletedQueueOfCloudTasksAreDeleted() {
    QueueName name = new QueueName("example", "europe-west1", "mail");
    CloudStore cloud = stage.store.cloud();
    CloudStore.Retries retries =
        new CloudStore.Retries(100, Duration.ZERO, Duration.ofMillis(100), HOUR, 16);
    byte[] echo = {1};
    cloud.make(name, new CloudStore.Settings(500, 100, 1000, retries, echo), Duration.ofDays(7));
    cloud.create(new NewTask(name, null, null, wish().spec(), echo, HOUR)).join();
    stage.store.sendSeries();
    assertEquals(1, now(new Of.Named(name.toString())).counts().enqueued());
    String ring = "tr:{config}:series:" + stage.n(name.toString()) + ":m";
    assertEquals(1, stage.redis.exists(ring));
    cloud.delete(name);
    assertEquals(0, stage.redis.exists(ring));
  }

  @Test
  void aHundredQueuesHaveSeriesAndTheOthersShareOne() {
    for (int i = 0; i < 105; i++) {
      stage.queue("q" + i, 1);
    }
    stage.store.everySecond();
    for (int i = 0; i < 105; i++) {
      stage.enqueue(wish().queue("q" + i));
    }
    stage.store.sendSeries();
    stage.store.sendSeries(); // those that got no rings
    assertEquals(100, stage.redis.zcard("tr:{config}:series"));
    assertCounts(now(ALL), 105, 0, 0, 0);
    assertEquals(5, now(OTHERS).counts().enqueued());
    stage.pass(Duration.ofDays(1));
    stage.queue("new", 1);
    stage.enqueue(3, wish().queue("new"));
    stage.store.sendSeries();
    assertEquals(3, now(new Of.Named("new")).counts().enqueued());
    assertEquals(100, stage.redis.zcard("tr:{config}:series"));
  }

  @Test
  void theEndedAttemptsOfTheLastMinutesAreListedByQueue() {
    work("default", 2, new Verdict.Succeed(), 200);
    stage.store.sendSeries();
    stage.pass(MINUTE.multipliedBy(2));
    work("default", 1, new Verdict.Bury(), 500);
    stage.store.sendSeries();
    List<Long> ended = stage.store.series().ended(List.of("default", "low"), 4).get("default");
    assertNotNull(ended);
    assertEquals(4, ended.size());
    assertNull(ended.get(0));
    assertEquals(2, ended.get(1));
    assertNull(ended.get(2));
    assertEquals(1, ended.get(3));
  }
}
