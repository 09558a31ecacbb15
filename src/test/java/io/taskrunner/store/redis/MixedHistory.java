package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Model.require;
import static io.taskrunner.store.redis.Stage.wish;

import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.store.redis.doctor.Finding;
import io.taskrunner.task.Callback;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.RedisProxy;
import io.taskrunner.testkit.RedisProxy.Fate;
import io.taskrunner.testkit.RedisServer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One history: random moves of tasks by two processes, under a clock that is set. */
final class MixedHistory implements AutoCloseable {

  static final int SHARDS = 3;
  static final Duration LEASE = Duration.ofSeconds(30);
  static final List<String> CLIENTS = List.of("abc", "small", "other", "fourth", "fifth", "sixth");
  static final List<String> QUEUES = List.of("default", "side", "few", "slow");
  static final List<String> HOSTS = List.of("a.test", "b.test", "c.test", "free.test");
  static final List<String> COLORS = List.of("red", "green");

  private static final int STEPS = Integer.getInteger("history.steps", 300);
  private static final long STUCK_NANOS = TimeUnit.SECONDS.toNanos(20);
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  /** The keys that may stay in Redis when no task is left. */
  private static final Pattern STAYS =
      Pattern.compile(
          "tr:\\{(config}:.*|\\d+}:(shard|clients|strangers|tiers|tiers:rev|hosts|host:.*|open"
              + "|idle|client:[^:]+|queue:\\d+:flow|busy))");

  final Random random;
  final Promises promises;
  final RedisProxy network;
  final List<MixedProcess> processes = new ArrayList<>();
  private final RedisExtension redis;
  private final List<String> moves = new ArrayList<>();
  private final MixedMoves others;
  private volatile long now = Stage.START;
  private long forward;
  private long highest = now;
  private int unanswered;
  private int workers;
  private int step;

  MixedHistory(RedisExtension redis, long seed) {
    this.redis = redis;
    redis.redis().sync().flushall();
    random = new Random(seed);
    promises = new Promises(now);
    network = RedisProxy.start(redis.server().port());
    others = new MixedMoves(this);
  }

  private StoreOptions options() {
    RedisSettings usual = RedisServer.settings(network.port(), SHARDS);
    RedisSettings impatient =
        new RedisSettings(
            usual.target(),
            usual.username(),
            usual.password(),
            usual.tls(),
            usual.authorities(),
            usual.database(),
            usual.keyPrefix(),
            usual.shards(),
            usual.connectRetries(),
            usual.retryInterval(),
            PATIENCE,
            usual.waitReplicas(),
            usual.storeMaxBytes(),
            usual.storeFullRatio());
    return StoreOptions.defaults(impatient).at(() -> Instant.ofEpochMilli(now));
  }

  private MixedProcess open() {
    return new MixedProcess(this, RedisStore.openUntended(options()), Stage.worker(++workers));
  }

  // -- words that moves use

  <T> T any(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  void note(String format, @Nullable Object... values) {
    moves.add(step + " @" + (now - Stage.START) + " " + format.formatted(values));
  }

  String lastMoves() {
    return String.join("\n", moves.subList(Math.max(0, moves.size() - 60), moves.size()));
  }

  MixedMoves others() {
    return others;
  }

  RedisStore store() {
    return any(processes).store;
  }

  long now() {
    return now;
  }

  /** How far the clock went forward in total. */
  long forward() {
    return forward;
  }

  /** How many enqueues were not answered: their tasks may exist. */
  int unanswered() {
    return unanswered;
  }

  // -- the history

  void run() {
    patiently(() -> processes.add(open()));
    patiently(() -> processes.add(open()));
    patiently(others::begin);
    for (step = 0; step < STEPS; step++) {
      try {
        move();
      } catch (StoreUnavailable | CompletionException away) {
        require(
            !(away instanceof CompletionException) || away.getCause() instanceof StoreUnavailable,
            "%s",
            away);
        note("no answer");
      }
      if (step % 40 == 39) {
        repair();
        proven();
      }
    }
    drain();
  }

  private void move() {
    int way = random.nextInt(100);
    if (way < 18) {
      enqueue();
    } else if (way < 48) {
      any(processes).claim(random.nextInt(SHARDS), random.nextInt(8), List.of());
    } else if (way < 64) {
      settle(any(processes), 1 + random.nextInt(4));
    } else if (way < 80) {
      pass();
    } else if (way < 85) {
      breakSomething();
    } else {
      others.move();
    }
  }

  private void enqueue() {
    for (int i = random.nextInt(5); i >= 0; i--) {
      String client = any(CLIENTS);
      String queue = any(QUEUES);
      String host = any(HOSTS);
      String color = chance(60) ? any(COLORS) : null;
      String callback = chance(15) ? "http://done.test/" + promises.tasks.size() : null;
      Stage.Wish wish = wish().client(client).queue(queue).url("http://" + host + "/x");
      wish.retention(chance(50) ? Duration.ZERO : Duration.ofMinutes(2));
      if (chance(25)) {
        wish.in(Duration.ofSeconds(random.nextInt(20)));
      }
      if (color != null) {
        wish.labels(Map.of("color", color));
      }
      if (callback != null) {
        TargetUrl url = ((TargetUrl.Parsed.Good) TargetUrl.parse(callback)).url();
        wish.callback(new Callback(url, List.of(), Callback.USUAL));
      }
      boolean expires = chance(8);
      if (expires) {
        wish.expires(now + 1000 + random.nextInt(20_000));
      }
      unanswered++;
      if (store().tasks().enqueue(wish.command()).join() instanceof EnqueueResult.Enqueued made) {
        Promises.Known known = new Promises.Known(client, queue, host, color, callback);
        known.mayBeGone =
            expires
                || others.isUnsure(client)
                || others.isUnsure(queue)
                || others.seemsOlderThanAnOperation(color);
        promises.accepted(made.id(), known);
      }
      unanswered--;
    }
  }

  private void settle(MixedProcess process, int most) {
    List<Claim> some = process.held.values().stream().limit(most).toList();
    if (some.isEmpty()) {
      return;
    }
    int shard = some.getFirst().id().shard();
    List<Settlement> verdicts =
        some.stream()
            .filter(claim -> claim.id().shard() == shard)
            .map(claim -> settlement(claim, verdict()))
            .toList();
    if (chance(50)) {
      process.claim(shard, random.nextInt(4), verdicts);
    } else {
      process.settle(shard, verdicts);
    }
  }

  private Verdict verdict() {
    return switch (random.nextInt(6)) {
      case 0, 1 -> new Verdict.Succeed();
      case 2, 3 -> new Verdict.Retry(Duration.ofMillis(random.nextInt(6000)));
      case 4 -> new Verdict.PutBack(Duration.ofSeconds(random.nextInt(3)));
      default -> new Verdict.Bury();
    };
  }

  private Settlement settlement(Claim claim, Verdict verdict) {
    return settlement(
        claim, verdict, chance(5) ? new BreakerReport.Failed(5) : new BreakerReport.Good());
  }

  static Settlement settlement(Claim claim, Verdict verdict, BreakerReport report) {
    return new Settlement(claim.id(), claim.number(), verdict, null, Duration.ZERO, report);
  }

  private void pass() {
    int way = random.nextInt(100);
    long by =
        way < 50
            ? random.nextInt(500)
            : way < 80
                ? random.nextInt(8000)
                : way < 92
                    ? -random.nextInt(300) // as when a clock is adjusted
                    : way < 96 ? random.nextInt(90_000) : way < 98 ? 3_600_000 : -3_600_000;
    if (chance(80)) {
      processes.forEach(MixedProcess::renew);
    }
    note("pass %d", by);
    time(now + by);
  }

  void time(long millis) {
    forward += Math.max(0, millis - now);
    highest = Math.max(highest, millis);
    now = millis;
    promises.time(millis, LEASE.toMillis());
    others.clockWasSetBack();
  }

  // -- the network

  private void breakSomething() {
    switch (random.nextInt(5)) {
      case 0 -> {
        note("all connections end");
        network.reset();
      }
      case 1 -> lose(Fate.LOSE);
      case 2 -> lose(Fate.LOSE_ANSWER);
      case 3 -> {
        int shard = random.nextInt(SHARDS);
        note("shard %d is unreachable", shard);
        AtomicInteger left = new AtomicInteger(3 + random.nextInt(20));
        network.rule(words ->
            words.stream().anyMatch(word -> isOf(shard, word)) && left.decrementAndGet() > 0
                ? Fate.REFUSE
                : Fate.PASS);
      }
      default -> {
        MixedProcess dead = processes.removeFirst();
        note("%s dies", dead.name());
        dead.store.close();
        promises.died(dead);
        repair();
        patiently(() -> processes.add(open()));
      }
    }
  }

  /** One of the next commands. */
  private void lose(Fate how) {
    note("%s", how);
    AtomicInteger left = new AtomicInteger(1 + random.nextInt(6));
    network.rule(_ -> left.decrementAndGet() == 0 ? how : Fate.PASS);
  }

  static boolean isOf(int shard, byte[] word) {
    String prefix = "tr:{" + shard + "}:";
    return word.length > prefix.length()
        && new String(word, 0, prefix.length(), StandardCharsets.ISO_8859_1).equals(prefix);
  }

  /** The network is up again, and changes that did not reach every shard are repeated. */
  private void repair() {
    network.rule(_ -> Fate.PASS);
    if (!processes.isEmpty()) {
      patiently(others::redo);
    }
  }

  private void patiently(Runnable work) {
    for (int i = 0; ; i++) {
      try {
        work.run();
        return;
      } catch (StoreUnavailable away) {
        require(i < 20, "no answer although the network is whole: %s", away);
        LockSupport.parkNanos(PAUSE_NANOS << Math.min(i, 6)); // until reconnected
      }
    }
  }

  // -- the end

  private void proven() {
    List<Finding> findings = new ArrayList<>();
    patiently(() -> findings.addAll(processes.getFirst().store.doctor().examine(false)));
    require(findings.isEmpty(), "the doctor finds %s", findings);
  }

  private void drain() {
    repair();
    patiently(others::end);
    MixedProcess last = processes.getLast();
    time(highest + Duration.ofMinutes(1).toMillis()); // what was due before the clock change
    long progress = System.nanoTime();
    for (int i = 0; i < 10 || others.unfinished() > 0; i++) {
      require(System.nanoTime() - progress < STUCK_NANOS, "tasks are stuck: %s", others.stuck());
      time(now + (i % 4 == 3 ? LEASE.toMillis() / 3 : 300)); // never as long as an outage
      patiently(() -> processes.forEach(MixedProcess::renew));
      for (MixedProcess process : processes) {
        for (int shard = 0; shard < SHARDS; shard++) {
          int here = shard;
          List<Settlement> verdicts =
              process.held.values().stream()
                  .filter(claim -> claim.id().shard() == here)
                  .limit(100)
                  .map(claim -> settlement(claim, new Verdict.Succeed()))
                  .toList();
          patiently(() -> process.claim(here, 50, verdicts));
        }
      }
      if (processes.stream().anyMatch(process -> !process.held.isEmpty())) {
        progress = System.nanoTime();
      } else {
        LockSupport.parkNanos(PAUSE_NANOS); // the work of other threads for it takes time
      }
      if (i % 20 == 0) {
        patiently(last.store::tidy);
      }
    }
    patiently(last.store::tidy);
    proven();
    promises.nothingIsLost();
    others.allToldOfTheirEnd();
    nothingIsLeft(last.store);
  }

  /** Once every retention is over. */
  private void nothingIsLeft(RedisStore store) {
    for (int i = 0; i < 60; i++) {
      time(now + Duration.ofDays(1).toMillis());
      patiently(store::tidy);
    }
    Set<String> left = new TreeSet<>();
    for (String key : new HashSet<>(redis.redis().sync().keys("tr:*"))) {
      if (!STAYS.matcher(key).matches() && redis.redis().sync().pttl(key) == -1) {
        left.add(key.replaceAll("[^ -~]", "?"));
      }
    }
    require(left.isEmpty(), "left behind: %s", left);
  }

  @Override
  public void close() {
    network.rule(_ -> Fate.PASS);
    processes.forEach(process -> process.store.close());
    network.close();
  }
}
