package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds a queue's own limits over many shards. */
class PermitTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final String QUEUE = "limited";
  private static final String WHO = "5:00000000000000aa";
  private static final long LEASE_MILLIS = 10_000;
  private static final int MAX = 4;
  private static final double PER_SEC = 2;
  private static final int BURST = 3;
  private static final int STEPS = 1_500;

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
  }

  @AfterEach
  void close() {
    stage.close();
  }

  private void limits(Double perSec, Integer burst, Integer maxConcurrent) {
    stage.store.queues().put(QUEUE, Stage.settings(1, perSec, burst, maxConcurrent));
  }

  private List<Long> permit(List<String> ids) {
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(stage.n(QUEUE)));
    args.add(Keys.bytes(WHO));
    args.add(Keys.bytes(LEASE_MILLIS));
    ids.forEach(id -> args.add(Keys.bytes(id)));
    return stage.moves.run(Script.PERMIT, args.toArray(byte[][]::new));
  }

  private long giveBack(List<String> ids, boolean unused) {
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(stage.n(QUEUE)));
    for (String id : ids) {
      args.add(Keys.bytes(id));
      args.add(Keys.bytes(unused ? 1 : 0));
    }
    return stage.moves.<Long>run(Script.RETURN_PERMITS, args.toArray(byte[][]::new));
  }

  private void keep(List<String> ids) {
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(stage.n(QUEUE)));
    args.add(Keys.bytes(LEASE_MILLIS));
    ids.forEach(id -> args.add(Keys.bytes(id)));
    stage.moves.run(Script.KEEP_PERMITS, args.toArray(byte[][]::new));
  }

  @Test
  void noMoreAreGivenThanMayRunAndOneThatComesBackIsGivenAgain() {
    limits(null, null, 2);
    assertEquals(List.of(2L, -1L), permit(List.of("a", "b", "c")));
    assertEquals(List.of(0L, -1L), permit(List.of("c")));
    assertEquals(1, giveBack(List.of("a"), false));
    assertEquals(0, giveBack(List.of("a"), false), "it came back before");
    assertEquals(List.of(1L, -1L), permit(List.of("c", "d")));
  }

  @Test
  void theSameCallAgainIsGivenTheSame() {
    limits(1.0, 2, 3);
    List<String> ids = List.of("a", "b");
    assertEquals(List.of(2L, -1L), permit(ids));
    assertEquals(List.of(2L, -1L), permit(ids), "its answer was lost");
    assertEquals(
        List.of(0L, 1000L), permit(List.of("c")), "no token was taken twice, none is left");
  }

  @Test
  void theNextTokenIsTold() {
    limits(4.0, 1, null);
    assertEquals(List.of(1L, 250L), permit(List.of("a", "b")));
    stage.pass(Duration.ofMillis(125));
    assertEquals(List.of(0L, 125L), permit(List.of("b")));
    stage.pass(Duration.ofMillis(125));
    assertEquals(List.of(1L, -1L), permit(List.of("b")));
  }

  @Test
  void whatNobodyKeepsRunsOut() {
    limits(null, null, 1);
    permit(List.of("a"));
    stage.pass(Duration.ofMillis(LEASE_MILLIS - 1));
    keep(List.of("a"));
    stage.pass(Duration.ofMillis(LEASE_MILLIS - 1));
    assertEquals(List.of(0L, -1L), permit(List.of("b")));
    stage.pass(Duration.ofMillis(1));
    assertEquals(List.of(1L, -1L), permit(List.of("b")));
  }

  @Test
  void aPausedQueueGivesNone() {
    limits(null, null, 1);
    stage.store.queues().pause(QUEUE, true);
    assertEquals(List.of(0L, -1L), permit(List.of("a")));
  }

  @Test
  void whoGotTooFewIsWokenWhenOneComesBack() throws Exception {
    limits(null, null, 1);
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    try (StatefulRedisPubSubConnection<String, String> ears = REDIS.listen()) {
      ears.addListener(
          new RedisPubSubAdapter<>() {
            @Override
            public void message(String channel, String message) {
              heard.add(channel + " " + message);
            }
          });
      ears.sync().subscribe("tr:{5}:wake:00000000000000aa");
      permit(List.of("a"));
      permit(List.of("b"));
      assertNull(heard.poll());
      giveBack(List.of("a"), true);
      assertEquals(
          "tr:{5}:wake:00000000000000aa permit" + stage.n(QUEUE), heard.poll(10, TimeUnit.SECONDS));
    }
  }

  /** The same in plain Java. */
  private static final class Model {
    final Map<String, Long> out = new HashMap<>();
    double tokens = BURST;
    long tokensAt;

    Model(long now) {
      tokensAt = now;
    }

    private void refill(long now) {
      if (now > tokensAt) {
        tokens = Math.min(BURST, tokens + (now - tokensAt) * PER_SEC / 1000);
      }
      tokensAt = now;
    }

    List<Long> permit(long now, List<String> ids) {
      out.values().removeIf(end -> end <= now);
      refill(now);
      long given = 0;
      for (String id : ids) {
        if (!out.containsKey(id)) {
          if (out.size() >= MAX) {
            return List.of(given, -1L);
          }
          if (tokens < 1) {
            return List.of(given, (long) Math.ceil((1 - tokens) * 1000 / PER_SEC));
          }
          out.put(id, now + LEASE_MILLIS);
          tokens -= 1;
        }
        given++;
      }
      return List.of(given, -1L);
    }

    long giveBack(long now, List<String> ids, boolean unused) {
      refill(now);
      long returned = 0;
      for (String id : ids) {
        if (out.remove(id) != null) {
          returned++;
          if (unused) {
            tokens = Math.min(BURST, tokens + 1);
          }
        }
      }
      return returned;
    }

    void keep(long now, List<String> ids) {
      ids.forEach(id -> out.put(id, now + LEASE_MILLIS));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void aRandomHistoryGoesAsInPlainJava(long seed) {
    limits(PER_SEC, BURST, MAX);
    Model model = new Model(stage.now());
    Random random = new Random(seed);
    List<String> known = new ArrayList<>();
    List<String> last = List.of("first");
    for (int step = 0; step < STEPS; step++) {
      String where = "seed " + seed + ", step " + step;
      switch (random.nextInt(8)) {
        case 0, 1 -> {
          List<String> ids = new ArrayList<>();
          for (int i = random.nextInt(4); i >= 0; i--) {
            ids.add(step + "-" + i);
          }
          known.addAll(ids);
          last = ids;
          assertEquals(model.permit(stage.now(), ids), permit(ids), where);
        }
        case 2 -> assertEquals(model.permit(stage.now(), last), permit(last), where);
        case 3, 4 -> {
          List<String> ids = some(known, random);
          boolean unused = random.nextBoolean();
          assertEquals(model.giveBack(stage.now(), ids, unused), giveBack(ids, unused), where);
        }
        case 5 -> {
          List<String> ids = model.out.keySet().stream().sorted().limit(2).toList();
          if (!ids.isEmpty()) {
            model.keep(stage.now(), ids);
            keep(ids);
          }
        }
        case 6 -> stage.pass(Duration.ofMillis(random.nextInt(3_000)));
        default ->
            stage.pass(
                Duration.ofMillis(
                    switch (random.nextInt(10)) {
                      case 0 -> LEASE_MILLIS + 1;
                      case 1 -> -5_000;
                      default -> random.nextInt(200);
                    }));
      }
    }
  }

  private static List<String> some(List<String> known, Random random) {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 3 && !known.isEmpty(); i++) {
      ids.add(known.get(known.size() - 1 - random.nextInt(Math.min(known.size(), 12))));
    }
    return ids.stream().distinct().toList();
  }
}
