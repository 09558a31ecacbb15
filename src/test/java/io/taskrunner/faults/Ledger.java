package io.taskrunner.faults;

import com.fasterxml.jackson.databind.JsonNode;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.store.redis.doctor.Finding;
import io.taskrunner.testkit.ProgramProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A steady load of enqueues and a ledger of every answer. The load is an open loop: calls begin at
 * their times, whatever the results of those before. Each has a path and an idempotency key of its
 * own. The notes are guarded by {@code this}, which is notified of each acceptance.
 */
final class Ledger implements AutoCloseable {

  private static final int CLIENTS = 8;
  private static final Duration CALL_MAX = Duration.ofSeconds(30);
  private static final Duration REST_MAX = Duration.ofSeconds(90);
  private static final long REPEAT_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final Pattern TASK_ID = Pattern.compile("\"task_id\":\"([0-9a-f-]{36})\"");
  private static final Pattern REPLICAS = Pattern.compile("replicas=([0-9]+)");

  private final Admin admin;
  private final URI enqueue;
  private final Receiver receiver;
  private final int perSecond;
  private final boolean repeats;
  private final ExecutorService calls = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(5))
          .executor(Executors.newVirtualThreadPerTaskExecutor())
          .build();
  private final Thread pacer = Thread.ofPlatform().name("pacer").daemon(true).unstarted(this::pace);
  private volatile boolean ending;

  private final Set<String> tasks = new HashSet<>();
  private final List<Long> successes = new ArrayList<>();
  private final List<String> strange = new ArrayList<>();
  private int refused;
  private int broken;
  private boolean mayBeFull;
  private int full;
  private int withoutRetryAfter;
  private long refusalNanos;
  private int replicasMin = Integer.MAX_VALUE;
  private long beganNanos;
  private long endedNanos;

  /**
   * Not begun yet.
   *
   * @param api URL of the API
   * @param repeats whether a call that was rejected or got no answer is repeated, with its key,
   *     until it is accepted
   */
  Ledger(ProgramProcess api, Receiver receiver, int perSecond, boolean repeats) {
    this.admin = new Admin(api);
    this.enqueue = URI.create(api.url() + "/v1/enqueue");
    this.receiver = receiver;
    this.perSecond = perSecond;
    this.repeats = repeats;
  }

  /** Begins the load, from clients whose limits it never reaches. */
  void begin() throws IOException, InterruptedException {
    for (int i = 0; i < CLIENTS; i++) {
      admin.client("load-" + i);
    }
    beganNanos = System.nanoTime();
    pacer.start();
  }

  private void pace() {
    long every = TimeUnit.SECONDS.toNanos(1) / perSecond;
    for (int i = 0; !ending; i++) {
      long at = beganNanos + i * every;
      for (long wait = at - System.nanoTime(); wait > 0; wait = at - System.nanoTime()) {
        LockSupport.parkNanos(wait);
      }
      int number = i;
      calls.execute(() -> call(number));
    }
  }

  private void call(int number) {
    String path = "/task/" + number;
    HttpRequest request =
        HttpRequest.newBuilder(enqueue)
            .timeout(CALL_MAX)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", "call-" + number)
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    "{\"client_id\":\"load-"
                        + number % CLIENTS
                        + "\",\"task\":{\"url\":\""
                        + receiver.url(path)
                        + "\",\"body\":\"{}\"}}"))
            .build();
    try {
      while (!attempt(request) && repeats) {
        LockSupport.parkNanos(REPEAT_NANOS);
      }
    } catch (InterruptedException closing) {
      Thread.currentThread().interrupt();
    }
  }

  /** Makes the call once, and returns whether it needs no repetition. */
  private boolean attempt(HttpRequest request) throws InterruptedException {
    long began = System.nanoTime();
    try {
      HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
      return note(answer, began, System.nanoTime());
    } catch (IOException noAnswer) {
      noteBroken();
      return false;
    }
  }

  private synchronized void noteBroken() {
    broken++;
  }

  private synchronized boolean note(HttpResponse<String> answer, long began, long ended) {
    switch (answer.statusCode()) {
      case 200, 201 -> {
        Matcher id = TASK_ID.matcher(answer.body());
        Matcher replicas = REPLICAS.matcher(answer.headers().firstValue("X-Durability").orElse(""));
        if (!id.find() || !replicas.find()) {
          strange.add(answer.statusCode() + " " + answer.headers().map() + " " + answer.body());
          return true;
        }
        tasks.add(id.group(1));
        replicasMin = Math.min(replicasMin, Integer.parseInt(replicas.group(1)));
        successes.add(ended);
        notifyAll();
        return true;
      }
      case 503 -> {
        refused++;
        notifyAll();
        refusalNanos = Math.max(refusalNanos, ended - began);
        if (answer.headers().firstValue("Retry-After").isEmpty()) {
          withoutRetryAfter++;
        }
        return false;
      }
      default -> {
        if (mayBeFull && Admin.isStoreFull(answer)) {
          full++;
          notifyAll();
          return false;
        }
        strange.add(answer.statusCode() + " " + answer.body());
        return true;
      }
    }
  }

  /** From now on {@code 429 store_full} is as acceptable as 503; before it is a strange answer. */
  synchronized void mayBeFull() {
    mayBeFull = true;
  }

  /** Waits until this many were answered with {@code 429 store_full}. */
  synchronized void awaitFull(int count) throws InterruptedException {
    await(count + " store_full", () -> full >= count);
  }

  /** Waits until this many more were accepted than now. */
  synchronized void awaitMore(int count) throws InterruptedException {
    int goal = successes.size() + count;
    await(goal + " accepted", () -> successes.size() >= goal);
  }

  /** Waits until this many were rejected. */
  synchronized void awaitRefused(int count) throws InterruptedException {
    await(count + " refused", () -> refused >= count);
  }

  private void await(String what, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + REST_MAX.toNanos();
    while (!condition.getAsBoolean()) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        throw new AssertionError(
            "in vain waited for %s; accepted: %d, refused: %d, broken: %d, strange: %s"
                .formatted(what, successes.size(), refused, broken, strange));
      }
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
  }

  /** The longest time without a successful enqueue between two times, in ms. */
  synchronized long gapMillis(long fromNanos, long toNanos) {
    long longest = 0;
    long last = fromNanos;
    for (long at :
        successes.stream().filter(one -> one > fromNanos && one < toNanos).sorted().toList()) {
      longest = Math.max(longest, at - last);
      last = at;
    }
    return TimeUnit.NANOSECONDS.toMillis(Math.max(longest, toNanos - last));
  }

  private void end() throws InterruptedException {
    ending = true;
    pacer.join();
    endedNanos = System.nanoTime();
    calls.shutdown();
    if (!calls.awaitTermination(REST_MAX.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError("calls still have no answer " + REST_MAX + " after the load");
    }
  }

  /**
   * Ends the load, waits for the last answers, and then until all accepted tasks have arrived and
   * no work is left; or not.
   *
   * @param redis for the doctor to check
   */
  Account settle(RedisSettings redis) throws IOException, InterruptedException {
    end();
    long deadline = System.nanoTime() + REST_MAX.toNanos();
    JsonNode stats = admin.stats("default");
    while ((lost() > 0 || isUnderWay(stats)) && System.nanoTime() < deadline) {
      receiver.awaitAny(Duration.ofMillis(100));
      stats = admin.stats("default");
    }
    if (isUnderWay(stats)) {
      strange.add("not at rest: " + stats);
    }
    List<Finding> findings;
    try (RedisStore store = RedisStore.open(StoreOptions.defaults(redis))) {
      findings = store.doctor().examine(false);
    }
    synchronized (this) {
      return new Account(
          successes.size(),
          refused,
          broken,
          List.copyOf(strange),
          lost(),
          stats.get("dead").asLong(),
          receiver.again(),
          receiver.doubled(),
          gapMillis(beganNanos, endedNanos),
          TimeUnit.NANOSECONDS.toMillis(refusalNanos),
          withoutRetryAfter,
          replicasMin,
          findings);
    }
  }

  private synchronized int lost() {
    Set<String> missing = new HashSet<>(tasks);
    missing.removeAll(receiver.arrived());
    return missing.size();
  }

  private static boolean isUnderWay(JsonNode stats) {
    return stats.get("scheduled").asLong()
            + stats.get("ready").asLong()
            + stats.get("active").asLong()
            + stats.get("retry").asLong()
        > 0;
  }

  @Override
  public void close() throws InterruptedException {
    ending = true;
    if (pacer.isAlive()) {
      pacer.join();
    }
    calls.shutdownNow();
    http.shutdownNow();
  }
}
