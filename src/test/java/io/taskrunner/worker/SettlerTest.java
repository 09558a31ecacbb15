package io.taskrunner.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Settled;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.Verdict;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The verdicts that are kept, and for how long. */
class SettlerTest {

  private final Settler settler = new Settler(new WorkerMeters(new SimpleMeterRegistry()));

  private static PendingVerdict verdict(int n) {
    return new PendingVerdict(
        new TaskId(n, n), 1, new Verdict.Succeed(), null, new BreakerReport.Failed(5), 0);
  }

  private void deliver(long nowNanos) {
    List<PendingVerdict> batch = settler.next();
    settler.answered(batch, Collections.nCopies(batch.size(), Settled.DONE), nowNanos);
  }

  @Test
  void aBatchIsAtMost200AndInOrder() {
    for (int i = 0; i < 450; i++) {
      settler.add(verdict(i));
    }
    assertEquals(450, settler.untaken());
    assertEquals(200, settler.next().size());
    assertEquals(200, settler.next().getFirst().id().low());
    assertEquals(50, settler.next().size());
    assertFalse(settler.hasAny());
  }

  @Test
  void verdictsOfTheLastMinuteAreRepeatedAfterNewOnes() {
    long now = Duration.ofSeconds(100).toNanos();
    settler.add(verdict(1));
    deliver(now - Settler.KEPT_FOR.toNanos() - 1);
    settler.add(verdict(2));
    deliver(now - Settler.KEPT_FOR.toNanos());
    settler.sendAgain(now);
    settler.add(verdict(3));

    assertEquals(1, settler.untaken(), "what is repeated is not owed");
    List<PendingVerdict> batch = settler.next();
    assertEquals(List.of(3L, 2L), batch.stream().map(one -> one.id().low()).toList());
  }

  @Test
  void repeatedVerdictsAreKeptForAMinute() {
    settler.add(verdict(1));
    deliver(0);
    settler.sendAgain(Duration.ofSeconds(50).toNanos());
    deliver(Duration.ofSeconds(50).toNanos());
    settler.sendAgain(Duration.ofSeconds(61).toNanos());
    assertFalse(settler.hasAny());
  }

  @Test
  void aRepeatedVerdictDoesNotReportToTheBreakerAgain() {
    PendingVerdict one = verdict(1);
    settler.add(one);
    assertInstanceOf(BreakerReport.Failed.class, one.settlement(0).breaker());
    deliver(0);
    settler.sendAgain(0);
    assertSame(one, settler.next().getFirst());
    assertInstanceOf(BreakerReport.None.class, one.settlement(0).breaker());
  }

  @Test
  void theNumberOfKeptVerdictsIsBounded() {
    int more = Settler.KEPT_MAX + 1000;
    for (int i = 0; i < more; i++) {
      settler.add(verdict(i));
    }
    while (settler.hasAny()) {
      deliver(0);
    }
    settler.sendAgain(0);
    int repeated = 0;
    long first = settler.next().getFirst().id().low();
    repeated += Settler.BATCH_MAX;
    while (settler.hasAny()) {
      repeated += settler.next().size();
    }
    assertEquals(Settler.KEPT_MAX, repeated);
    assertEquals(1000, first, "the newest");
  }

  @Test
  void verdictsThatTheStoreOmittedAreDeliveredFirst() {
    for (int i = 1; i <= 4; i++) {
      settler.add(verdict(i));
    }
    List<PendingVerdict> batch = settler.next();
    settler.add(verdict(5));
    settler.answered(batch, List.of(Settled.DONE, Settled.DONE), 0);
    assertEquals(3, settler.untaken());
    List<PendingVerdict> next = settler.next();
    assertEquals(batch.subList(2, 4), next.subList(0, 2));
    assertEquals(3, next.size());
  }

  @Test
  void moreRepliesThanVerdictsAreABug() {
    settler.add(verdict(1));
    List<PendingVerdict> batch = settler.next();
    assertThrows(
        IllegalStateException.class,
        () -> settler.answered(batch, List.of(Settled.DONE, Settled.DONE), 0));
  }
}
