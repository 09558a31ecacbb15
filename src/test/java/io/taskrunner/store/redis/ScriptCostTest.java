package io.taskrunner.store.redis;

import io.taskrunner.testkit.RedisExtension;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** No script blocks Redis for longer than its budget, whatever the state. */
class ScriptCostTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  @Test
  @Tag("faults")
  @Timeout(300)
  void noScriptExceedsItsBudgetOnLargeStates() {
    check(new Burdens.Size(10_000, 2_000, 500, 1_000, 4_000, 2_000, 60));
  }

  @Test
  @Tag("faults")
  @Timeout(1200)
  void noScriptExceedsItsBudgetOnHugeStates() {
    check(new Burdens.Size(1_000_000, 100_000, 10_000, 10_000, 100_000, 12_000, 300));
  }

  private static void check(Burdens.Size size) {
    try (Burdens burdens = new Burdens(REDIS, size)) {
      burdens.all();
      System.out.println(burdens.meter.table());
      burdens.meter.assertAllWithinBudget();
    }
  }
}
