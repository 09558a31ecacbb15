package io.taskrunner.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.TargetUrl;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A worker's count of the failures of a host. */
final class BreakerTest {

  private static final BreakerReport NONE = new BreakerReport.None();
  private static final BreakerReport GOOD_PROBE = new BreakerReport.Good();
  private static final Outcome GOOD = answered(200);
  private static final Outcome BAD = answered(500);
  private static final TargetUrl HOST = url("http://a.example/x");

  private Instant now = Instant.parse("2026-11-24T10:00:00Z");
  private final Breaker breaker = new Breaker(Duration.ofSeconds(60), () -> now);

  private BreakerReport record(Outcome outcome) {
    return breaker.record(HOST, outcome, false);
  }

  private static BreakerReport failed(int inARow) {
    return new BreakerReport.Failed(inARow);
  }

  @Test
  void failuresOfAnyKindAreCountedAndOtherResponsesResetTheCount() {
    List<Outcome> down =
        List.of(
            answered(500),
            answered(503),
            answered(599),
            new Outcome.TimedOut(Duration.ofSeconds(1)),
            unanswered(AttemptError.CONNECT_FAILED),
            unanswered(AttemptError.CONNECTION_LOST),
            unanswered(AttemptError.TLS_FAILED),
            unanswered(AttemptError.BAD_RESPONSE));
    for (int i = 0; i < down.size(); i++) {
      assertEquals(failed(i + 1), record(down.get(i)), down.get(i).toString());
    }
    List<Outcome> up = List.of(answered(200), answered(302), answered(404), answered(429));
    for (Outcome outcome : up) {
      assertEquals(NONE, record(outcome), outcome.toString());
      assertEquals(failed(1), record(BAD), "after " + outcome);
    }
  }

  @Test
  void outcomesUnrelatedToTheHostChangeNothing() {
    List<Outcome> silent =
        List.of(
            unanswered(AttemptError.BLOCKED_ADDRESS),
            new Outcome.Cancelled(),
            new Outcome.CutOff(),
            new Outcome.NotReady(Duration.ofSeconds(1)));
    record(BAD);
    for (Outcome outcome : silent) {
      assertEquals(NONE, record(outcome), outcome.toString());
      assertEquals(NONE, breaker.record(HOST, outcome, true), "probe: " + outcome);
    }
    assertEquals(failed(2), record(BAD));
  }

  @Test
  void theCountIsResetAfterAnIntervalWithoutAFailure() {
    record(BAD);
    now = now.plusSeconds(59);
    assertEquals(failed(2), record(BAD));
    now = now.plusSeconds(60);
    assertEquals(failed(1), record(BAD));
  }

  @Test
  void openingOrClosingABreakerResetsTheCount() {
    record(BAD);
    record(BAD);
    breaker.forget(HOST.hostAndPort());
    assertEquals(failed(1), record(BAD));
  }

  @Test
  void aProbeReportsItsResultAndIsNotCounted() {
    record(BAD);
    assertEquals(failed(1), breaker.record(HOST, BAD, true));
    assertEquals(failed(2), record(BAD));
    assertEquals(GOOD_PROBE, breaker.record(HOST, GOOD, true));
    assertEquals(failed(1), record(BAD));
  }

  @Test
  void hostsAndPortsAreCountedSeparately() {
    record(BAD);
    assertEquals(failed(1), breaker.record(url("http://b.example/"), BAD, false));
    assertEquals(failed(1), breaker.record(url("https://a.example/"), BAD, false));
    assertEquals(failed(2), breaker.record(url("http://a.example:80/other"), BAD, false));
  }

  @Test
  void theHostThatFailedLongestAgoIsForgottenFirst() {
    for (int i = 0; i <= Breaker.HOSTS_MAX; i++) {
      breaker.record(url("http://h" + i + ".example/"), BAD, false);
    }
    assertEquals(failed(2), breaker.record(url("http://h1.example/"), BAD, false));
    assertEquals(failed(1), breaker.record(url("http://h0.example/"), BAD, false));
  }

  private static Outcome answered(int status) {
    return new Outcome.Answered(status, Optional.empty());
  }

  private static Outcome unanswered(AttemptError error) {
    return new Outcome.Unanswered(error, "so");
  }

  private static TargetUrl url(String text) {
    return ((TargetUrl.Parsed.Good) TargetUrl.parse(text)).url();
  }
}
