package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.client.Scope;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.redis.Model.Answer;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Putting tasks into queues: accepted ones, rejected ones, and the result of repetitions. */
class EnqueueTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
  }

  @AfterEach
  void close() {
    stage.proven();
    stage.close();
  }

  private List<Map.Entry<TaskId, Stage.Wish>> group(Stage.Wish... wishes) {
    List<Map.Entry<TaskId, Stage.Wish>> group = new ArrayList<>();
    for (Stage.Wish wish : wishes) {
      group.add(Map.entry(stage.id(), wish));
    }
    return group;
  }

  private static String words(List<Answer> answers) {
    return answers.stream()
        .map(answer -> String.valueOf(answer.word()))
        .collect(Collectors.joining());
  }

  @Test
  void aDueTaskIsReadyAndALaterOneIsScheduled() {
    TaskId now = stage.enqueue(wish());
    TaskId past = stage.enqueue(wish().at(5));
    TaskId later = stage.enqueue(wish().in(Duration.ofMillis(1)));
    assertEquals(TaskState.READY, stage.state(now));
    assertEquals(TaskState.READY, stage.state(past));
    assertEquals(TaskState.SCHEDULED, stage.state(later));
    assertEquals(
        Instant.ofEpochMilli(Stage.START), stage.store.tasks().get(past).orElseThrow().scheduled());
  }

  @Test
  void oneClientSeveralTimesInAGroupIsCountedEachTime() {
    stage.client("abc", 5, 3);
    List<Answer> answers = stage.group(group(wish(), wish(), wish(), wish(), wish()));
    assertEquals("eeerr", words(answers));
    assertEquals(List.of(2, 1, 0, 0, 0), answers.stream().map(Answer::remaining).toList());
    assertEquals(60_010, answers.getLast().retryAfter());
    assertEquals(3, stage.counts("abc").accepted());
    assertEquals(3, stage.counts("abc").live());
  }

  @Test
  void aRejectedCallUsesUpNothing() {
    stage.client("abc", 5, 1);
    stage.enqueue(wish());
    for (int i = 0; i < 5; i++) {
      assertInstanceOf(EnqueueResult.RateLimited.class, stage.put(wish()));
    }
    stage.now(Stage.START + 60_010);
    stage.enqueue(wish());
  }

  @Test
  void anIdempotencyKeyTwiceInAGroupCreatesOneTask() {
    List<Map.Entry<TaskId, Stage.Wish>> group =
        group(wish().key("k", "one"), wish().key("k", "one"), wish().key("k", "two"));
    List<Answer> answers = stage.group(group);
    assertEquals("edu", words(answers));
    assertEquals(group.getFirst().getKey(), answers.get(1).id());
    assertEquals(49, answers.get(1).remaining());
    assertEquals("eeu", words(stage.group(List.of(group.get(0), group.get(0), group.get(2)))));
    assertEquals(1, stage.store.queues().get("default").orElseThrow().stats().ready());
  }

  @Test
  void aDuplicateIsAnsweredAtTheLimit() {
    stage.client("abc", 5, 1);
    TaskId first = stage.enqueue(wish().key("k", "one"));
    EnqueueResult.Duplicate again =
        assertInstanceOf(EnqueueResult.Duplicate.class, stage.put(wish().key("k", "one")));
    assertEquals(first, again.id());
    assertEquals(0, again.quota().remaining());
    assertInstanceOf(EnqueueResult.KeyReused.class, stage.put(wish().key("k", "two")));
    assertInstanceOf(EnqueueResult.RateLimited.class, stage.put(wish()));
  }

  @Test
  void idempotencyKeysArePerClient() {
    stage.enqueue(wish().key("k", "one"));
    stage.enqueue(wish().client("other").key("k", "two"));
  }

  @Test
  void aRepeatedCallGetsTheSameReplyAfterChanges() {
    stage.client("abc", 5, 1);
    List<Map.Entry<TaskId, Stage.Wish>> call = group(wish().in(Duration.ofSeconds(3)));
    Answer first = stage.group(call).getFirst();
    stage.pass(Duration.ofSeconds(1));
    Answer second = stage.group(call).getFirst();
    assertEquals(4, first.retryAfter(), "a new task waits for its time");
    assertEquals(
        new Answer(
            first.word(),
            first.id(),
            first.due(),
            first.concurrent(),
            first.perMin(),
            first.remaining(),
            first.full(),
            0),
        second);
    Unconditional.set(stage.store.clients(), "abc", ClientChange.of().enabled(false).done());
    assertEquals(first.due(), stage.group(call).getFirst().due());
    assertEquals("ex", words(stage.group(List.of(call.getFirst(), group(wish()).getFirst()))));
    assertEquals(1, stage.counts("abc").live());
  }

  @Test
  void eachRejectionHasItsOwnWord() {
    assertInstanceOf(EnqueueResult.QueueNotFound.class, stage.put(wish().queue("nowhere")));
    assertInstanceOf(
        EnqueueResult.ClientUnknown.class,
        stage.put(wish().client("nobody").proof(Enqueue.Proof.KEY)));
    stage.client("abc", 1);
    Unconditional.set(
        stage.store.clients(),
        "abc",
        ClientChange.of().queues(List.of("critical", "low-1")).done());
    assertInstanceOf(EnqueueResult.QueueNotAllowed.class, stage.put(wish()));
    assertInstanceOf(EnqueueResult.QueueNotAllowed.class, stage.put(wish().queue("low")));
    stage.enqueue(wish().queue("critical"));
    stage.store.clients().addKey("abc", "digest", "", Scope.ALL);
    assertInstanceOf(EnqueueResult.KeyRequired.class, stage.put(wish().queue("critical")));
    stage.enqueue(wish().queue("critical").proof(Enqueue.Proof.KEY));
    Unconditional.set(stage.store.clients(), "abc", ClientChange.of().enabled(false).done());
    assertInstanceOf(
        EnqueueResult.ClientDisabled.class,
        stage.put(wish().queue("critical").proof(Enqueue.Proof.ADMIN)));
  }

  @Test
  void anUnknownClientIsAutoRegisteredWithItsFirstTask() {
    assertInstanceOf(
        EnqueueResult.QueueNotFound.class, stage.put(wish().client("new").queue("nowhere")));
    assertTrue(stage.store.clients().get("new").isEmpty());
    stage.enqueue(wish().client("new"));
    assertEquals("default", stage.store.clients().get("new").orElseThrow().settings().tier());
  }

  @Test
  void limitsOfATaskOnlyLower() {
    stage.client("abc", 2, 10);
    EnqueueResult.Enqueued lowered =
        assertInstanceOf(EnqueueResult.Enqueued.class, stage.put(wish().limits(1, 3)));
    assertEquals(1, lowered.quota().limits().maxConcurrent());
    assertEquals(3, lowered.quota().limits().requestsPerMin());
    EnqueueResult.Enqueued raised =
        assertInstanceOf(EnqueueResult.Enqueued.class, stage.put(wish().limits(9, 99)));
    assertEquals(2, raised.quota().limits().maxConcurrent());
    assertEquals(10, raised.quota().limits().requestsPerMin());
    stage.enqueue(wish().limits(null, 3));
    assertInstanceOf(EnqueueResult.RateLimited.class, stage.put(wish().limits(null, 3)));
  }

  @Test
  void aHundredTasksOfManyClientsAreEnqueuedInOneGroup() {
    List<Map.Entry<TaskId, Stage.Wish>> group = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      group.add(
          Map.entry(
              stage.id(),
              wish()
                  .client("client" + i % 7)
                  .queue(List.of("critical", "default", "low").get(i % 3))
                  .in(Duration.ofSeconds(i % 2))));
    }
    assertEquals("e".repeat(100), words(stage.group(group)));
  }
}
