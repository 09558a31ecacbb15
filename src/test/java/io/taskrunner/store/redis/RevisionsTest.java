package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.client.Limits;
import io.taskrunner.client.Tier;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.ClientStore.Change;
import io.taskrunner.store.ClientStore.TierDeleted;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.ConfigStore.Thing;
import io.taskrunner.store.Expected;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.QueueStore.Deleted;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Moves;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Of two changes with the same precondition, one succeeds; of any two, the one decided last. */
class RevisionsTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final QueueSettings SETTINGS = QueueSettings.defaults(7);
  private static final Change DISABLED = ClientChange.of().enabled(false).done();

  private Stage stage;
  private QueueStore queues;
  private ClientStore clients;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
    queues = stage.store.queues();
    clients = stage.store.clients();
  }

  @AfterEach
  void close() {
    stage.proven();
    stage.close();
  }

  private static Expected at(long revision) {
    return new Expected.At(revision);
  }

  private long queue() {
    return queues.get("q").orElseThrow().revision();
  }

  private long client() {
    return clients.get("abc").orElseThrow().revision();
  }

  private long tier(String name) {
    return clients.tiers().stream()
        .filter(tier -> tier.name().equals(name))
        .findAny()
        .orElseThrow()
        .revision();
  }

  @Test
  void aQueueChangesOnlyIfItsRevisionMatches() throws ChangedMeanwhile {
    assertThrows(ChangedMeanwhile.class, () -> queues.put("q", SETTINGS, at(0)));
    assertTrue(queues.put("q", SETTINGS, Expected.ABSENT));
    assertThrows(ChangedMeanwhile.class, () -> queues.put("q", SETTINGS, Expected.ABSENT));
    long first = queue();
    assertFalse(queues.put("q", SETTINGS, at(first)));
    assertNotEquals(first, queue());
    assertThrows(ChangedMeanwhile.class, () -> queues.put("q", SETTINGS, at(first)));
    assertThrows(ChangedMeanwhile.class, () -> queues.delete("q", false, at(first)));
    stage.enqueue(wish().queue("q")); // It is open again.
    assertThrows(ChangedMeanwhile.class, () -> queues.delete("q", true, at(first)));
    assertEquals(Deleted.DONE, queues.delete("q", true, at(queue())));
    assertTrue(queues.put("q", SETTINGS, Expected.ABSENT));
    assertTrue(queue() > first);
  }

  @Test
  void aClientChangesOnlyIfItsRevisionMatches() throws ChangedMeanwhile {
    assertThrows(ChangedMeanwhile.class, () -> clients.set("abc", DISABLED, at(0)));
    clients.set("abc", DISABLED, Expected.ABSENT);
    long first = client();
    assertThrows(ChangedMeanwhile.class, () -> clients.set("abc", DISABLED, Expected.ABSENT));
    clients.set("abc", DISABLED, at(first));
    assertThrows(ChangedMeanwhile.class, () -> clients.set("abc", DISABLED, at(first)));
    assertThrows(ChangedMeanwhile.class, () -> clients.delete("abc", at(first)));
    assertEquals(
        Optional.empty(), clients.set("abc", ClientChange.of().tier("none").done(), at(client())));
    clients.set("abc", ClientChange.of().tier("free").done(), at(client())); // that cost nothing
    assertTrue(clients.delete("abc", at(client())));
    clients.set("abc", DISABLED, Expected.ABSENT);
    assertTrue(client() > first);
  }

  @Test
  void aTierChangesOnlyIfItsRevisionMatches() throws ChangedMeanwhile {
    Tier own = new Tier("own", new Limits(1, 2));
    clients.putTier(own, Expected.ABSENT);
    long first = tier("own");
    assertThrows(ChangedMeanwhile.class, () -> clients.putTier(own, Expected.ABSENT));
    clients.putTier(own, at(first));
    assertThrows(ChangedMeanwhile.class, () -> clients.putTier(own, at(first)));
    assertThrows(ChangedMeanwhile.class, () -> clients.deleteTier("own", at(first)));
    assertEquals(TierDeleted.DONE, clients.deleteTier("own", at(tier("own"))));
    clients.putTier(own, Expected.ABSENT);
    assertEquals(0, tier("free"));
    clients.putTier(new Tier("free", new Limits(1, 2)), at(0));
    assertThrows(
        ChangedMeanwhile.class, () -> clients.putTier(new Tier("free", new Limits(1, 2)), at(0)));
  }

  @Test
  void objectsWithoutARevisionCanBeExpectedToo() throws ChangedMeanwhile {
    Unconditional.put(queues, "q", SETTINGS);
    Unconditional.set(clients, "abc", DISABLED);
    stage.redis.keys("tr:{0}:queue:*:flow").forEach(flow -> stage.redis.hdel(flow, "rev"));
    stage.redis.hdel("tr:{0}:client:abc", "rev");
    stage.redis.del("tr:{config}:revisions", "tr:{config}:revisions:last");
    queues.put("q", SETTINGS, at(0));
    assertThrows(ChangedMeanwhile.class, () -> queues.put("q", SETTINGS, at(0)));
    clients.set("abc", DISABLED, at(0));
    assertThrows(ChangedMeanwhile.class, () -> clients.set("abc", DISABLED, at(0)));
  }

  @Test
  void oneOfManyConcurrentConditionalChangesSucceeds() throws Exception {
    for (int round = 0; round < 20; round++) {
      Unconditional.put(queues, "q", SETTINGS);
      Unconditional.set(clients, "abc", DISABLED);
      long queue = queue();
      long client = client();
      List<Callable<Boolean>> changes = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        int weight = 1 + i;
        changes.add(() -> made(() -> queues.put("q", QueueSettings.defaults(weight), at(queue))));
        changes.add(() -> made(() -> clients.set("abc", DISABLED, at(client))));
      }
      try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
        int made = 0;
        for (Future<Boolean> change : threads.invokeAll(changes)) {
          made += change.get() ? 1 : 0;
        }
        assertEquals(2, made);
      }
    }
  }

  private static boolean made(Callable<?> change) throws Exception {
    try {
      change.call();
      return true;
    } catch (ChangedMeanwhile changed) {
      return false;
    }
  }

  @Test
  void anEarlierDecisionDoesNotOvertakeALaterOne() {
    Unconditional.put(queues, "q", SETTINGS);
    Unconditional.set(clients, "abc", DISABLED);
    Unconditional.putTier(clients, new Tier("own", new Limits(1, 2)));
    String n = stage.redis.hget("tr:{config}:queues", "q");
    stage.moves.run(
        Script.PUT_QUEUE, n, "name", "q", "weight", "9", "rev", Long.toString(queue() - 1));
    assertEquals(7, queues.get("q").orElseThrow().settings().weight());
    stage.moves.run(Script.PUT_CLIENT, "abc", "rev", Long.toString(client() - 1), "on", "1");
    assertFalse(clients.get("abc").orElseThrow().settings().enabled());
    stage.moves.run(Script.PUT_TIER, "own", "5", "5", Long.toString(tier("own") - 1));
    assertEquals(new Limits(1, 2), clients.tiers().getLast().limits());
    stage.moves.run(Script.PUT_QUEUE, n, "name", "q", "weight", "9", "rev", Long.toString(queue()));
    assertEquals(9, queues.get("q").orElseThrow().settings().weight());
  }

  @Test
  void manyObjectsAreDecidedAtomicallyAndALaterChangeOfOneIsKept() throws ChangedMeanwhile {
    ConfigStore config = stage.store.configuration();
    Unconditional.put(queues, "q", SETTINGS);
    long last = config.lastRevision();
    List<Thing> things = new ArrayList<>(List.of(new Thing(ConfigStore.Kind.QUEUE, "q")));
    for (int i = 0; i < 2500; i++) {
      things.add(new Thing(ConfigStore.Kind.CLIENT, "client" + i));
    }
    long decided = config.decide(things, OptionalLong.of(last));
    assertEquals(decided, config.lastRevision());
    assertThrows(ChangedMeanwhile.class, () -> config.decide(things, OptionalLong.of(last)));
    long before = queue();
    assertThrows(ChangedMeanwhile.class, () -> queues.put("q", SETTINGS, at(before)));
    assertTrue(
        stage.redis.hget("tr:{config}:revisions", "client:client2499").startsWith(decided + ":"));
    Unconditional.put(queues, "q", QueueSettings.defaults(8));
    queues.put("q", QueueSettings.defaults(9), new Expected.Decided(decided));
    assertEquals(8, queues.get("q").orElseThrow().settings().weight());
    clients.set("client7", DISABLED, new Expected.Decided(decided));
    assertEquals(decided, clients.get("client7").orElseThrow().revision());
  }

  @Test
  void anAbandonedDecisionBlocksOnlyForSomeTime() throws ChangedMeanwhile {
    Unconditional.put(queues, "q", SETTINGS);
    long revision = queue();
    InstantSource clock = () -> Instant.ofEpochMilli(stage.now());
    Moves configMoves = new Moves(stage.link, Keys.config("tr"), Optional.of(clock));
    Args decision = Args.of("a word", 0, null, null, "queue:q", null);
    long decided = configMoves.run(Script.REVISE, decision).number();
    assertEquals(
        decided, configMoves.run(Script.REVISE, decision).number()); // reported again, not new
    assertThrows(ChangedMeanwhile.class, () -> queues.put("q", SETTINGS, at(revision)));
    stage.pass(Duration.ofMinutes(10));
    queues.put("q", SETTINGS, at(revision));
    assertTrue(queue() > decided);
  }
}
