package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.taskrunner.store.TargetHost;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A gate in its home: its answers to shards, whatever messages are lost, late or repeated. */
class GateScriptTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String HOST = "narrow.example.com";
  private static final String GATE = "h:" + HOST;
  private static final String WORKER = Stage.worker(1);
  private static final long LEASE_MILLIS = 10_000;
  private static final long PROMISE_MILLIS = 1_000;
  private static final long ASK_LATER = 3_000;
  private static final long INSIDE = -1;

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
  }

  @AfterEach
  void close() {
    stage.close();
  }

  private void limit(@Nullable Integer maxConcurrent, @Nullable Double perSec) {
    Unconditional.put(stage.store.hosts(), new TargetHost(HOST, maxConcurrent, perSec, 0));
  }

  private long say(int shard, char what, String about) {
    return stage
        .moves
        .run(Script.GATES, shard, WORKER, LEASE_MILLIS, String.valueOf(what), GATE, about)
        .number();
  }

  private boolean enters(int shard, String run) {
    return say(shard, 'e', run) == INSIDE;
  }

  @Test
  void admitsUpToTheLimitAndRepeatsTheReply() {
    limit(2, null);
    assertTrue(enters(0, "a"));
    assertTrue(enters(0, "b"));
    assertTrue(enters(0, "a"), "the answer to the first call was lost");
    assertEquals(ASK_LATER, say(0, 'e', "c"));
    say(0, 'f', "a");
    assertTrue(enters(0, "c"));
  }

  @Test
  void leavingTwiceFreesOnePlace() {
    limit(1, null);
    enters(0, "a");
    say(0, 'f', "a");
    enters(0, "b");
    say(0, 'f', "a");
    assertEquals(ASK_LATER, say(0, 'e', "c"), "b is inside");
  }

  @Test
  void freePlacesArePromisedToTheShardThatAskedFirst() {
    limit(1, null);
    enters(0, "a");
    assertTrue(say(7, 'w', "5") < 0);
    say(0, 'f', "a");
    assertEquals(ASK_LATER, say(0, 'e', "b"), "the place is shard 7's");
    assertTrue(enters(7, "c"));
    say(7, 'f', "c");
    assertEquals(ASK_LATER, say(7, 'e', "d"), "shard 0 asked before");
    assertTrue(enters(0, "b"));
  }

  @Test
  void anUnusedPromiseExpiresAndReturnsItsToken() {
    limit(null, 0.1);
    assertTrue(enters(0, "a"));
    stage.pass(Duration.ofSeconds(10));
    assertEquals(1, say(7, 'w', "5"));
    assertTrue(say(0, 'e', "x") > 0, "the token is promised");
    stage.pass(Duration.ofMillis(PROMISE_MILLIS + 1));
    beat();
    assertTrue(enters(0, "x"), "two seconds make a fifth of a token");
  }

  @Test
  void promisesOfBeforeALimitWasLoweredDoNotExceedIt() {
    limit(3, null);
    assertEquals(1, say(1, 'w', "1"));
    assertEquals(1, say(2, 'w', "1"));
    limit(1, null);
    assertEquals(ASK_LATER, say(1, 'e', "a"));
    assertEquals(ASK_LATER, say(2, 'e', "b"));
    stage.pass(Duration.ofMillis(PROMISE_MILLIS + 1));
    beat();
    assertEquals(ASK_LATER, say(2, 'e', "b"), "shard 1 asked before");
    assertTrue(enters(1, "a"));
    assertEquals(ASK_LATER, say(2, 'e', "b"));
  }

  @Test
  void aNewerClaimReplacesAnOlderOneOnlyWhileThatIsInside() {
    limit(1, null);
    String task = "t".repeat(16);
    assertTrue(enters(0, task + "claim1"));
    assertTrue(enters(0, task + "claim2" + "claim1"));
    say(0, 'f', task + "claim1");
    assertEquals(ASK_LATER, say(0, 'e', "b"), "the newer claim is inside");
    say(0, 'f', task + "claim2");
    assertTrue(enters(0, "b"));
    assertEquals(ASK_LATER, say(0, 'e', task + "claim3" + "claim2"), "its place was given away");
  }

  /** Without it the shard seems to have been unavailable, and nothing expires for a while. */
  private void beat() {
    stage.redis.hset("tr:{0}:shard", "beat", Long.toString(stage.now()));
    stage.redis.hset("tr:{0}:shard", "grace", "0");
  }

  @Test
  void theWaitForATokenIsReported() {
    limit(null, 4.0);
    int entered = 0;
    while (enters(0, "a" + entered)) {
      entered++;
    }
    assertEquals(250, say(0, 'e', "b"));
    stage.pass(Duration.ofMillis(125));
    assertEquals(125, say(0, 'e', "b"));
    stage.pass(Duration.ofMillis(125));
    assertTrue(enters(0, "b"));
  }

  @Test
  void placesSurviveALongOutage() {
    limit(1, null);
    enters(0, "a");
    stage.pass(Duration.ofMillis(10 * LEASE_MILLIS));
    assertEquals(ASK_LATER, say(0, 'e', "b"), "whether a still runs is unknown");
    say(0, 'k', "a");
    stage.pass(Duration.ofMillis(LEASE_MILLIS - 1));
    assertEquals(ASK_LATER, say(0, 'e', "b"));
  }

  @Test
  void aClockSetBackHoldsNoPlaceLonger() {
    limit(1, null);
    enters(0, "a");
    stage.pass(Duration.ofHours(-1));
    say(0, 'e', "b");
    for (int i = 0; i < 4; i++) {
      stage.pass(Duration.ofMillis(LEASE_MILLIS));
      beat();
      say(0, 'e', "b");
    }
    assertTrue(enters(0, "b"), "the worker of a is gone");
  }

  @Test
  void aFreePlaceIsAnnouncedToOneWorkerThatWantsIt() throws Exception {
    limit(1, null);
    enters(0, "a");
    assertTrue(say(5, 'w', "1") < 0);
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    try (StatefulRedisPubSubConnection<String, String> ear = REDIS.listen()) {
      ear.addListener(
          new RedisPubSubAdapter<>() {
            @Override
            public void message(String channel, String message) {
              heard.add(channel + " " + message);
            }
          });
      ear.sync().subscribe("tr:{5}:wake:" + WORKER);
      say(0, 'f', "a");
      assertEquals("tr:{5}:wake:" + WORKER + " room" + GATE, heard.poll(10, TimeUnit.SECONDS));
      assertNotNull(stage.redis.zscore("tr:{0}:gate:" + GATE, "p5#1"));
    }
  }

  @Test
  void withoutLimitsEveryTaskPasses() {
    for (int i = 0; i < 100; i++) {
      assertTrue(enters(0, "a" + i));
    }
    assertEquals(50, say(3, 'w', "50"));
    assertEquals(0, stage.redis.exists("tr:{0}:gate:" + GATE));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void neverAdmitsMoreThanTheLimits(long seed) {
    int most = 4;
    double perSec = 2;
    limit(most, perSec);
    Random random = new Random(seed);
    Map<String, Long> inside = new HashMap<>();
    List<String> known = new ArrayList<>();
    Set<String> counted = new HashSet<>();
    long begun = stage.now();
    for (int step = 0; step < 1_500; step++) {
      String where = "seed " + seed + ", step " + step;
      String old =
          known.isEmpty()
              ? "none"
              : known.get(known.size() - 1 - random.nextInt(Math.min(known.size(), 9)));
      int shard = random.nextInt(3);
      switch (random.nextInt(7)) {
        case 0, 1 -> {
          String run = "run-" + step;
          known.add(run);
          if (enters(shard, run)) {
            inside.put(run, stage.now() + 2 * LEASE_MILLIS);
            counted.add(run);
          }
        }
        case 2 -> {
          if (inside.containsKey(old)) {
            assertTrue(enters(shard, old), where + ": it is inside");
          }
        }
        case 3 -> {
          say(shard, 'f', old);
          inside.remove(old);
        }
        case 4 -> {
          if (inside.containsKey(old)) {
            say(shard, 'k', old);
            inside.put(old, stage.now() + 2 * LEASE_MILLIS);
          }
        }
        case 5 -> say(shard, 'w', "2");
        default -> {
          stage.pass(Duration.ofMillis(random.nextInt(10) == 0 ? 3_000 : random.nextInt(300)));
          beat();
        }
      }
      inside.values().removeIf(until -> until <= stage.now());
      assertTrue(inside.size() <= most, where + ": " + inside);
      double tokens = 10 + (stage.now() - begun) * perSec / 1000;
      assertTrue(counted.size() <= tokens, where + ": " + counted.size() + " of " + tokens);
    }
    assertTrue(counted.size() > 15, counted.size() + " entered");
  }
}
