package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.client.Limits;
import io.taskrunner.client.Scope;
import io.taskrunner.client.Tier;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.SessionStore;
import io.taskrunner.store.TargetHost;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.redis.Stage.Wish;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.RedisProxy;
import io.taskrunner.testkit.RedisServer;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;

/**
 * States of a store that make scripts expensive, and the calls of the store on each of them. The
 * states are created without the meter; all calls on them are measured.
 */
final class Burdens implements AutoCloseable {

  private static final int AT_ONCE = 5_000;
  private static final int SLOTS = 100;
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final Duration HOUR = Duration.ofHours(1);

  /** How large each state is. */
  record Size(int due, int clients, int queues, int hosts, int over, int expired, int large) {}

  private final RedisExtension redis;
  private final Size size;
  private final RedisProxy proxy;
  final ScriptMeter meter;
  private Stage stage;
  private ManyCalls calls;
  private RedisStore filler;

  Burdens(RedisExtension redis, Size size) {
    this.redis = redis;
    this.size = size;
    this.proxy = RedisProxy.start(redis.server().port());
    this.meter = new ScriptMeter(proxy, redis.redis().sync());
    open();
  }

  private void open() {
    stage = Stage.open(redis, RedisServer.settings(proxy.port(), Duration.ofSeconds(30)));
    calls = new ManyCalls(stage);
    StoreOptions usual = StoreOptions.defaults(redis.settings());
    filler =
        RedisStore.openUntended(
            new StoreOptions(
                usual.redis(),
                true,
                Integer.MAX_VALUE,
                usual.idempotencyTtl(),
                usual.breaker(),
                () -> Instant.ofEpochMilli(stage.now()),
                Optional.of(() -> Instant.ofEpochMilli(stage.now()))));
  }

  /** An empty store. */
  private void begin() {
    close(stage, filler);
    redis.redis().sync().flushallAsync();
    open();
    Unconditional.putTier(
        filler.clients(), new Tier(Tier.DEFAULT, new Limits(Limits.MAX, Limits.MAX)));
  }

  private static void close(Stage stage, RedisStore filler) {
    stage.close();
    filler.close();
  }

  @Override
  public void close() {
    close(stage, filler);
    proxy.close();
  }

  // -- how a state is created

  private void fill(int count, IntFunction<Wish> wish) {
    for (int from = 0; from < count; from += AT_ONCE) {
      List<CompletableFuture<EnqueueResult>> some = new ArrayList<>();
      for (int i = from; i < Math.min(count, from + AT_ONCE); i++) {
        some.add(filler.tasks().enqueue(wish.apply(i).command()));
      }
      some.forEach(one -> assertInstanceOf(EnqueueResult.Enqueued.class, one.join()));
    }
  }

  private void fill(int count, Wish wish) {
    fill(count, _ -> wish);
  }

  /** Calls that block, many at once. */
  private static void inParallel(int count, IntConsumer call) {
    Semaphore few = new Semaphore(64);
    List<CompletableFuture<Void>> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < count; i++) {
        int number = i;
        few.acquireUninterruptibly();
        all.add(
            CompletableFuture.runAsync(() -> call.accept(number), threads)
                .whenComplete((_, _) -> few.release()));
      }
    }
    all.forEach(CompletableFuture::join);
  }

  // -- the states

  private void manyDueTasks() {
    begin();
    fill(size.due(), i -> wish().client("client" + i % 50).in(SOON));
    stage.pass(SOON.plusSeconds(1));
    List<Claim> claims = calls.claim(20);
    assertTrue(!claims.isEmpty(), "nothing was due");
    calls.renew(claims);
    calls.succeed(claims);
    calls.look();
    calls.operate(10);
    stage.queue("side", 1);
    calls.dropQueue("default");
    calls.tidy(10);
  }

  private void manySessions() {
    begin();
    SessionStore sessions = stage.store.sessions();
    for (int i = 0; i <= SessionStore.MAX; i++) {
      String digest = "%064x".formatted(i);
      sessions.begin(digest, new SessionStore.Holder(SessionStore.Kind.CLIENT, digest));
      sessions.find(digest);
    }
    sessions.list();
  }

  private void manySeries() {
    begin();
    int queues = 120;
    inParallel(
        queues,
        i -> Unconditional.put(filler.queues(), "s" + i, Stage.settings(1, null, null, null)));
    stage.store.everySecond();
    for (int day = 0; day < 2; day++) {
      for (int i = 0; i < queues; i++) {
        stage.enqueue(wish().queue("s" + i));
      }
      calls.settle(calls.claimAll(3), new Verdict.Bury(), new BreakerReport.None());
      stage.store.sendSeries();
      stage.store.sendSeries();
      stage.pass(Duration.ofDays(1)); // each minute takes the place of one, which joins its hour
    }
    stage.store.series().failures();
  }

  private void manyClients() {
    begin();
    fill(size.clients(), i -> wish().client("client" + i));
    List<Claim> claims = calls.claim(5);
    calls.succeed(claims);
    Unconditional.delete(stage.store.clients(), "client7");
    stage.store.clients().addKey("client8", "digest", "ci", Scope.ALL);
    Unconditional.putTier(stage.store.clients(), new Tier("small", new Limits(1, 10)));
    stage.client("client8", 1);
    Unconditional.deleteTier(stage.store.clients(), "small");
    calls.look();
    calls.operate(10);
    if (size.clients() < 50_000) {
      stage.store.doctor().examine(false);
    }
    stage.pass(Duration.ofDays(40)); // auto-registered clients are forgotten
    calls.dropQueue("default");
    calls.tidy(5);
  }

  private void manyLimitedQueues() {
    begin();
    inParallel(
        size.queues(),
        i ->
            Unconditional.put(
                filler.queues(), "q" + i, Stage.settings(1, 0.01, 1, i % 2 == 0 ? 1 : null)));
    stage.store.everySecond();
    filler.everySecond();
    fill(2 * size.queues(), i -> wish().queue("q" + i / 2));
    List<Claim> claims = calls.claimAll(4 * size.queues() / SLOTS + 20);
    assertTrue(claims.size() >= size.queues(), claims.size() + " claims");
    calls.claim(5);
    calls.renew(claims);
    calls.succeed(claims.subList(0, claims.size() / 2));
    calls.claim(5);
    calls.look();
    stage.store.queues().pauseAll(true);
    stage.store.queues().pauseAll(false);
    stage.pass(Duration.ofMinutes(10)); // every lease ends, every queue has a token again
    calls.claim(2);
    stage.pass(Duration.ofMinutes(1));
    calls.claim(20);
    calls.tidy(5);
  }

  private void largeExpiredTasks() {
    begin();
    String body = "x".repeat(512 * 1024);
    long end = stage.now() + SOON.toMillis();
    for (int i = 0; i < size.large(); i += 10) {
      fill(10, wish().body(body).expires(end).labels(Map.of("color", "red")));
    }
    calls.look();
    calls.operate(3);
    stage.pass(SOON.plusSeconds(1));
    calls.claimAll(2 * size.large());
    calls.look();
    calls.operate(3);
    stage.store.queues().replayDead("default", null, null);
    calls.claimAll(2 * size.large());
    stage.store.queues().dropDead("default");
    calls.tidy(5);
  }

  private void moreDeadTasksThanAreKept() {
    begin();
    expire(size.expired());
    Unconditional.put(
        filler.queues(), "default", settingsWithDeadMax(Math.max(10, size.expired() / 100)));
    expire(Math.min(size.expired(), 1_000));
    calls.tidy(3);
  }

  private void expire(int count) {
    long end = stage.now() + SOON.toMillis();
    fill(count, i -> wish().url("http://h" + i % 2000 + ".test/").expires(end).labels(colors(i)));
    stage.pass(SOON.plusSeconds(1));
    calls.claimAll(count);
  }

  private static Map<String, String> colors(int i) {
    return Map.of("color", i % 2 == 0 ? "red" : "green");
  }

  private static QueueSettings settingsWithDeadMax(int most) {
    QueueSettings usual = QueueSettings.defaults(3);
    return new QueueSettings(
        usual.weight(),
        null,
        null,
        null,
        usual.retry(),
        null,
        usual.deadRetention(),
        most,
        usual.deadMaxBytes(),
        most);
  }

  private void clientsParkedInManyQueues() {
    begin();
    int clients = 200;
    int queues = Math.min(100, size.queues() / 10);
    inParallel(
        clients,
        i ->
            Unconditional.set(
                filler.clients(), "client" + i, ClientChange.of().limits(1, Limits.MAX).done()));
    inParallel(
        queues,
        i -> Unconditional.put(filler.queues(), "q" + i, Stage.settings(1, null, null, null)));
    stage.store.everySecond();
    filler.everySecond();
    fill(clients * queues, i -> wish().client("client" + i % clients).queue("q" + i / clients));
    List<Claim> claims = calls.claimAll(1000);
    for (int round = 0; round < 4 && !claims.isEmpty(); round++) {
      calls.succeed(claims);
      claims = calls.claimAll(1000);
    }
    stage.client("client1", 5);
    Unconditional.putTier(stage.store.clients(), new Tier(Tier.DEFAULT, new Limits(7, 100)));
    Unconditional.delete(stage.store.clients(), "client2");
    calls.claim(5);
    calls.tidy(3);
  }

  private void anOpenBreakersBacklog() {
    begin();
    fill(1, wish().url("http://down.test/"));
    calls.settle(
        calls.claim(1), new Verdict.Retry(Duration.ofSeconds(1)), new BreakerReport.Failed(5));
    fill(size.expired(), i -> wish().client("client" + i % 20).url("http://down.test/x"));
    calls.claimAll(size.expired());
    calls.look();
    stage.pass(Duration.ofSeconds(31));
    calls.settle(calls.claimAll(20), new Verdict.Bury(), new BreakerReport.Good());
  }

  private void manyHosts() {
    begin();
    for (int half = 0; half < 2; half++) {
      fill(size.hosts(), i -> wish().client("client" + i % 50).url("http://h" + i + ".test/"));
      List<Claim> claims = half == 0 ? calls.claimAll(size.hosts() / SLOTS + 10) : calls.claim(10);
      calls.settle(claims, new Verdict.Bury(), new BreakerReport.Failed(5));
    }
    stage.store.works().getFirst().breakers();
    stage.store.hosts().open();
    stage.store.hosts().close("h0.test");
    calls.look();
    calls.claim(5);
    stage.pass(Duration.ofSeconds(31));
    calls.settle(calls.claim(5), new Verdict.Bury(), new BreakerReport.Failed(1));
  }

  private void aDeletedClientsBacklog() {
    begin();
    fill(size.expired(), wish().client("gone"));
    fill(size.expired(), wish().client("gone").in(SOON));
    Unconditional.delete(stage.store.clients(), "gone");
    stage.pass(SOON);
    calls.claimAll(100);
    calls.tidy(5);
  }

  private void limitedHosts() {
    begin();
    int limited = Math.min(TargetHost.MOST, size.hosts());
    inParallel(
        limited,
        i -> Unconditional.put(filler.hosts(), new TargetHost("h" + i + ".test", 1, null, 0)));
    fill(size.hosts(), i -> wish().client("client" + i % 50).url("http://h0.test/"));
    fill(3 * limited, i -> wish().client("client" + i % 50).url("http://h" + i / 3 + ".test/"));
    List<Claim> claims = new ArrayList<>();
    for (int i = 0; i < 2 * limited / SLOTS + 50; i++) {
      claims.addAll(calls.begun(stage.exchange(WORKER, SLOTS)));
    }
    calls.renew(claims);
    calls.succeed(claims);
    calls.claim(20);
    calls.look();
    Unconditional.delete(stage.store.hosts(), "h0.test");
    calls.claim(10);
    calls.operate(3);
    calls.dropQueue("default");
  }

  private void manyTasksThatAreOver() {
    begin();
    fill(
        size.over(),
        i ->
            wish()
                .client("client" + i % 50)
                .url("http://h" + i % 3000 + ".test/")
                .labels(colors(i))
                .retention(HOUR));
    for (int i = 0; i <= size.over() / SLOTS; i++) {
      List<Claim> claims = calls.claim(1);
      calls.settle(
          claims,
          i % 2 == 0 ? new Verdict.Succeed() : new Verdict.Bury(),
          new BreakerReport.None());
    }
    calls.look();
    calls.operate(20);
    if (size.over() < 50_000) {
      stage.store.doctor().examine(false);
    }
    stage.store.queues().replayDead("default", 500L, "client3");
    stage.store.queues().replayDead("default", 500L, null);
    Unconditional.put(filler.queues(), "default", settingsWithDeadMax(100));
    calls.settle(calls.claim(2), new Verdict.Succeed(), new BreakerReport.None());
    stage.store.queues().dropDead("default");
    calls.tidy(5);
    stage.pass(HOUR);
    calls.tidy(5);
    calls.dropQueue("default");
  }

  /** Single calls that need none of the states above. */
  private void oneOfEach() {
    begin();
    stage.client("abc", Limits.MAX);
    new SmallCalls(stage, proxy.port(), size.over() / 10).make();
    TaskId waiting = stage.enqueue(wish().client("other").in(HOUR));
    stage.store.tasks().runNow(waiting);
    stage.store.tasks().cancel(waiting);
    stage.store.tasks().retry(waiting);
    stage.store.tasks().get(waiting);
    stage.store.doctor().examine(false);
    stage.store.works().getFirst().leave(WORKER);
  }

  /** All of them. */
  void all() {
    meter.measure("many due tasks of one queue", this::manyDueTasks);
    meter.measure("many clients with a ready task each", this::manyClients);
    meter.measure("as many sessions as there may be", this::manySessions);
    meter.measure("as many series as there may be", this::manySeries);
    meter.measure("many queues at their limits", this::manyLimitedQueues);
    meter.measure("large tasks that expired", this::largeExpiredTasks);
    meter.measure(
        "expired tasks while more are dead than are kept", this::moreDeadTasksThanAreKept);
    meter.measure("clients that are parked in many queues", this::clientsParkedInManyQueues);
    meter.measure("a backlog behind an open circuit breaker", this::anOpenBreakersBacklog);
    meter.measure("many hosts, all with an open circuit breaker", this::manyHosts);
    meter.measure("the backlog of a deleted client", this::aDeletedClientsBacklog);
    meter.measure("hosts at their limits", this::limitedHosts);
    meter.measure("many finished tasks", this::manyTasksThatAreOver);
    meter.measure("few tasks, and many of everything else", this::oneOfEach);
  }
}
