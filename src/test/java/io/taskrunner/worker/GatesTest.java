package io.taskrunner.worker;

import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.KillArgs;
import io.lettuce.core.api.sync.RedisCommands;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.TargetHost;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TaskId;
import io.taskrunner.testkit.Proxy;
import io.taskrunner.testkit.QuickRetry;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.RedisProxy;
import io.taskrunner.testkit.RedisProxy.Fate;
import io.taskrunner.testkit.RedisServer;
import io.taskrunner.testkit.Unconditional;
import io.taskrunner.worker.Target.Arrival;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The limits of queues and hosts over several shards: they hold whatever messages are lost, they
 * are used when there is room, and tasks at their limit delay no others.
 */
@Timeout(120)
class GatesTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final int SHARDS = 2;
  private static final int HOSTS = 8;

  /** Long, so that a place that only the end of its lease frees would be missed. */
  private static final Duration LEASE = ofSeconds(30);

  private static final Duration AT_ONCE = ofSeconds(10);
  private static final Duration PATIENCE = ofSeconds(60);
  private static final Pattern CALLS = Pattern.compile("cmdstat_(?:evalsha|fcall):calls=(\\d+)");

  private Rig rig;
  private Target target;
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger most = new AtomicInteger();

  @BeforeEach
  void start() throws Exception {
    rig = new Rig(REDIS.server().settings(SHARDS), REDIS.server().port());
    target = new Target();
  }

  @AfterEach
  void stop() throws Exception {
    rig.close();
    target.close();
  }

  private CompletableFuture<Integer> counted(Duration wait, int status) {
    most.accumulateAndGet(running.incrementAndGet(), Math::max);
    return Target.after(wait, status).whenComplete((_, _) -> running.decrementAndGet());
  }

  private void limit(Target one, int maxConcurrent) {
    String host = URI.create(one.url("/")).getAuthority();
    Unconditional.put(rig.hosts(), new TargetHost(host, maxConcurrent, null, 0));
  }

  private static QueueSettings limits(@Nullable Double perSec, @Nullable Integer maxConcurrent) {
    QueueSettings usual = QueueSettings.defaults(1);
    return new QueueSettings(
        1,
        perSec,
        perSec == null ? null : 1,
        maxConcurrent,
        QuickRetry.SOON,
        null,
        usual.deadRetention(),
        usual.deadMax(),
        usual.deadMaxBytes(),
        usual.doneMax());
  }

  private static boolean firstAttempt(Arrival arrival) {
    return arrival.header("x-cloudtasks-taskretrycount").equals("0");
  }

  /** How many scripts Redis has run. */
  private static long scripts() {
    return CALLS
        .matcher(REDIS.redis().sync().info("commandstats"))
        .results()
        .mapToLong(calls -> Long.parseLong(calls.group(1)))
        .sum();
  }

  /** The CPU time that Redis' main thread has used. */
  private static double cpuMillis() {
    return REDIS
        .redis()
        .sync()
        .info("cpu")
        .lines()
        .filter(line -> line.contains("_main_thread:"))
        .mapToDouble(line -> 1000 * Double.parseDouble(line.substring(line.indexOf(':') + 1)))
        .sum();
  }

  @Test
  void aTaskWithQueueAndHostLimitsStartsAtOnce() throws Exception {
    target.answers(_ -> counted(ofMillis(5), 200));
    Unconditional.put(rig.queues(), "both", limits(null, 4));
    limit(target, 3);
    rig.worker(10, LEASE).start();
    for (int i = 0; i < 10; i++) {
      List<TaskId> few = rig.enqueue(3, "client-" + i, "both", target.url("/"));
      target.awaitCount(3 * (i + 1), AT_ONCE);
      few.forEach(rig::finished);
    }
    long before = scripts();
    List<TaskId> many = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      many.addAll(rig.enqueue(5, "client-" + i, "both", target.url("/")));
    }
    target.awaitCount(30 + many.size(), PATIENCE);
    long each = (scripts() - before) / many.size();
    many.forEach(rig::finished);
    assertEquals(3, most.get(), "at once");
    assertTrue(each < 15, each + " scripts for each task");
  }

  @Test
  void aLimitHoldsAndIsFullyUsedWhileConnectionsAreLost() throws Exception {
    target.answers(arrival -> counted(ofMillis(20), firstAttempt(arrival) ? 500 : 200));
    limit(target, 1);
    rig.worker(4, LEASE).start();
    rig.worker(4, LEASE).start();
    Retry soon = new Retry(20, ofMillis(10), ofMillis(10), 0, null, null);
    List<TaskId> ids = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      ids.add(rig.enqueue("client-" + i % 10, "default", target.url("/"), soon));
    }
    for (int i = 1; i <= 15; i++) {
      target.awaitCount(3 * i, AT_ONCE);
      killConnections();
    }
    ids.forEach(rig::finished);
    assertEquals(1, most.get(), "at once");
  }

  @Test
  void aRepeatedVerdictFreesNoPlaceOfALaterAttempt() throws Exception {
    CompletableFuture<Integer> held = new CompletableFuture<>();
    target.answers(arrival -> {
      most.accumulateAndGet(running.incrementAndGet(), Math::max);
      boolean first = arrival.path().equals("/twice") && firstAttempt(arrival);
      return (first ? CompletableFuture.completedFuture(500) : held)
          .whenComplete((_, _) -> running.decrementAndGet());
    });
    limit(target, 1);
    rig.worker(4, LEASE).start();
    Retry soon = new Retry(20, ofMillis(10), ofMillis(10), 0, null, null);
    TaskId twice = rig.enqueue("mia", "default", target.url("/twice"), soon);
    target.awaitCount(2, PATIENCE);
    TaskId waiting = rig.enqueue("mia", "default", target.url("/once"));
    RedisCommands<String, String> redis = REDIS.redis().sync();
    try (Target other = new Target()) {
      for (int i = 0; i < 5; i++) { // on a new connection the last verdicts are sent again
        redis.clientKill(KillArgs.Builder.typePubsub());
        rig.enqueue(10, "client-" + i, "default", other.url("/")).forEach(rig::finished);
      }
    }
    assertEquals(2, target.count(), "requests at the host while its only place is taken");
    held.complete(200);
    rig.finished(twice);
    rig.finished(waiting);
    assertEquals(1, most.get(), "at once");
  }

  /** Ends all connections to Redis except this test's. */
  private static void killConnections() {
    RedisCommands<String, String> redis = REDIS.redis().sync();
    redis.clientKill(KillArgs.Builder.typePubsub());
    redis.clientKill(KillArgs.Builder.typeNormal().skipme());
  }

  @Test
  @Tag("faults")
  void aLimitHoldsThroughALongOutage() throws Exception {
    Duration lease = ofSeconds(2);
    CompletableFuture<Integer> held = new CompletableFuture<>();
    target.answers(arrival -> {
      most.accumulateAndGet(running.incrementAndGet(), Math::max);
      return held.whenComplete((_, _) -> running.decrementAndGet());
    });
    RedisServer redis = REDIS.server();
    try (Proxy network = Proxy.start(redis.port());
        Rig late = new Rig(RedisServer.settings(network.port(), SHARDS), network.port())) {
      limit(target, 1);
      late.worker(4, lease).start();
      List<TaskId> ids = new ArrayList<>(rig.enqueue(1, "mia", "default", target.url("/")));
      target.awaitCount(1, PATIENCE);
      rig.worker(4, lease).start();
      ids.addAll(rig.enqueue(3, "mia", "default", target.url("/")));
      redis.freeze();
      network.hold(true);
      Target.after(lease.multipliedBy(5), 0).join(); // The time of an outage is under test.
      redis.thaw();
      Target.after(lease.dividedBy(2), 0).join(); // One worker returns later than the other.
      network.hold(false);
      Target.after(lease.multipliedBy(2), 0).join(); // Long enough to start another wrongly.
      assertEquals(1, most.get(), "at once");
      held.complete(200);
      ids.forEach(rig::finished);
    } finally {
      redis.thaw();
    }
  }

  @Test
  void fullQueuesHideNoOthersAndCostLittle() throws Exception {
    int queues = 1_100;
    QueueSettings rare = limits(0.001, null);
    IntStream.range(0, queues)
        .parallel()
        .forEach(i -> Unconditional.put(rig.queues(), "q" + i, rare));
    rig.worker(20, LEASE).start();
    for (int i = 0; i < queues; i++) {
      rig.enqueue(2, "client-" + i % 10, "q" + i, target.url("/rare"));
    }
    target.awaitCount(queues, PATIENCE);
    for (int i = 0; i < 20; i++) {
      rig.finished(rig.enqueue("client-" + i, "default", target.url("/plain")));
    }
    double before = cpuMillis();
    Duration idle = ofSeconds(3);
    Target.after(idle, 0).join(); // The cost of a time is under test.
    double perSecond = (cpuMillis() - before) / idle.toSeconds();
    assertTrue(perSecond < 8, perSecond + " ms of Redis' CPU in a second");
    assertEquals(queues + 20, target.count());
  }

  @Test
  void theDoctorFindsNothingInARateLimitedQueue() throws Exception {
    Unconditional.put(rig.queues(), "rare", limits(0.001, null));
    rig.worker(4, LEASE).start();
    for (int i = 0; i < 10; i++) {
      rig.enqueue("client-" + i, "rare", target.url("/"));
    }
    target.awaitCount(1, AT_ONCE);
    assertEquals(List.of(), rig.doctor().examine(false));
  }

  @Test
  void tasksOfLimitedQueuesCostLittleMore() throws Exception {
    long plain = scriptsFor(limits(null, null));
    long limited = scriptsFor(limits(null, 10));
    assertTrue(limited < 4 * plain, limited + " scripts, and " + plain + " without limits");
  }

  private long scriptsFor(QueueSettings settings) throws Exception {
    int queues = 200;
    IntStream.range(0, queues)
        .parallel()
        .forEach(i -> Unconditional.put(rig.queues(), "q" + i, settings));
    for (int i = 0; i < queues; i++) {
      rig.enqueue(3, "client-" + i % 10, "q" + i, target.url("/"));
    }
    long before = scripts();
    int goal = target.count() + 3 * queues;
    Worker worker = rig.worker(10, LEASE);
    worker.start();
    target.awaitCount(goal, PATIENCE);
    long spent = scripts() - before;
    worker.stop(PATIENCE);
    return spent;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void anUnreachableShardDelaysOnlyItsTasks(int away) throws Exception {
    List<Target> narrow = new ArrayList<>();
    try (RedisProxy network = RedisProxy.start(REDIS.server().port());
        Rig far = new Rig(RedisServer.settings(network.port(), SHARDS), network.port())) {
      for (int i = 0;
          i < HOSTS;
          i++) { // some of them have their limits in the shard that is unreachable
        narrow.add(new Target());
        limit(narrow.getLast(), 1);
      }
      far.worker(10, LEASE).start();
      rig.finished(rig.enqueue("client-0", "default", target.url("/")));
      network.rule(
          words -> words.stream().anyMatch(word -> isOf(away, word)) ? Fate.REFUSE : Fate.PASS);
      List<TaskId> limited = new ArrayList<>();
      List<TaskId> others = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        for (Target host : narrow) {
          limited.addAll(rig.enqueue(2, "client-" + i, "default", host.url("/")));
        }
        others.addAll(rig.enqueue(2, "client-" + i, "default", target.url("/")));
      }
      others.stream().filter(id -> id.shard() != away).forEach(rig::finished);
      network.rule(_ -> Fate.PASS);
      others.forEach(rig::finished);
      limited.forEach(rig::finished);
    } finally {
      for (Target host : narrow) {
        host.close();
      }
    }
  }

  private static boolean isOf(int shard, byte[] word) {
    String prefix = "tr:{" + shard + "}:";
    return word.length > prefix.length()
        && new String(word, 0, prefix.length(), StandardCharsets.ISO_8859_1).equals(prefix);
  }
}
