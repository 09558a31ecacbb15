package io.taskrunner.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.CloudStore.CloudTask;
import io.taskrunner.store.CloudStore.Found;
import io.taskrunner.store.CloudStore.NewTask;
import io.taskrunner.store.CloudStore.QueueMade;
import io.taskrunner.store.CloudStore.QueueName;
import io.taskrunner.store.CloudStore.Retries;
import io.taskrunner.store.CloudStore.Settings;
import io.taskrunner.store.CloudStore.TaskMade;
import io.taskrunner.store.TargetHost;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetRequest.Header;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Tasks of Cloud Tasks, from their creation to the request at their target. */
@Timeout(120)
class CloudTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final QueueName QUEUE = new QueueName("shop", "europe-west1", "mail");
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration LEASE = Duration.ofSeconds(10);
  private static final Retries QUICK =
      new Retries(100, Duration.ZERO, Duration.ofMillis(5), Duration.ofMillis(20), 16);

  private Rig rig;
  private Target target;

  @BeforeEach
  void start() throws Exception {
    rig = new Rig(REDIS.settings(), REDIS.server().port());
    target = new Target();
    make(QUEUE, 500, 100, 1000, QUICK);
  }

  @AfterEach
  void stop() throws Exception {
    rig.close();
    target.close();
  }

  private void make(QueueName name, double rate, int burst, int concurrent, Retries retry) {
    Settings settings = new Settings(rate, burst, concurrent, retry, new byte[0]);
    assertInstanceOf(QueueMade.Made.class, rig.cloud().make(name, settings, Duration.ofDays(7)));
  }

  private CompletableFuture<TaskMade> send(
      QueueName queue, @Nullable String id, @Nullable Instant due, Header... headers) {
    return send(queue, id, due, Duration.ofSeconds(15), "", headers);
  }

  private CompletableFuture<TaskMade> send(
      QueueName queue,
      @Nullable String id,
      @Nullable Instant due,
      Duration deadline,
      String body,
      Header... headers) {
    TargetUrl url =
        assertInstanceOf(TargetUrl.Parsed.Good.class, TargetUrl.parse(target.url("/hook?a=1")))
            .url();
    TargetRequest request =
        new TargetRequest(
            "POST", url, List.of(headers), body.getBytes(StandardCharsets.UTF_8), false);
    TaskSpec spec =
        new TaskSpec(
            request, Retry.UNSET, deadline, null, null, Duration.ZERO, Map.of(), null, null);
    return rig.cloud().create(new NewTask(queue, id, due, spec, new byte[0], Duration.ofHours(1)));
  }

  private static CloudTask made(CompletableFuture<TaskMade> answer) {
    return assertInstanceOf(TaskMade.Made.class, answer.join()).task();
  }

  private void answers(int... statuses) {
    AtomicInteger next = new AtomicInteger();
    target.answers(_ ->
        Target.after(
            Duration.ZERO, statuses[Math.min(next.getAndIncrement(), statuses.length - 1)]));
  }

  private List<String> received(String header) {
    return target.arrivals().stream().map(arrival -> arrival.header(header)).toList();
  }

  /** Waits until a task is over. */
  private void awaitEnd(String id) {
    await(id, found -> !(found instanceof Found.Task));
  }

  private Found await(String id, Function<Found, Boolean> until) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      Found found = rig.cloud().task(QUEUE, id);
      if (until.apply(found)) {
        return found;
      }
      assertTrue(System.nanoTime() < deadline, () -> id + " is " + found);
    }
  }

  @Test
  void hostLimitsApplyToCloudTasks() throws Exception {
    Unconditional.put(rig.hosts(), new TargetHost("127.0.0.1", 1, null, 0));
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    target.answers(_ -> {
      most.accumulateAndGet(running.incrementAndGet(), Math::max);
      return Target.after(Duration.ofMillis(5), 200)
          .whenComplete((_, _) -> running.decrementAndGet());
    });
    List<String> ids = IntStream.range(0, 20).mapToObj(i -> "t" + i).toList();
    ids.forEach(id -> made(send(QUEUE, id, null)));
    rig.worker(8, LEASE).start();
    ids.forEach(this::awaitEnd);
    assertEquals(20, target.count());
    assertEquals(1, most.get(), "at once");
    assertEquals(List.of(), rig.doctor().examine(false));
  }

  @Test
  void headersCountLikeGoogles() throws Exception {
    answers(503, 404, 429, 500, 302, 200);
    rig.worker(4, LEASE).start();
    made(send(QUEUE, "a", null));
    target.awaitCount(6, PATIENCE);
    awaitEnd("a");
    assertEquals(6, target.count());
    assertEquals(
        List.of("0", "0", "1", "2", "2", "3"), received("x-cloudtasks-taskexecutioncount"));
    assertEquals(List.of("0", "1", "2", "3", "4", "5"), received("x-cloudtasks-taskretrycount"));
    assertEquals(
        List.of("", "503", "404", "429", "500", "302"),
        received("x-cloudtasks-taskpreviousresponse"));
    List<Target.Arrival> all = target.arrivals();
    assertFalse(all.getFirst().headers().containsKey("x-cloudtasks-taskretryreason"));
    assertEquals("", all.getLast().headers().get("x-cloudtasks-taskretryreason"));
    double before = 0;
    for (String eta : received("x-cloudtasks-tasketa")) {
      assertTrue(eta.matches("[0-9]{10}\\.[0-9]{6}"), eta);
      assertTrue(Double.parseDouble(eta) > before, "of this attempt: " + eta);
      before = Double.parseDouble(eta);
    }
    assertEquals(List.of(), rig.doctor().examine(false));
  }

  @Test
  void aTargetReceivesTheRequestAndGooglesHeaders() throws Exception {
    rig.worker(4, LEASE).start();
    CloudTask task =
        made(
            send(
                QUEUE,
                null,
                null,
                new Header("X-Own", "1"),
                new Header("Authorization", "Bearer x"),
                new Header("USER-AGENT", "mine"),
                new Header("x-cloudtasks-TaskName", "forged"),
                new Header("X-Google-Thing", "forged"),
                new Header("X-AppEngine-Thing", "forged"),
                new Header("Content-Length", "7"),
                new Header("Host", "elsewhere"),
                new Header(
                    "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
                new Header("X-Request-ID", "own")));
    target.awaitCount(1, PATIENCE);
    Target.Arrival arrival = target.arrivals().getFirst();
    assertEquals("/hook?a=1", arrival.path());
    assertEquals(
        Map.ofEntries(
            Map.entry("host", target.url("").substring("http://".length())),
            Map.entry("x-own", "1"),
            Map.entry("authorization", "Bearer x"),
            Map.entry("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            Map.entry("x-request-id", "own"),
            Map.entry("user-agent", "Google-Cloud-Tasks"),
            Map.entry("x-cloudtasks-queuename", "mail"),
            Map.entry("x-cloudtasks-taskname", task.id()),
            Map.entry("x-cloudtasks-taskretrycount", "0"),
            Map.entry("x-cloudtasks-taskexecutioncount", "0"),
            Map.entry("x-cloudtasks-tasketa", arrival.header("x-cloudtasks-tasketa")),
            Map.entry("content-length", "0")),
        arrival.headers());
  }

  @Test
  void aTimeoutIsReportedAs504AndIsNoExecution() throws Exception {
    CompletableFuture<Integer> never = new CompletableFuture<>();
    target.answers(arrival ->
        arrival.header("x-cloudtasks-taskretrycount").equals("0")
            ? never
            : Target.after(Duration.ZERO, 200));
    rig.worker(2, LEASE).start();
    made(send(QUEUE, "slow", null, Duration.ofMillis(150), "body"));
    target.awaitCount(2, PATIENCE);
    assertEquals(List.of("", "504"), received("x-cloudtasks-taskpreviousresponse"));
    assertEquals(List.of("0", "0"), received("x-cloudtasks-taskexecutioncount"));
    assertEquals(List.of("4", "4"), received("content-length"));
    assertEquals(List.of("", ""), received("content-type"));
    awaitEnd("slow");
  }

  @Test
  void runTaskStartsAtOnceAlthoughAllSlotsAreTakenAndTheQueueIsPaused() throws Exception {
    CompletableFuture<Integer> held = new CompletableFuture<>();
    target.answers(
        arrival -> arrival.task().equals("holds") ? held : Target.after(Duration.ZERO, 500));
    rig.worker(1, LEASE).start();
    made(send(QUEUE, "holds", null));
    target.awaitCount(1, PATIENCE);
    rig.cloud().pause(QUEUE, true);
    Instant later = Instant.ofEpochSecond(4_000_000_000L);
    for (String id : List.of("a", "b", "c")) {
      made(send(QUEUE, id, later));
      CloudTask called = assertInstanceOf(Found.Task.class, rig.cloud().run(QUEUE, id)).task();
      assertEquals(1, called.dispatches());
      assertTrue(called.last().orElseThrow().ended().isEmpty());
    }
    target.awaitCount(4, Duration.ofMillis(700)); // a worker that was not woken claims after 800 ms
    for (String id : List.of("a", "b", "c")) {
      CloudTask failed =
          assertInstanceOf(
                  Found.Task.class,
                  await(
                      id,
                      found ->
                          found instanceof Found.Task(CloudTask task) && task.responses() == 1))
              .task();
      Duration wait = Duration.between(failed.last().orElseThrow().dispatched(), failed.due());
      // Both clocks, the worker's and Redis', are cut to whole ms on the way.
      assertTrue(wait.toMillis() >= 5 - 1, "the usual wait from the call on: " + wait);
      assertTrue(failed.due().isBefore(later));
    }
    held.complete(200);
    awaitEnd("holds");
    assertEquals(4, target.count(), "the pause holds their retries");
    rig.cloud().pause(QUEUE, false);
    target.answers(_ -> Target.after(Duration.ZERO, 204));
    for (String id : List.of("a", "b", "c")) {
      awaitEnd(id);
    }
    assertEquals(List.of(), rig.doctor().examine(false));
  }

  @Test
  void aQueueKeepsItsConcurrencyOverTwoWorkers() throws Exception {
    QueueName narrow = new QueueName("shop", "l", "narrow");
    make(narrow, 500, 100, 3, QUICK);
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    target.answers(_ -> {
      most.accumulateAndGet(running.incrementAndGet(), Math::max);
      return Target.after(Duration.ofMillis(10), 200)
          .whenComplete((_, _) -> running.decrementAndGet());
    });
    rig.worker(10, LEASE).start();
    rig.worker(10, LEASE).start();
    List<CompletableFuture<TaskMade>> sent = new ArrayList<>();
    for (int i = 0; i < 150; i++) {
      sent.add(send(narrow, null, null));
    }
    sent.forEach(CloudTest::made);
    target.awaitCount(150, PATIENCE);
    assertEquals(3, most.get());
  }

  @Test
  void aQueueOfGooglesDefaultsDispatches500PerSecond() throws Exception {
    QueueName usual = new QueueName("shop", "l", "usual");
    make(usual, 500, 100, 1000, QUICK);
    rig.worker(100, LEASE).start();
    int all = 1600;
    long began = System.nanoTime();
    List<CompletableFuture<TaskMade>> sent = new ArrayList<>();
    for (int i = 0; i < all; i++) {
      sent.add(send(usual, null, null));
    }
    target.awaitCount(all, PATIENCE);
    List<Long> times = target.arrivals().stream().map(Target.Arrival::nanos).sorted().toList();
    double tookSec = (times.getLast() - began) / 1e9;
    double leastSec = (all - 100) / 500.0;
    assertTrue(tookSec > leastSec - 0.01, "not faster: " + tookSec);
    assertTrue(tookSec < leastSec + 1.5, "and about so fast: " + tookSec);
    sent.forEach(CloudTest::made);
    assertEquals(all, new HashSet<>(received("x-cloudtasks-taskname")).size());
  }

  @Test
  void eachQueueIsInOneShard() throws Exception {
    rig.close();
    REDIS.redis().sync().flushall();
    rig = new Rig(REDIS.server().settings(8), REDIS.server().port());
    rig.worker(6, LEASE).start();
    rig.worker(6, LEASE).start();
    Set<Integer> shards = new HashSet<>();
    List<CompletableFuture<TaskMade>> sent = new ArrayList<>();
    for (int q = 0; q < 40; q++) {
      QueueName queue = new QueueName("shop", "l", "queue-" + q);
      make(queue, 500, 100, 1, QUICK);
      for (int i = 0; i < 5; i++) {
        sent.add(send(queue, i == 0 ? "named" : null, null));
      }
    }
    for (CompletableFuture<TaskMade> one : sent) {
      shards.add(made(one).taskId().shard());
    }
    assertEquals(8, shards.size());
    target.awaitCount(200, PATIENCE);
    assertEquals(40, rig.cloud().queues("shop", "l", null, 100).size());
    QueueName one = new QueueName("shop", "l", "queue-7");
    rig.cloud().pause(one, true);
    assertTrue(rig.queues().get(one.toString()).orElseThrow().paused());
    CloudTask waits = made(send(one, null, null));
    assertInstanceOf(Found.Task.class, rig.cloud().task(one, waits.id()));
    assertInstanceOf(Found.Task.class, rig.cloud().run(one, waits.id()));
    target.awaitCount(201, PATIENCE);
    rig.cloud().purge(one);
    assertTrue(rig.cloud().delete(one));
    assertEquals(List.of(), rig.doctor().examine(false));
  }
}
