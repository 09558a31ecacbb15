package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.LEASE;
import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.client.Limits;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Exchange;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Giving tasks to workers: the order, the limits, and the repeated answer. */
class ClaimTest {

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

  private static List<String> clients(List<Claim> claims) {
    return claims.stream().map(Claim::clientId).toList();
  }

  private static List<TaskId> ids(List<Claim> claims) {
    return claims.stream().map(Claim::id).toList();
  }

  @Test
  void tasksOfOneClientStartInDueOrder() {
    stage.client("abc", 10);
    TaskId third = stage.enqueue(wish().at(Stage.START - 1));
    TaskId late = stage.enqueue(wish().in(Duration.ofSeconds(2)));
    TaskId soon = stage.enqueue(wish().in(Duration.ofSeconds(1)));
    stage.pass(Duration.ofSeconds(3));
    TaskId last = stage.enqueue(wish());
    assertEquals(List.of(third, soon, late, last), ids(stage.claim(10)));
  }

  @Test
  void aBacklogOfOneClientDelaysAnotherByAtMostATurn() {
    stage.client("big", 1000);
    stage.client("abc", 1000);
    stage.enqueue(150, wish().client("big"));
    assertEquals(2, stage.claim(2).size());
    TaskId mine = stage.enqueue(wish().client("abc"));
    assertTrue(ids(stage.claim(2)).contains(mine));
  }

  @Test
  void clientsTakeTurns() {
    for (String client : List.of("one", "two", "six")) {
      stage.client(client, 100);
      stage.enqueue(4, wish().client(client));
    }
    List<String> order = new ArrayList<>();
    order.addAll(clients(stage.claim(5)));
    order.addAll(clients(stage.claim(1)));
    order.addAll(clients(stage.claim(6)));
    for (int from = 0; from < 12; from += 3) {
      assertEquals(
          Set.of("one", "two", "six"),
          new HashSet<>(order.subList(from, from + 3)),
          order::toString);
    }
  }

  @Test
  void moreThanAHundredClientsTakeTurns() {
    for (int i = 0; i < 250; i++) {
      stage.enqueue(2, wish().client("client" + i));
    }
    List<String> order = new ArrayList<>();
    while (order.size() < 500) {
      List<Claim> claims = stage.claim(90);
      assertFalse(claims.isEmpty());
      order.addAll(clients(claims));
    }
    assertEquals(250, new HashSet<>(order.subList(0, 250)).size());
    assertEquals(250, new HashSet<>(order.subList(250, 500)).size());
  }

  @Test
  void moreThanAHundredClientsAtTheirLimitAreParkedAndSkipped() {
    stage.tier("free", 1, Limits.MAX);
    for (int i = 0; i < 230; i++) {
      stage.client("client" + i, 1);
      stage.enqueue(2, wish().client("client" + i));
    }
    int given = 0;
    for (int i = 0; i < 5; i++) {
      given += stage.claim(100).size();
    }
    assertEquals(230, given);
    stage.proven();
    stage.client("fresh", 1);
    TaskId fresh = stage.enqueue(wish().client("fresh"));
    Exchange next = stage.exchange(WORKER, 5);
    for (int i = 0; i < 5 && next.claims().isEmpty(); i++) {
      assertTrue(next.again());
      next = stage.exchange(WORKER, 5);
    }
    assertEquals(List.of(fresh), ids(next.claims()));
  }

  @Test
  void moreThanThirtyTwoBusyQueuesAreAllServed() {
    stage.client("abc", 10_000);
    for (int i = 0; i < 75; i++) {
      stage.queue("q" + i, 1);
      stage.enqueue(2, wish().queue("q" + i));
    }
    List<Claim> claims = new ArrayList<>(stage.claim(75));
    claims.addAll(stage.claim(75 - claims.size()));
    assertEquals(75, claims.stream().map(Claim::queue).collect(Collectors.toSet()).size());
    for (int i = 0; i < 3; i++) {
      claims.addAll(stage.claim(100));
    }
    assertEquals(150, claims.size());
    assertEquals("0", stage.redis.hget("tr:{0}:shard", "weights"));
  }

  @Test
  void queuesBehindThirtyTwoThatCannotBeServedAreServed() {
    stage.client("abc", 10_000);
    stage.client("full", 1);
    stage.enqueue(wish().client("full"));
    assertEquals(1, stage.claim(1).size());
    for (int i = 0; i < 40; i++) {
      stage.queue("q" + i, 1);
      stage.enqueue(wish().queue("q" + i).client("full"));
    }
    stage.queue("last", 1);
    TaskId last = stage.enqueue(wish().queue("last"));
    assertEquals(List.of(last), ids(stage.claim(3)));
    assertEquals(40, stage.redis.scard("tr:{0}:client:full:parked"));
  }

  @Test
  void aQueueKeepsItsConcurrencyLimit() {
    stage.client("abc", 100);
    Unconditional.put(stage.store.queues(), "default", Stage.settings(3, null, null, 2));
    stage.enqueue(5, wish());
    List<Claim> first = stage.claim(10);
    assertEquals(2, first.size());
    assertEquals(0, stage.claim(10).size());
    stage.succeed(first.getFirst());
    assertEquals(1, stage.claim(10).size());
    Unconditional.put(stage.store.queues(), "default", Stage.settings(3, null, null, 4));
    assertEquals(2, stage.claim(10).size());
    Unconditional.put(stage.store.queues(), "default", Stage.settings(3, null, null, 1));
    stage.proven();
  }

  @Test
  void aQueueKeepsItsRate() {
    stage.client("abc", 1000);
    Unconditional.put(stage.store.queues(), "default", Stage.settings(3, 4.0, 2, null));
    stage.enqueue(40, wish());
    int started = 0;
    for (int ms = 0; ms <= 5000; ms += 50) {
      stage.now(Stage.START + ms);
      started += stage.claim(10).size();
      assertTrue(started <= 2 + 4 * ms / 1000 + 1, started + " after " + ms);
    }
    assertEquals(22, started);
    stage.now(Stage.START);
    assertEquals(0, stage.claim(10).size());
    stage.now(Stage.START + 1000);
    assertTrue(stage.claim(10).size() <= 4);
  }

  @Test
  void theQueueIsCheckedWhenItsNextTokenIsDue() {
    stage.client("abc", 1000);
    Unconditional.put(stage.store.queues(), "default", Stage.settings(3, 2.0, 1, null));
    stage.enqueue(3, wish());
    Exchange first = stage.exchange(WORKER, 5);
    assertEquals(1, first.claims().size());
    assertEquals(Duration.ofMillis(500), first.lookAgainIn());
    stage.now(Stage.START + 499);
    assertEquals(0, stage.claim(5).size());
    stage.now(Stage.START + 500);
    assertEquals(1, stage.claim(5).size());
  }

  @Test
  void anExpiredTaskEndsDeadWhenItWouldStart() {
    TaskId expired = stage.enqueue(wish().expires(Stage.START + 10));
    TaskId good = stage.enqueue(wish());
    stage.pass(Duration.ofMillis(10));
    assertEquals(TaskState.READY, stage.state(expired));
    assertEquals(List.of(good), ids(stage.claim(1)));
    assertEquals(TaskState.DEAD, stage.state(expired));
    assertEquals(
        Optional.of(AttemptError.EXPIRED),
        stage.store.tasks().get(expired).orElseThrow().lastError());
  }

  @Test
  void aClaimEndsFewTasksAndReportsThatThereAreMore() {
    stage.client("abc", 10, Limits.MAX);
    for (int i = 0; i < 12; i++) {
      List<Map.Entry<TaskId, Stage.Wish>> group = new ArrayList<>();
      for (int k = 0; k < 100; k++) {
        group.add(Map.entry(stage.id(), wish().expires(Stage.START + 1)));
      }
      stage.group(group);
    }
    stage.pass(Duration.ofSeconds(1));
    TaskId good = stage.enqueue(wish());
    Exchange next = stage.exchange(WORKER, 1);
    int claims = 1;
    while (next.claims().isEmpty()) {
      assertTrue(next.again());
      stage.proven();
      next = stage.exchange(WORKER, 1);
      claims++;
    }
    assertTrue(claims > 10, claims + " claims");
    assertEquals(List.of(good), ids(next.claims()));
    assertEquals(1200, stage.store.queues().get("default").orElseThrow().stats().dead());
  }

  @Test
  void aClaimReturnsFewLargeTasks() {
    stage.client("abc", 100);
    String body = "x".repeat(1024 * 1024);
    stage.enqueue(12, wish().body(body));
    int given = 0;
    while (given < 12) {
      Exchange next = stage.exchange(WORKER, 50);
      assertTrue(next.claims().size() == 1 || next.claims().size() == 2, next::toString);
      given += next.claims().size();
    }
  }

  @Test
  void manyDueTasksBecomeReadyInSteps() {
    stage.client("abc", 1000, Limits.MAX);
    stage.enqueue(450, wish().in(Duration.ofSeconds(1)));
    stage.pass(Duration.ofSeconds(2));
    assertTrue(stage.exchange(WORKER, 0).again());
    long ready = stage.queueCounts("default").ready();
    assertTrue(ready >= 100 && ready <= 300, ready + " ready");
    assertTrue(stage.exchange(WORKER, 0).again());
    assertFalse(stage.exchange(WORKER, 0).again());
    assertEquals(450, stage.queueCounts("default").ready());
  }

  @Test
  void aRepeatedClaimReturnsTheSameTasksExceptFinishedOnes() {
    stage.client("abc", 10);
    stage.enqueue(3, wish());
    List<Claim> first = stage.claim(2);
    assertEquals(ids(first), ids(stage.again(WORKER, 2).claims()));
    assertEquals(2, stage.counts("abc").running());
    stage.succeed(first.getFirst());
    assertEquals(ids(first.subList(1, 2)), ids(stage.again(WORKER, 2).claims()));
    assertThrows(
        IllegalStateException.class,
        () ->
            stage
                .store
                .works()
                .getFirst()
                .exchange(List.of(), new ClaimRequest(WORKER, 0, 2, LEASE, 5, 0)));
  }

  @Test
  void aRepeatedClaimOmitsTasksOfADeletedQueue() {
    stage.queue("gone", 1);
    stage.enqueue(wish().queue("gone"));
    TaskId stays = stage.enqueue(wish().client("other"));
    assertEquals(2, stage.claim(5).size());
    Unconditional.delete(stage.store.queues(), "gone", true);
    assertEquals(List.of(stays), ids(stage.again(WORKER, 5).claims()));
  }

  @Test
  void aTaskMayLowerItsClientsLimit() {
    stage.client("abc", 5);
    TaskId first = stage.enqueue(wish());
    TaskId alone = stage.enqueue(wish().limits(1, null));
    TaskId behind = stage.enqueue(wish());
    List<Claim> claims = stage.claim(5);
    assertEquals(List.of(first), ids(claims));
    assertEquals(0, stage.claim(5).size());
    stage.succeed(claims.getFirst());
    assertEquals(List.of(alone, behind), ids(stage.claim(5)));
  }

  @Test
  void claimNumbersIncreaseWhenTheClockIsSetBack() {
    stage.enqueue(wish());
    Claim first = stage.claim(1).getFirst();
    stage.settle(WORKER, stage.verdict(first, new Verdict.PutBack(Duration.ZERO), -1));
    stage.pass(Duration.ofHours(-1));
    Claim second = stage.claim(1).getFirst();
    assertEquals(first.number() + 1, second.number());
    assertEquals(1, second.start().attempt());
  }

  @Test
  void nothingIsClaimedDuringAGlobalPause() {
    stage.enqueue(wish());
    stage.store.queues().pauseAll(true);
    assertTrue(stage.store.queues().allPaused());
    assertEquals(0, stage.claim(5).size());
    stage.store.queues().pauseAll(false);
    assertEquals(1, stage.claim(5).size());
  }
}
