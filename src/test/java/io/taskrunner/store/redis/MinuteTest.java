package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.EnqueueResult.Accepted;
import io.taskrunner.store.EnqueueResult.RateLimited;
import io.taskrunner.testkit.RedisExtension;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Requests per minute: never more than the limit in any 60 s, and never rejected for longer than
 * necessary.
 */
class MinuteTest {

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

  private boolean accepted() {
    return stage.put(wish().retention(Duration.ZERO)) instanceof EnqueueResult.Enqueued;
  }

  @Test
  void theLimitHoldsInAnySixtySeconds() {
    stage.client("abc", 5, 12);
    Random random = new Random(7);
    List<Long> times = new ArrayList<>();
    for (int i = 0; i < 1500; i++) {
      stage.pass(
          Duration.ofMillis(
              random.nextInt(20) == 0 ? random.nextInt(30_000) : random.nextInt(900)));
      int asked = 1 + random.nextInt(3);
      for (int k = 0; k < asked; k++) {
        long inWindow = times.stream().filter(at -> at > stage.now() - 60_000).count();
        boolean taken = accepted();
        if (taken) {
          assertTrue(inWindow < 12, "one more than 12 in a minute, at step " + i);
          times.add(stage.now());
        } else {
          // A place is free 60 s after it was taken, give or take the 10 ms that are merged.
          long surely = times.stream().filter(at -> at > stage.now() - 60_010).count();
          assertTrue(surely >= 12, "refused with " + surely + " in a minute, at step " + i);
        }
      }
    }
    assertTrue(times.size() > 200);
  }

  @Test
  void retryAfterIsNeitherEarlyNorLate() {
    stage.client("abc", 5, 2);
    assertTrue(accepted());
    stage.pass(Duration.ofSeconds(10));
    assertTrue(accepted());
    stage.pass(Duration.ofSeconds(5));
    RateLimited refused = assertInstanceOf(RateLimited.class, stage.put(wish()));
    assertEquals(0, refused.quota().remaining());
    assertTrue(
        refused.retryAfter().toMillis() > 44_999 && refused.retryAfter().toMillis() <= 45_010);
    stage.pass(refused.retryAfter().minusMillis(1));
    assertInstanceOf(RateLimited.class, stage.put(wish()));
    stage.pass(Duration.ofMillis(1));
    Accepted taken = assertInstanceOf(Accepted.class, stage.put(wish()));
    assertEquals(0, taken.quota().remaining());
    assertTrue(!taken.quota().fullAgain().isBefore(Instant.ofEpochMilli(stage.now() + 60_000)));
  }

  @Test
  void aClockSetBackNeitherFreesNorHoldsLonger() {
    stage.client("abc", 5, 3);
    for (int i = 0; i < 3; i++) {
      assertTrue(accepted());
      stage.pass(Duration.ofMillis(50));
    }
    stage.pass(Duration.ofMinutes(-30));
    RateLimited refused = assertInstanceOf(RateLimited.class, stage.put(wish()));
    assertTrue(refused.retryAfter().toMillis() <= 60_010);
    stage.proven();
    stage.pass(Duration.ofMillis(59_999));
    assertInstanceOf(RateLimited.class, stage.put(wish()));
    stage.pass(Duration.ofMillis(11));
    assertTrue(accepted());
  }

  @Test
  void aMinuteOfManyEntriesExpiresInOneStep() {
    stage.client("abc", 5, 5000);
    for (int i = 0; i < 350; i++) {
      assertTrue(accepted());
      stage.pass(Duration.ofMillis(11));
    }
    stage.pass(Duration.ofMillis(60_000));
    // Asked with a lower limit of its own: none of the 350 counts any more.
    Accepted taken = assertInstanceOf(Accepted.class, stage.put(wish().limits(null, 10)));
    assertEquals(9, taken.quota().remaining());
    assertEquals(1, stage.counts("abc").accepted());
    assertEquals(1, stage.redis.llen("tr:{0}:client:abc:minute"));
  }

  @Test
  void aLoweredLimitAppliesAtOnce() {
    stage.client("abc", 5, 200);
    for (int i = 0; i < 150; i++) {
      assertTrue(accepted());
    }
    stage.client("abc", 5, 100);
    RateLimited refused = assertInstanceOf(RateLimited.class, stage.put(wish()));
    assertEquals(0, refused.quota().remaining());
    stage.pass(Duration.ofMillis(60_010));
    assertTrue(accepted());
  }
}
