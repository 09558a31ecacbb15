package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.client.Limits;
import io.taskrunner.client.Tier;
import io.taskrunner.store.ClientStore.Change;
import io.taskrunner.store.ClientStore.OwnLimits;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.Operation.Action;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.OperationStore.Begun;
import io.taskrunner.store.OperationStore.Run;
import io.taskrunner.store.OperationStore.Step;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.TargetHost;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.TaskStore.Label;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Exchange;
import io.taskrunner.store.WorkStore.Running;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.store.redis.Stage.Wish;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.RedisProxy;
import io.taskrunner.testkit.RedisServer;
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
import org.jspecify.annotations.Nullable;

/**
 * States of a store that make scripts expensive, and the calls of the store on each of them. The
 * states are made without the meter; all that is done with them goes through it.
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
  private RedisStore filler;

  Burdens(RedisExtension redis, Size size) {
    this.redis = redis;
    this.size = size;
    this.proxy = RedisProxy.start(redis.server().port());
    this.meter = new ScriptMeter(proxy);
    open();
  }

  private void open() {
    stage = Stage.open(redis, RedisServer.settings(proxy.port(), Duration.ofSeconds(30)));
    StoreOptions usual = StoreOptions.defaults(redis.settings());
    filler =
        RedisStore.openUntended(
            new StoreOptions(
                usual.redis(),
                true,
                Integer.MAX_VALUE,
                usual.idempotencyTtl(),
                usual.breakerOpen(),
                usual.breakerProbes(),
                () -> Instant.ofEpochMilli(stage.now()),
                Optional.of(() -> Instant.ofEpochMilli(stage.now()))));
  }

  /** An empty store. */
  private void begin() {
    close(stage, filler);
    redis.redis().sync().flushallAsync();
    open();
    filler.clients().putTier(new Tier(Tier.DEFAULT, new Limits(Limits.MAX, Limits.MAX)));
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

  // -- how a state is made

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

  // -- what is done with a state

  private List<Claim> claim(int rounds) {
    List<Claim> claims = new ArrayList<>();
    for (int i = 0; i < rounds; i++) {
      claims.addAll(stage.exchange(WORKER, SLOTS).claims());
    }
    return claims;
  }

  /** Claims until a claim gives nothing and expects nothing more. */
  private List<Claim> claimAll(int roundsMost) {
    List<Claim> claims = new ArrayList<>();
    int empty = 0;
    for (int i = 0; i < roundsMost && empty < 3; i++) {
      Exchange exchange = stage.exchange(WORKER, SLOTS);
      claims.addAll(exchange.claims());
      empty = exchange.claims().isEmpty() && !exchange.again() ? empty + 1 : 0;
    }
    return claims;
  }

  private void settle(List<Claim> claims, Verdict verdict, BreakerReport report) {
    for (int from = 0; from < claims.size(); from += 200) {
      List<Settlement> some =
          claims.subList(from, Math.min(claims.size(), from + 200)).stream()
              .map(claim -> stage.verdict(claim, verdict, 200, report))
              .toList();
      stage.store.works().getFirst().settle(WORKER, some);
    }
  }

  private void succeed(List<Claim> claims) {
    settle(claims, new Verdict.Succeed(), new BreakerReport.Good());
  }

  private void renew(List<Claim> claims) {
    stage
        .store
        .works()
        .getFirst()
        .renew(
            WORKER,
            Stage.LEASE,
            claims.stream().limit(500).map(one -> new Running(one.id(), one.number())).toList());
  }

  private static Filter filter(
      @Nullable String queue, @Nullable TaskState state, @Nullable String client) {
    return new Filter(queue, state, client, null);
  }

  /** Pages of tasks and figures, as they are shown. */
  private void look() {
    try {
      for (TaskState state : TaskState.values()) {
        list(filter("default", state, null));
      }
      list(filter(null, null, null));
      list(filter(null, TaskState.READY, "abc"));
      list(filter(null, TaskState.DEAD, "abc"));
      list(new Filter(null, null, null, new Label("color", "red")));
      list(new Filter(null, null, null, null, "no.test", 500, null, null, null, null, null));
      stage.store.clients().list(100, null);
    } catch (BadCursor impossible) {
      throw new AssertionError(impossible);
    }
    stage.store.queues().list();
    stage.store.queues().deadSummary("default");
    stage.store.hosts().list();
  }

  private void list(Filter filter) throws BadCursor {
    String next = stage.store.tasks().list(filter, 1000, null).nextCursor();
    if (next != null) {
      stage.store.tasks().list(filter, 50, next);
    }
  }

  /** Some chunks of each operation on many tasks. */
  private void operate(int steps) {
    for (boolean dry : new boolean[] {true, false}) {
      for (Action action : Action.values()) {
        String to = action == Action.MOVE ? "low" : null;
        operate(new Order(action, filter("default", null, null), null, to, null, dry), steps);
      }
    }
  }

  private void operate(Order order, int steps) {
    Begun.Entered begun =
        assertInstanceOf(Begun.Entered.class, stage.store.operations().begin(order));
    stage.pass(Duration.ofMillis(1));
    String id = begun.operation().id();
    List<Run> runs = stage.store.operations().lease("one", Duration.ofSeconds(5), List.of());
    for (Run run : runs) {
      for (int i = 0; i < steps && !(run.step(50) instanceof Step.Over); i++) {}
    }
    stage.store.operations().lease("one", Duration.ofSeconds(5), runs);
    stage.store.operations().stop(id);
    runs.forEach(run -> run.step(1));
    stage.store.operations().lease("one", Duration.ofSeconds(5), List.of());
    stage.pass(Duration.ofSeconds(6));
  }

  private void tidy(int times) {
    for (int i = 0; i < times; i++) {
      stage.pass(Duration.ofSeconds(1));
      stage.store.tidy();
    }
  }

  private void dropQueue(String name) {
    stage.store.queues().purge(name);
    tidy(3);
    claim(3);
    stage.store.queues().delete("side", true);
    tidy(3);
  }

  // -- the states

  private void manyDueTasks() {
    begin();
    fill(size.due(), i -> wish().client("client" + i % 50).in(SOON));
    stage.pass(SOON.plusSeconds(1));
    List<Claim> claims = claim(20);
    assertTrue(!claims.isEmpty(), "nothing was due");
    renew(claims);
    succeed(claims);
    look();
    operate(10);
    stage.queue("side", 1);
    dropQueue("default");
    tidy(10);
  }

  private void manyClients() {
    begin();
    fill(size.clients(), i -> wish().client("client" + i));
    List<Claim> claims = claim(5);
    succeed(claims);
    stage.store.clients().delete("client7");
    stage.store.clients().putTier(new Tier("small", new Limits(1, 10)));
    stage.client("client8", 1);
    stage.store.clients().deleteTier("small");
    look();
    operate(10);
    if (size.clients() < 50_000) {
      stage.store.doctor().examine();
    }
    stage.pass(Duration.ofDays(40)); // clients that registered themselves are forgotten
    dropQueue("default");
    tidy(5);
  }

  private void manyLimitedQueues() {
    begin();
    inParallel(
        size.queues(),
        i -> filler.queues().put("q" + i, Stage.settings(1, 0.01, 1, i % 2 == 0 ? 1 : null)));
    stage.store.everySecond();
    filler.everySecond();
    fill(2 * size.queues(), i -> wish().queue("q" + i / 2));
    List<Claim> claims = claimAll(2 * size.queues() / SLOTS + 20);
    assertTrue(claims.size() >= size.queues(), claims.size() + " claims");
    claim(5);
    renew(claims);
    succeed(claims.subList(0, claims.size() / 2));
    claim(5);
    look();
    stage.store.queues().pauseAll(true);
    stage.store.queues().pauseAll(false);
    stage.pass(Duration.ofMinutes(10)); // every lease ends, every queue has a token again
    claim(2);
    stage.pass(Duration.ofMinutes(1));
    claim(20);
    tidy(5);
  }

  private void largeExpiredTasks() {
    begin();
    String body = "x".repeat(512 * 1024);
    long end = stage.now() + SOON.toMillis();
    for (int i = 0; i < size.large(); i += 10) {
      fill(10, wish().body(body).expires(end).labels(Map.of("color", "red")));
    }
    look();
    operate(3);
    stage.pass(SOON.plusSeconds(1));
    claimAll(2 * size.large());
    look();
    operate(3);
    stage.store.queues().replayDead("default", null, null);
    claimAll(2 * size.large());
    stage.store.queues().dropDead("default");
    tidy(5);
  }

  private void moreDeadTasksThanAreKept() {
    begin();
    expire(size.expired());
    filler.queues().put("default", settingsWithDeadMax(Math.max(10, size.expired() / 100)));
    expire(Math.min(size.expired(), 1_000));
    tidy(3);
  }

  private void expire(int count) {
    long end = stage.now() + SOON.toMillis();
    fill(count, i -> wish().url("http://h" + i % 2000 + ".test/").expires(end).labels(colors(i)));
    stage.pass(SOON.plusSeconds(1));
    claimAll(count);
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
            filler
                .clients()
                .set("client" + i, new Change(null, null, new OwnLimits(1, Limits.MAX), null)));
    inParallel(queues, i -> filler.queues().put("q" + i, Stage.settings(1, null, null, null)));
    stage.store.everySecond();
    filler.everySecond();
    fill(clients * queues, i -> wish().client("client" + i % clients).queue("q" + i / clients));
    List<Claim> claims = claimAll(1000);
    for (int round = 0; round < 4 && !claims.isEmpty(); round++) {
      succeed(claims);
      claims = claimAll(1000);
    }
    stage.client("client1", 5);
    stage.store.clients().putTier(new Tier(Tier.DEFAULT, new Limits(7, 100)));
    stage.store.clients().delete("client2");
    claim(5);
    tidy(3);
  }

  private void anOpenBreakersBacklog() {
    begin();
    fill(1, wish().url("http://down.test/"));
    settle(claim(1), new Verdict.Retry(Duration.ofSeconds(1)), new BreakerReport.Trip());
    fill(size.expired(), i -> wish().client("client" + i % 20).url("http://down.test/x"));
    claimAll(size.expired());
    look();
    stage.pass(Duration.ofSeconds(31));
    settle(claimAll(20), new Verdict.Bury(), new BreakerReport.Good());
  }

  private void manyHosts() {
    begin();
    for (int half = 0; half < 2; half++) {
      fill(size.hosts(), i -> wish().client("client" + i % 50).url("http://h" + i + ".test/"));
      List<Claim> claims = half == 0 ? claimAll(size.hosts() / SLOTS + 10) : claim(10);
      settle(claims, new Verdict.Bury(), new BreakerReport.Trip());
    }
    stage.store.works().getFirst().breakers();
    look();
    claim(5);
    stage.pass(Duration.ofSeconds(31));
    settle(claim(5), new Verdict.Bury(), new BreakerReport.Bad());
  }

  private void aDeletedClientsBacklog() {
    begin();
    fill(size.expired(), wish().client("gone"));
    fill(size.expired(), wish().client("gone").in(SOON));
    stage.store.clients().delete("gone");
    stage.pass(SOON);
    claimAll(100);
    tidy(5);
  }

  private void limitedHosts() {
    begin();
    int limited = Math.min(TargetHost.MOST, size.hosts());
    inParallel(limited, i -> filler.hosts().put(new TargetHost("h" + i + ".test", 1, null, 0)));
    fill(size.hosts(), i -> wish().client("client" + i % 50).url("http://h0.test/"));
    fill(3 * limited, i -> wish().client("client" + i % 50).url("http://h" + i / 3 + ".test/"));
    List<Claim> claims = new ArrayList<>();
    for (int i = 0; i < 2 * limited / SLOTS + 50; i++) {
      claims.addAll(stage.exchange(WORKER, SLOTS).claims());
    }
    renew(claims);
    succeed(claims);
    claim(20);
    look();
    stage.store.hosts().delete("h0.test");
    claim(10);
    operate(3);
    dropQueue("default");
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
      List<Claim> claims = claim(1);
      settle(
          claims,
          i % 2 == 0 ? new Verdict.Succeed() : new Verdict.Bury(),
          new BreakerReport.None());
    }
    look();
    operate(20);
    if (size.over() < 50_000) {
      stage.store.doctor().examine();
    }
    stage.store.queues().replayDead("default", 500L, "client3");
    stage.store.queues().replayDead("default", 500L, null);
    filler.queues().put("default", settingsWithDeadMax(100));
    settle(claim(2), new Verdict.Succeed(), new BreakerReport.None());
    stage.store.queues().dropDead("default");
    tidy(5);
    stage.pass(HOUR);
    tidy(5);
    dropQueue("default");
  }

  /** Single calls of what no state above needs. */
  private void oneOfEach() {
    begin();
    stage.client("abc", Limits.MAX);
    new SmallCalls(stage, proxy.port(), size.over() / 10).make();
    TaskId waiting = stage.enqueue(wish().client("other").in(HOUR));
    stage.store.tasks().runNow(waiting);
    stage.store.tasks().cancel(waiting);
    stage.store.tasks().revive(waiting);
    stage.store.tasks().get(waiting);
    stage.store.doctor().examine();
    stage.store.works().getFirst().leave(WORKER);
  }

  /** All of them. */
  void all() {
    meter.measure("many due tasks of one queue", this::manyDueTasks);
    meter.measure("many clients with a ready task each", this::manyClients);
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
