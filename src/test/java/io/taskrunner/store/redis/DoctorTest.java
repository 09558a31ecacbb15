package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.LEASE;
import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.api.sync.RedisCommands;
import io.taskrunner.schedule.CatchUp;
import io.taskrunner.schedule.Overlap;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Label;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.redis.doctor.Finding;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.record.Digests;
import io.taskrunner.task.Retry;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Ticks;
import io.taskrunner.testkit.Unconditional;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Each invariant is broken by hand, found, repaired, and holds again. */
class DoctorTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private Stage stage;
  private static final byte[] NINE = {0, 0, 0, 9};

  private RedisCommands<byte[], byte[]> raw;
  private TaskId ready;
  private TaskId scheduled;
  private TaskId active;
  private TaskId dead;
  private TaskId done;
  private TaskId retrying;
  private List<Claim> held = List.of();

  /** A little of everything, so that each set has members. */
  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
    raw = REDIS.bytes();
    stage.client("abc", 2);
    retrying = stage.enqueue(wish().client("two"));
    dead = stage.enqueue(wish());
    done = stage.enqueue(wish());
    for (Claim claim : stage.claim(10)) {
      if (claim.id().equals(retrying)) {
        stage.settle(WORKER, stage.verdict(claim, new Verdict.Retry(Duration.ofMinutes(5)), 500));
      } else {
        stage.settle(
            WORKER,
            stage.verdict(
                claim,
                claim.id().equals(dead) ? new Verdict.Bury() : new Verdict.Succeed(),
                claim.id().equals(dead) ? 500 : 200));
      }
    }
    active = stage.enqueue(2, wish()).getFirst();
    ready = stage.enqueue(wish());
    scheduled = stage.enqueue(wish().in(Duration.ofHours(1)));
    held = stage.claim(10);
    assertEquals(2, held.size());
    stage.proven();
    assertEquals(1, stage.queueCounts("default").ready());
  }

  @AfterEach
  void close() {
    stage.close();
  }

  private byte[] key(String name) {
    return Keys.bytes("tr:{0}:" + name);
  }

  private byte[] task(TaskId id) {
    byte[] prefix = key("task:");
    byte[] key = new byte[prefix.length + 16];
    System.arraycopy(prefix, 0, key, 0, prefix.length);
    System.arraycopy(id.bytes(), 0, key, prefix.length, 16);
    return key;
  }

  private byte[] set(String rest) {
    return stage.key("default", rest).getBytes(StandardCharsets.UTF_8);
  }

  private String flow() {
    return "tr:{0}:queue:" + stage.n("default") + ":flow";
  }

  /** The problem is found under this word, repaired, and then everything holds. */
  private void mends(String kind) {
    Set<String> kinds = kinds(stage.store.doctor().examine(false));
    assertTrue(kinds.contains(kind), () -> kind + " is not among " + kinds);
    assertTrue(kinds(stage.store.doctor().repair(false)).contains(kind));
    stage.proven();
  }

  private static Set<String> kinds(List<Finding> findings) {
    return findings.stream().map(Finding::kind).collect(Collectors.toSet());
  }

  @Test
  void aReadyTaskInNoSet() {
    raw.zrem(set("ready:abc"), ready.bytes());
    mends("task_in_no_set");
    assertEquals(TaskState.READY, stage.state(ready));
    stage.succeed(held.getFirst());
    assertEquals(ready, stage.claim(10).getFirst().id());
  }

  @Test
  void aScheduledTaskInNoSet() {
    raw.zrem(set("due"), scheduled.bytes());
    mends("task_in_no_set");
  }

  @Test
  void anActiveTaskWithoutALease() {
    raw.zrem(key("leases"), active.bytes());
    mends("task_in_no_set");
    stage.claim(0);
    stage.pass(LEASE.dividedBy(2));
    stage.claim(0);
    stage.pass(LEASE.dividedBy(2));
    stage.claim(0);
    assertEquals(TaskState.RETRY, stage.state(active));
  }

  @Test
  void aFinishedTaskInNoSet() {
    raw.zrem(over("done"), done.bytes());
    mends("task_in_no_set");
    raw.zrem(over("dead"), dead.bytes());
    mends("task_in_no_set");
  }

  private byte[] over(String set) {
    return key("queue:" + stage.n("default") + ":" + set);
  }

  @Test
  void aTaskInTwoSets() {
    raw.zadd(set("due"), (double) stage.now(), ready.bytes());
    mends("task_in_wrong_set");
    raw.zadd(key("leases"), (double) stage.now(), scheduled.bytes());
    mends("task_in_wrong_set");
    raw.zadd(set("ready:other"), (double) stage.now(), ready.bytes());
    mends("task_in_wrong_set");
    raw.zadd(over("done"), (double) stage.now(), dead.bytes());
    mends("task_in_wrong_set");
    raw.zadd(key("retire"), (double) stage.now(), active.bytes());
    mends("task_in_wrong_set");
  }

  @Test
  void aTaskAtTheWrongTime() {
    raw.zadd(set("due"), (double) stage.now() + 5, scheduled.bytes());
    mends("task_at_wrong_time");
  }

  @Test
  void membersThatAreNoTasks() {
    for (TaskId id : List.of(ready, scheduled, active, dead, done, retrying)) {
      raw.del(task(id));
      mends("member_of_no_task");
    }
  }

  @Test
  void aTaskThatNeverRetires() {
    raw.zrem(key("retire"), done.bytes());
    mends("task_never_retires");
    raw.zrem(key("retire"), dead.bytes());
    mends("task_never_retires");
  }

  @Test
  void anUnreadableRecordIsMovedAside() {
    byte[] whole = raw.get(task(ready));
    byte[] wrongVersion = whole.clone();
    wrongVersion[0] = 9;
    List<byte[]> records =
        List.of(
            Keys.bytes("garbage"),
            wrongVersion,
            Arrays.copyOf(whole, 40),
            Arrays.copyOf(whole, whole.length - 20));
    for (TaskId id : List.of(ready, scheduled, active, dead, done, retrying)) {
      for (byte[] record : records) {
        byte[] before = raw.get(task(id));
        if (before == null) {
          break; // put aside
        }
        raw.set(task(id), record);
        Set<String> kinds = kinds(stage.store.doctor().examine(false));
        assertTrue(kinds.contains("record_unreadable"), () -> id + ": " + kinds);
        if (record.length == 40) {
          mends("record_unreadable");
          byte[] aside = key("unreadable:................");
          System.arraycopy(id.bytes(), 0, aside, aside.length - 16, 16);
          assertArrayEquals(record, raw.get(aside));
        } else {
          raw.set(task(id), before);
        }
      }
    }
  }

  @Test
  void unreadableRecordsDelayNothing() {
    stage.client("abc", 100);
    List<TaskId> ids = stage.enqueue(6, wish());
    List<TaskId> expired = stage.enqueue(3, wish().expires(stage.now() + 1000));
    List<TaskId> later = stage.enqueue(3, wish().in(Duration.ofMinutes(1)));
    for (TaskId id : List.of(ids.get(0), expired.get(0), later.get(0), dead, done, active)) {
      raw.set(task(id), Keys.bytes("garbage"));
    }
    for (TaskId id : List.of(ids.get(1), expired.get(1), later.get(1))) {
      raw.set(task(id), Arrays.copyOf(raw.get(task(id)), 80));
    }
    byte[] wrongVersion = raw.get(task(later.get(2)));
    TaskId other = stage.enqueue(wish().in(Duration.ofHours(1)));
    wrongVersion[0] = 9;
    raw.set(task(other), wrongVersion);
    assertTrue(listed(ofHost("example.com")) >= 1);
    stage.pass(Duration.ofMinutes(2));
    for (int i = 0; i < 3; i++) {
      stage.claim(20);
    }
    assertEquals(TaskState.ACTIVE, stage.state(ids.get(5)));
    assertEquals(TaskState.ACTIVE, stage.state(later.get(2)));
    assertEquals(TaskState.DEAD, stage.state(expired.get(2)));
    assertEquals(List.of(), stage.store.tasks().get(ids.get(0)).stream().toList());
    assertTrue(listed() >= 8);
    stage.pass(Duration.ofDays(40));
    stage.store.tidy();
    stage.store.doctor().repair(false);
    stage.proven();
  }

  private static Filter ofHost(String host) {
    return new Filter(
        null, TaskState.SCHEDULED, null, null, host, null, null, null, null, null, null, List.of());
  }

  private int listed() {
    return listed(new Filter(null, null, null, null));
  }

  private int listed(Filter filter) {
    try {
      return stage.store.tasks().list(filter, 100, null).tasks().size();
    } catch (BadCursor none) {
      throw new AssertionError(none);
    }
  }

  @Test
  void aHiddenHeadOfALiveTask() {
    raw.pexpire(task(ready), 100_000);
    mends("task_expires");
    assertEquals(-1, raw.pttl(task(ready)));
  }

  @Test
  void aHiddenHeadWithoutATask() {
    TaskId hidden = stage.enqueue(wish().client("three").retention(Duration.ZERO));
    Claim claim = stage.claim(1).getFirst();
    assertEquals(hidden, claim.id());
    stage.succeed(claim);
    stage.proven();
    raw.persist(task(hidden));
    mends("key_never_expires");
    assertTrue(raw.pttl(task(hidden)) > 0);
  }

  @Test
  void aLogWithoutItsTask() {
    byte[] log =
        (new String(task(TaskId.of(new byte[16])), StandardCharsets.ISO_8859_1) + ":log")
            .getBytes(StandardCharsets.ISO_8859_1);
    raw.rpush(log, new byte[15]);
    mends("log_of_no_task");
    assertEquals(0, raw.exists(log));
  }

  @Test
  void anOwnerWithoutATurn() {
    raw.zrem(set("turns"), Keys.bytes("abc"));
    mends("owner_without_turn");
  }

  @Test
  void aTurnWithoutTasks() {
    raw.zadd(set("turns"), 1, Keys.bytes("nobody"));
    mends("turn_without_tasks");
  }

  @Test
  void parkedSetsThatDisagree() {
    assertTrue(raw.zscore(set("turns"), Keys.bytes("abc")) > Math.pow(2, 52));
    raw.del(key("client:abc:parked"));
    mends("parked_sets_disagree");
    raw.zadd(set("turns"), 1, Keys.bytes("abc"));
    mends("parked_sets_disagree");
  }

  @Test
  void anOwnerParkedWithRoom() {
    stage.redis.hset("tr:{0}:client:abc", "max_concurrent", "3");
    stage.redis.hdel("tr:{0}:client:abc", "brief");
    mends("parked_with_room");
    assertEquals(1, stage.claim(10).size());
  }

  @Test
  void packedSettingsOfAQueueThatAreOutdated() {
    stage.redis.hset(flow(), "weight", "7");
    mends("brief_wrong");
  }

  @Test
  void packedSettingsOfAClientThatAreOutdated() {
    stage.redis.hset("tr:{0}:client:abc", "requests_per_min", "300");
    mends("brief_wrong");
    EnqueueResult.Accepted taken =
        assertInstanceOf(EnqueueResult.Accepted.class, stage.put(wish()));
    assertEquals(300, taken.quota().limits().requestsPerMin());
  }

  @Test
  void parkedEntriesWithoutAClient() {
    raw.sadd(key("client:abc:parked"), Keys.bytes("77.0"));
    mends("parked_nowhere");
    raw.sadd(key("client:two:parked"), Keys.bytes(stage.n("default") + ".0"));
    mends("parked_nowhere");
  }

  @Test
  void aQueueThatIsWronglyBusyOrNot() {
    raw.zadd(key("busy"), 0, Keys.bytes(stage.n("default")));
    mends("queue_busy");
    stage.enqueue(wish().client("three"));
    raw.zrem(key("busy"), Keys.bytes(stage.n("default")));
    mends("queue_not_busy");
    assertEquals(1, stage.claim(5).size());
  }

  @Test
  void virtualTimesThatDiffer() {
    stage.enqueue(wish().client("three"));
    raw.zadd(key("busy"), 17.5, Keys.bytes(stage.n("default")));
    mends("virtual_times_differ");
  }

  @Test
  void timersThatAreWrong() {
    raw.zrem(key("timers"), Keys.bytes(stage.n("default")));
    mends("timers_differ");
    stage.miscount(flow(), 32, ByteBuffer.allocate(8).putDouble(5).array()); // the timer
    raw.zadd(key("timers"), 5, Keys.bytes(stage.n("default")));
    mends("timer_wrong");
  }

  @Test
  void setsThatNameNoQueue() {
    raw.zadd(key("busy"), 1, Keys.bytes(99));
    mends("no_such_queue");
    raw.zadd(key("timers"), 1, Keys.bytes(99));
    mends("no_such_queue");
  }

  @Test
  void aSumOfWeightsThatIsWrong() {
    stage.redis.hset("tr:{0}:shard", "weights", "12");
    mends("weights_wrong");
  }

  @Test
  void aCounterOfManyTasksIsCheckedOnlyWithExact() {
    stage.client("abc", 2, 1_000_000);
    stage.enqueue(1200, wish().in(Duration.ofHours(1)));
    stage.miscount(flow(), 8, NINE);
    assertEquals(List.of(), stage.store.doctor().examine(false));
    assertEquals(Set.of("count_wrong"), kinds(stage.store.doctor().examine(true)));
    assertEquals(Set.of("count_wrong"), kinds(stage.store.doctor().repair(true)));
    assertEquals(1, stage.queueCounts("default").retry());
  }

  @Test
  void countersThatAreWrong() {
    for (String field : List.of("dead_bytes", "cancelled")) {
      stage.redis.hset(flow(), field, "9");
      mends("count_wrong");
    }
    for (int at : List.of(0, 4, 8)) { // running, ready, retry
      stage.miscount(flow(), at, NINE);
      mends("count_wrong");
    }
    for (int at : List.of(0, 4, 14)) { // running, live, accepted
      stage.miscount("tr:{0}:client:abc", at, NINE);
      mends("count_wrong");
    }
  }

  @Test
  void leftoversThatAreNotDrained() {
    stage.store.queues().purge("default");
    stage.proven();
    raw.del(key("drain"));
    mends("purged_and_left");
    stage.store.tidy();
    stage.proven();
    assertEquals(0, raw.exists(task(ready)));
  }

  @Test
  void leftoversOfADeletedQueue() {
    stage.queue("other", 1);
    stage.enqueue(wish().client("three").queue("other"));
    stage.succeed(stage.claim(1).getFirst());
    Unconditional.delete(stage.store.queues(), "other", true);
    stage.proven();
    raw.del(key("drain"));
    mends("deleted_and_left");
    stage.store.tidy();
    stage.proven();
  }

  @Test
  void clientsThatAreNotListed() {
    raw.zrem(key("clients"), Keys.bytes("abc"));
    mends("client_not_listed");
    raw.zadd(key("clients"), 0, Keys.bytes("ghost"));
    mends("client_listed");
    raw.zrem(key("strangers"), Keys.bytes("two"));
    mends("stranger_not_listed");
  }

  @Test
  void keysThatWouldNeverExpire() {
    raw.persist(key("worker:" + WORKER));
    mends("key_never_expires");
  }

  @Test
  void aCheckChangesNothing() {
    raw.zrem(set("due"), scheduled.bytes());
    stage.redis.hset("tr:{0}:shard", "weights", "12");
    List<Finding> first = stage.store.doctor().examine(false);
    assertEquals(first, stage.store.doctor().examine(false));
  }

  @Test
  void aDeadTaskThatIsNotIndexed() {
    raw.zrem(index("h:example.com"), dead.bytes());
    mends("dead_not_indexed");
    raw.del(index("e:s500"));
    mends("dead_not_indexed");
  }

  private TaskId labeled() {
    return stage.enqueue(
        wish()
            .client("three")
            .expires(stage.now() + 100_000)
            .limits(1, null)
            .retry(new Retry(3, null, null, null, null, null))
            .labels(Map.of("order", "17", "env", "prod")));
  }

  private byte[] label(String name, String value) {
    return key("label:" + Digests.ofLabel(new Label(name, value)));
  }

  @Test
  void aTaskThatIsNotFoundByItsLabels() {
    TaskId id = labeled();
    assertEquals(1, raw.zcard(label("env", "prod")));
    raw.del(label("order", "17"));
    mends("label_not_indexed");
    assertEquals(List.of(id), found("order", "17"));
  }

  private List<TaskId> found(String name, String value) {
    try {
      return stage
          .store
          .tasks()
          .list(new Filter(null, null, null, new Label(name, value)), 10, null)
          .tasks()
          .stream()
          .map(Task::id)
          .toList();
    } catch (BadCursor impossible) {
      throw new AssertionError(impossible);
    }
  }

  @Test
  void aTaskOfAVersionWithoutLabelIndexes() {
    TaskId id = labeled();
    raw.setrange(task(id), 66, new byte[] {(byte) (raw.getrange(task(id), 66, 66)[0] - 32)});
    raw.del(label("order", "17"));
    raw.del(label("env", "prod"));
    mends("label_not_indexed");
    assertEquals(List.of(id), found("env", "prod"));
    stage.store.tasks().cancel(id);
    stage.pass(Duration.ofHours(2));
    stage.store.tidy();
    assertEquals(0, raw.exists(label("order", "17"), label("env", "prod")));
  }

  @Test
  void aLabelIndexWithTasksThatLackTheLabel() {
    TaskId id = labeled();
    raw.zadd(label("order", "18"), 0, id.bytes());
    mends("label_of_nothing");
    raw.zadd(label("order", "17"), 0, ready.bytes());
    mends("label_of_nothing");
    assertEquals(List.of(id), found("order", "17"));
    raw.del(task(id));
    assertEquals(List.of(), found("order", "17"));
    assertEquals(0, raw.exists(label("order", "17")), "what was met and is gone is taken out");
    mends("label_of_nothing");
  }

  private byte[] index(String rest) {
    return key("queue:" + stage.n("default") + ":dead:" + rest);
  }

  @Test
  void anIndexOfDeadTasksWithOthers() {
    raw.zadd(index("c:abc"), 1, ready.bytes());
    mends("index_of_nothing");
  }

  @Test
  void sumsOfTheDeadThatAreWrong() {
    raw.hincrby(index("sums"), Keys.bytes("example.com:80 s500"), 2);
    mends("dead_sums_wrong");
    raw.del(index("sums"));
    mends("dead_sums_wrong");
    assertEquals(
        1, stage.store.queues().deadSummary("default").orElseThrow().groups().getFirst().count());
  }

  private void schedule(String name) {
    Unconditional.put(
        stage.store.schedules(),
        name,
        new Schedule.Settings(
            "abc",
            "default",
            new Rhythm.Every(Duration.ofMinutes(1)),
            Overlap.ALLOW,
            CatchUp.NONE,
            Duration.ZERO,
            false,
            wish().spec()));
  }

  @Test
  void aScheduleInNoSet() {
    schedule("s");
    raw.zrem(key("schedules"), Keys.bytes("s"));
    mends("schedule_not_waiting");
    stage.pass(Duration.ofMinutes(1));
    Ticks.tick(stage.store.schedules());
    assertTrue(stage.store.schedules().get("s").orElseThrow().lastTask().isPresent());
  }

  @Test
  void aPausedScheduleInASet() {
    schedule("s");
    stage.store.schedules().pause("s", true);
    raw.zadd(key("schedules"), 1, Keys.bytes("s"));
    mends("schedule_waits_paused");
  }

  @Test
  void anEntryOfADeletedSchedule() {
    schedule("s");
    raw.del(key("schedule:s"));
    Set<String> kinds = kinds(stage.store.doctor().examine(false));
    assertTrue(kinds.containsAll(Set.of("schedule_gone", "schedule_missing")), kinds::toString);
    stage.store.doctor().repair(false);
    stage.proven();
    assertEquals(0, stage.redis.exists("tr:{config}:schedules"));
  }

  @Test
  void aScheduleMissingFromTheIndex() {
    schedule("s");
    stage.redis.del("tr:{config}:schedules");
    mends("schedule_not_named");
    assertTrue(stage.store.schedules().get("s").isPresent());
  }

  @Test
  void aBusyStoreIsHealthy() throws Exception {
    for (int i = 0; i < 5; i++) {
      stage.client("busy" + i, 1 + i);
    }
    AtomicBoolean over = new AtomicBoolean();
    List<Future<?>> writers = new ArrayList<>();
    List<Finding> found = new ArrayList<>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 3; i++) {
        String worker = Stage.worker(50 + i);
        writers.add(
            threads.submit(() -> {
              List<Claim> held = new ArrayList<>();
              while (!over.get()) {
                act(worker, held);
              }
            }));
      }
      for (int i = 0; i < 15; i++) {
        found.addAll(stage.store.doctor().examine(false));
      }
      over.set(true);
      for (Future<?> writer : writers) {
        writer.get();
      }
    }
    assertEquals(List.of(), found);
    stage.proven();
  }

  private void act(String worker, List<Claim> held) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    String queue = List.of("default", "critical", "low").get(random.nextInt(3));
    switch (random.nextInt(12)) {
      case 0, 1, 2, 3 ->
          stage.enqueue(
              wish()
                  .client("busy" + random.nextInt(5))
                  .queue(queue)
                  .retention(Duration.ofSeconds(random.nextInt(3)))
                  .in(Duration.ofMillis(random.nextInt(3) * 100)));
      case 4, 5, 6 -> held.addAll(exchange(worker, random.nextInt(4)));
      case 7, 8, 9 -> {
        if (!held.isEmpty()) {
          Claim claim = held.removeLast();
          Verdict verdict =
              switch (random.nextInt(4)) {
                case 0 -> new Verdict.Retry(Duration.ofMillis(50));
                case 1 -> new Verdict.PutBack(Duration.ZERO);
                case 2 -> new Verdict.Bury();
                default -> new Verdict.Succeed();
              };
          stage.settle(worker, stage.verdict(claim, verdict, 500));
        }
      }
      case 10 -> {
        if (random.nextInt(10) == 0) {
          stage.store.queues().purge(queue);
        } else {
          stage.store.tidy();
        }
      }
      default -> {
        if (!held.isEmpty()) {
          stage.store.tasks().cancel(held.getLast().id());
        }
        stage.now(stage.now() + 20);
      }
    }
  }

  private List<Claim> exchange(String worker, int slots) {
    synchronized (worker.intern()) {
      return stage.exchange(worker, slots).claims();
    }
  }
}
