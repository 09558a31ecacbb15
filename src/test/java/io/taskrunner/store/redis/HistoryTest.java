package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Model.require;
import static org.junit.jupiter.api.Assertions.fail;

import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.taskrunner.client.Limits;
import io.taskrunner.store.Queue;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Exchange;
import io.taskrunner.store.WorkStore.Settled;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.store.redis.Model.Answer;
import io.taskrunner.store.redis.Model.Item;
import io.taskrunner.store.redis.doctor.Finding;
import io.taskrunner.store.redis.link.Answers;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.record.ClientCounts;
import io.taskrunner.store.redis.record.Packed;
import io.taskrunner.store.redis.record.TaskCodec;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Callback;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random histories: thousands of moves by several clients and workers, with workers dying, clocks
 * jumping both ways, replies lost and calls repeated, and Redis failing over to a copy that lacks
 * the last claim. After each move the records in Redis are those of a plain model, and every so
 * often the doctor finds nothing. A failure prints its seed, which {@code -Dhistory.seed} repeats.
 * Seeds 628999476 and 1370092656 were once reported to fail, at an older version, and never did
 * again.
 */
class HistoryTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final int STEPS = Integer.getInteger("history.steps", 600);
  private static final Duration LEASE = Duration.ofSeconds(5);
  private static final List<String> FEW_CLIENTS = List.of("ann", "bob", "cyd", "dan", "eve");
  private static final List<String> FEW_QUEUES =
      List.of("critical", "default", "low", "few", "slow");

  /** More queues than a claim reads at once, and more clients than it reads of a queue. */
  private static final int CROWD_OF_QUEUES = 40;

  private static final int CROWD_OF_CLIENTS = 130;
  private static final List<String> HOSTS = List.of("one.test:80", "two.test:8080");
  private static final List<String> COLORS = List.of("red", "green");
  private static final List<Integer> STATUSES = List.of(200, 200, 404, 500, 503, 0);

  static LongStream seeds() {
    Long seed = Long.getLong("history.seed");
    return seed != null
        ? LongStream.of(seed)
        : LongStream.concat(
            LongStream.of(1, 2, 3, 4, 5, 6, 901_330_464),
            new Random().longs(Integer.getInteger("history.more", 2), 100, Integer.MAX_VALUE));
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void aRandomHistoryMatchesTheModel(long seed) {
    long begun = System.nanoTime();
    History history = new History(seed);
    try {
      history.run();
    } catch (RuntimeException | AssertionError failed) {
      Assumptions.assumeTrue(
          System.nanoTime() - begun < Duration.ofSeconds(50).toNanos(),
          "this machine stood still, and Redis' own clock let keys expire");
      fail(
          "seed %d, step %d: %s%nthe doctor finds %s%n%s"
              .formatted(
                  seed,
                  history.step,
                  failed,
                  history.stage.store.doctor().examine(false),
                  String.join("\n", history.lastMoves())),
          failed);
    } finally {
      history.ears.close();
      history.stage.close();
    }
  }

  /** A running claim, as far as its worker knows. */
  private record Held(TaskId id, long claim) {}

  /** A worker; its memory is lost when it dies. */
  private static final class Worker {
    String id;

    /** Whether its last claim returned too few, so that it waits for a message. */
    boolean idle;

    long request;
    int slots;
    boolean answered;
    List<Held> given = List.of();
    final List<Held> held = new ArrayList<>();

    Worker(String id) {
      this.id = id;
    }
  }

  /** A verdict as passed to the engine and the model. */
  private record Said(
      String worker, Held held, char kind, long delay, int status, int error, char report) {}

  private static final class History {
    final Stage stage = Stage.open(REDIS);
    final RedisAsyncCommands<byte[], byte[]> raw = stage.link.node().calls();
    final Random random;
    final boolean crowd;
    final List<String> clients;
    final List<String> queues;
    final Model model;
    final List<Worker> workers = new ArrayList<>();
    final List<Said> saidBefore = new ArrayList<>();
    final List<Map.Entry<TaskId, Stage.Wish>> enqueuedBefore = new ArrayList<>();
    final List<String> moves = new ArrayList<>();
    final StatefulRedisPubSubConnection<String, String> ears = REDIS.listen();
    final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

    /** Workers that will claim without a further message. */
    final Set<String> told = new HashSet<>();

    int step;
    int workersMade;
    long sequence;

    History(long seed) {
      random = new Random(seed);
      crowd = seed % 4 == 0;
      clients = crowd ? named("client", CROWD_OF_CLIENTS, List.of()) : FEW_CLIENTS;
      queues = crowd ? named("q", CROWD_OF_QUEUES, FEW_QUEUES) : FEW_QUEUES;
      StoreOptions defaults = StoreOptions.defaults(REDIS.settings());
      model =
          new Model(
              Stage.START,
              LEASE,
              REDIS.settings().commandTimeout().multipliedBy(2),
              defaults.breaker());
      ears.addListener(
          new RedisPubSubAdapter<>() {
            @Override
            public void message(String channel, String message) {
              heard.add(channel);
            }
          });
      Answers.await(ears.async().subscribe("now"), deadline());
      for (int i = 0; i < 3; i++) {
        workers.add(new Worker(nextWorker()));
        Answers.await(ears.async().subscribe(channel(workers.getLast().id)), deadline());
      }
      new TreeMap<>(QueueSettings.BUILT_IN)
          .forEach((name, weight) ->
              model.putQueue(name, stage.n(name), QueueSettings.defaults(weight)));
      queues.stream().filter(name -> !model.queues.containsKey(name)).forEach(this::putQueue);
      clients.stream().limit(clients.size() / 2).forEach(this::putClient);
    }

    List<String> lastMoves() {
      return moves.subList(Math.max(0, moves.size() - 25), moves.size());
    }

    void run() {
      for (step = 0; step < (crowd ? STEPS / 3 : STEPS); step++) {
        passTime();
        move();
        compareRecords();
        nobodySleepsOverWork();
        if (step % 7 == 0) {
          compareViews();
        }
        if (step % 40 == 39) {
          compareCounts();
          proven();
        }
      }
      drainAll();
    }

    private static List<String> named(String word, int count, List<String> others) {
      List<String> all = new ArrayList<>(others);
      for (int i = 0; i < count; i++) {
        all.add(word + i);
      }
      return all;
    }

    private String nextWorker() {
      return Stage.worker(++workersMade);
    }

    private void note(String format, @Nullable Object... values) {
      moves.add(step + " @" + (stage.now() - Stage.START) + " " + format.formatted(values));
    }

    private <T> T any(List<T> list) {
      return list.get(random.nextInt(list.size()));
    }

    private boolean chance(int percent) {
      return random.nextInt(100) < percent;
    }

    // -- time

    private void passTime() {
      int way = random.nextInt(1000);
      long by;
      if (way < 400) {
        by = 0;
      } else if (way < 800) {
        by = random.nextInt(60);
      } else if (way < 930) {
        by = random.nextInt(3000);
      } else if (way < 970) {
        by = random.nextInt(20_000);
      } else if (way < 980) {
        by = random.nextInt(300_000);
      } else if (way < 995) {
        by = -random.nextInt(4000);
      } else {
        by = -random.nextInt(200_000);
      }
      time(stage.now() + by);
    }

    private void time(long millis) {
      stage.now(millis);
      model.time(millis);
    }

    // -- the moves

    private void move() {
      int way = random.nextInt(100);
      if (way < 26) {
        enqueue();
      } else if (way < 48) {
        claim(any(workers));
      } else if (way < 70) {
        settle(any(workers));
      } else if (way < 76) {
        renew(any(workers));
      } else if (way < 79) {
        die(any(workers));
      } else if (way < 83) {
        cancel();
      } else if (way < 85) {
        runNow();
      } else if (way < 87) {
        revive();
      } else if (way < 89) {
        putClient(any(clients));
      } else if (way < 90) {
        deleteClient();
      } else if (way < 92) {
        pause();
      } else if (way < 93) {
        purge();
      } else if (way < 95) {
        putQueue(any(queues));
      } else if (way < 96) {
        deleteQueue();
      } else if (way < 97) {
        replay();
      } else if (way < 98) {
        tidy();
      } else if (way < 99) {
        failOver(any(workers));
      } else {
        sayAgain();
      }
    }

    private void enqueue() {
      int count = crowd ? 1 + random.nextInt(40) : chance(70) ? 1 : 1 + random.nextInt(8);
      List<Map.Entry<TaskId, Stage.Wish>> group = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        group.add(
            chance(8) && !enqueuedBefore.isEmpty() && known(enqueuedBefore.getLast().getKey())
                ? enqueuedBefore.getLast()
                : Map.entry(
                    TaskId.make(stage.now(), (int) (sequence++ & 0xFFF), random, 0), wish()));
      }
      if (chance(5)) {
        group.add(group.getFirst());
      }
      List<Answer> real = stage.group(group);
      long epoch = model.epoch();
      for (int i = 0; i < group.size(); i++) {
        Stage.Wish wish = group.get(i).getValue();
        TaskId id = group.get(i).getKey();
        Answer expected = expect(id, wish, epoch);
        note("enqueue %s %s/%s %s -> %s", id, wish.client, wish.queue, wish.when, real.get(i));
        require(expected.equals(real.get(i)), "enqueue answered %s, not %s", real.get(i), expected);
        if ("rb".indexOf(real.get(i).word()) < 0) {
          enqueuedBefore.add(group.get(i));
        }
      }
      if (chance(10)) {
        // The reply was lost: the same group again, and the same answers, except for expired
        // things.
        List<Answer> repeated = stage.group(group);
        for (int i = 0; i < group.size(); i++) {
          Answer expected = expect(group.get(i).getKey(), group.get(i).getValue(), epoch);
          require(
              expected.equals(repeated.get(i)),
              "the repeated enqueue answered %s, not %s",
              repeated.get(i),
              expected);
        }
      }
      while (enqueuedBefore.size() > 40) {
        enqueuedBefore.removeFirst();
      }
    }

    /**
     * A task of which only a head is left, for a while by Redis' own clock, may be created again.
     */
    private boolean known(TaskId id) {
      Item t = model.tasks.get(id);
      return t != null && t.state != 'p' && !(t.over() && t.retentionMillis == 0);
    }

    private Answer expect(TaskId id, Stage.Wish wish, long epoch) {
      return switch (wish.when) {
        case io.taskrunner.store.Enqueue.When.In(Duration delay) ->
            model.enqueue(id, wish, delay.toMillis(), null, host(wish), epoch);
        case io.taskrunner.store.Enqueue.When.At(Instant at) ->
            model.enqueue(id, wish, 0, Math.max(0, at.toEpochMilli()), host(wish), epoch);
      };
    }

    private static String host(Stage.Wish wish) {
      String host = wish.url.substring("http://".length(), wish.url.indexOf('/', 8));
      return host.indexOf(':') < 0 ? host + ":80" : host;
    }

    private Stage.Wish wish() {
      Stage.Wish wish = Stage.wish().client(any(clients)).queue(any(queues));
      wish.url("http://" + (chance(80) ? "zero.test" : any(HOSTS)) + "/x");
      switch (random.nextInt(10)) {
        case 0, 1 -> wish.in(Duration.ofMillis(random.nextInt(20_000)));
        case 2 -> wish.at(stage.now() + random.nextInt(20_000) - 5000);
        default -> {}
      }
      wish.retention(any(List.of(Duration.ZERO, Duration.ofSeconds(2), Duration.ofMinutes(2))));
      if (chance(10)) {
        wish.expires(stage.now() + random.nextInt(15_000));
      }
      if (chance(20)) {
        wish.limits(
            chance(50) ? 1 + random.nextInt(3) : null, chance(50) ? 1 + random.nextInt(30) : null);
      }
      if (chance(25)) {
        TargetUrl url = ((TargetUrl.Parsed.Good) TargetUrl.parse("http://done.test/x")).url();
        Set<Callback.End> on =
            chance(50) ? Callback.USUAL : Set.of(any(List.of(Callback.End.values())));
        wish.callback(new Callback(url, List.of(), on));
      }
      if (chance(30)) {
        wish.body("x".repeat(random.nextInt(60)));
      }
      if (chance(30)) {
        wish.labels(
            chance(70)
                ? Map.of("color", any(COLORS))
                : Map.of("color", any(COLORS), "size", "large"));
      }
      if (chance(15)) {
        wish.key("k" + random.nextInt(8), "p" + random.nextInt(2));
      }
      if (chance(30)) {
        wish.retry(
            new Retry(
                chance(50) ? random.nextInt(4) : null,
                chance(50) ? Duration.ofMillis(random.nextInt(5000)) : null,
                chance(50) ? Duration.ofMillis(random.nextInt(20_000)) : null,
                chance(50) ? random.nextInt(5) : null,
                chance(20) ? Duration.ofMillis(random.nextInt(30_000)) : null,
                null));
      }
      return wish;
    }

    private void claim(Worker worker) {
      // A worker that waits for a message has slots: without one it would not have been idle.
      worker.slots = !worker.idle && chance(15) ? 0 : 1 + random.nextInt(crowd ? 60 : 6);
      worker.request++;
      Exchange exchange = exchange(worker);
      apply(worker, exchange);
      if (chance(10)) {
        repeatClaim(worker);
      }
      if (chance(3) && worker.request > 1) {
        refuseOld(worker);
      }
    }

    private Exchange exchange(Worker worker) {
      countHeld();
      return stage
          .store
          .works()
          .getFirst()
          .exchange(
              List.of(),
              new ClaimRequest(
                  worker.id, worker.request, worker.slots, LEASE, Model.MAX_RETRIES, 0));
    }

    private void apply(Worker worker, Exchange exchange) {
      note(
          "claim %s %d of %d -> %s",
          worker.id.substring(14),
          worker.slots,
          worker.request,
          exchange.claims().stream().map(c -> c.id() + "#" + c.number()).toList());
      Map<TaskId, byte[]> before = records();
      Set<TaskId> held = held();
      model.beforeClaim(t -> exchange.again() && asItWas(t, before.get(t.id), held));
      letBack(before);
      model.close();
      List<String> left = stage.redis.lrange("tr:{0}:unparking", 0, -1);
      model.unparking =
          id -> left.stream().anyMatch(one -> one.startsWith("t:") || one.equals("c:" + id));
      Map<TaskId, byte[]> records = records(); // with the callbacks of tasks that the tend ended
      passedOver(records, exchange.claims());
      for (Claim claim : exchange.claims()) {
        model.claimed(claim.id(), claim.number(), claim.start().probe(), worker.id);
        Item item = model.tasks.get(claim.id());
        require(
            claim.start().attempt() == item.attempts
                && claim.start().answersBelow500() == item.answers,
            "claim of %s tells attempt %d and %d answers",
            item,
            claim.start().attempt(),
            claim.start().answersBelow500());
      }
      model.queues.values().forEach(model::unseat);
      model.close();
      require(exchange.claims().size() <= worker.slots, "more were given than asked for");
      if (exchange.claims().size() < worker.slots && !exchange.again()) {
        model.nothingLeft();
      }
      compareBreakers();
      worker.given =
          exchange.claims().stream().map(claim -> new Held(claim.id(), claim.number())).toList();
      worker.answered = true;
      worker.held.addAll(worker.given);
      worker.idle = exchange.claims().size() < worker.slots && !exchange.again();
      hear();
      told.remove(worker.id);
      if (exchange.again()) {
        told.add(worker.id);
      }
    }

    /** An exchange whose claim returned nothing new tended all the same. */
    private void tended() {
      Map<TaskId, byte[]> records = records();
      Set<TaskId> held = held();
      model.beforeClaim(t -> asItWas(t, records.get(t.id), held));
      letBack(records);
      model.queues.values().forEach(model::unseat);
      model.close();
    }

    /**
     * A tend readies, and takes back, at most a fixed number at once: then it reports that there is
     * more.
     */
    private static boolean asItWas(Item t, byte @Nullable [] record, Set<TaskId> held) {
      return record != null
          && (!t.waits() || t.held == held.contains(t.id)) // one that runs may remain there
          && record[1] == t.state
          && number(record, 24, 6) == t.due
          && number(record, 10, 6) == t.claim;
    }

    /** How many tasks wait for a host is asked before a move that may close its breaker. */
    private void countHeld() {
      model.held.clear();
      for (String host : model.breakers.keySet()) {
        model.held.put(host, stage.redis.zcard("tr:{0}:held:" + host));
      }
    }

    /** The tasks that wait for a breaker. */
    private Set<TaskId> held() {
      Set<TaskId> held = new HashSet<>();
      for (String host : model.breakers.keySet()) {
        Answers.await(raw.zrange(Keys.bytes("tr:{0}:held:" + host), 0, -1), deadline())
            .forEach(id -> held.add(TaskId.of(id)));
      }
      return held;
    }

    private Map<String, Model.Breaker> open() {
      Map<String, Model.Breaker> open = new TreeMap<>();
      Answers.await(raw.hgetall(Keys.bytes("tr:{0}:open")), deadline())
          .forEach((host, record) -> {
            Model.Breaker breaker = new Model.Breaker();
            breaker.at = number(record, 0, 6);
            breaker.out = (int) number(record, 6, 4);
            breaker.allowed = (int) number(record, 10, 4);
            breaker.goodAt = number(record, 20, 6);
            breaker.wait = number(record, 26, 4);
            open.put(Keys.text(host), breaker);
          });
      return open;
    }

    private void letBack(Map<TaskId, byte[]> records) {
      model.lookedAt(open());
      model.letBack(
          model.tasks.values().stream()
              .filter(t -> t.held && t.waits())
              .filter(t -> records.containsKey(t.id) && records.get(t.id)[1] != t.state)
              .toList());
    }

    /** A claim, or a settle, left the breakers as in the model. */
    private void compareBreakers() {
      equal(model.breakers.toString(), open().toString(), "breakers");
    }

    /** Tasks that a claim dropped or put off are read from the records, and checked. */
    private void passedOver(Map<TaskId, byte[]> records, List<Claim> claims) {
      List<TaskId> given = claims.stream().map(Claim::id).toList();
      List<Item> moved =
          model.tasks.values().stream()
              .filter(t -> t.state == 'r' && !given.contains(t.id))
              .filter(t -> records.containsKey(t.id) && records.get(t.id)[1] != 'r')
              .sorted(Comparator.comparingLong((Item t) -> t.due).thenComparing(t -> t.id))
              .toList();
      for (Item t : moved) {
        byte[] record = records.get(t.id);
        model.passedOver(t, (char) record[1], given);
      }
    }

    private void repeatClaim(Worker worker) {
      Exchange again = exchange(worker);
      tended();
      told.add(worker.id); // it is asked to claim again
      List<Held> still =
          worker.given.stream()
              .filter(held -> {
                Item t = model.tasks.get(held.id());
                return t != null
                    && t.state == 'a'
                    && t.claim == held.claim()
                    && t.worker.equals(worker.id)
                    && !t.queue.deleted;
              })
              .toList();
      List<Held> got =
          again.claims().stream().map(claim -> new Held(claim.id(), claim.number())).toList();
      require(got.equals(still), "the repeated claim gave %s, not %s", got, still);
    }

    private void refuseOld(Worker worker) {
      worker.request--;
      try {
        exchange(worker);
        require(false, "an old request was answered");
      } catch (IllegalStateException refused) {
        require(refused.getMessage().contains("older"), "%s", refused);
        tended();
      } finally {
        worker.request++;
      }
    }

    private void settle(Worker worker) {
      List<Said> verdicts = new ArrayList<>();
      int count = 1 + random.nextInt(crowd ? 40 : 3);
      while (verdicts.size() < count && !worker.held.isEmpty()) {
        verdicts.add(verdict(worker.id, worker.held.remove(random.nextInt(worker.held.size()))));
      }
      if (chance(10) && !saidBefore.isEmpty()) {
        // Sent once already, perhaps for a claim that ran out afterwards.
        Said late = any(saidBefore);
        verdicts.removeIf(said -> !said.worker().equals(late.worker()));
        if (verdicts.isEmpty() || late.worker().equals(worker.id)) {
          verdicts.add(late);
        }
      }
      if (!verdicts.isEmpty()) {
        say(verdicts);
        if (chance(10)) {
          say(verdicts);
        }
      }
    }

    private void sayAgain() {
      if (!saidBefore.isEmpty()) {
        say(List.of(any(saidBefore)));
      }
    }

    private Said verdict(String worker, Held held) {
      char kind = "sssrrdbbc".charAt(random.nextInt(9));
      int status = kind == 's' ? 200 : any(STATUSES);
      long delay = kind == 'r' || (kind == 'b' && chance(50)) ? 1 + random.nextInt(8000) : 0;
      char report =
          status >= 500 || status == 0 ? (chance(40) ? 't' : 'b') : chance(80) ? 'g' : '-';
      return new Said(worker, held, kind, delay, status, status == 0 ? 1 : 0, report);
    }

    private void say(List<Said> verdicts) {
      String worker = verdicts.getFirst().worker();
      countHeld();
      List<Settlement> all = verdicts.stream().map(said -> settlement(said)).toList();
      List<Settled> real = new ArrayList<>();
      while (real.size() < all.size()) {
        real.addAll(
            stage.store.works().getFirst().settle(worker, all.subList(real.size(), all.size())));
      }
      for (int i = 0; i < verdicts.size(); i++) {
        Said said = verdicts.get(i);
        Item before = model.tasks.get(said.held().id());
        String was = before == null ? "gone" : before.toString();
        char expected =
            model.settle(
                said.held().id(),
                said.held().claim(),
                worker,
                said.kind(),
                said.delay(),
                said.status(),
                said.error(),
                said.report());
        note("settle %s -> %s", said, real.get(i));
        char got = real.get(i) == Settled.DONE ? 'd' : real.get(i) == Settled.REPEATED ? 'r' : 'l';
        require(
            expected == got || expected == '?',
            "%s of %s was answered %s, not %s",
            said,
            was,
            got,
            expected);
        saidBefore.add(said);
      }
      compareBreakers();
      model.close();
      while (saidBefore.size() > 30) {
        saidBefore.removeFirst();
      }
    }

    private Settlement settlement(Said said) {
      Attempt attempt =
          new Attempt(
              1,
              Instant.ofEpochMilli(stage.now()),
              Duration.ofMillis(3),
              said.status() == 0 ? OptionalInt.empty() : OptionalInt.of(said.status()),
              said.status() == 0 ? Optional.of(AttemptError.TIMEOUT) : Optional.empty(),
              "");
      Verdict verdict =
          switch (said.kind()) {
            case 's' -> new Verdict.Succeed();
            case 'r' -> new Verdict.Retry(Duration.ofMillis(said.delay()));
            case 'd' -> new Verdict.Bury();
            case 'b' -> new Verdict.PutBack(Duration.ofMillis(said.delay()));
            default -> new Verdict.Cancel();
          };
      BreakerReport report =
          switch (said.report()) {
            case 'g' -> new BreakerReport.Good();
            case 'b' -> new BreakerReport.Failed(1 + random.nextInt(4));
            case 't' -> new BreakerReport.Failed(5 + random.nextInt(3));
            default -> new BreakerReport.None();
          };
      return new Settlement(
          said.held().id(), said.held().claim(), verdict, attempt, Duration.ZERO, report);
    }

    private void renew(Worker worker) {
      List<Held> named = worker.held.stream().filter(_ -> chance(80)).toList();
      Map<Held, String> real = new HashMap<>();
      for (WorkStore.Ended ended :
          stage
              .store
              .works()
              .getFirst()
              .renew(
                  worker.id,
                  LEASE,
                  named.stream()
                      .map(held -> new WorkStore.Running(held.id(), held.claim()))
                      .toList())) {
        real.put(new Held(ended.id(), ended.claim()), ended.cancelled() ? "cancelled" : "lost");
      }
      note("renew %s %s -> %s", worker.id.substring(14), named, real);
      for (Held held : named) {
        String expected = model.renew(held.id(), held.claim(), worker.id);
        String got = real.getOrDefault(held, "");
        require(expected.equals(got), "renewal of %s said '%s', not '%s'", held, got, expected);
        if (got.equals("lost")) {
          worker.held.remove(held);
        }
      }
    }

    private void die(Worker worker) {
      note("worker %s dies", worker.id);
      // Messages that it had sent, or was about to send, may still arrive.
      worker.held.forEach(held -> saidBefore.add(verdict(worker.id, held)));
      worker.held.clear();
      if (told.contains(worker.id)) {
        everybodyLooks(); // a message is lost with it: the delay ends within a second
      }
      Answers.await(ears.async().unsubscribe(channel(worker.id)), deadline());
      worker.id = nextWorker();
      Answers.await(ears.async().subscribe(channel(worker.id)), deadline());
      worker.idle = false;
      worker.request = 0;
      worker.answered = false;
      worker.given = List.of();
    }

    private @Nullable Item anyTask(String states) {
      List<Item> tasks =
          model.tasks.values().stream()
              .filter(t -> t.state != 'p' && (states.indexOf(t.state) >= 0 || chance(5)))
              .toList();
      return tasks.isEmpty() ? null : any(tasks);
    }

    private void cancel() {
      Item t = anyTask("srta");
      if (t != null) {
        note("cancel %s", t);
        equal(model.cancel(t), word(stage.store.tasks().cancel(t.id)), "cancel");
        model.close();
      }
    }

    private void runNow() {
      Item t = anyTask("st");
      if (t != null) {
        note("run %s", t);
        equal(model.runNow(t), word(stage.store.tasks().runNow(t.id)), "run");
      }
    }

    private void revive() {
      Item t = anyTask("d");
      if (t != null) {
        note("revive %s", t);
        equal(model.retry(t), word(stage.store.tasks().retry(t.id)), "revive");
      }
    }

    private static String word(TaskStore.Moved moved) {
      return switch (moved) {
        case TaskStore.Moved.Done _ -> "done";
        case TaskStore.Moved.NotFound _ -> "missing";
        case TaskStore.Moved.WrongState(var state) -> String.valueOf(state.code());
      };
    }

    private static void equal(Object expected, Object got, String what) {
      require(expected.equals(got), "%s: %s, not %s", what, got, expected);
    }

    private void putClient(String id) {
      note("set client %s", id);
      Model.Client client = model.setClient(id);
      String tier = chance(50) ? any(List.of("free", "basic", "default", "premium")) : null;
      boolean enabled = chance(80) || chance(40);
      ClientChange change = ClientChange.of().enabled(enabled);
      client.on = enabled ? '1' : '0';
      if (tier != null) {
        client.tier = tier;
        change.tier(tier);
      }
      if (chance(60)) {
        client.ownConcurrent = chance(70) ? 1 + random.nextInt(4) : null;
        client.ownPerMin = chance(80) ? 20 + random.nextInt(200) : null;
        change.limits(client.ownConcurrent, client.ownPerMin);
      }
      if (chance(20)) {
        client.allowed = chance(50) ? null : List.of(any(queues), any(queues));
        change.queues(client.allowed);
      }
      if (chance(30)) {
        client.maxWaiting = chance(50) ? null : 1 + random.nextInt(30);
        change.maxWaiting(client.maxWaiting);
      }
      if (chance(30)) {
        client.maxWaitingBytes = chance(50) ? null : 1L + random.nextInt(400);
        change.maxWaitingBytes(client.maxWaitingBytes);
      }
      Unconditional.set(stage.store.clients(), id, change.done());
      Limits now = stage.store.clients().get(id).orElseThrow().limits();
      equal(model.limits(client), now, "limits of " + id);
    }

    private void deleteClient() {
      String id = any(clients);
      note("delete client %s", id);
      equal(
          model.deleteClient(id),
          Unconditional.delete(stage.store.clients(), id),
          "delete client " + id);
    }

    private void pause() {
      if (chance(25)) {
        model.allPaused = !model.allPaused && chance(50);
        note("pause all %s", model.allPaused);
        stage.store.queues().pauseAll(model.allPaused);
        return;
      }
      String name = any(queues);
      Model.Queue queue = model.queues.get(name);
      boolean paused = chance(40);
      note("pause %s %s", name, paused);
      equal(queue != null, stage.store.queues().pause(name, paused), "pause " + name);
      if (queue != null) {
        queue.paused = paused;
      }
    }

    private void purge() {
      String name = any(queues);
      note("purge %s", name);
      equal(model.purge(name), stage.store.queues().purge(name), "purge " + name);
    }

    private void putQueue(String name) {
      note("put queue %s", name);
      QueueSettings plain = QueueSettings.defaults(1 + random.nextInt(6));
      QueueSettings settings =
          new QueueSettings(
              plain.weight(),
              name.equals("slow") ? Double.valueOf(any(List.of(0.5, 3.0, 7.3))) : null,
              name.equals("slow") && chance(50) ? 1 + random.nextInt(4) : null,
              name.equals("few") || chance(20) ? 1 + random.nextInt(3) : null,
              chance(30)
                  ? new Retry(random.nextInt(3), Duration.ofMillis(500), null, 2, null, null)
                  : Retry.UNSET,
              null,
              name.equals("low") ? Duration.ofSeconds(40) : plain.deadRetention(),
              plain.deadMax(),
              plain.deadMaxBytes(),
              plain.doneMax());
      boolean made = Unconditional.put(stage.store.queues(), name, settings);
      equal(!model.queues.containsKey(name), made, "made " + name);
      model.putQueue(name, stage.n(name), settings);
    }

    private void deleteQueue() {
      String name = any(queues);
      boolean force = chance(60);
      note("delete queue %s %s", name, force);
      QueueStore.Deleted real = Unconditional.delete(stage.store.queues(), name, force);
      String got =
          switch (real) {
            case DONE -> "done";
            case NOT_FOUND -> "missing";
            case NOT_EMPTY -> "full";
          };
      equal(model.deleteQueue(name, force), got, "delete " + name);
    }

    private void replay() {
      String name = any(queues);
      if (model.queues.containsKey(name)) {
        Long most = chance(50) ? Long.valueOf(1 + random.nextInt(3)) : null;
        String client = chance(50) ? any(clients) : null;
        note("replay %s %s %s", name, most, client);
        long expected = model.replay(name, most == null ? Long.MAX_VALUE : most, client);
        equal(expected, stage.store.queues().replayDead(name, most, client).orElse(-1L), "replay");
      }
    }

    private void tidy() {
      note("tidy");
      stage.store.tidy();
      model.tidy();
    }

    /** Redis fails over to a copy that lacks the last claim; the worker continues its tasks. */
    private void failOver(Worker worker) {
      Map<byte[], byte[]> copy = new LinkedHashMap<>();
      Map<byte[], Long> ttl = new HashMap<>();
      for (byte[] key : Answers.await(raw.keys("*"), deadline())) {
        long left = Answers.await(raw.pttl(key), deadline());
        copy.put(key, Answers.await(raw.dump(key), deadline()));
        ttl.put(key, left);
      }
      worker.slots = 1 + random.nextInt(4);
      worker.request++;
      Exchange exchange = exchange(worker);
      Answers.await(raw.flushall(), deadline());
      copy.forEach((key, value) -> {
        if (value != null) {
          Answers.await(raw.restore(key, Math.max(0, ttl.get(key)), value), deadline());
        }
      });
      exchange.claims().forEach(claim -> worker.held.add(new Held(claim.id(), claim.number())));
      everybodyLooks();
      note(
          "failover forgets %s of %s",
          exchange.claims().stream().map(claim -> claim.id() + "#" + claim.number()).toList(),
          worker.id);
    }

    private static long deadline() {
      return System.nanoTime() + Duration.ofSeconds(5).toNanos();
    }

    // -- wake-ups

    private static String channel(String worker) {
      return "tr:{0}:wake:" + worker;
    }

    private void everybodyLooks() {
      workers.forEach(worker -> told.add(worker.id));
    }

    /** Reads the messages until now. */
    private void hear() {
      stage.redis.publish("now", "now");
      try {
        for (String channel = take(); !channel.equals("now"); channel = take()) {
          told.add(channel.substring(channel("").length()));
        }
      } catch (InterruptedException interrupted) {
        throw new IllegalStateException(interrupted);
      }
    }

    private String take() throws InterruptedException {
      String channel = heard.poll(5, TimeUnit.SECONDS);
      require(channel != null, "messages do not come");
      return channel;
    }

    /** While there is a task to give, a worker was woken, or none waits for a message. */
    private void nobodySleepsOverWork() {
      hear();
      Item left = model.givable();
      boolean somebodyAsks =
          workers.stream().anyMatch(worker -> told.contains(worker.id)) || keeperLooks();
      if (left != null && !somebodyAsks) {
        for (Worker worker : workers) {
          Double until = stage.redis.zscore("tr:{0}:idle", worker.id);
          require(until == null || until < stage.now(), "%s sleeps over %s", worker.id, left);
        }
      }
    }

    /** The keeper claims by itself when its time has come. */
    private boolean keeperLooks() {
      String keeper = stage.redis.hget("tr:{0}:shard", "keeper");
      return workers.stream().anyMatch(worker -> worker.id.equals(keeper))
          && Long.parseLong(stage.redis.hget("tr:{0}:shard", "keeper_at")) <= stage.now();
    }

    // -- the comparisons

    private static byte[] key(TaskId id) {
      byte[] prefix = Keys.bytes("tr:{0}:task:");
      byte[] key = Arrays.copyOf(prefix, prefix.length + 16);
      System.arraycopy(id.bytes(), 0, key, prefix.length, 16);
      return key;
    }

    private Map<TaskId, byte[]> records() {
      List<TaskId> ids = List.copyOf(model.tasks.keySet());
      Map<TaskId, byte[]> records = new LinkedHashMap<>();
      if (!ids.isEmpty()) {
        var all =
            Answers.await(
                raw.mget(ids.stream().map(id -> key(id)).toArray(byte[][]::new)), deadline());
        for (int i = 0; i < ids.size(); i++) {
          if (all.get(i).hasValue()) {
            records.put(ids.get(i), all.get(i).getValue());
          }
        }
      }
      return records;
    }

    private static long number(byte[] record, int at, int bytes) {
      return Packed.number(ByteBuffer.wrap(record).position(at), bytes);
    }

    private void compareRecords() {
      Map<TaskId, byte[]> records = records();
      for (Item t : model.tasks.values()) {
        byte[] record = records.get(t.id);
        if (t.state == 'p' || (record == null && t.over() && t.retentionMillis == 0)) {
          continue;
        }
        require(record != null, "%s is gone", t);
        String real =
            (char) record[1]
                + " attempts "
                + number(record, 6, 2)
                + " answers "
                + number(record, 8, 2)
                + " claim "
                + number(record, 10, 6)
                + " due "
                + number(record, 24, 6)
                + " first "
                + number(record, 30, 6)
                + " status "
                + number(record, 4, 2)
                + " error "
                + record[3]
                + " ended "
                + (t.over() ? number(record, 36, 6) : 0);
        String expected =
            t.state
                + " attempts "
                + t.attempts
                + " answers "
                + t.answers
                + " claim "
                + t.claim
                + " due "
                + t.due
                + " first "
                + t.first
                + " status "
                + t.status
                + " error "
                + t.error
                + " ended "
                + (t.over() ? t.ended : 0);
        require(real.equals(expected), "%s: the record is %s", t, real + ", not " + expected);
      }
    }

    private void compareViews() {
      List<Item> items =
          model.tasks.values().stream().filter(t -> t.state != 'p' || !t.queue.deleted).toList();
      List<byte[]> ids = items.stream().map(t -> t.id.bytes()).toList();
      Map<TaskId, Character> seen = new HashMap<>();
      for (int from = 0; from < ids.size(); ) {
        Args args = new Args(1 + ids.size()).with(null);
        ids.subList(from, ids.size()).forEach(args::add);
        Reply reply = stage.moves.run(Script.GET, args);
        from += reply.count();
        while (reply.more()) {
          seen.put(reply.id(), reply.text().charAt(0));
          TaskCodec.decode(reply.bytes());
          reply.apart(); // the log
          reply.bytes(); // the policy of the queue
        }
      }
      for (Item t : items) {
        char got = seen.getOrDefault(t.id, '-');
        require(got == model.visible(t), "%s is seen as %s, not %s", t, got, model.visible(t));
      }
      for (String color : COLORS) {
        compareLabeled(new TaskStore.Label("color", color));
      }
      compareLabeled(new TaskStore.Label("size", "large"));
    }

    private void compareLabeled(TaskStore.Label label) {
      List<TaskId> expected =
          model.tasks.values().stream()
              .filter(t -> label.value().equals(t.labels.get(label.name())))
              .filter(t -> model.visible(t) != '-')
              .map(t -> t.id)
              .sorted(Comparator.reverseOrder())
              .toList();
      List<TaskId> found = new ArrayList<>();
      try {
        String cursor = null;
        do {
          TaskStore.Filter filter = new TaskStore.Filter(null, null, null, label);
          TaskStore.Page page = stage.store.tasks().list(filter, 20, cursor);
          page.tasks().forEach(task -> found.add(task.id()));
          cursor = page.nextCursor();
        } while (cursor != null);
      } catch (TaskStore.BadCursor impossible) {
        throw new AssertionError(impossible);
      }
      equal(expected, found, "tasks with " + label);
    }

    private void compareCounts() {
      tidy();
      compareRecords();
      for (Model.Queue queue : model.queues.values()) {
        Queue.Stats s = stage.store.queues().get(queue.name).orElseThrow().stats();
        long[] real = {
          s.scheduled(), s.ready(), s.active(), s.retry(), s.dead(), s.succeeded(), s.cancelled()
        };
        String expected = Model.text(model.counts(queue));
        equal(expected, Model.text(real), "counts of " + queue.name);
      }
      for (Model.Client client : model.clients.values()) {
        ClientCounts counts = stage.counts(client.id);
        long bytes = model.counted(client).mapToLong(t -> t.body).sum();
        equal(
            model.counted(client).count() + " of " + bytes,
            counts.live() + " of " + counts.bytes(),
            "unfinished tasks of " + client.id);
      }
    }

    private void proven() {
      List<Finding> findings = stage.store.doctor().examine(false);
      require(findings.isEmpty(), "the doctor finds %s", findings);
    }

    /** Nothing is stuck: with all limits open, every task reaches its end. */
    private void drainAll() {
      model.allPaused = false;
      stage.store.queues().pauseAll(false);
      for (String name : List.copyOf(model.queues.keySet())) {
        stage.store.queues().pause(name, false);
        model.queues.get(name).paused = false;
      }
      Worker worker = new Worker(nextWorker());
      for (int i = 0; i < 3000 && waiting(); i++) {
        step++;
        time(stage.now() + (i % 4 == 0 ? 1500 : 200));
        worker.slots = crowd ? 100 : 10;
        worker.request++;
        apply(worker, exchange(worker));
        compareRecords();
        for (Held held : List.copyOf(worker.held)) {
          say(List.of(new Said(worker.id, held, 's', 0, 200, 0, 'g')));
        }
        worker.held.clear();
      }
      require(
          !waiting(),
          "tasks are stuck: %s",
          model.tasks.values().stream().filter(t -> t.waits() || t.state == 'a').toList());
      compareCounts();
      proven();
      require(
          stage.redis.zcard("tr:{0}:leases") == 0 && stage.redis.zcard("tr:{0}:timers") == 0,
          "leases or timers are left");
      assertText("0", stage.redis.hget("tr:{0}:shard", "weights"));
    }

    private static void assertText(String expected, String got) {
      equal(expected, got, "weights");
    }

    private boolean waiting() {
      return model.tasks.values().stream().anyMatch(t -> t.waits() || t.state == 'a');
    }
  }
}
