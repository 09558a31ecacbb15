package io.taskrunner.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.dispatch.DispatchOptions.BreakerOptions;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.TargetUrl;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class BreakerTest {

  private static final BreakerReport NONE = new BreakerReport.None();
  private static final BreakerReport TRIP = new BreakerReport.Trip();
  private static final Outcome GOOD = answered(200);
  private static final Outcome BAD = answered(500);
  private static final TargetUrl HOST = url("http://a.example/x");

  private Instant now = Instant.parse("2026-11-24T10:00:00Z");
  private final Breaker breaker = breaker(3);

  private Breaker breaker(int threshold) {
    return new Breaker(
        new BreakerOptions(threshold, Duration.ofSeconds(30), Duration.ofSeconds(60)), () -> now);
  }

  private BreakerReport record(Outcome outcome) {
    return breaker.record(HOST, outcome, false);
  }

  private void trip() {
    record(BAD);
    record(BAD);
    assertEquals(TRIP, record(BAD));
  }

  @Test
  void itTripsAtTheThresholdAndKeepsTheHostShutForItsTimeout() {
    assertEquals(NONE, record(BAD));
    assertEquals(NONE, record(BAD));
    assertEquals(Optional.empty(), breaker.openFor(HOST));
    assertEquals(TRIP, record(BAD));
    assertEquals(Optional.of(Duration.ofSeconds(30)), breaker.openFor(HOST));
    now = now.plusSeconds(29);
    assertEquals(Optional.of(Duration.ofSeconds(1)), breaker.openFor(HOST));
    now = now.plusSeconds(1);
    assertEquals(Optional.empty(), breaker.openFor(HOST));
  }

  @Test
  void whateverShowsAHostDownCountsAndOtherAnswersDoNot() {
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
    for (Outcome outcome : down) {
      assertEquals(TRIP, breaker(1).record(HOST, outcome, false), outcome.toString());
    }
    List<Outcome> up = List.of(answered(200), answered(302), answered(404), answered(429));
    for (Outcome outcome : up) {
      assertEquals(NONE, breaker(1).record(HOST, outcome, false), outcome.toString());
    }
  }

  @Test
  void whatSaysNothingOfTheHostChangesNothing() {
    List<Outcome> silent =
        List.of(
            unanswered(AttemptError.BLOCKED_ADDRESS),
            new Outcome.Cancelled(),
            new Outcome.CutOff(),
            new Outcome.BreakerOpen(Duration.ofSeconds(1)));
    record(BAD);
    record(BAD);
    for (Outcome outcome : silent) {
      assertEquals(NONE, record(outcome), outcome.toString());
      assertEquals(NONE, breaker.record(HOST, outcome, true), "probe: " + outcome);
    }
    assertEquals(TRIP, record(BAD));
  }

  @Test
  void aGoodAnswerBeginsTheCountAnew() {
    record(BAD);
    record(BAD);
    record(GOOD);
    assertEquals(NONE, record(BAD));
    assertEquals(NONE, record(BAD));
    assertEquals(TRIP, record(BAD));
  }

  @Test
  void theCountIsForgottenAfterAnIntervalWithoutAFailure() {
    record(BAD);
    record(BAD);
    now = now.plusSeconds(59);
    assertEquals(TRIP, record(BAD));
    now = now.plusSeconds(120);
    record(BAD);
    record(BAD);
    now = now.plusSeconds(60);
    assertEquals(NONE, record(BAD));
    assertEquals(NONE, record(BAD));
    assertEquals(TRIP, record(BAD));
  }

  @Test
  void whatWasUnderWayWhenItOpenedSaysNothingNew() {
    trip();
    assertEquals(NONE, record(BAD));
    assertEquals(NONE, record(BAD));
    assertEquals(NONE, record(BAD));
    assertEquals(NONE, record(GOOD));
    assertEquals(Optional.of(Duration.ofSeconds(30)), breaker.openFor(HOST));
  }

  @Test
  void aProbeTellsAndDecides() {
    trip();
    assertEquals(new BreakerReport.Good(), breaker.record(HOST, GOOD, true));
    assertEquals(Optional.empty(), breaker.openFor(HOST));
    trip();
    now = now.plusSeconds(30);
    assertEquals(new BreakerReport.Bad(), breaker.record(HOST, BAD, true));
    assertEquals(Optional.of(Duration.ofSeconds(30)), breaker.openFor(HOST));
  }

  @Test
  void aThresholdOfZeroIsOff() {
    Breaker off = breaker(0);
    for (int i = 0; i < 100; i++) {
      assertEquals(NONE, off.record(HOST, BAD, false));
    }
    assertEquals(Optional.empty(), off.openFor(HOST));
    assertEquals(
        new BreakerReport.Bad(),
        off.record(HOST, BAD, true),
        "a probe of the store's is still told of");
    assertEquals(Optional.empty(), off.openFor(HOST));
  }

  @Test
  void hostsAndPortsAreApart() {
    trip();
    assertEquals(Optional.empty(), breaker.openFor(url("http://b.example/")));
    assertEquals(Optional.empty(), breaker.openFor(url("https://a.example/")));
    assertTrue(breaker.openFor(url("http://a.example:80/other")).isPresent());
  }

  @Test
  void theHostThatFailedLongestAgoIsForgottenFirst() {
    Breaker one = breaker(1);
    for (int i = 0; i <= Breaker.HOSTS_MAX; i++) {
      one.record(url("http://h" + i + ".example/"), BAD, false);
    }
    assertEquals(Optional.empty(), one.openFor(url("http://h0.example/")));
    assertTrue(one.openFor(url("http://h1.example/")).isPresent());
    assertTrue(one.openFor(url("http://h" + Breaker.HOSTS_MAX + ".example/")).isPresent());
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
