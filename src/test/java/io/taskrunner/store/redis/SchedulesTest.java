package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.Range;
import io.taskrunner.schedule.CatchUp;
import io.taskrunner.schedule.Cron;
import io.taskrunner.schedule.Overlap;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.schedule.Schedule.Result;
import io.taskrunner.schedule.Schedule.Run;
import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.ScheduleStore.Page;
import io.taskrunner.store.ScheduleStore.Ran;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Ticks;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The guarantees of schedules, under a clock that is set. */
class SchedulesTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final Duration MINUTE = Duration.ofMinutes(1);

  private Stage stage;
  private ScheduleStore schedules;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
    schedules = stage.store.schedules();
  }

  @AfterEach
  void close() {
    stage.proven();
    stage.close();
  }

  private static Schedule.Settings every(Duration interval, Overlap overlap, CatchUp catchUp) {
    return settings(new Rhythm.Every(interval), overlap, catchUp, Duration.ZERO, false);
  }

  private static Schedule.Settings settings(
      Rhythm rhythm, Overlap overlap, CatchUp catchUp, Duration jitter, boolean paused) {
    return new Schedule.Settings(
        "abc", "default", rhythm, overlap, catchUp, jitter, paused, wish().spec());
  }

  private void set(Duration interval) {
    Unconditional.put(schedules, "s", every(interval, Overlap.ALLOW, CatchUp.NONE));
  }

  private Schedule get() {
    return schedules.get("s").orElseThrow();
  }

  private List<Result> results() {
    return get().runs().stream().map(Run::result).toList();
  }

  private List<Task> tasks() {
    try {
      return stage.store.tasks().list(new Filter(null, null, null, null), 1000, null).tasks();
    } catch (BadCursor impossible) {
      throw new AssertionError(impossible);
    }
  }

  @Test
  void eachRunCreatesATaskAndReportsTheNextRun() {
    assertTrue(Unconditional.put(schedules, "s", every(MINUTE, Overlap.ALLOW, CatchUp.NONE)));
    assertEquals(Duration.ofSeconds(1), Ticks.tick(schedules));
    assertEquals(List.of(), tasks());
    stage.pass(Duration.ofMillis(59_700));
    assertEquals(Duration.ofMillis(300), Ticks.tick(schedules));
    assertEquals(List.of(), tasks());
    stage.pass(Duration.ofMillis(300));
    Ticks.tick(schedules);
    Task first = tasks().getFirst();
    assertEquals(TaskState.READY, first.state());
    assertEquals(Instant.ofEpochMilli(stage.now()), first.scheduled());
    assertEquals(wish().spec().request().url(), first.spec().request().url());
    Schedule after = get();
    assertEquals(first.id(), after.lastTask().orElseThrow());
    assertEquals(Instant.ofEpochMilli(stage.now()), after.lastTick().orElseThrow());
    assertEquals(Instant.ofEpochMilli(stage.now()).plus(MINUTE), after.next().orElseThrow());
    assertEquals(List.of(Result.STARTED), results());
    Ticks.tick(schedules);
    assertEquals(1, tasks().size());
    stage.pass(MINUTE);
    Ticks.tick(schedules);
    assertEquals(2, tasks().size());
  }

  @Test
  void aCronExpressionIsStoredWithItsZone() throws Exception {
    Rhythm daily = new Rhythm.ByCron(Cron.parse("30 9 * * MON-FRI"), ZoneId.of("Asia/Tokyo"));
    Unconditional.put(
        schedules, "s", settings(daily, Overlap.SKIP, CatchUp.LAST, Duration.ofSeconds(30), false));
    Schedule kept = get();
    assertEquals("30 9 * * MON-FRI", ((Rhythm.ByCron) kept.settings().rhythm()).cron().toString());
    assertEquals(ZoneId.of("Asia/Tokyo"), ((Rhythm.ByCron) kept.settings().rhythm()).zone());
    assertEquals(Overlap.SKIP, kept.settings().overlap());
    assertEquals(CatchUp.LAST, kept.settings().catchUp());
    assertEquals(Duration.ofSeconds(30), kept.settings().jitter());
    assertEquals(wish().spec().request().headers(), kept.settings().spec().request().headers());
    assertEquals(wish().spec().retention(), kept.settings().spec().retention());
    // The clock begins on a Tuesday at 22:13 UTC.
    assertEquals(Instant.parse("2023-11-15T00:30:00Z"), kept.next().orElseThrow());
    assertEquals(5, kept.nextTimes(5).size());
    assertTrue(kept.nextTimes(1).getFirst().isBefore(Instant.parse("2023-11-15T00:30:31Z")));
  }

  @Test
  void skipCreatesNoTaskWhileThePreviousOneIsUnfinished() {
    Unconditional.put(schedules, "s", every(MINUTE, Overlap.SKIP, CatchUp.NONE));
    stage.pass(MINUTE);
    Ticks.tick(schedules);
    stage.pass(MINUTE);
    Ticks.tick(schedules);
    assertEquals(List.of(Result.STARTED, Result.OVERLAPPED), results());
    Claim claim = stage.claim(1).getFirst();
    stage.pass(Duration.ofSeconds(20));
    Ticks.tick(schedules);
    stage.succeed(claim);
    stage.pass(Duration.ofSeconds(40));
    Ticks.tick(schedules);
    assertEquals(List.of(Result.STARTED, Result.OVERLAPPED, Result.STARTED), results());
  }

  @Test
  void missedRunsAreSkippedOrCaughtUpAsConfigured() {
    for (CatchUp catchUp : CatchUp.values()) {
      Unconditional.put(schedules, catchUp.word(), every(MINUTE, Overlap.ALLOW, catchUp));
    }
    stage.pass(Duration.ofMinutes(5).plusSeconds(30));
    Ticks.tick(schedules);
    assertEquals(List.of(4L, 4L, 0L), missed());
    assertEquals(1 + 1 + 5, tasks().size()); // 30 s late is late, not missed
    stage.pass(Duration.ofMinutes(5).plusSeconds(30));
    Ticks.tick(schedules);
    assertEquals(List.of(4L + 5, 4L + 5, 0L), missed());
    assertEquals(7 + 1 + 1 + 6, tasks().size());
    stage.pass(Duration.ofHours(24));
    while (Ticks.tick(schedules).isZero()) {}
    assertEquals(440, schedules.get("all").orElseThrow().missed());
    assertEquals(Result.MISSED, schedules.get("last").orElseThrow().runs().get(4).result());
  }

  private List<Long> missed() {
    return IntStream.range(0, 3)
        .mapToObj(i -> schedules.get(CatchUp.values()[i].word()).orElseThrow().missed())
        .toList();
  }

  @Test
  void runsThatAreMuchTooLateAreSkipped() throws Exception {
    Rhythm daily = new Rhythm.ByCron(Cron.parse("@daily"), ZoneId.of("UTC"));
    Unconditional.put(
        schedules, "s", settings(daily, Overlap.ALLOW, CatchUp.NONE, Duration.ZERO, false));
    stage.now(Instant.parse("2023-11-15T00:01:00.001Z").toEpochMilli());
    Ticks.tick(schedules);
    assertEquals(List.of(), tasks());
    assertEquals(List.of(Result.MISSED), results());
    assertEquals(1, get().missed());
    assertEquals(Instant.parse("2023-11-15T00:00:00Z"), get().lastTick().orElseThrow());
    assertEquals(Instant.parse("2023-11-16T00:00:00Z"), get().next().orElseThrow());
  }

  @Test
  void aPausedScheduleContinuesWithItsNextRun() {
    set(MINUTE);
    assertTrue(schedules.pause("s", true).orElseThrow().settings().paused());
    assertEquals(List.of(), get().nextTimes(5));
    stage.pass(Duration.ofMinutes(10));
    Ticks.tick(schedules);
    assertEquals(List.of(), results());
    assertFalse(schedules.pause("s", false).orElseThrow().settings().paused());
    assertEquals(Instant.ofEpochMilli(stage.now()).plus(MINUTE), get().next().orElseThrow());
    assertEquals(0, get().missed());
    assertEquals(Optional.empty(), schedules.pause("other", true));
  }

  @Test
  void anUpdateKeepsTheNextRunUnlessTheTimingChanges() {
    set(MINUTE);
    Instant next = get().next().orElseThrow();
    stage.pass(Duration.ofSeconds(40));
    assertFalse(Unconditional.put(schedules, "s", every(MINUTE, Overlap.SKIP, CatchUp.ALL)));
    assertEquals(next, get().next().orElseThrow());
    assertEquals(Overlap.SKIP, get().settings().overlap());
    Unconditional.put(schedules, "s", every(MINUTE.multipliedBy(2), Overlap.SKIP, CatchUp.ALL));
    assertEquals(
        Instant.ofEpochMilli(stage.now()).plus(MINUTE.multipliedBy(2)), get().next().orElseThrow());
    Unconditional.put(
        schedules,
        "s",
        settings(new Rhythm.Every(MINUTE), Overlap.SKIP, CatchUp.ALL, Duration.ZERO, true));
    assertTrue(get().settings().paused());
    assertTrue(get().created().isBefore(get().updated()));
  }

  @Test
  void aManualRunDoesNotMoveTheNextRun() {
    set(MINUTE);
    schedules.pause("s", true);
    TaskId id = assertInstanceOf(Ran.Done.class, schedules.run("s")).id();
    assertEquals(id, tasks().getFirst().id());
    assertEquals(List.of(Result.ASKED), results());
    assertTrue(get().settings().paused());
    assertEquals(Optional.empty(), get().lastTick());
    assertInstanceOf(Ran.NotFound.class, schedules.run("other"));
  }

  @Test
  void aFailedRunIsReportedAndTheNextOneIsTried() {
    Unconditional.put(stage.store.queues(), "own", Stage.settings(1, null, null, null));
    Unconditional.put(
        schedules,
        "s",
        new Schedule.Settings(
            "abc",
            "own",
            new Rhythm.Every(MINUTE),
            Overlap.ALLOW,
            CatchUp.NONE,
            Duration.ZERO,
            false,
            wish().spec()));
    Unconditional.delete(stage.store.queues(), "own", true);
    stage.pass(MINUTE);
    Ticks.tick(schedules);
    assertEquals(
        Result.QUEUE_NOT_FOUND, assertInstanceOf(Ran.Failed.class, schedules.run("s")).why());
    Unconditional.put(stage.store.queues(), "own", Stage.settings(1, null, null, null));
    allow(List.of("default"), true);
    stage.pass(MINUTE);
    Ticks.tick(schedules);
    allow(null, false);
    stage.pass(MINUTE);
    Ticks.tick(schedules);
    allow(null, true);
    stage.pass(MINUTE);
    Ticks.tick(schedules);
    assertEquals(
        List.of(
            Result.QUEUE_NOT_FOUND,
            Result.QUEUE_NOT_FOUND,
            Result.QUEUE_NOT_ALLOWED,
            Result.CLIENT_DISABLED,
            Result.STARTED),
        results());
    Unconditional.delete(stage.store.clients(), "abc");
    stage.pass(MINUTE);
    Ticks.tick(schedules);
    assertEquals(Result.CLIENT_DISABLED, results().getLast());
  }

  private void allow(List<String> queues, boolean enabled) {
    Unconditional.set(
        stage.store.clients(), "abc", ClientChange.of().enabled(enabled).queues(queues).done());
  }

  @Test
  void runsUseNoneOfTheClientsRate() {
    stage.client("abc", 1, 1);
    Unconditional.put(schedules, "s", every(Duration.ofSeconds(1), Overlap.ALLOW, CatchUp.ALL));
    stage.pass(Duration.ofSeconds(20));
    Ticks.tick(schedules);
    assertEquals(20, tasks().size());
    assertEquals(10, results().size());
    stage.enqueue(wish().client("abc"));
    assertEquals(21, tasks().size());
  }

  @Test
  void aDeletedScheduleCreatesNoTasksAndItsNameIsFree() {
    set(MINUTE);
    stage.pass(MINUTE);
    Ticks.tick(schedules);
    assertTrue(Unconditional.delete(schedules, "s"));
    assertFalse(Unconditional.delete(schedules, "s"));
    assertEquals(Optional.empty(), schedules.get("s"));
    stage.pass(MINUTE);
    Ticks.tick(schedules);
    assertEquals(1, tasks().size());
    set(MINUTE);
    assertEquals(List.of(), results());
  }

  @Test
  void schedulesAreListedByNameInPages() throws BadCursor {
    for (int i = 0; i < 5; i++) {
      Unconditional.put(schedules, "s" + i, every(MINUTE, Overlap.ALLOW, CatchUp.NONE));
    }
    Page first = schedules.list(2, null);
    Page second = schedules.list(2, first.nextCursor());
    Page last = schedules.list(2, second.nextCursor());
    assertEquals(5, first.count());
    assertEquals(
        List.of("s0", "s1", "s2", "s3", "s4"),
        Stream.of(first, second, last)
            .flatMap(page -> page.schedules().stream())
            .map(Schedule::name)
            .toList());
    assertEquals(null, last.nextCursor());
    assertThrows(BadCursor.class, () -> schedules.list(2, "?"));
    assertThrows(BadCursor.class, () -> schedules.list(2, "ISEh"));
  }

  @Test
  void aClockOftenSetBackALittleRepeatsNoRun() {
    set(Duration.ofSeconds(1));
    long begun = stage.now();
    Random random = new Random(7);
    for (int i = 0; i < 400; i++) {
      stage.pass(Duration.ofMillis(random.nextInt(500) - 200));
      Ticks.tick(schedules);
    }
    stage.now(begun + 30_000);
    Ticks.tick(schedules);
    assertEquals(30, tasks().size());
    assertEquals(0, get().missed());
  }

  @Test
  void aClockSetBackRepeatsNoRun() {
    set(MINUTE);
    for (int i = 0; i < 30; i++) {
      stage.pass(MINUTE);
      Ticks.tick(schedules);
      stage.succeed(stage.claim(1).getFirst());
    }
    stage.store.tidy();
    long last = stage.now();
    stage.pass(Duration.ofMinutes(-20));
    // The tasks are gone: only the schedule itself knows that they were created.
    schedules.pause("s", true);
    schedules.pause("s", false);
    Unconditional.put(schedules, "s", every(MINUTE.multipliedBy(2), Overlap.ALLOW, CatchUp.ALL));
    Unconditional.put(schedules, "s", every(MINUTE, Overlap.ALLOW, CatchUp.ALL));
    while (stage.now() < last) {
      Ticks.tick(schedules);
      assertEquals(List.of(), stage.claim(1));
      stage.pass(MINUTE);
    }
    stage.pass(MINUTE);
    Ticks.tick(schedules);
    assertEquals(1, stage.claim(10).size());
    assertEquals(0, get().missed());
  }

  @Test
  void aScheduleThatCannotRunDelaysNoOther() {
    for (int i = 0; i < 250; i++) {
      String name = String.format("s%03d", i);
      Unconditional.put(schedules, name, every(MINUTE, Overlap.ALLOW, CatchUp.NONE));
      if (i < 220) {
        // As of a zone that this version of Java does not know.
        stage.redis.hset("tr:{0}:schedule:" + name, "rhythm", "0 cron Nowhere/Atlantis @daily");
      }
    }
    stage.pass(MINUTE);
    Ticks.tick(schedules);
    assertEquals(30, tasks().size());
  }

  @Test
  void runsWithLargeTasksAreCreatedInSeveralCalls() {
    Unconditional.put(
        schedules,
        "s",
        new Schedule.Settings(
            "abc",
            "default",
            new Rhythm.Every(Duration.ofSeconds(1)),
            Overlap.ALLOW,
            CatchUp.ALL,
            Duration.ZERO,
            false,
            wish().body("x".repeat(500_000)).spec()));
    stage.pass(Duration.ofSeconds(20));
    long before = calls();
    while (Ticks.tick(schedules).isZero()) {}
    assertTrue(calls() - before >= 10, "one call makes all of them");
    assertEquals(20, stage.redis.keys("tr:{0}:task:*").size());
    assertEquals(0, get().missed());
    assertEquals(Instant.ofEpochMilli(stage.now()), get().lastTick().orElseThrow());
  }

  private long calls() {
    return stage
        .redis
        .info("commandstats")
        .lines()
        .filter(line -> line.matches("cmdstat_(evalsha|fcall):.*"))
        .mapToLong(line -> Long.parseLong(line.split("[=,]", 3)[1]))
        .sum();
  }

  @Test
  void aPageOfManySchedulesReadsOnlyItsOwnNames() throws BadCursor {
    for (int i = 0; i < 20; i++) {
      Unconditional.put(schedules, "a" + i, every(MINUTE, Overlap.ALLOW, CatchUp.NONE));
    }
    for (int i = 0; i < 10_000; i++) {
      stage.redis.zadd("tr:{config}:schedules", 0, "b" + i + "\0nobody");
    }
    long before = sent();
    Page page = schedules.list(10, null);
    assertTrue(sent() - before < 30_000, sent() - before + " bytes");
    assertEquals(10, page.schedules().size());
    assertEquals(10_020, page.count());
    stage.redis.zremrangebylex("tr:{config}:schedules", Range.create("b", "c"));
  }

  private long sent() {
    return stage
        .redis
        .info("stats")
        .lines()
        .filter(line -> line.startsWith("total_net_output_bytes:"))
        .mapToLong(line -> Long.parseLong(line.split(":", 2)[1].strip()))
        .sum();
  }

  @Test
  void aPageIsBoundedInBytesAndAllPagesTogetherAreComplete() throws BadCursor {
    Schedule.Settings large =
        new Schedule.Settings(
            "abc",
            "default",
            new Rhythm.Every(MINUTE),
            Overlap.ALLOW,
            CatchUp.NONE,
            Duration.ZERO,
            false,
            wish().body("x".repeat(700_000)).spec());
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      names.add(String.format("s%02d", i));
      Unconditional.put(schedules, names.getLast(), large);
    }
    List<String> listed = new ArrayList<>();
    String cursor = null;
    do {
      Page page = schedules.list(1000, cursor);
      assertTrue(page.schedules().size() <= 8, "a page of " + page.schedules().size());
      page.schedules().forEach(schedule -> listed.add(schedule.name()));
      cursor = page.nextCursor();
    } while (cursor != null);
    assertEquals(names, listed);
  }

  @Test
  void oneRunCreatesOneTaskForAnyNumberOfProcessesAndRepeats() throws InterruptedException {
    Unconditional.put(schedules, "s", every(Duration.ofSeconds(1), Overlap.ALLOW, CatchUp.ALL));
    AtomicLong clock = new AtomicLong(stage.now());
    int ticks = 300;
    List<Stage> others = IntStream.range(0, 3).mapToObj(_ -> Stage.open(REDIS)).toList();
    CountDownLatch done = new CountDownLatch(others.size());
    for (Stage other : others) {
      Thread.ofVirtual()
          .start(() -> {
            Random random = new Random();
            while (clock.get() < stage.now() + ticks * 1000L) {
              // Forward at steps of different lengths, and sometimes back.
              long now = clock.addAndGet(random.nextInt(10) == 0 ? -1500 : random.nextInt(900));
              other.now(now);
              Ticks.tick(other.store.schedules());
            }
            other.now(stage.now() + ticks * 1000L);
            while (Ticks.tick(other.store.schedules()).isZero()) {}
            done.countDown();
          });
    }
    done.await();
    others.forEach(Stage::close);
    Set<TaskId> ids = new HashSet<>();
    tasks().forEach(task -> assertTrue(ids.add(task.id())));
    assertEquals(ticks, ids.size());
    assertEquals(0, get().missed());
    assertEquals(Instant.ofEpochMilli(stage.now() + ticks * 1000L), get().lastTick().orElseThrow());
  }
}
