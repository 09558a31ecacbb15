package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.fail;

import io.taskrunner.testkit.RedisExtension;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random histories of everything together: several shards and processes, limits, operations on many
 * tasks, schedules, callbacks, purges and deletions, while connections break, answers are lost, a
 * shard is unreachable, processes die and the clock steps. See {@link MixedHistory}. A failure
 * prints its seed, which {@code -Dhistory.seed} repeats, as far as the timing of several threads
 * allows; {@code -Dhistory.seeds} is how many random ones the fault suite runs.
 */
class MixedHistoryTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  static LongStream few() {
    Long seed = Long.getLong("history.seed");
    return seed != null
        ? LongStream.of(seed)
        : LongStream.concat(LongStream.of(1, 2), new Random().longs(1, 100, Integer.MAX_VALUE));
  }

  static LongStream many() {
    return new Random().longs(Integer.getInteger("history.seeds", 20), 100, Integer.MAX_VALUE);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("few")
  @Timeout(120)
  void everyGuaranteeHoldsInRandomHistories(long seed) {
    check(seed);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("many")
  @Tag("faults")
  @Timeout(120)
  void everyPromiseHoldsInManyHistories(long seed) {
    check(seed);
  }

  private static void check(long seed) {
    try (MixedHistory history = new MixedHistory(REDIS, seed)) {
      try {
        history.run();
      } catch (RuntimeException | AssertionError failed) {
        fail("seed %d, %s%n%s".formatted(seed, failed, history.lastMoves()), failed);
      }
    }
  }
}
