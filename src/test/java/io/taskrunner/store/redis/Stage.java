package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.lettuce.core.api.sync.RedisCommands;
import io.taskrunner.client.Limits;
import io.taskrunner.client.Tier;
import io.taskrunner.config.DispatchSettings;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Exchange;
import io.taskrunner.store.WorkStore.Settled;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Link;
import io.taskrunner.store.redis.link.Moves;
import io.taskrunner.store.redis.link.Nodes;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.record.ClientCounts;
import io.taskrunner.store.redis.record.Packed;
import io.taskrunner.store.redis.record.QueueCounts;
import io.taskrunner.store.redis.record.TaskTail;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Callback;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * A store on a real Redis under a clock that a test sets, without the housekeeping of each second,
 * and short words for its moves.
 */
final class Stage implements AutoCloseable {

  /** The start time of the clock. */
  static final long START = 1_700_000_000_000L;

  static final Duration LEASE = Duration.ofSeconds(30);
  static final int MAX_RETRIES = 5;
  static final String WORKER = worker(1);

  private final RedisExtension server;
  final RedisStore store;
  private static final byte[] COUNTS = Keys.bytes("counts");

  final RedisCommands<String, String> redis;
  private final RedisCommands<byte[], byte[]> bytes;
  private final Nodes nodes;
  final Link link;
  final Moves moves;

  private final Map<String, Long> requests = new HashMap<>();
  private volatile long now;
  private long ids;

  private Stage(
      RedisExtension server, RedisSettings settings, DispatchSettings.Breaker breaker, long from) {
    StoreOptions defaults = StoreOptions.defaults(settings);
    this.server = server;
    this.now = from;
    this.store =
        RedisStore.openUntended(
            new StoreOptions(
                settings,
                true,
                defaults.maxOpenClients(),
                defaults.idempotencyTtl(),
                breaker,
                () -> Instant.ofEpochMilli(now),
                Optional.of(() -> Instant.ofEpochMilli(now))));
    this.redis = server.redis().sync();
    this.bytes = server.bytes();
    this.nodes = Nodes.open(settings, 1, Optional.empty(), List.of());
    this.link = nodes.link(Keys.shard(settings.keyPrefix(), 0));
    this.moves = new Moves(link, Keys.shard("tr", 0), Optional.of(() -> Instant.ofEpochMilli(now)));
  }

  static Stage open(RedisExtension server) {
    return open(server, server.settings());
  }

  /** One that reaches its Redis in another way, such as through a proxy. */
  static Stage open(RedisExtension server, RedisSettings settings) {
    return new Stage(server, settings, StoreOptions.defaults(settings).breaker(), START);
  }

  /** Another process, with its breakers switched off, at the same time. */
  Stage withoutBreakers() {
    DispatchSettings.Breaker off =
        new DispatchSettings.Breaker(0, Duration.ofSeconds(30), 3, Duration.ofSeconds(60));
    return new Stage(server, server.settings(), off, now);
  }

  static String worker(int number) {
    return String.format("%016x", number);
  }

  // -- time

  long now() {
    return now;
  }

  void now(long millis) {
    now = millis;
  }

  void pass(Duration time) {
    now += time.toMillis();
  }

  // -- clients and queues

  void client(String id, int maxConcurrent, int perMin) {
    Unconditional.set(store.clients(), id, ClientChange.of().limits(maxConcurrent, perMin).done());
  }

  void client(String id, int maxConcurrent) {
    client(id, maxConcurrent, Limits.MAX);
  }

  void tier(String name, int maxConcurrent, int perMin) {
    Unconditional.putTier(store.clients(), new Tier(name, new Limits(maxConcurrent, perMin)));
  }

  static QueueSettings settings(
      int weight,
      @Nullable Double perSec,
      @Nullable Integer burst,
      @Nullable Integer maxConcurrent) {
    QueueSettings d = QueueSettings.defaults(weight);
    return new QueueSettings(
        weight,
        perSec,
        burst,
        maxConcurrent,
        Retry.UNSET,
        null,
        d.deadRetention(),
        d.deadMax(),
        d.deadMaxBytes(),
        d.doneMax());
  }

  void queue(String name, int weight) {
    Unconditional.put(store.queues(), name, QueueSettings.defaults(weight));
  }

  /** The number of a queue. */
  int n(String queue) {
    return Integer.parseInt(redis.hget("tr:{config}:queues", queue));
  }

  String flow(String queue, String field) {
    String value = redis.hget("tr:{0}:queue:" + n(queue) + ":flow", field);
    return value == null ? "" : value;
  }

  /** What the shard counts of a queue. */
  QueueCounts queueCounts(String queue) {
    return QueueCounts.of(bytes.hget(Keys.bytes("tr:{0}:queue:" + n(queue) + ":flow"), COUNTS));
  }

  /** What a client's shard counts of it. */
  ClientCounts counts(String client) {
    return ClientCounts.of(bytes.hget(Keys.bytes("tr:{0}:client:" + client), COUNTS));
  }

  /** Makes one of the packed counters in a hash wrong: the one that begins at this byte. */
  void miscount(String hash, int at, byte[] wrong) {
    byte[] counts = bytes.hget(Keys.bytes(hash), COUNTS);
    System.arraycopy(wrong, 0, counts, at, wrong.length);
    bytes.hset(Keys.bytes(hash), COUNTS, counts);
  }

  /** The name of a key of the current generation of a queue. */
  String key(String queue, String rest) {
    return "tr:{0}:queue:" + n(queue) + "." + flow(queue, "gen") + ":" + rest;
  }

  // -- tasks

  /** The fields of a task that a test sets; all others have defaults. */
  static final class Wish {
    String client = "abc";
    String queue = "default";
    Enqueue.Proof proof = Enqueue.Proof.OPEN;
    Enqueue.When when = new Enqueue.When.In(Duration.ZERO);
    String url = "http://example.com/a";
    String body = "hello";
    Retry retry = Retry.UNSET;
    Duration retention = Duration.ofHours(1);
    @Nullable Instant expires;
    @Nullable Integer maxConcurrent;
    @Nullable Integer perMin;
    @Nullable Callback callback;
    @Nullable String key;
    Map<String, String> labels = Map.of();
    String payload = "p";

    Wish client(String value) {
      client = value;
      return this;
    }

    Wish queue(String value) {
      queue = value;
      return this;
    }

    Wish proof(Enqueue.Proof value) {
      proof = value;
      return this;
    }

    Wish in(Duration delay) {
      when = new Enqueue.When.In(delay);
      return this;
    }

    Wish at(long millis) {
      when = new Enqueue.When.At(Instant.ofEpochMilli(millis));
      return this;
    }

    Wish url(String value) {
      url = value;
      return this;
    }

    Wish body(String value) {
      body = value;
      return this;
    }

    Wish retry(Retry value) {
      retry = value;
      return this;
    }

    Wish retention(Duration value) {
      retention = value;
      return this;
    }

    Wish expires(long millis) {
      expires = Instant.ofEpochMilli(millis);
      return this;
    }

    Wish limits(@Nullable Integer concurrent, @Nullable Integer requestsPerMin) {
      maxConcurrent = concurrent;
      perMin = requestsPerMin;
      return this;
    }

    Wish callback(Callback value) {
      callback = value;
      return this;
    }

    Wish labels(Map<String, String> value) {
      labels = value;
      return this;
    }

    Wish key(String value, String stands) {
      key = value;
      payload = stands;
      return this;
    }

    TaskSpec spec() {
      TargetUrl target = ((TargetUrl.Parsed.Good) TargetUrl.parse(url)).url();
      TargetRequest request =
          new TargetRequest(
              "POST",
              target,
              List.of(new TargetRequest.Header("X-A", "b")),
              body.getBytes(StandardCharsets.UTF_8),
              true);
      return new TaskSpec(
          request, retry, null, expires, maxConcurrent, retention, labels, null, callback);
    }

    Enqueue command() {
      return new Enqueue(
          client,
          proof,
          queue,
          when,
          spec(),
          maxConcurrent,
          perMin,
          key == null ? null : new Enqueue.Idempotency(key, digest(payload)));
    }

    private static byte[] digest(String text) {
      byte[] digest = new byte[32];
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      System.arraycopy(bytes, 0, digest, 0, Math.min(32, bytes.length));
      return digest;
    }
  }

  static Wish wish() {
    return new Wish();
  }

  EnqueueResult put(Wish wish) {
    return store.tasks().enqueue(wish.command()).join();
  }

  /**
   * Several calls in one script, with ids of the test's choice.
   *
   * @return the answer to each
   */
  List<Model.Answer> group(List<Map.Entry<TaskId, Wish>> group) {
    Args args = Args.of(1, 10_000, Duration.ofHours(24).toMillis());
    for (Map.Entry<TaskId, Wish> one : group) {
      Wish wish = one.getValue();
      String n = redis.hget("tr:{config}:queues", wish.queue);
      Packed facts =
          new Packed(36).put(one.getKey()).put('o', 1).put(n == null ? -1 : Integer.parseInt(n), 4);
      switch (wish.when) {
        case Enqueue.When.In(Duration delay) -> facts.put('d', 1).put(delay.toMillis(), 6);
        case Enqueue.When.At(Instant at) ->
            facts.put('a', 1).put(Math.max(0, at.toEpochMilli()), 6);
      }
      facts.put(wish.maxConcurrent == null ? -1 : wish.maxConcurrent, 4);
      facts.put(wish.perMin == null ? -1 : wish.perMin, 4);
      args.addAll(
          Args.of(
              facts.toByteArray(),
              wish.client,
              wish.queue,
              wish.key,
              wish.key == null ? null : wish.payload,
              TaskTail.of(wish.client, wish.spec())));
    }
    return moves.run(Script.ENQUEUE, args).rest(reply -> answer(ByteBuffer.wrap(reply.bytes())));
  }

  private static Model.Answer answer(ByteBuffer in) {
    return new Model.Answer(
        (char) in.get(),
        new TaskId(in.getLong(), in.getLong()),
        Packed.number(in, 6),
        (int) Packed.number(in, 4),
        (int) Packed.number(in, 4),
        (int) Packed.number(in, 4),
        Packed.number(in, 6),
        Packed.number(in, 6));
  }

  /** An id that was not used yet. */
  TaskId id() {
    return TaskId.make(now, (int) (ids++ & 0xFFF), ThreadLocalRandom.current(), 0);
  }

  TaskId enqueue(Wish wish) {
    return assertInstanceOf(EnqueueResult.Enqueued.class, put(wish)).id();
  }

  List<TaskId> enqueue(int count, Wish wish) {
    List<TaskId> ids = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ids.add(enqueue(wish));
    }
    return ids;
  }

  @Nullable TaskState state(TaskId id) {
    return store.tasks().get(id).map(Task::state).orElse(null);
  }

  // -- workers

  Exchange exchange(String worker, int slots, Settlement... verdicts) {
    long request = requests.merge(worker, 1L, Long::sum);
    return store
        .works()
        .getFirst()
        .exchange(
            List.of(verdicts), new ClaimRequest(worker, request, slots, LEASE, MAX_RETRIES, 0));
  }

  /** The same with the slots that RunTask asked for. */
  Exchange exchange(String worker, int slots, int express) {
    long request = requests.merge(worker, 1L, Long::sum);
    return store
        .works()
        .getFirst()
        .exchange(List.of(), new ClaimRequest(worker, request, slots, LEASE, MAX_RETRIES, express));
  }

  /** The same claim once more. */
  Exchange again(String worker, int slots) {
    return again(worker, slots, 0);
  }

  Exchange again(String worker, int slots, int express) {
    return store
        .works()
        .getFirst()
        .exchange(
            List.of(),
            new ClaimRequest(
                worker, requests.getOrDefault(worker, 0L), slots, LEASE, MAX_RETRIES, express));
  }

  List<Claim> claim(int slots) {
    return exchange(WORKER, slots).claims();
  }

  Settled settle(String worker, Settlement verdict) {
    return store.works().getFirst().settle(worker, List.of(verdict)).getFirst();
  }

  Settled succeed(Claim claim) {
    return settle(WORKER, verdict(claim, new Verdict.Succeed(), 200));
  }

  Settlement verdict(Claim claim, Verdict verdict, int status) {
    return verdict(claim, verdict, status, new BreakerReport.None());
  }

  Settlement verdict(Claim claim, Verdict verdict, int status, BreakerReport report) {
    Attempt attempt =
        status < 0
            ? null
            : new Attempt(
                claim.start().attempt(),
                claim.start().now(),
                Duration.ofMillis(3),
                status == 0 ? OptionalInt.empty() : OptionalInt.of(status),
                status == 0 ? Optional.of(AttemptError.TIMEOUT) : Optional.empty(),
                "");
    return new Settlement(claim.id(), claim.number(), verdict, attempt, Duration.ZERO, report);
  }

  /** The verdict on an attempt that was answered with 500 and a body. */
  Settlement failure(Claim claim, Verdict verdict, String excerpt) {
    return new Settlement(
        claim.id(),
        claim.number(),
        verdict,
        new Attempt(
            claim.start().attempt(),
            claim.start().now(),
            Duration.ofMillis(3),
            OptionalInt.of(500),
            Optional.empty(),
            "",
            excerpt),
        Duration.ZERO,
        new BreakerReport.None());
  }

  /** The verdict on an attempt that got no answer. */
  Settlement failure(Claim claim, Verdict verdict, AttemptError error) {
    return new Settlement(
        claim.id(),
        claim.number(),
        verdict,
        new Attempt(
            claim.start().attempt(),
            Instant.ofEpochMilli(now),
            Duration.ofMillis(5),
            OptionalInt.empty(),
            Optional.of(error),
            ""),
        Duration.ZERO,
        new BreakerReport.None());
  }

  // -- proofs

  /** All invariants hold. */
  void proven() {
    assertEquals(List.of(), store.doctor().examine(false));
  }

  @Override
  public void close() {
    store.close();
    nodes.close();
  }
}
