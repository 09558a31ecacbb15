package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Settled;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.store.redis.link.Answers;
import io.taskrunner.store.redis.record.TaskCodec;
import io.taskrunner.store.redis.record.TaskRecord;
import io.taskrunner.store.redis.record.TaskTail;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Callback;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest.Header;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The end of a task is reported by a task of its own, created where the task ends. */
class CallbackTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final Retry NO_RETRY = new Retry(0, null, null, null, null, null);

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
    stage.client("abc", 10);
  }

  @AfterEach
  void close() {
    stage.proven();
    stage.close();
  }

  private static Callback to(String url, Callback.End... on) {
    TargetUrl good = ((TargetUrl.Parsed.Good) TargetUrl.parse(url)).url();
    return new Callback(
        good,
        List.of(new Header("X-Why", "because")),
        on.length == 0 ? Callback.USUAL : Set.of(on));
  }

  private static Stage.Wish wish(Callback.End... on) {
    return Stage.wish().callback(to("https://example.org/done?a=b", on));
  }

  /** The ready callback, claimed; null for none. */
  private @Nullable Claim next() {
    List<Claim> claims = stage.claim(10);
    assertTrue(claims.size() < 2, claims.toString());
    return claims.isEmpty() ? null : claims.getFirst();
  }

  private static String body(Claim claim) {
    return new String(claim.spec().request().body(), StandardCharsets.UTF_8);
  }

  private static String time(long millis) {
    String text = Instant.ofEpochMilli(millis).toString();
    return text.length() == 20 ? text.replace("Z", ".000Z") : text;
  }

  private static String json(
      TaskId id, String state, int attempts, String status, String error, long made, long over) {
    return "{\"task_id\":\"%s\",\"client_id\":\"abc\",\"queue\":\"default\",\"state\":\"%s\",\"attempts\":%d,\"last_status\":%s,\"last_error\":%s,\"last_excerpt\":null,\"created_time\":\"%s\",\"finished_time\":\"%s\",\"labels\":{}}"
        .formatted(id, state, attempts, status, error, time(made), time(over));
  }

  @Test
  void aSuccessCausesACallback() {
    stage.now(1_709_251_199_987L); // the last moment of the 29th of February 2024
    long made = stage.now();
    TaskId id =
        stage.enqueue(wish().labels(Map.of("b", "2", "a", "say \"hi\"\\\n\u0001 ü \uD83D\uDE00")));
    assertEquals(
        to("https://example.org/done?a=b"),
        stage.store.tasks().get(id).orElseThrow().spec().callback());
    Claim claim = next();
    stage.pass(Duration.ofMillis(20));
    assertEquals(Settled.DONE, stage.succeed(claim));
    Claim told = next();
    assertEquals("POST", told.spec().request().method());
    assertEquals("https://example.org/done?a=b", told.spec().request().url().value());
    assertEquals(List.of(new Header("X-Why", "because")), told.spec().request().headers());
    assertEquals(
        json(id, "succeeded", 1, "200", "null", made, stage.now())
            .replace(
                "{}", "{\"a\":\"say \\\"hi\\\"\\\\\\u000a\\u0001 ü \uD83D\uDE00\",\"b\":\"2\"}"),
        body(told));
    assertTrue(body(told).contains("2024-02-29T23:59:59.987Z"), body(told));
    assertTrue(body(told).contains("2024-03-01T00:00:00.007Z"), body(told));
    assertEquals(id, told.spec().callbackOf());
    assertNull(told.spec().callback(), "one that tells is not told of");
    assertEquals(Stage.wish().retention, told.spec().retention());
    assertEquals("abc", told.clientId());
    assertEquals("default", told.queue());
    stage.succeed(told);
    assertNull(next());
    Task kept = stage.store.tasks().get(told.id()).orElseThrow();
    assertEquals(TaskState.SUCCEEDED, kept.state());
    assertEquals(id, kept.spec().callbackOf());
    assertTrue(stage.store.tasks().get(id).orElseThrow().spec().callback() != null);
  }

  @Test
  void aDeadTaskCausesACallback() {
    long made = stage.now();
    TaskId id = stage.enqueue(wish());
    Claim first = next();
    stage.settle(Stage.WORKER, stage.verdict(first, new Verdict.Retry(Duration.ofSeconds(1)), 0));
    assertNull(next(), "it is not over");
    stage.pass(Duration.ofSeconds(2));
    Claim second = next();
    stage.settle(Stage.WORKER, stage.verdict(second, new Verdict.Bury(), 0));
    assertEquals(json(id, "dead", 2, "null", "\"timeout\"", made, stage.now()), body(next()));
  }

  @Test
  void theLastFailedResponseIsQuoted() {
    String excerpt = "{\"why\": \"no\\n \u001b[31m ü 😀\"}\n\u007f";
    stage.enqueue(wish());
    stage.settle(
        Stage.WORKER, stage.failure(next(), new Verdict.Retry(Duration.ofSeconds(1)), "first"));
    stage.pass(Duration.ofSeconds(2));
    stage.settle(Stage.WORKER, stage.failure(next(), new Verdict.Bury(), excerpt));
    assertEquals(excerpt, lastExcerpt(next()));
    stage.enqueue(wish());
    stage.settle(Stage.WORKER, stage.failure(next(), new Verdict.Bury(), ""));
    assertNull(lastExcerpt(next()));
  }

  @Test
  void anEarlierResponseIsNotQuotedForTheLastAttempt() {
    stage.enqueue(wish(Callback.End.SUCCEEDED));
    stage.settle(
        Stage.WORKER, stage.failure(next(), new Verdict.Retry(Duration.ofSeconds(1)), "first"));
    stage.pass(Duration.ofSeconds(2));
    stage.succeed(next());
    assertNull(lastExcerpt(next()), "of a success");
    stage.enqueue(wish());
    stage.settle(
        Stage.WORKER, stage.failure(next(), new Verdict.Retry(Duration.ofSeconds(1)), "first"));
    stage.pass(Duration.ofSeconds(2));
    stage.settle(Stage.WORKER, stage.verdict(next(), new Verdict.Bury(), 0));
    assertNull(lastExcerpt(next()), "of a timeout");
    TaskId waits = stage.enqueue(wish(Callback.End.CANCELLED).retention(Duration.ZERO));
    stage.settle(
        Stage.WORKER, stage.failure(next(), new Verdict.Retry(Duration.ofHours(1)), "why"));
    stage.store.tasks().cancel(waits);
    assertEquals("why", lastExcerpt(next()), "of a task that is cancelled after it");
  }

  /** Settles a callback, and returns what it quotes. */
  private @Nullable String lastExcerpt(Claim told) {
    stage.succeed(told);
    try {
      JsonNode quoted = new ObjectMapper().readTree(body(told)).required("last_excerpt");
      return quoted.isNull() ? null : quoted.textValue();
    } catch (JsonProcessingException notJson) {
      throw new AssertionError(body(told), notJson);
    }
  }

  @Test
  void unrequestedStatesCauseNoCallback() {
    stage.enqueue(wish(Callback.End.DEAD));
    stage.succeed(next());
    assertNull(next());
    stage.enqueue(wish(Callback.End.SUCCEEDED));
    stage.settle(Stage.WORKER, stage.verdict(next(), new Verdict.Bury(), 404));
    assertNull(next());
    stage.store.tasks().cancel(stage.enqueue(wish()));
    assertNull(next());
    stage.enqueue(Stage.wish());
    stage.succeed(next());
    assertNull(next());
  }

  @Test
  void aCancellationCausesACallbackIfRequested() {
    long made = stage.now();
    TaskId waits = stage.enqueue(wish(Callback.End.CANCELLED).in(Duration.ofHours(1)));
    stage.store.tasks().cancel(waits);
    Claim told = next();
    assertEquals(json(waits, "cancelled", 0, "null", "null", made, made), body(told));
    stage.succeed(told);
    TaskId runs = stage.enqueue(wish(Callback.End.CANCELLED));
    Claim running = next();
    stage.store.tasks().cancel(runs);
    assertNull(next());
    stage.settle(Stage.WORKER, stage.verdict(running, new Verdict.Cancel(), -1));
    assertEquals(runs, next().spec().callbackOf());
  }

  @Test
  void aLastLostLeaseCausesACallbackInTheClaimThatReturnsIt() {
    TaskId id = stage.enqueue(wish().retry(NO_RETRY));
    next();
    stage.pass(Stage.LEASE.dividedBy(2));
    stage.claim(0);
    stage.pass(Stage.LEASE.dividedBy(2));
    var exchange = stage.exchange(Stage.worker(2), 10);
    assertEquals(1, exchange.recovered().size());
    Claim told = exchange.claims().getFirst();
    assertEquals(id, told.spec().callbackOf());
    assertTrue(body(told).contains("\"last_error\":\"lease_lost\""), body(told));
  }

  @Test
  void expiredTasksCauseCallbacksAlsoInAClaimThatTakesOthers() {
    List<TaskId> expired = new ArrayList<>();
    List<TaskId> others = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      expired.add(stage.enqueue(wish().expires(stage.now() + 5)));
      others.add(stage.enqueue(Stage.wish()));
    }
    stage.pass(Duration.ofMillis(5));
    // Due now, as the callbacks are.
    others.addAll(stage.enqueue(4, Stage.wish()));
    var exchange = stage.exchange(Stage.WORKER, 6);
    assertEquals(others.subList(0, 6), exchange.claims().stream().map(Claim::id).toList());
    exchange.claims().forEach(stage::succeed);
    List<Claim> rest = new ArrayList<>();
    for (List<Claim> more = stage.claim(10); !more.isEmpty(); more = stage.claim(10)) {
      rest.addAll(more);
      more.forEach(stage::succeed);
      stage.proven();
    }
    assertEquals(
        Set.copyOf(others.subList(6, 12)),
        Set.copyOf(
            rest.stream()
                .filter(claim -> claim.spec().callbackOf() == null)
                .map(Claim::id)
                .toList()));
    assertEquals(
        expired,
        rest.stream()
            .map(claim -> claim.spec().callbackOf())
            .filter(of -> of != null)
            .sorted()
            .toList());
    assertTrue(rest.stream().anyMatch(claim -> body(claim).contains("\"last_error\":\"expired\"")));
  }

  @Test
  void aRepeatedVerdictCreatesNoSecondCallback() {
    stage.enqueue(wish());
    Claim claim = next();
    stage.succeed(claim);
    assertEquals(Settled.REPEATED, stage.succeed(claim));
    assertEquals(1, stage.claim(10).size());
  }

  @Test
  void afterALostEndTheSameCallbackIsCreatedAgain() {
    TaskId id = stage.enqueue(wish());
    Claim claim = next();
    var redis = stage.link.node().calls();
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    Map<byte[], byte[]> copy = new HashMap<>();
    Map<byte[], Long> ttl = new HashMap<>();
    for (byte[] key : Answers.await(redis.keys("*"), deadline)) {
      copy.put(key, Answers.await(redis.dump(key), deadline));
      ttl.put(key, Math.max(0, Answers.await(redis.pttl(key), deadline)));
    }
    stage.succeed(claim);
    Claim told = next();
    stage.succeed(told);
    REDIS.redis().sync().flushall();
    copy.forEach((key, value) -> Answers.await(redis.restore(key, ttl.get(key), value), deadline));
    assertEquals(TaskState.ACTIVE, stage.state(id));
    stage.pass(Duration.ofSeconds(1));
    assertEquals(Settled.DONE, stage.succeed(claim));
    assertEquals(told.id(), stage.exchange(Stage.worker(2), 10).claims().getFirst().id());
  }

  @Test
  void aRetriedTaskCausesAnotherCallback() {
    TaskId id = stage.enqueue(wish());
    stage.settle(Stage.WORKER, stage.verdict(next(), new Verdict.Bury(), 400));
    Claim first = next();
    stage.succeed(first);
    stage.store.tasks().retry(id);
    Claim again = next();
    assertEquals(id, again.id());
    stage.succeed(again);
    Claim second = next();
    assertEquals(id, second.spec().callbackOf());
    assertNotEquals(first.id(), second.id());
    assertTrue(body(second).contains("\"state\":\"succeeded\",\"attempts\":1"), body(second));
  }

  @Test
  void aTaskThatExpiresTwiceCausesTwoCallbacks() {
    TaskId id = stage.enqueue(wish().expires(stage.now()));
    assertNull(next());
    Claim first = next();
    stage.succeed(first);
    stage.store.tasks().retry(id);
    assertNull(next());
    Claim second = next();
    assertEquals(id, second.spec().callbackOf());
    assertNotEquals(first.id(), second.id());
  }

  @Test
  void aFailingCallbackIsRetriedAndEndsDead() {
    stage.enqueue(wish());
    stage.succeed(next());
    Claim told = next();
    stage.settle(Stage.WORKER, stage.verdict(told, new Verdict.Retry(Duration.ofSeconds(1)), 503));
    assertEquals(TaskState.RETRY, stage.state(told.id()));
    stage.pass(Duration.ofSeconds(2));
    Claim again = next();
    assertEquals(told.id(), again.id());
    stage.settle(Stage.WORKER, stage.verdict(again, new Verdict.Bury(), 503));
    assertEquals(TaskState.DEAD, stage.state(told.id()));
    assertNull(next(), "no callback is created");
    stage.store.tasks().retry(told.id());
    assertEquals(told.id(), next().id());
  }

  @Test
  void aCallbackIsNotSubjectToRateOrBacklogLimits() {
    Unconditional.set(
        stage.store.clients(), "abc", ClientChange.of().limits(10, 2).maxWaiting(1).done());
    stage.enqueue(wish());
    stage.succeed(next());
    // The callback waits: it fills the quota, and used nothing of the rate up.
    assertEquals(new EnqueueResult.BacklogFull(1, 1, false), stage.put(Stage.wish()));
    stage.succeed(next());
    stage.enqueue(Stage.wish());
    assertEquals(1, stage.claim(10).size());
  }

  @Test
  void aDeletedClientCausesNoCallbacks() {
    stage.enqueue(wish(Callback.End.values()));
    stage.enqueue(wish(Callback.End.values()));
    Claim running = stage.claim(1).getFirst();
    Unconditional.delete(stage.store.clients(), "abc");
    stage.succeed(running);
    stage.store.tidy();
    stage.client("abc", 10);
    assertNull(next());
  }

  @Test
  void aPurgedTaskCausesNoCallbackButADisabledClientsTaskDoes() {
    stage.enqueue(wish());
    Claim running = next();
    stage.store.queues().purge("default");
    stage.succeed(running);
    assertNull(next());
    TaskId id = stage.enqueue(wish());
    Unconditional.set(stage.store.clients(), "abc", ClientChange.of().enabled(false).done());
    stage.succeed(next());
    assertEquals(id, next().spec().callbackOf());
  }

  @Test
  void tasksWithoutRetentionAndWithEveryFieldCauseCallbacks() {
    TaskId id =
        stage.enqueue(
            wish()
                .retention(Duration.ZERO)
                .retry(new Retry(3, null, null, null, null, null))
                .expires(stage.now() + 60_000)
                .limits(5, null));
    stage.succeed(next());
    Claim told = next();
    assertEquals(id, told.spec().callbackOf());
    assertEquals(Duration.ZERO, told.spec().retention());
    stage.succeed(told);
    assertEquals(Optional.empty(), stage.store.tasks().get(told.id()));
    stage.pass(Duration.ofMinutes(5));
  }

  @Test
  void anOpenBreakerHoldsACallback() {
    stage.enqueue(wish().url("http://down.test/x"));
    Claim claim = next();
    Settlement trip =
        stage.verdict(
            claim,
            new Verdict.Bury(),
            503,
            new io.taskrunner.store.WorkStore.BreakerReport.Failed(5));
    stage.settle(Stage.WORKER, trip);
    Claim told = next();
    stage.settle(
        Stage.WORKER,
        stage.verdict(
            told,
            new Verdict.Retry(Duration.ofMillis(1)),
            503,
            new io.taskrunner.store.WorkStore.BreakerReport.Failed(5)));
    assertEquals(
        Set.of("down.test:80", "example.org:443"),
        REDIS.redis().sync().hkeys("tr:{0}:open").stream()
            .collect(java.util.stream.Collectors.toSet()));
  }

  @Test
  void everyErrorHasAName() {
    for (AttemptError error : AttemptError.values()) {
      if (error == AttemptError.EXPIRED || error == AttemptError.LEASE_LOST) {
        continue; // reported above
      }
      stage.enqueue(wish());
      Claim claim = next();
      Settlement bury = stage.verdict(claim, new Verdict.Bury(), 0);
      stage.settle(
          Stage.WORKER,
          new Settlement(
              bury.id(),
              bury.claim(),
              bury.verdict(),
              new io.taskrunner.task.Attempt(
                  1,
                  claim.start().now(),
                  Duration.ZERO,
                  java.util.OptionalInt.empty(),
                  Optional.of(error),
                  ""),
              Duration.ZERO,
              bury.breaker()));
      Claim told = next();
      assertTrue(body(told).contains("\"last_error\":\"" + error.word() + "\""), body(told));
      stage.succeed(told);
    }
  }

  @Test
  void aCallbackIsCreatedWhenMemoryIsFull() {
    TaskId id = stage.enqueue(wish());
    Claim claim = next();
    REDIS.redis().sync().configSet("maxmemory", "1mb");
    try {
      stage.succeed(claim);
    } finally {
      REDIS.redis().sync().configSet("maxmemory", "0");
    }
    assertEquals(id, next().spec().callbackOf());
  }

  @Test
  void aCallbackIsInTheShardOfItsTask() {
    REDIS.redis().sync().flushall();
    try (RedisStore store = RedisStore.open(StoreOptions.defaults(REDIS.server().settings(16)))) {
      List<String> clients = List.of("one", "two", "three", "four", "five", "six");
      for (String client : clients) {
        Unconditional.set(store.clients(), client, ClientChange.of().done());
        store.tasks().enqueue(wish().client(client).proof(Enqueue.Proof.ADMIN).command()).join();
      }
      List<Claim> told = new ArrayList<>();
      for (int round = 1; round <= 2; round++) {
        ClaimRequest request =
            new ClaimRequest(Stage.WORKER, round, 10, Duration.ofSeconds(30), 5, 0);
        for (var work : store.works()) {
          for (Claim claim : work.exchange(List.of(), request).claims()) {
            work.settle(Stage.WORKER, List.of(stage.verdict(claim, new Verdict.Succeed(), 200)));
            if (claim.spec().callbackOf() != null) {
              told.add(claim);
            }
          }
        }
      }
      assertEquals(6, told.size());
      for (Claim claim : told) {
        assertEquals(claim.spec().callbackOf().shard(), claim.id().shard());
        assertEquals(TaskId.parse(claim.id().toString()), Optional.of(claim.id()));
        assertEquals(TaskState.SUCCEEDED, store.tasks().get(claim.id()).orElseThrow().state());
      }
      assertEquals(
          clients.stream().sorted().toList(), told.stream().map(Claim::clientId).sorted().toList());
      assertEquals(List.of(), store.doctor().examine(false));
    }
    REDIS.redis().sync().flushall();
    stage.close();
    stage = Stage.open(REDIS);
  }

  @Test
  void aRecordContainsItsCallback() {
    Callback callback = to("http://[::1]:8080/x", Callback.End.DEAD, Callback.End.CANCELLED);
    byte[] tail = TaskTail.of("abc", Stage.wish().callback(callback).spec());
    byte[] record = new byte[TaskCodec.TAIL + tail.length];
    System.arraycopy(tail, 0, record, TaskCodec.TAIL, tail.length);
    TaskRecord decoded = TaskCodec.decode(record);
    assertEquals(callback, decoded.spec().callback());
    assertEquals("hello", new String(decoded.spec().request().body(), StandardCharsets.UTF_8));
    assertEquals(TaskTail.of("abc", Stage.wish().spec()).length, tail.length - sectionLength(tail));
  }

  private static int sectionLength(byte[] tail) {
    int at = 10 + 3; // retention, length of the body, mask, length of the owner; the owner
    at += 2 + ((tail[at] & 0xFF) << 8 | tail[at + 1] & 0xFF); // the host
    return 2 + ((tail[at] & 0xFF) << 8 | tail[at + 1] & 0xFF);
  }
}
