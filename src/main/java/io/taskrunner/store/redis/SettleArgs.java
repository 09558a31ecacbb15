package io.taskrunner.store.redis;

import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Settlement;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.record.LogEntry;
import io.taskrunner.store.redis.record.Packed;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Verdict;
import java.time.Duration;

/** A verdict as {@code settle.lua} takes it. */
final class SettleArgs {

  private static final int FACTS_BYTES = 36;
  private static final long HOST_IS_GOOD = (1L << 32) - 1;
  private static final byte[] EMPTY = new byte[0];

  private SettleArgs() {}

  /** Adds a verdict. */
  static void add(Args args, Settlement settlement) {
    args.add(facts(settlement)).add(logEntry(settlement));
  }

  private static byte[] facts(Settlement settlement) {
    Duration delay =
        switch (settlement.verdict()) {
          case Verdict.Retry(Duration in) -> in.minus(settlement.age());
          case Verdict.PutBack(Duration in) -> in.minus(settlement.age());
          case Verdict.Succeed _, Verdict.Bury _, Verdict.Hold _, Verdict.Cancel _ -> Duration.ZERO;
        };
    char kind =
        switch (settlement.verdict()) {
          case Verdict.Succeed _ -> 's';
          case Verdict.Retry _ -> 'r';
          case Verdict.Bury _ -> 'd';
          case Verdict.PutBack _ -> 'b';
          case Verdict.Hold _ -> 'h';
          case Verdict.Cancel _ -> 'c';
        };
    long report =
        switch (settlement.breaker()) {
          case BreakerReport.None _ -> 0;
          case BreakerReport.Good _ -> HOST_IS_GOOD;
          case BreakerReport.Failed(int inARow) -> inARow;
        };
    Attempt attempt = settlement.attempt();
    return new Packed(FACTS_BYTES)
        .put(settlement.id())
        .put(settlement.claim(), 6)
        .put(kind, 1)
        .put(delay.isPositive() ? delay.toMillis() : 0, 6)
        .put(attempt == null ? 0 : attempt.status().orElse(0), 2)
        .put(attempt == null ? 0 : attempt.error().map(AttemptError::code).orElse(0), 1)
        .put(report, 4)
        .toByteArray();
  }

  /** An immediate success is not logged: it is recorded in the head. */
  private static byte[] logEntry(Settlement settlement) {
    if (settlement.verdict() instanceof Verdict.Hold(String gate)) {
      return Keys.bytes(gate);
    }
    Attempt attempt = settlement.attempt();
    boolean untold =
        attempt == null
            || (attempt.number() == 1 && settlement.verdict() instanceof Verdict.Succeed);
    return attempt == null || untold ? EMPTY : LogEntry.write(attempt);
  }
}
