package io.taskrunner.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.schedule.Cron.BadCron;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The due runs of a schedule: on time, late, after a long while, with jitter. */
class DueTest {

  private static final Instant BEGUN = Instant.parse("2026-01-01T00:00:00Z");
  private static final Jitter NO_JITTER = new Jitter("s", Duration.ZERO);

  private static Rhythm every(int seconds) {
    return new Rhythm.Every(Duration.ofSeconds(seconds));
  }

  private static Instant at(long seconds) {
    return BEGUN.plusSeconds(seconds);
  }

  private static List<Instant> ticks(int first, int last, int apart) {
    return IntStream.rangeClosed(first, last).mapToObj(i -> at((long) i * apart)).toList();
  }

  @Test
  void runsThatAreNotDueWait() {
    Due due = Due.of(every(60), CatchUp.ALL, NO_JITTER, at(60), at(60).minusMillis(1));
    assertEquals(List.of(), due.ticks());
    assertEquals(0, due.missed());
    assertEquals(at(60), due.next());
  }

  @Test
  void runsLessThanAMinuteLateHappenAfterMissedOnes() {
    for (CatchUp catchUp : CatchUp.values()) {
      Due due = Due.of(every(1), catchUp, NO_JITTER, at(1), at(60));
      assertEquals(ticks(1, 60, 1), due.ticks(), catchUp.word());
      assertEquals(0, due.missed(), catchUp.word());
      assertEquals(at(61), due.next(), catchUp.word());
    }
  }

  @Test
  void theLastMissedRunHappensOnlyIfNoneFollowed() {
    Due alone = Due.of(every(3600), CatchUp.LAST, NO_JITTER, at(3600), at(4 * 3600 - 1));
    assertEquals(List.of(at(3 * 3600)), alone.ticks());
    assertEquals(2, alone.missed());
    assertEquals(at(2 * 3600), alone.lastMissed().orElseThrow());
    Due followed = Due.of(every(30), CatchUp.LAST, NO_JITTER, at(30), at(300));
    assertEquals(ticks(9, 10, 30), followed.ticks());
    assertEquals(8, followed.missed());
  }

  @Test
  void afterDaysTheLastThousandRunsAreCaughtUp() throws BadCron {
    Instant now = at(200_000);
    for (Rhythm rhythm :
        List.of(every(1), new Rhythm.ByCron(Cron.parse("* * * * * *"), ZoneOffset.UTC))) {
      List<Instant> made = new ArrayList<>();
      Instant next = at(1);
      while (!next.isAfter(now)) {
        Due due = Due.of(rhythm, CatchUp.ALL, NO_JITTER, next, now);
        assertTrue(due.ticks().size() <= Due.AT_ONCE);
        made.addAll(due.ticks());
        next = due.next();
      }
      assertEquals(ticks(200_000 - Due.CAUGHT_UP_MAX + 1, 200_000, 1), made);
    }
  }

  @Test
  void jitterIsDeterministicAndBounded() {
    Jitter jitter = new Jitter("s", Duration.ofSeconds(10));
    List<Long> waits =
        ticks(1, 200, 60).stream()
            .map(tick -> Duration.between(tick, jitter.of(tick, every(60))).toMillis())
            .toList();
    assertTrue(waits.stream().allMatch(wait -> wait >= 0 && wait <= 10_000), waits::toString);
    assertTrue(waits.stream().distinct().count() > 100, waits::toString);
    assertEquals(
        jitter.of(at(60), every(60)),
        new Jitter("s", Duration.ofSeconds(10)).of(at(60), every(60)));
    assertFalse(
        jitter
            .of(at(60), every(60))
            .equals(new Jitter("other", Duration.ofSeconds(10)).of(at(60), every(60))));
  }

  @Test
  void jitterLosesNoRunAndKeepsTheOrder() throws BadCron {
    Rhythm minutely = new Rhythm.ByCron(Cron.parse("* * * * *"), ZoneOffset.UTC);
    for (CatchUp catchUp : CatchUp.values()) {
      Jitter jitter = new Jitter("s", Duration.ofHours(1));
      List<Instant> made = new ArrayList<>();
      Instant next = minutely.next(BEGUN);
      for (Instant now = BEGUN; now.isBefore(at(7200)); now = now.plusMillis(500)) {
        Due due = Due.of(minutely, catchUp, jitter, next, now);
        made.addAll(due.ticks());
        assertEquals(0, due.missed(), catchUp.word() + " at " + now);
        next = due.next();
      }
      assertTrue(made.size() >= 118, catchUp.word() + " " + made.size());
      assertEquals(ticks(1, made.size(), 60), made, catchUp.word());
    }
  }
}
