package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.WORKER;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.api.sync.RedisCommands;
import io.taskrunner.store.CloudStore;
import io.taskrunner.store.CloudStore.CloudQueue;
import io.taskrunner.store.CloudStore.CloudTask;
import io.taskrunner.store.CloudStore.Found;
import io.taskrunner.store.CloudStore.LastAttempt;
import io.taskrunner.store.CloudStore.NewTask;
import io.taskrunner.store.CloudStore.Page;
import io.taskrunner.store.CloudStore.QueueMade;
import io.taskrunner.store.CloudStore.QueueName;
import io.taskrunner.store.CloudStore.Retries;
import io.taskrunner.store.CloudStore.Settings;
import io.taskrunner.store.CloudStore.TaskMade;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.Operation;
import io.taskrunner.store.Operation.Action;
import io.taskrunner.store.Operation.Counts;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.OperationStore.Begun;
import io.taskrunner.store.Queue;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Moved;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Settled;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.store.redis.doctor.Finding;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.record.CreateCall;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.Retry;
import io.taskrunner.task.Task;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The moves of Cloud Tasks, one by one. */
class CloudTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final QueueName MAIL = new QueueName("example.com:shop", "europe-west1", "mail");
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Duration WEEK = Duration.ofDays(7);
  private static final byte[] ECHO = "echo".getBytes(StandardCharsets.UTF_8);
  private static final Retries USUAL =
      new Retries(100, Duration.ZERO, Duration.ofMillis(100), HOUR, 16);

  private Stage stage;
  private CloudStore cloud;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
    cloud = stage.store.cloud();
    make(MAIL, settings(USUAL));
  }

  @AfterEach
  void close() {
    stage.proven();
    stage.close();
  }

  private static Settings settings(Retries retry) {
    return settings(500, 100, 1000, retry);
  }

  private static Settings settings(double rate, int burst, int concurrent, Retries retry) {
    return new Settings(rate, burst, concurrent, retry, ECHO);
  }

  private void make(QueueName name, Settings settings) {
    assertInstanceOf(QueueMade.Made.class, cloud.make(name, settings, WEEK));
  }

  private NewTask task(@Nullable String id, @Nullable Instant due) {
    return task(MAIL, id, due, HOUR);
  }

  private static NewTask task(
      QueueName queue, @Nullable String id, @Nullable Instant due, Duration taken) {
    TaskSpec spec = Stage.wish().retention(Duration.ZERO).spec();
    return new NewTask(queue, id, due, spec, ECHO, taken);
  }

  private CloudTask create(@Nullable String id) {
    return made(task(id, null));
  }

  private CloudTask made(NewTask task) {
    return assertInstanceOf(TaskMade.Made.class, cloud.create(task).join()).task();
  }

  private CloudTask found(String id) {
    return assertInstanceOf(Found.Task.class, cloud.task(MAIL, id)).task();
  }

  private void over(String id) {
    assertInstanceOf(Found.Over.class, cloud.task(MAIL, id));
    assertInstanceOf(Found.Over.class, cloud.run(MAIL, id));
    assertInstanceOf(Found.Over.class, cloud.delete(MAIL, id));
    assertInstanceOf(TaskMade.Exists.class, cloud.create(task(id, null)).join());
  }

  private void nothing(String id) {
    assertInstanceOf(Found.Nothing.class, cloud.task(MAIL, id));
    assertInstanceOf(Found.Nothing.class, cloud.run(MAIL, id));
    assertInstanceOf(Found.Nothing.class, cloud.delete(MAIL, id));
  }

  private Claim claimOne() {
    List<Claim> claims = stage.claim(10);
    assertEquals(1, claims.size());
    return claims.getFirst();
  }

  private List<Claim> express(int slots, int express) {
    return express(WORKER, slots, express);
  }

  private List<Claim> express(String worker, int slots, int express) {
    return stage.exchange(worker, slots, express).claims();
  }

  /** Fails as the worker would decide. */
  private void fail(Claim claim, int status) {
    Verdict verdict =
        claim
            .rules()
            .cloud()
            .judge(
                new Outcome.Answered(status, Optional.empty()),
                claim.start().attempt(),
                Duration.between(
                    claim.start().first().orElse(claim.start().now()),
                    Instant.ofEpochMilli(stage.now())),
                () -> 0.5);
    stage.settle(WORKER, stage.verdict(claim, verdict, status));
  }

  private Instant at(long afterStart) {
    return Instant.ofEpochMilli(Stage.START + afterStart);
  }

  // -- queues

  @Test
  void aQueueIsCreatedOnce() {
    assertInstanceOf(QueueMade.Exists.class, cloud.make(MAIL, settings(USUAL), WEEK));
    CloudQueue queue = cloud.queue(MAIL).orElseThrow();
    assertEquals(MAIL, queue.name());
    assertEquals(USUAL, queue.settings().retry());
    assertEquals(500.0, queue.settings().maxDispatchesPerSecond());
    assertEquals(100, queue.settings().maxBurstSize());
    assertEquals(1000, queue.settings().maxConcurrentDispatches());
    assertTrue(Arrays.equals(ECHO, queue.settings().echoed()));
    assertFalse(queue.paused());
    assertEquals(Optional.empty(), queue.purged());
    assertEquals(Optional.empty(), cloud.queue(new QueueName("a", "b", "none")));
  }

  @Test
  void oneOfManyConcurrentCreationsOfAQueueSucceeds() {
    QueueName name = new QueueName("p", "l", "raced");
    List<CompletableFuture<QueueMade>> all =
        IntStream.range(0, 20)
            .mapToObj(
                _ -> CompletableFuture.supplyAsync(() -> cloud.make(name, settings(USUAL), WEEK)))
            .toList();
    assertEquals(1, all.stream().filter(one -> one.join() instanceof QueueMade.Made).count());
  }

  @Test
  void everySettingIsKeptAndChanged() {
    byte[] bytes = new byte[256];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) i;
    }
    Retries odd =
        new Retries(-1, Duration.ofDays(40), Duration.ofMillis(1), Duration.ofDays(300), 1 << 30);
    Settings settings = new Settings(0.25, 10, 5000, odd, bytes);
    CloudQueue changed = cloud.change(MAIL, settings).orElseThrow();
    assertEquals(odd, changed.settings().retry());
    assertEquals(0.25, changed.settings().maxDispatchesPerSecond());
    assertEquals(10, changed.settings().maxBurstSize());
    assertEquals(5000, changed.settings().maxConcurrentDispatches());
    assertTrue(Arrays.equals(bytes, changed.settings().echoed()));
    assertEquals(Optional.empty(), cloud.change(new QueueName("p", "l", "q"), settings));
  }

  @Test
  void theNameOfADeletedQueueStaysReservedForSomeTime() {
    make(new QueueName("p", "l", "kept"), settings(USUAL));
    assertTrue(cloud.delete(MAIL));
    assertFalse(cloud.delete(MAIL));
    assertEquals(Optional.empty(), cloud.queue(MAIL));
    assertEquals(Optional.empty(), cloud.pause(MAIL, true));
    assertEquals(Optional.empty(), cloud.purge(MAIL));
    assertEquals(Optional.empty(), cloud.change(MAIL, settings(USUAL)));
    assertInstanceOf(TaskMade.NoQueue.class, cloud.create(task("a", null)).join());
    assertInstanceOf(QueueMade.TooRecent.class, cloud.make(MAIL, settings(USUAL), WEEK));
    stage.pass(WEEK.minusMillis(1));
    assertInstanceOf(QueueMade.TooRecent.class, cloud.make(MAIL, settings(USUAL), WEEK));
    stage.pass(Duration.ofMillis(1));
    make(MAIL, settings(USUAL));
    cloud.delete(MAIL);
    assertInstanceOf(
        QueueMade.Made.class, cloud.make(MAIL, settings(USUAL), Duration.ZERO), "when none is");
    assertTrue(cloud.queue(MAIL).isPresent());
    assertTrue(cloud.queue(new QueueName("p", "l", "kept")).isPresent());
  }

  @Test
  void aBrokenOffDeletionIsCompletedByTheNextCreation() {
    create("old");
    String n = stage.redis.hget("tr:{config}:queues", MAIL.toString());
    stage.redis.hset("tr:{config}:queues:dying", MAIL.toString(), n);
    assertInstanceOf(QueueMade.TooRecent.class, cloud.make(MAIL, settings(USUAL), WEEK));
    assertEquals(Optional.empty(), cloud.queue(MAIL));
    assertInstanceOf(QueueMade.Made.class, cloud.make(MAIL, settings(USUAL), Duration.ZERO));
    create("old");
    assertEquals(1, stage.claim(10).size());
    stage.store.tidy();
  }

  @Test
  void aQueueIsDeletedWithItsTasks() {
    create("running");
    Claim running = claimOne();
    CloudTask waits = create(null);
    made(task("later", at(60_000)));
    assertTrue(cloud.delete(MAIL));
    assertInstanceOf(Found.Nothing.class, cloud.task(MAIL, "running"));
    assertInstanceOf(Found.Nothing.class, cloud.task(MAIL, waits.id()));
    stage.proven();
    assertEquals(Settled.DONE, stage.settle(WORKER, stage.verdict(running, retry(0), 500)));
    stage.store.tidy();
    stage.pass(Duration.ofMinutes(2));
    assertEquals(List.of(), stage.claim(10));
    assertEquals(List.of(), stage.redis.keys("tr:{0}:task:*"));
    assertEquals(List.of(), stage.redis.keys("tr:{0}:queue:*all*"));
    assertEquals(List.of(), stage.redis.keys("tr:{0}:key:*"));
  }

  private static Verdict retry(long millis) {
    return new Verdict.Retry(Duration.ofMillis(millis));
  }

  @Test
  void queuesAreListedByName() {
    List<String> ids = List.of("Z", "a", "a-1", "b", "c");
    ids.forEach(id -> make(new QueueName("p", "l", id), settings(USUAL)));
    make(new QueueName("p", "l2", "other"), settings(USUAL));
    make(new QueueName("p2", "l", "other"), settings(USUAL));
    cloud.delete(new QueueName("p", "l", "b"));
    assertEquals(List.of("Z", "a", "a-1", "c"), ids(cloud.queues("p", "l", null, 100)));
    assertEquals(List.of("Z", "a"), ids(cloud.queues("p", "l", null, 2)));
    assertEquals(List.of("a-1", "c"), ids(cloud.queues("p", "l", "a", 2)));
    assertEquals(List.of(), cloud.queues("p", "l", "c", 2));
    assertEquals(List.of(), cloud.queues("p", "none", null, 2));
  }

  private static List<String> ids(List<CloudQueue> queues) {
    return queues.stream().map(queue -> queue.name().id()).toList();
  }

  @Test
  void aPausedQueueAcceptsTasksAndStartsNone() {
    create("first");
    Claim running = claimOne();
    assertTrue(cloud.pause(MAIL, true).orElseThrow().paused());
    assertTrue(cloud.pause(MAIL, true).orElseThrow().paused());
    create("second");
    stage.settle(WORKER, stage.verdict(running, retry(100), 500));
    stage.pass(Duration.ofHours(2));
    assertEquals(List.of(), stage.claim(10));
    assertEquals(1, found("first").dispatches());
    assertFalse(cloud.pause(MAIL, false).orElseThrow().paused());
    assertEquals(2, stage.claim(10).size());
  }

  @Test
  void aPurgeKeepsTheQueueAndReservedNames() {
    create("running");
    Claim running = claimOne();
    create("waits");
    CloudTask unnamed = create(null);
    made(task("later", at(60_000)));
    stage.pass(Duration.ofSeconds(1));
    CloudQueue purged = cloud.purge(MAIL).orElseThrow();
    assertEquals(Optional.of(at(1000)), purged.purged());
    for (String id : List.of("running", "waits", "later")) {
      over(id);
    }
    nothing(unnamed.id());
    assertEquals(0, tasks().size());
    stage.store.tidy();
    stage.proven();
    for (String id : List.of("running", "waits", "later")) {
      over(id);
    }
    create("after");
    assertEquals(Settled.DONE, stage.settle(WORKER, stage.verdict(running, retry(0), 500)));
    over("running");
    stage.pass(Duration.ofHours(1));
    assertEquals("after", claimOne().cloud().taskName());
    assertEquals(Optional.of(at(1000)), cloud.queue(MAIL).orElseThrow().purged());
  }

  private List<CloudTask> tasks() {
    try {
      return cloud.tasks(MAIL, null, 1000).orElseThrow().tasks();
    } catch (BadCursor never) {
      throw new AssertionError(never);
    }
  }

  // -- tasks

  @Test
  void aTaskIsReturnedAsStored() {
    Instant due = at(5000).plusNanos(123_456_789);
    CloudTask made = made(task("name_1-A", due));
    CloudTask read = found("name_1-A");
    for (CloudTask one : List.of(made, read)) {
      assertEquals("name_1-A", one.id());
      assertEquals(MAIL, one.queue());
      assertEquals(at(0), one.created());
      assertEquals(at(5000).plusNanos(123_456_000), one.due());
      assertEquals(0, one.dispatches());
      assertEquals(0, one.responses());
      assertEquals(Optional.empty(), one.first());
      assertEquals(Optional.empty(), one.last());
      assertTrue(Arrays.equals(ECHO, one.echoed()));
      assertEquals("http://example.com/a", one.spec().request().url().value());
      assertEquals("hello", new String(one.spec().request().body(), StandardCharsets.UTF_8));
    }
    assertEquals(made.taskId(), read.taskId());
    stage.now(Stage.START + 5123);
    assertEquals(List.of(), stage.claim(1), "never early");
    stage.now(Stage.START + 5124);
    Claim claim = claimOne();
    assertEquals(at(5000).plusNanos(123_456_000), claim.start().due());
    assertEquals("mail", claim.cloud().queueId());
    assertEquals("name_1-A", claim.cloud().taskName());
    assertEquals(MAIL.toString(), claim.queue());
    assertTrue(Arrays.equals(ECHO, claim.cloud().echoed()));
  }

  @Test
  void aPastTimeIsNow() {
    assertEquals(at(0), made(task("none", null)).due());
    assertEquals(at(0), made(task("past", at(-1000).plusNanos(1000))).due());
    assertEquals(at(0), found("past").due());
    assertEquals(at(0), made(task("ancient", Instant.ofEpochSecond(-10))).due());
    assertEquals(3, stage.claim(10).size());
  }

  @Test
  void aTaskWithManyAndLongHeadersIsRead() {
    List<io.taskrunner.task.TargetRequest.Header> headers = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      headers.add(new io.taskrunner.task.TargetRequest.Header("X-" + i, "v" + i));
    }
    headers.add(new io.taskrunner.task.TargetRequest.Header("X-Long", "x".repeat(70_000)));
    TaskSpec plain = task("a", null).spec();
    TaskSpec spec =
        new TaskSpec(
            new io.taskrunner.task.TargetRequest(
                "PUT", plain.request().url(), headers, new byte[] {0, 1}, false),
            Retry.UNSET,
            Duration.ofSeconds(15),
            null,
            null,
            Duration.ZERO,
            Map.of(),
            null,
            null);
    made(new NewTask(MAIL, "a", null, spec, new byte[100_000], HOUR));
    CloudTask read = found("a");
    assertEquals(headers, read.spec().request().headers());
    assertEquals(Optional.of(Duration.ofSeconds(15)), Optional.ofNullable(read.spec().timeout()));
    assertEquals(100_000, read.echoed().length);
    Claim claim = claimOne();
    assertEquals(headers, claim.spec().request().headers());
    assertTrue(Arrays.equals(new byte[] {0, 1}, claim.spec().request().body()));
  }

  @Test
  void anUnnamedTaskHasARandomNumberForAName() {
    List<CloudTask> all = new ArrayList<>();
    Set<String> starts = new HashSet<>();
    for (int i = 0; i < 200; i++) {
      CloudTask one = create(null);
      assertTrue(one.id().matches("[0-9]{33}"), one.id());
      starts.add(one.id().substring(0, 8));
      all.add(one);
    }
    assertEquals(200, starts.size(), "none looks like another");
    for (CloudTask one : all) {
      assertEquals(one.taskId(), found(one.id()).taskId());
    }
    nothing(all.getFirst().id().replaceFirst("^.", "9"));
    nothing("9".repeat(33));
    nothing("000000000000000000000000000000000");
    assertEquals(List.of(), stage.redis.keys("tr:{0}:key:*"), "nothing is kept for the names");
    CloudTask gone = all.getFirst();
    assertInstanceOf(Found.Task.class, cloud.delete(MAIL, gone.id()));
    nothing(gone.id());
    QueueName other = new QueueName("p", "l", "other");
    make(other, settings(USUAL));
    assertInstanceOf(Found.Nothing.class, cloud.task(other, all.getLast().id()));
  }

  @Test
  void oneOfManyConcurrentCreationsOfATaskSucceeds() {
    List<CompletableFuture<TaskMade>> all =
        IntStream.range(0, 300).mapToObj(_ -> cloud.create(task("same", null))).toList();
    List<TaskMade> made =
        all.stream()
            .map(CompletableFuture::join)
            .filter(one -> one instanceof TaskMade.Made)
            .toList();
    assertEquals(1, made.size());
    assertEquals(1, tasks().size());
    QueueName other = new QueueName("p", "l", "other");
    make(other, settings(USUAL));
    assertInstanceOf(
        TaskMade.Made.class, cloud.create(task(other, "same", null, HOUR)).join(), "per queue");
  }

  @Test
  void aRepeatedCreationReturnsTheCreatedTask() {
    TaskId id = stage.id();
    NewTask task = task("once", at(3000).plusNanos(1000));
    TaskMade first = again(task, id);
    CloudTask made = assertInstanceOf(TaskMade.Made.class, first).task();
    stage.pass(Duration.ofSeconds(1));
    CloudTask repeated = assertInstanceOf(TaskMade.Made.class, again(task, id)).task();
    assertEquals(made.created(), repeated.created());
    assertEquals(made.due(), repeated.due());
    assertInstanceOf(TaskMade.Exists.class, again(task, stage.id()));
    stage.pass(Duration.ofSeconds(3));
    stage.succeed(claimOne());
    assertInstanceOf(TaskMade.Made.class, again(task, id), "also when it is over");
    assertInstanceOf(TaskMade.Exists.class, again(task, stage.id()));
    NewTask unnamed = task(null, null);
    TaskId other = stage.id();
    assertInstanceOf(TaskMade.Made.class, again(unnamed, other));
    assertInstanceOf(TaskMade.Made.class, again(unnamed, other));
    assertEquals(1, tasks().size());
  }

  /** The script with an id of the test's choice, as in a repeated call. */
  private TaskMade again(NewTask task, TaskId id) {
    CreateCall call = CreateCall.of(task);
    Args args = Args.of(1, 10, 1000);
    call.put(args, id, stage.n(MAIL.toString()));
    return call.read(id, stage.moves.run(Script.ENQUEUE, args.add(call.tail())).bytes(), 0);
  }

  @Test
  void aNameStaysReservedAfterEachFinalState() {
    create("succeeded");
    stage.succeed(claimOne());
    over("succeeded");

    create("deleted");
    assertInstanceOf(Found.Task.class, cloud.delete(MAIL, "deleted"));
    over("deleted");

    create("deleted-running");
    Claim running = claimOne();
    CloudTask told =
        assertInstanceOf(Found.Task.class, cloud.delete(MAIL, "deleted-running")).task();
    assertEquals(1, told.dispatches());
    over("deleted-running");
    stage.proven();
    assertEquals(Settled.DONE, stage.settle(WORKER, stage.verdict(running, retry(0), 500)));
    over("deleted-running");

    cloud.change(MAIL, settings(new Retries(1, Duration.ZERO, Duration.ofSeconds(1), HOUR, 1)));
    create("exhausted");
    fail(claimOne(), 500);
    over("exhausted");

    made(task("aged", at(Duration.ofDays(29).toMillis())));
    stage.pass(Duration.ofDays(31));
    stage.store.tidy();
    over("aged");
    assertEquals(List.of(), stage.claim(10));
    assertEquals(0, tasks().size());
  }

  @Test
  void aNameIsFreeAfterItsReservation() throws InterruptedException {
    // Names expire by the clock of Redis, which this test cannot set.
    Duration shortly = Duration.ofMillis(40);
    for (int round = 0; round < 2; round++) {
      CloudTask made = null;
      while (made == null) {
        TaskMade said = cloud.create(task(MAIL, "again", null, shortly)).join();
        made = said instanceof TaskMade.Made(CloudTask task) ? task : null;
      }
      Claim claim = claimOne();
      assertEquals(made.taskId(), claim.id());
      assertInstanceOf(
          TaskMade.Exists.class, cloud.create(task(MAIL, "again", null, shortly)).join());
      stage.succeed(claim);
      assertInstanceOf(Found.Over.class, cloud.task(MAIL, "again"));
    }
    made(task(MAIL, "free", null, Duration.ZERO));
    stage.succeed(claimOne());
    assertInstanceOf(Found.Nothing.class, cloud.task(MAIL, "free"));
    made(task(MAIL, "free", null, Duration.ZERO));
  }

  @Test
  void tasksAreListedInPages() throws BadCursor {
    Set<String> wanted = new HashSet<>();
    for (int i = 0; i < 25; i++) {
      wanted.add(create(i % 2 == 0 ? "n" + i : null).id());
      if (i % 5 == 0) {
        stage.pass(Duration.ofMillis(1));
      }
    }
    wanted.add(made(task("later", at(100_000))).id());
    List<Claim> claims = stage.claim(3);
    fail(claims.getFirst(), 500);
    Set<String> listed = new HashSet<>();
    String cursor = null;
    int pages = 0;
    do {
      Page page = cloud.tasks(MAIL, cursor, 4).orElseThrow();
      page.tasks().forEach(task -> assertTrue(listed.add(task.id())));
      cursor = page.next();
      pages++;
    } while (cursor != null);
    assertEquals(wanted, listed);
    assertEquals(7, pages);
    String good = cloud.tasks(MAIL, null, 4).orElseThrow().next();
    assertThrows(BadCursor.class, () -> cloud.tasks(MAIL, "nonsense", 4));
    assertThrows(BadCursor.class, () -> cloud.tasks(MAIL, "%%%", 4));
    QueueName other = new QueueName("p", "l", "other");
    make(other, settings(USUAL));
    assertThrows(BadCursor.class, () -> cloud.tasks(other, good, 4));
    assertEquals(List.of(), cloud.tasks(other, null, 4).orElseThrow().tasks());
    assertEquals(Optional.empty(), cloud.tasks(new QueueName("p", "l", "none"), null, 4));
    stage.succeed(claims.get(1));
    assertEquals(25, tasks().size());
  }

  @Test
  void largeTasksMakeShortPages() throws BadCursor {
    TaskSpec spec = Stage.wish().body("x".repeat(1_000_000)).retention(Duration.ZERO).spec();
    for (int i = 0; i < 12; i++) {
      made(new NewTask(MAIL, null, null, spec, ECHO, HOUR));
    }
    Set<String> listed = new HashSet<>();
    String cursor = null;
    do {
      Page page = cloud.tasks(MAIL, cursor, 1000).orElseThrow();
      assertTrue(page.tasks().size() <= 2, page.tasks().size() + " MB in one page");
      page.tasks().forEach(task -> assertTrue(listed.add(task.id().toString()), "listed twice"));
      cursor = page.next();
    } while (cursor != null);
    assertEquals(12, listed.size());
  }

  // -- attempts

  @Test
  void anAttemptIsShownWhileItRunsAndAfterwards() {
    create("a");
    stage.pass(Duration.ofSeconds(2));
    Claim claim = claimOne();
    CloudTask running = found("a");
    assertEquals(1, running.dispatches());
    assertEquals(0, running.responses());
    assertEquals(Optional.of(at(2000)), running.first());
    assertEquals(
        Optional.of(new LastAttempt(at(0), at(2000), Optional.empty(), OptionalInt.empty())),
        running.last());
    stage.pass(Duration.ofSeconds(1));
    fail(claim, 503);
    CloudTask failed = found("a");
    assertEquals(1, failed.responses());
    assertEquals(at(3100), failed.due());
    assertEquals(
        Optional.of(new LastAttempt(at(0), at(2000), Optional.of(at(3000)), OptionalInt.of(503))),
        failed.last());

    stage.pass(Duration.ofSeconds(1));
    Claim second = claimOne();
    assertEquals(OptionalInt.of(503), second.start().previousStatus());
    assertEquals(
        Optional.of(new LastAttempt(at(3100), at(4000), Optional.empty(), OptionalInt.empty())),
        found("a").last());
    stage.pass(Duration.ofSeconds(1));
    stage.settle(WORKER, stage.verdict(second, retry(200), 0));
    CloudTask late = found("a");
    assertEquals(2, late.dispatches());
    assertEquals(1, late.responses());
    assertEquals(OptionalInt.of(504), late.last().orElseThrow().status());
    assertEquals(Optional.of(at(2000)), late.first());
    stage.pass(Duration.ofSeconds(1));
    Claim third = claimOne();
    assertEquals(OptionalInt.of(504), third.start().previousStatus());
    assertEquals(0, third.start().answersBelow500());
    fail(third, 404);
    assertEquals(2, found("a").responses());
    stage.pass(Duration.ofHours(1));
    assertEquals(1, claimOne().start().answersBelow500());
  }

  @Test
  void backoffDoublesThenGrowsLinearlyThenStays() {
    cloud.change(
        MAIL,
        settings(
            new Retries(-1, Duration.ZERO, Duration.ofSeconds(10), Duration.ofSeconds(300), 3)));
    create("a");
    List<Long> waits = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      Claim claim = claimOne();
      stage.pass(Duration.ofSeconds(7)); // a slow handler: the wait counts from the failure
      fail(claim, 500);
      waits.add(Duration.between(Instant.ofEpochMilli(stage.now()), found("a").due()).toSeconds());
      stage.pass(Duration.ofSeconds(waits.getLast()).minusMillis(1));
      assertEquals(List.of(), stage.claim(1));
      stage.pass(Duration.ofMillis(1));
    }
    assertEquals(List.of(10L, 20L, 40L, 80L, 160L, 240L, 300L, 300L, 300L), waits);
  }

  /** The number of attempts when each fails at once, and another minute passes. */
  private int attempts(int maxAttempts, Duration maxDuration) {
    Duration minute = Duration.ofMinutes(1);
    cloud.change(MAIL, settings(new Retries(maxAttempts, maxDuration, minute, minute, 0)));
    create("t");
    int attempts = 0;
    while (attempts < 50) {
      List<Claim> claims = stage.claim(1);
      if (claims.isEmpty()) {
        break;
      }
      attempts++;
      fail(claims.getFirst(), 404);
      stage.pass(minute);
    }
    cloud.delete(MAIL);
    stage.store.tidy();
    cloud.make(MAIL, settings(USUAL), Duration.ZERO);
    return attempts;
  }

  @Test
  void aTaskFailsWhenBothLimitsAreReached() {
    assertEquals(3, attempts(3, Duration.ZERO));
    assertEquals(3, attempts(3, Duration.ofSeconds(1)));
    assertEquals(6, attempts(3, Duration.ofMinutes(5)), "at the sixth 5 min are over");
    assertEquals(6, attempts(-1, Duration.ofMinutes(5)));
    assertEquals(50, attempts(-1, Duration.ZERO));
    assertEquals(1, attempts(1, Duration.ZERO));
  }

  @Test
  void lostLeasesFollowTheSameRule() {
    cloud.change(MAIL, settings(new Retries(2, Duration.ZERO, Duration.ofSeconds(10), HOUR, 3)));
    create("a");
    claimOne();
    assertTrue(reap());
    CloudTask lost = found("a");
    assertEquals(stage.now() + 10_000, lost.due().toEpochMilli(), "without jitter");
    assertEquals(0, lost.responses());
    assertTrue(lost.last().orElseThrow().ended().isPresent());
    assertEquals(OptionalInt.empty(), lost.last().orElseThrow().status());
    stage.pass(Duration.ofSeconds(10));
    claimOne();
    assertTrue(reap());
    over("a");
  }

  /**
   * Another worker beats until it takes something back, or should have long ago; returns whether.
   */
  private boolean reap() {
    for (int i = 0; i < 10; i++) {
      stage.pass(Duration.ofSeconds(10));
      if (!stage.exchange(Stage.worker(2), 0).recovered().isEmpty()) {
        return true;
      }
    }
    return false;
  }

  @Test
  void aFailedTaskIsADeadLetterThatCanBeReplayed() {
    cloud.change(MAIL, settings(new Retries(1, Duration.ZERO, Duration.ofSeconds(1), HOUR, 1)));
    CloudTask named = create("a");
    CloudTask unnamed = create(null);
    stage.claim(10).forEach(claim -> fail(claim, 503));
    over("a");
    nothing(unnamed.id());
    assertEquals(0, tasks().size());
    Queue queue = stage.store.queues().get(MAIL.toString()).orElseThrow();
    assertEquals(2, queue.stats().dead());
    assertEquals(TaskState.DEAD, stage.state(named.taskId()));
    Task dead = stage.store.tasks().get(named.taskId()).orElseThrow();
    assertEquals(MAIL.toString(), dead.queue());
    assertEquals(MAIL.toString(), dead.clientId());
    assertEquals(2, list(new Filter(MAIL.toString(), TaskState.DEAD, null, null)).size());

    assertInstanceOf(Moved.Done.class, stage.store.tasks().retry(named.taskId()));
    assertEquals(0, found("a").dispatches());
    assertEquals(0, found("a").responses());
    assertEquals(Optional.empty(), found("a").last());
    assertEquals(Optional.of(1L), stage.store.queues().replayDead(MAIL.toString(), null, null));
    assertEquals(2, tasks().size());
    stage.proven();
    stage.claim(10).forEach(stage::succeed);
    over("a");
    assertEquals(0, tasks().size());
  }

  @Test
  void operationsReachDeadLettersAndNeverMoveThem() {
    cloud.change(MAIL, settings(new Retries(1, Duration.ZERO, Duration.ofSeconds(1), HOUR, 1)));
    create("a");
    create(null);
    stage.claim(10).forEach(claim -> fail(claim, 503));
    stage.pass(Duration.ofSeconds(1));

    assertEquals(new Counts(0, 0, 0), operate(Action.MOVE, null));
    assertEquals(new Counts(2, 0, 0), operate(Action.RETRY, MAIL.toString()));
    assertEquals(2, tasks().size());
    assertEquals(0, found("a").dispatches());
    stage.proven();
    assertEquals(new Counts(2, 0, 0), operate(Action.CANCEL, MAIL.toString()));
    over("a");
    assertEquals(0, tasks().size());
    stage.proven();
  }

  /** Performs an operation on dead or pending tasks. */
  private Counts operate(Action action, @Nullable String queue) {
    OperationStore operations = stage.store.operations();
    TaskState state = queue == null ? TaskState.DEAD : null;
    Filter which =
        new Filter(queue, state, null, null, null, null, null, null, null, null, null, List.of());
    Operation.Order order =
        new Operation.Order(action, which, null, action == Action.MOVE ? "low" : null, null, false);
    Begun.Entered begun = assertInstanceOf(Begun.Entered.class, operations.begin(order));
    OperationStore.Run run = operations.lease("one", Duration.ofSeconds(5), List.of()).getFirst();
    while (!(run.step(1) instanceof OperationStore.Step.Over)) {}
    return operations.get(begun.operation().id()).orElseThrow().counts();
  }

  private List<Task> list(Filter filter) {
    try {
      return stage.store.tasks().list(filter, 100, null).tasks();
    } catch (BadCursor never) {
      throw new AssertionError(never);
    }
  }

  @Test
  void aRetriedTaskDoesNotTakeItsNameFromAnother() throws InterruptedException {
    cloud.change(MAIL, settings(new Retries(1, Duration.ZERO, Duration.ofSeconds(1), HOUR, 1)));
    CloudTask first = made(task(MAIL, "a", null, Duration.ZERO));
    fail(claimOne(), 500);
    CloudTask second = made(task(MAIL, "a", null, HOUR));
    assertInstanceOf(Moved.Done.class, stage.store.tasks().retry(first.taskId()));
    assertEquals(second.taskId(), found("a").taskId());
    for (Claim claim : stage.claim(10)) {
      if (claim.id().equals(first.taskId())) {
        stage.succeed(claim);
      }
    }
    assertEquals(second.taskId(), found("a").taskId());
  }

  // -- limits

  @Test
  void everyWindowKeepsTheBurstAndTheRate() {
    Random random = new Random(5);
    double rate = 7.5;
    int burst = 4;
    cloud.change(MAIL, settings(rate, burst, 1000, USUAL));
    List<CompletableFuture<TaskMade>> made = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      made.add(cloud.create(task(null, null)));
    }
    made.forEach(CompletableFuture::join);
    List<Long> starts = new ArrayList<>();
    while (starts.size() < 300) {
      stage.pass(Duration.ofMillis(random.nextInt(random.nextInt(10) == 0 ? 2000 : 150)));
      String worker = Stage.worker(1 + random.nextInt(2));
      for (Claim claim : stage.exchange(worker, 1 + random.nextInt(20)).claims()) {
        starts.add(stage.now());
        Verdict verdict = random.nextBoolean() ? new Verdict.Succeed() : retry(50);
        stage.settle(worker, stage.verdict(claim, verdict, 200));
      }
    }
    for (int from = 0; from < starts.size(); from++) {
      for (int to = from; to < starts.size(); to++) {
        double window = (starts.get(to) - starts.get(from)) / 1000.0;
        assertTrue(to - from + 1 <= burst + rate * window + 1e-6, from + " to " + to);
      }
    }
    double all = (starts.getLast() - Stage.START) / 1000.0;
    assertTrue(starts.size() > 0.5 * rate * all, "and it is used: " + starts.size() + " in " + all);
  }

  /** How many commands Redis runs for each task that is created, claimed and settled. */
  private double commandsPerTask(List<QueueName> queues, int tasks) {
    long before = commands();
    IntStream.range(0, tasks)
        .mapToObj(i -> cloud.create(task(queues.get(i % queues.size()), null, null, HOUR)))
        .toList()
        .forEach(CompletableFuture::join);
    for (int left = tasks; left > 0; ) {
      List<Claim> claims = stage.claim(50);
      Settlement[] done =
          claims.stream()
              .map(claim -> stage.verdict(claim, new Verdict.Succeed(), 200))
              .toArray(Settlement[]::new);
      stage.exchange(WORKER, 0, done);
      left -= claims.size();
    }
    return (double) (commands() - before) / tasks;
  }

  private long commands() {
    return Pattern.compile("calls=(\\d+)")
        .matcher(stage.redis.info("commandstats"))
        .results()
        .mapToLong(found -> Long.parseLong(found.group(1)))
        .sum();
  }

  @Test
  void queuesWithLimitsCostLittle() {
    List<QueueName> many =
        IntStream.range(0, 300)
            .mapToObj(i -> new QueueName("shop", "europe-west1", "q" + i))
            .toList();
    many.forEach(name -> make(name, settings(500, 100, 1000, USUAL)));
    cloud.change(MAIL, settings(500, 3000, 1000, USUAL));
    stage.pass(Duration.ofSeconds(10)); // each bucket is full
    double one = commandsPerTask(List.of(MAIL), 1200);
    double each = commandsPerTask(many, 1200);
    assertTrue(one < 12, one + " commands for a task of one queue");
    assertTrue(each < one + 14, each + " commands for a task of many, " + one + " of one");
  }

  @Test
  void aQueueKeepsItsConcurrency() {
    cloud.change(MAIL, settings(500, 100, 3, USUAL));
    IntStream.range(0, 20).forEach(_ -> create(null));
    List<Claim> first = stage.exchange(Stage.worker(1), 2).claims();
    assertEquals(2, first.size());
    List<Claim> second = stage.exchange(Stage.worker(2), 10).claims();
    assertEquals(1, second.size());
    assertEquals(0, stage.exchange(Stage.worker(1), 10).claims().size());
    stage.settle(Stage.worker(1), stage.verdict(first.getFirst(), retry(60_000), 500));
    stage.settle(Stage.worker(2), stage.verdict(second.getFirst(), new Verdict.Succeed(), 200));
    assertEquals(2, stage.exchange(Stage.worker(2), 10).claims().size());
    cloud.change(MAIL, settings(500, 100, 5, USUAL));
    assertEquals(2, stage.exchange(Stage.worker(2), 10).claims().size());
  }

  // -- RunTask

  @Test
  void runTaskIgnoresScheduleLimitsAndPause() {
    cloud.change(MAIL, settings(0.001, 1, 1, USUAL));
    create("fills");
    claimOne();
    made(task("later", at(Duration.ofDays(1).toMillis())));
    create("limited");
    cloud.pause(MAIL, true);
    stage.pass(Duration.ofSeconds(1));
    CloudTask called = assertInstanceOf(Found.Task.class, cloud.run(MAIL, "later")).task();
    assertEquals(1, called.dispatches());
    assertEquals(0, called.responses());
    assertEquals(Optional.of(at(1000)), called.first());
    assertEquals(
        Optional.of(new LastAttempt(at(1000), at(1000), Optional.empty(), OptionalInt.empty())),
        called.last());
    stage.proven();
    assertInstanceOf(Found.Task.class, cloud.run(MAIL, "limited"));
    assertInstanceOf(Found.Task.class, cloud.run(MAIL, "limited"));
    assertEquals(List.of(), stage.claim(10), "only in slots of their own");
    stage.pass(Duration.ofMillis(5));
    List<Claim> claims = express(0, 2);
    assertEquals(
        List.of("later", "limited"), claims.stream().map(one -> one.cloud().taskName()).toList());
    assertTrue(claims.stream().allMatch(Claim::express));
    assertEquals(Optional.of(at(1000)), claims.getFirst().cloud().calledFor());
    assertEquals(1, claims.getFirst().start().attempt());
    assertEquals(1, stage.queueCounts(MAIL.toString()).running(), "they are not counted");
    stage.proven();
    assertEquals(
        claims.stream().map(Claim::number).toList(),
        stage.again(WORKER, 0, 2).claims().stream()
            .filter(Claim::express)
            .map(Claim::number)
            .toList());
    stage.succeed(claims.getFirst());
    over("later");
    assertEquals(1, stage.queueCounts(MAIL.toString()).running());
    stage.pass(Duration.ofDays(2));
    cloud.pause(MAIL, false);
    assertEquals(
        List.of(),
        stage.claim(10).stream().filter(c -> c.cloud().taskName().equals("later")).toList());
  }

  @Test
  void aFailedRunIsRetriedFromTheTimeOfTheCall() {
    cloud.change(MAIL, settings(new Retries(3, Duration.ZERO, Duration.ofSeconds(10), HOUR, 3)));
    made(task("a", at(60_000)));
    stage.pass(Duration.ofSeconds(1));
    cloud.run(MAIL, "a");
    express(1, 1);
    assertTrue(reap());
    assertEquals(stage.now(), found("a").due().toEpochMilli(), "10 s after the call are over");
    Claim claim = claimOne();
    assertEquals(2, claim.start().attempt());
    assertFalse(claim.express());
    fail(claim, 500);
    assertEquals(stage.now() + 20_000, found("a").due().toEpochMilli());
  }

  @Test
  void runningARunningTaskStartsNoSecondAttempt() {
    create("a");
    Claim claim = claimOne();
    CloudTask told = assertInstanceOf(Found.Task.class, cloud.run(MAIL, "a")).task();
    assertEquals(1, told.dispatches());
    assertEquals(List.of(), express(5, 2));
    stage.succeed(claim);
    over("a");
    nothing("never");
  }

  @Test
  void aTaskToRunMayBeDeletedPurgedOrCancelledFirst() {
    List<CloudTask> all = List.of(create("deleted"), create("cancelled"), create("purged"));
    all.forEach(task -> cloud.run(MAIL, task.id()));
    cloud.delete(MAIL, "deleted");
    stage.store.tasks().cancel(all.get(1).taskId());
    stage.proven();
    assertEquals(1, express(0, 1).size());
    cloud.purge(MAIL);
    assertEquals(List.of(), express(0, 2));
    stage.proven();
    cloud.run(MAIL, create("late").id());
    cloud.delete(MAIL);
    assertEquals(List.of(), express(0, 2));
    stage.proven();
    assertEquals("0", String.valueOf(stage.redis.exists("tr:{0}:express")));
  }

  @Test
  void aTaskToRunWaitsForAWorker() {
    create("a");
    cloud.run(MAIL, "a");
    assertFalse(reap());
    assertEquals(1, found("a").dispatches());
    assertEquals(1, express(0, 1).size());
  }

  @Test
  void anAbortedRunIsStillPending() {
    made(task("a", at(60_000)));
    cloud.pause(MAIL, true);
    cloud.run(MAIL, "a");
    Claim claim = express(0, 1).getFirst();
    stage.settle(WORKER, stage.verdict(claim, new Verdict.PutBack(Duration.ZERO), -1));
    stage.proven();
    Claim again = express(Stage.worker(2), 0, 1).getFirst();
    assertEquals(1, again.start().attempt());
    assertTrue(again.number() > claim.number());
    assertEquals(Settled.LATE, stage.succeed(claim));
    stage.settle(Stage.worker(2), stage.verdict(again, new Verdict.Succeed(), 200));
    over("a");
  }

  @Test
  void everyListenerIsNotifiedOfARun() throws Exception {
    create("a");
    CompletableFuture<Boolean> heard = new CompletableFuture<>();
    var listener =
        new io.taskrunner.store.WorkStore.Listener() {
          @Override
          public void wake() {}

          @Override
          public void express() {
            heard.complete(true);
          }

          @Override
          public void cancelled(TaskId id) {}
        };
    try (AutoCloseable _ = stage.store.works().getFirst().listen(WORKER, listener)) {
      cloud.run(MAIL, "a");
      assertTrue(heard.get(10, java.util.concurrent.TimeUnit.SECONDS));
    }
  }

  // -- time

  @Test
  void aTaskLivesFor31Days() {
    cloud.pause(MAIL, true);
    create("waits");
    cloud.pause(MAIL, false);
    Claim running = claimOne();
    cloud.pause(MAIL, true);
    create("paused");
    made(task("far", at(Duration.ofDays(60).toMillis())));
    stage.pass(Duration.ofDays(31).minusMillis(1));
    stage.store.tidy();
    found("paused");
    stage.pass(Duration.ofMillis(1));
    stage.store.tidy();
    stage.proven();
    over("paused");
    over("waits");
    stage.settle(WORKER, stage.verdict(running, retry(0), 500));
    over("waits");
    found("far");
    stage.pass(Duration.ofDays(29));
    stage.store.tidy();
    assertEquals(1, tasks().size());
    stage.pass(Duration.ofDays(1));
    stage.store.tidy();
    over("far");
    assertEquals(0, stage.redis.exists("tr:{0}:ages"));
  }

  @Test
  void manyOldTasksAreDeletedInSteps() {
    cloud.pause(MAIL, true);
    List<CompletableFuture<TaskMade>> all = new ArrayList<>();
    for (int i = 0; i < 450; i++) {
      all.add(cloud.create(task(null, null)));
    }
    all.forEach(CompletableFuture::join);
    stage.pass(Duration.ofDays(31));
    create("young");
    stage.store.tidy();
    assertEquals(1, tasks().size());
  }

  // -- in addition to the others

  @Test
  void otherTasksAreNotAffected() {
    stage.client("abc", 10);
    TaskId ours = stage.enqueue(Stage.wish());
    CloudTask theirs = create("a");
    List<Claim> claims = stage.claim(10);
    assertEquals(2, claims.size());
    for (Claim claim : claims) {
      assertEquals(claim.id().equals(theirs.taskId()), claim.cloud() != null);
    }
    assertEquals(List.of(), stage.redis.keys("tr:{0}:client::*"));
    assertEquals(0, stage.redis.exists("tr:{0}:client:"));
    claims.forEach(stage::succeed);
    assertEquals(TaskState.SUCCEEDED, stage.state(ours));
    assertTrue(
        stage.store.queues().list().stream().anyMatch(q -> q.name().equals(MAIL.toString())));
    assertInstanceOf(EnqueueResult.Enqueued.class, stage.put(Stage.wish().client("another")));
    assertEquals(0, stage.redis.exists("tr:{0}:client:"));
  }

  @Test
  void anOpenBreakerDoesNotDelayCloudTasks() {
    stage.client("abc", 10);
    stage.enqueue(Stage.wish());
    Claim claim = claimOne();
    stage.settle(
        WORKER,
        stage.verdict(
            claim, retry(0), 500, new io.taskrunner.store.WorkStore.BreakerReport.Failed(5)));
    create("a");
    assertEquals("a", claimOne().cloud().taskName());
  }

  @Test
  void adminActionsWorkOnCloudTasks() {
    CloudTask later = made(task("later", at(60_000)));
    assertInstanceOf(Moved.Done.class, stage.store.tasks().runNow(later.taskId()));
    assertEquals(at(0), found("later").due());
    assertInstanceOf(Moved.Done.class, stage.store.tasks().cancel(later.taskId()));
    over("later");
    assertTrue(stage.store.queues().pause(MAIL.toString(), true));
    assertTrue(cloud.queue(MAIL).orElseThrow().paused());
    assertTrue(stage.store.queues().purge(MAIL.toString()));
    Queue queue = stage.store.queues().get(MAIL.toString()).orElseThrow();
    QueueSettings settings = queue.settings();
    assertEquals(500.0, settings.maxDispatchesPerSec());
    assertEquals(1000, settings.maxConcurrent());
    assertEquals(99, settings.retry().maxRetries());
    assertNotEquals(Optional.empty(), cloud.queue(MAIL).orElseThrow().purged());
  }

  @Test
  void theDoctorFindsAndRepairsDamage() {
    CloudTask named = create("a");
    CloudTask called = create("b");
    create("c");
    cloud.run(MAIL, "b");
    RedisCommands<byte[], byte[]> raw = REDIS.bytes();
    byte[] all = Keys.bytes(stage.key(MAIL.toString(), "all"));

    raw.zrem(all, named.taskId().bytes());
    mends("task_not_listed");
    raw.zadd(all, 1, stage.id().bytes());
    mends("member_of_no_task");
    raw.del(Keys.bytes("tr:{0}:ages"));
    mends("ages_wrong");
    raw.del(Keys.bytes("tr:{0}:express"));
    mends("run_not_queued");
    for (byte[] key : raw.keys("tr:{0}:key:q:*")) {
      raw.del(key);
    }
    mends("name_not_taken");
    assertEquals(called.taskId(), express(0, 2).getFirst().id());
    over();
  }

  /** Each task is found by its name, and leaves it taken. */
  private void over() {
    for (String id : List.of("a", "c")) {
      found(id);
      cloud.delete(MAIL, id);
      over(id);
    }
  }

  private void mends(String kind) {
    assertTrue(kinds(stage.store.doctor().examine(false)).contains(kind), kind);
    stage.store.doctor().repair(false);
    stage.proven();
  }

  private static Set<String> kinds(List<Finding> findings) {
    return findings.stream().map(Finding::kind).collect(Collectors.toSet());
  }

  @Test
  void whenMemoryIsFullOnlyCreationIsRejected() {
    create("claimed");
    Claim claim = claimOne();
    create("deleted");
    create("called");
    create("purged");
    stage.redis.configSet("maxmemory-policy", "noeviction");
    stage.redis.configSet("maxmemory", "1");
    try {
      assertInstanceOf(TaskMade.Full.class, cloud.create(task("new", null)).join());
      assertInstanceOf(TaskMade.Full.class, cloud.create(task(null, null)).join());
      assertInstanceOf(Found.Task.class, cloud.delete(MAIL, "deleted"));
      assertInstanceOf(Found.Task.class, cloud.run(MAIL, "called"));
      assertEquals(1, express(0, 1).size());
      assertEquals(Settled.DONE, stage.succeed(claim));
      assertTrue(cloud.pause(MAIL, true).isPresent());
      assertTrue(cloud.change(MAIL, settings(USUAL)).isPresent());
      assertTrue(cloud.purge(MAIL).isPresent());
      assertTrue(cloud.delete(MAIL));
      stage.store.tidy();
    } finally {
      stage.redis.configSet("maxmemory", "0");
    }
    assertInstanceOf(QueueMade.Made.class, cloud.make(MAIL, settings(USUAL), Duration.ZERO));
    create("new");
  }
}
