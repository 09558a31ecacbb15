package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.client.AdminKey;
import io.taskrunner.client.Scope;
import io.taskrunner.store.AdminKeyStore;
import io.taskrunner.store.AdminKeyStore.Put;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.ClientStore.TierDeleted;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.TaskStore.Moved;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import io.taskrunner.task.Verdict;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Operators' changes of clients and tiers, and their effect on tasks. */
class ClientMovesTest {

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

  private List<TaskId> claim(int slots) {
    return stage.claim(slots).stream().map(Claim::id).toList();
  }

  @Test
  void aRaisedLimitUnparksAClient() {
    stage.client("abc", 1);
    stage.enqueue(4, wish());
    assertEquals(1, claim(5).size());
    assertEquals(0, claim(5).size());
    stage.client("abc", 3);
    assertEquals(2, claim(5).size());
  }

  @Test
  void aLoweredLimitAppliesToNewStarts() {
    stage.client("abc", 3);
    stage.enqueue(6, wish());
    List<Claim> claims = stage.claim(5);
    assertEquals(3, claims.size());
    stage.client("abc", 1);
    stage.succeed(claims.get(0));
    stage.succeed(claims.get(1));
    assertEquals(0, claim(5).size());
    stage.succeed(claims.get(2));
    assertEquals(1, claim(5).size());
  }

  @Test
  void aClientKeepsItsServiceAccounts() {
    stage.client("abc", 1);
    assertEquals(List.of(), accounts());
    List<String> given = List.of("a@example.com", "b@example.com");
    Unconditional.set(stage.store.clients(), "abc", ClientChange.of().accounts(given).done());
    Unconditional.set(stage.store.clients(), "abc", ClientChange.of().enabled(true).done());
    assertEquals(given, accounts());
    assertTrue(stage.store.clients().get("abc").orElseThrow().settings().mayBe("b@example.com"));
    assertFalse(stage.store.clients().get("abc").orElseThrow().settings().mayBe("c@example.com"));
    Unconditional.set(
        stage.store.clients(), "abc", ClientChange.of().accounts(List.of("*")).done());
    assertTrue(stage.store.clients().get("abc").orElseThrow().settings().mayBe("c@example.com"));
    Unconditional.delete(stage.store.clients(), "abc");
    stage.client("abc", 1);
    assertEquals(List.of(), accounts());
  }

  private List<String> accounts() {
    return stage.store.clients().get("abc").orElseThrow().settings().serviceAccounts();
  }

  @Test
  void aRaisedTierUnparksItsClients() {
    stage.tier("own", 1, 1000);
    for (String id : List.of("one", "two")) {
      Unconditional.set(stage.store.clients(), id, ClientChange.of().tier("own").done());
      stage.enqueue(3, wish().client(id));
    }
    assertEquals(2, claim(9).size());
    stage.tier("own", 2, 1000);
    stage.proven();
    assertEquals(2, claim(9).size());
    assertEquals(TierDeleted.IN_USE, Unconditional.deleteTier(stage.store.clients(), "own"));
    assertEquals(TierDeleted.BUILT_IN, Unconditional.deleteTier(stage.store.clients(), "free"));
    assertEquals(
        Optional.empty(),
        Unconditional.set(stage.store.clients(), "one", ClientChange.of().tier("none").done()));
  }

  @Test
  void acceptedTasksOfADisabledClientStillRun() {
    TaskId id = stage.enqueue(wish());
    Unconditional.set(stage.store.clients(), "abc", ClientChange.of().enabled(false).done());
    assertInstanceOf(EnqueueResult.ClientDisabled.class, stage.put(wish()));
    assertEquals(List.of(id), claim(5));
  }

  @Test
  void waitingTasksOfADeletedClientAreCancelled() {
    stage.client("abc", 2);
    List<TaskId> first = stage.enqueue(2, wish());
    List<Claim> running = stage.claim(2);
    TaskId ready = stage.enqueue(wish());
    TaskId scheduled = stage.enqueue(wish().in(Duration.ofSeconds(5)));
    TaskId other = stage.enqueue(wish().client("two").in(Duration.ofSeconds(5)));
    assertTrue(Unconditional.delete(stage.store.clients(), "abc"));
    assertFalse(Unconditional.delete(stage.store.clients(), "abc"));
    assertEquals(TaskState.CANCELLED, stage.state(ready));
    assertEquals(TaskState.CANCELLED, stage.state(scheduled));
    assertEquals(TaskState.ACTIVE, stage.state(first.getFirst()));
    assertInstanceOf(EnqueueResult.ClientDisabled.class, stage.put(wish()));
    stage.proven();
    stage.store.tidy();
    assertEquals(TaskState.CANCELLED, stage.state(ready));
    assertEquals(TaskState.SCHEDULED, stage.state(other));
    stage.succeed(running.getFirst());
    stage.settle(WORKER, stage.verdict(running.getLast(), new Verdict.Retry(Duration.ZERO), 500));
    assertEquals(TaskState.SUCCEEDED, stage.state(running.getFirst().id()));
    assertEquals(TaskState.CANCELLED, stage.state(running.getLast().id()));
    assertEquals(0, stage.counts("abc").live());
    assertEquals(0, stage.counts("abc").running());
  }

  @Test
  void aRecreatedClientInheritsNothing() {
    stage.client("abc", 1);
    TaskId old = stage.enqueue(wish());
    TaskId later = stage.enqueue(wish().in(Duration.ofSeconds(1)));
    Unconditional.delete(stage.store.clients(), "abc");
    Unconditional.set(stage.store.clients(), "abc", ClientChange.of().done());
    assertEquals(3, stage.store.clients().get("abc").orElseThrow().limits().maxConcurrent());
    List<TaskId> fresh = stage.enqueue(5, wish());
    stage.store.queues().pause("default", true);
    stage.store.queues().purge("low");
    // All that is to be drained is drained, though ready tasks of the new client are among the old.
    stage.store.tidy();
    assertEquals(0, stage.redis.llen("tr:{0}:drain"));
    stage.store.queues().pause("default", false);
    stage.pass(Duration.ofSeconds(2));
    assertEquals(fresh.subList(0, 3), claim(5));
    assertEquals(TaskState.CANCELLED, stage.state(old));
    assertEquals(TaskState.CANCELLED, stage.state(later));
  }

  @Test
  void aLargeBacklogOfADeletedClientIsDrainedInSteps() {
    stage.client("abc", 1, 1_000_000);
    stage.client("two", 1, 1_000_000);
    stage.enqueue(600, wish());
    stage.enqueue(300, wish().in(Duration.ofHours(1)));
    stage.enqueue(300, wish().client("two").in(Duration.ofHours(1)));
    Unconditional.delete(stage.store.clients(), "abc");
    stage.store.tidy();
    assertEquals(0, stage.counts("abc").live());
    assertEquals(300, stage.store.queues().get("default").orElseThrow().stats().scheduled());
    assertEquals(0, stage.store.queues().get("default").orElseThrow().stats().ready());
  }

  @Test
  void aDeadTaskOfADeletedClientStaysDead() {
    stage.enqueue(wish());
    Claim claim = stage.claim(1).getFirst();
    stage.settle(WORKER, stage.verdict(claim, new Verdict.Bury(), 400));
    Unconditional.delete(stage.store.clients(), "abc");
    assertInstanceOf(Moved.NotFound.class, stage.store.tasks().retry(claim.id()));
    assertEquals(Optional.of(0L), stage.store.queues().replayDead("default", null, null));
    assertEquals(TaskState.DEAD, stage.state(claim.id()));
  }

  @Test
  void aClientWithAKeyRequiresIt() {
    stage.client("abc", 1);
    String key = stage.store.clients().addKey("abc", "digest", "", Scope.ALL).orElseThrow();
    assertInstanceOf(EnqueueResult.KeyRequired.class, stage.put(wish()));
    assertEquals("abc", stage.store.clients().keyOwner("digest").orElseThrow().clientId());
    assertEquals(ClientStore.KeyRevoked.DONE, stage.store.clients().revokeKey("abc", key));
    assertInstanceOf(EnqueueResult.KeyRequired.class, stage.put(wish()));
    assertTrue(stage.store.clients().keyOwner("digest").isEmpty());
  }

  @Test
  void aKeyKeepsItsNameAndScopesAndAnOldKeyHasAllScopes() {
    stage.client("abc", 1);
    ClientStore clients = stage.store.clients();
    assertEquals(Optional.of(List.of()), clients.keys("abc"));
    assertEquals(Optional.empty(), clients.keys("nobody"));
    String narrow = clients.addKey("abc", "narrow", "ci", Set.of(Scope.READ)).orElseThrow();
    stage.pass(Duration.ofSeconds(1));
    String wide = clients.addKey("abc", "wide", "", Scope.ALL).orElseThrow();
    List<ClientStore.KeyOwner> keys = clients.keys("abc").orElseThrow();
    assertEquals(List.of(narrow, wide), keys.stream().map(ClientStore.KeyOwner::keyId).toList());
    assertEquals("ci", keys.getFirst().name());
    assertEquals(Set.of(Scope.READ), keys.getFirst().scopes());
    assertEquals(keys.getFirst(), clients.keyOwner("narrow").orElseThrow());
    assertEquals(Scope.ALL, clients.keyOwner("wide").orElseThrow().scopes());
    stage.redis.hset("tr:{config}:keys", "old", "abc:id:1700000000");
    ClientStore.KeyOwner old = clients.keyOwner("old").orElseThrow();
    assertEquals(Scope.ALL, old.scopes());
    assertEquals("", old.name());
    clients.revokeKey("abc", narrow);
    assertEquals(1, clients.keys("abc").orElseThrow().size());
  }

  @Test
  void aRevokedAdminKeyStopsWorkingEverywhereWithinASecond() {
    AdminKeyStore here = stage.store.adminKeys();
    try (RedisStore other = RedisStore.open(StoreOptions.defaults(REDIS.settings()))) {
      AdminKeyStore there = other.adminKeys();
      assertEquals(Put.MADE, here.put("one", "digest", true, false, Duration.ZERO));
      AdminKey found = there.find("digest").orElseThrow();
      assertEquals("one", found.name());
      assertTrue(found.readOnly());
      assertTrue(there.known("digest").isPresent());
      assertEquals(Put.REPLACED, here.put("one", "another", false, true, Duration.ZERO));
      assertTrue(here.known("digest").isEmpty());
      assertTrue(here.delete("one"));
      assertFalse(here.delete("one"));
      assertTrue(here.find("another").isEmpty());
      long deadline = System.nanoTime() + Duration.ofMillis(1500).toNanos();
      while (there.find("digest").isPresent()) {
        assertTrue(System.nanoTime() < deadline, "a copy is older than a second");
        Thread.onSpinWait();
      }
      assertTrue(there.list().isEmpty());
    }
  }

  @Test
  void aReplacedAdminKeyMayStayValidForSomeTime() {
    AdminKeyStore keys = stage.store.adminKeys();
    assertEquals(Put.MADE, keys.put("one", "first", true, false, Duration.ZERO));
    assertEquals(Put.EXISTS, keys.put("one", "second", false, false, Duration.ZERO));
    assertTrue(keys.find("second").isEmpty());
    assertEquals(Put.REPLACED, keys.put("one", "second", null, true, Duration.ofHours(1)));
    assertTrue(keys.find("second").orElseThrow().readOnly(), "as the one before");
    assertEquals(2, keys.list().size());
    assertTrue(keys.list().getFirst().ends().isEmpty(), "the newest comes first");
    assertEquals(
        Instant.ofEpochMilli(Stage.START).plus(Duration.ofHours(1)),
        keys.find("first").orElseThrow().ends().orElseThrow());
    stage.pass(Duration.ofHours(1));
    assertEquals(1, keys.list().size());
    assertTrue(keys.find("first").isEmpty(), "its time is over");
    assertEquals(Put.REPLACED, keys.put("one", "third", false, true, Duration.ofHours(1)));
    assertEquals(Put.REPLACED, keys.put("one", "fourth", null, true, Duration.ofHours(1)));
    assertTrue(keys.find("second").isEmpty(), "two of a name at most");
    assertTrue(keys.find("third").isPresent());
    assertTrue(keys.delete("one"));
    assertTrue(keys.list().isEmpty());
  }

  @Test
  void aRecreatedClientThatNeverHadAKeyRequiresNone() {
    stage.client("abc", 1);
    Unconditional.delete(stage.store.clients(), "abc");
    stage.client("abc", 1);
    stage.enqueue(wish());
    stage.store.clients().addKey("abc", "digest", "", Scope.ALL);
    Unconditional.delete(stage.store.clients(), "abc");
    stage.client("abc", 1);
    assertInstanceOf(EnqueueResult.KeyRequired.class, stage.put(wish()));
  }
}
