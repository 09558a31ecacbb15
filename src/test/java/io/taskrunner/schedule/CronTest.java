package io.taskrunner.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.taskrunner.schedule.Cron.BadCron;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneOffsetTransition;
import java.time.zone.ZoneRules;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Cron expressions, in zones without and with clock changes. */
class CronTest {

  private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");

  /** The next times from one on, as the clock of a zone shows them, with its offset. */
  private static List<String> next(String cron, String after, ZoneId zone, int count)
      throws BadCron {
    Cron parsed = Cron.parse(cron);
    List<String> times = new ArrayList<>();
    Instant at = Instant.parse(after);
    for (int i = 0; i < count; i++) {
      at = parsed.next(at, zone);
      times.add(at.atZone(zone).toOffsetDateTime().toString());
    }
    return times;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "* * * * *             | 2026-01-01T00:00:00Z | 2026-01-01T00:01Z",
        "* * * * *             | 2026-01-01T00:00:59.999Z | 2026-01-01T00:01Z",
        "*/5 * * * *           | 2026-01-01T00:00:00Z | 2026-01-01T00:05Z",
        "3/20 * * * *          | 2026-01-01T00:30:00Z | 2026-01-01T00:43Z",
        "0-10/5,59 * * * *     | 2026-01-01T00:10:00Z | 2026-01-01T00:59Z",
        "30 14 * * *           | 2026-01-01T14:30:00Z | 2026-01-02T14:30Z",
        "*/10 * * * * *        | 2026-01-01T00:00:05Z | 2026-01-01T00:00:10Z",
        "15 30 14 * * *        | 2026-01-01T00:00:00Z | 2026-01-01T14:30:15Z",
        "0 0 1 * *             | 2026-01-01T00:00:00Z | 2026-02-01T00:00Z",
        "0 0 L * *             | 2026-02-01T00:00:00Z | 2026-02-28T00:00Z",
        "0 0 l feb ?           | 2028-01-01T00:00:00Z | 2028-02-29T00:00Z",
        "0 0 29 2 *            | 2096-03-01T00:00:00Z | 2104-02-29T00:00Z",
        "0 0 29 2 */2,1        | 2032-03-01T00:00:00Z | 2044-02-29T00:00Z",
        "0 0 29 2 */7          | 1888-03-01T00:00:00Z | 1920-02-29T00:00Z",
        "0 0 31 * *            | 2026-03-31T00:00:00Z | 2026-05-31T00:00Z",
        "0 0 * jan-mar mon     | 2026-03-31T00:00:00Z | 2027-01-04T00:00Z",
        "0 9 * * MON-FRI       | 2026-01-02T09:00:00Z | 2026-01-05T09:00Z",
        "0 9 * * sat-sun       | 2026-01-05T09:00:00Z | 2026-01-10T09:00Z",
        "0 9 * * 7             | 2026-01-05T09:00:00Z | 2026-01-11T09:00Z",
        "0 9 * * 0             | 2026-01-05T09:00:00Z | 2026-01-11T09:00Z",
        "0 0 13 * 5            | 2026-01-01T00:00:00Z | 2026-01-02T00:00Z",
        "0 0 13 * 5            | 2026-01-09T00:00:00Z | 2026-01-13T00:00Z",
        "0 0 */2 * 5           | 2026-01-01T00:00:00Z | 2026-01-09T00:00Z",
        "@hourly               | 2026-01-01T00:30:00Z | 2026-01-01T01:00Z",
        "@daily                | 2026-01-01T00:00:00Z | 2026-01-02T00:00Z",
        "@Midnight             | 2026-01-01T00:00:00Z | 2026-01-02T00:00Z",
        "@weekly               | 2026-01-01T00:00:00Z | 2026-01-04T00:00Z",
        "@monthly              | 2026-01-01T00:00:00Z | 2026-02-01T00:00Z",
        "@yearly               | 2026-01-01T00:00:00Z | 2027-01-01T00:00Z",
        "@annually             | 2026-12-31T23:59:59Z | 2027-01-01T00:00Z",
      })
  void anExpressionRunsAtTheExpectedTimes(String cron, String after, String next) throws BadCron {
    assertEquals(List.of(next), next(cron, after, ZoneOffset.UTC, 1));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''                | \"\" (expected: 5 fields",
        "* * * *           | \"* * * *\" (expected: 5 fields",
        "* * * * * * *     | \"* * * * * * *\" (expected: 5 fields",
        "60 * * * *        | minute: \"60\" (expected: 0 to 59)",
        "60 * * * * *      | second: \"60\" (expected: 0 to 59)",
        "* 24 * * *        | hour: \"24\" (expected: 0 to 23)",
        "* -1 * * *        | hour: \"-1\" (expected: 0 to 23)",
        "* * 0 * *         | day of month: \"0\" (expected: 1 to 31, or L for the last day)",
        "* * * 13 *        | month: \"13\" (expected: 1 to 12, or JAN to DEC)",
        "* * * * 8         | day of week: \"8\" (expected: 0 to 7, or SUN to SAT)",
        "* * * * MONDAY    | day of week: \"MONDAY\" (expected: 0 to 7, or SUN to SAT)",
        "*/0 * * * *       | minute: \"*/0\" (expected: a step of 1 or more",
        "*/x * * * *       | minute: \"*/x\" (expected: a step of 1 or more",
        "1/2/3 * * * *     | minute: \"1/2/3\" (expected: a step of 1 or more",
        "5-1 * * * *       | minute: \"5-1\" (expected: a range whose end",
        "1-2-3 * * * *     | minute: \"1-2-3\" (expected: a range a-b)",
        "1,,2 * * * *      | minute: \"1,,2\" (expected: 0 to 59)",
        "? * * * *         | minute: \"?\" (expected: 0 to 59)",
        "* * 15W * *       | day of month: \"15W\" (expected: 1 to 31",
        "0 0 30 2 *        | day of month: \"30\" (expected: a day that exists in one of the months)",
        "0 0 31 4,6,9,11 * | day of month: \"31\" (expected: a day that exists in one of the months)",
        "@often            | \"@often\" (expected: one of @annually @daily @hourly",
        "@reboot           | \"@reboot\" (expected: one of",
      })
  void anInvalidExpressionIsRejectedWithFieldAndReason(String cron, String message) {
    String told = assertThrows(BadCron.class, () -> Cron.parse(cron)).getMessage();
    assertEquals(message, told.substring(0, Math.min(message.length(), told.length())));
  }

  @Test
  void aSkippedLocalTimeRunsAtTheTransition() throws BadCron {
    assertEquals(
        List.of("2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"),
        next("30 2 * * *", "2026-03-27T12:00:00Z", BERLIN, 3));
    // Two skipped times run once, and so does one that is set at that very moment.
    assertEquals(
        List.of("2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00", "2026-03-30T02:10+02:00"),
        next("10,30 2,3 * * *", "2026-03-29T00:59:59Z", BERLIN, 5).stream()
            .filter(time -> !time.contains("T03:10") && !time.contains("30T02:30"))
            .limit(3)
            .toList());
    assertEquals(
        List.of("2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"),
        next("0 2,3 * * *", "2026-03-29T00:59:59Z", BERLIN, 2));
  }

  @Test
  void aRepeatedLocalTimeRunsOnlyTheFirstTime() throws BadCron {
    assertEquals(
        List.of("2026-10-24T02:30+02:00", "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"),
        next("30 2 * * *", "2026-10-23T12:00:00Z", BERLIN, 3));
    // Set in between: it had its turn.
    assertEquals(
        List.of("2026-10-26T02:30+01:00"), next("30 2 * * *", "2026-10-25T01:10:00Z", BERLIN, 1));
  }

  @Test
  void intervalsOfRealTimeContinueThroughTransitions() throws BadCron {
    assertEquals(
        List.of("2026-03-29T01:30+01:00", "2026-03-29T03:30+02:00", "2026-03-29T04:30+02:00"),
        next("30 * * * *", "2026-03-29T00:00:00Z", BERLIN, 3));
    assertEquals(
        List.of("2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00", "2026-10-25T03:30+01:00"),
        next("30 * * * *", "2026-10-25T00:00:00Z", BERLIN, 3));
    assertEquals(
        List.of("2026-03-29T01:40+01:00", "2026-03-29T03:00+02:00"),
        next("*/20 * * * *", "2026-03-29T00:20:00Z", BERLIN, 2));
    // Hours that the clock leaves out are left out.
    assertEquals(
        List.of("2026-03-30T02:00+02:00"), next("*/30 2 * * *", "2026-03-28T02:00:00Z", BERLIN, 1));
  }

  @Test
  void aSkippedDayRunsWhenItWouldHaveEnded() throws BadCron {
    assertEquals(
        List.of("2011-12-29T12:00-10:00", "2011-12-31T00:00+14:00", "2011-12-31T12:00+14:00"),
        next("0 12 * * *", "2011-12-29T20:00:00Z", ZoneId.of("Pacific/Apia"), 3));
  }

  /** All moments of some days, second by minute, checked against the definition. */
  private static TreeSet<Instant> slowly(
      Cron cron, boolean realTime, Instant from, Instant to, ZoneRules rules) {
    TreeSet<Instant> all = new TreeSet<>();
    if (realTime) {
      for (Instant at = from; at.isBefore(to); at = at.plusSeconds(60)) {
        if (isTimeOf(cron, LocalDateTime.ofInstant(at, rules.getOffset(at)))) {
          all.add(at);
        }
      }
      return all;
    }
    LocalDateTime last = LocalDateTime.ofInstant(to, rules.getOffset(to));
    for (LocalDateTime local = LocalDateTime.ofInstant(from, rules.getOffset(from)).minusDays(2);
        local.isBefore(last);
        local = local.plusMinutes(1)) {
      if (isTimeOf(cron, local)) {
        ZoneOffsetTransition change = rules.getTransition(local);
        all.add(
            change != null && change.isGap()
                ? change.getInstant()
                : local.toInstant(rules.getValidOffsets(local).getFirst()));
      }
    }
    all.removeIf(at -> at.isBefore(from) || !at.isBefore(to));
    return all;
  }

  /**
   * Whether a still clock's time is one of an expression's: it is the next after the second before.
   */
  private static boolean isTimeOf(Cron cron, LocalDateTime local) {
    Instant at = local.toInstant(ZoneOffset.UTC);
    return cron.next(at.minusSeconds(1), ZoneOffset.UTC).equals(at);
  }

  @Test
  void aroundTransitionsItAgreesWithASlowImplementation() throws BadCron {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    List<String> zones =
        List.of(
            "Europe/Berlin",
            "America/New_York",
            "America/Sao_Paulo", // changed at midnight
            "Australia/Lord_Howe", // by half an hour
            "Africa/Casablanca", // back for a month
            "Asia/Kathmandu");
    for (int round = 0; round < 60; round++) {
      ZoneRules rules = ZoneId.of(zones.get(random.nextInt(zones.size()))).getRules();
      ZoneOffsetTransition change =
          rules.nextTransition(
              Instant.parse("2016-01-01T00:00:00Z").plus(Duration.ofDays(random.nextInt(1000))));
      Instant middle = change == null ? Instant.parse("2026-01-01T00:00:00Z") : change.getInstant();
      Instant from = middle.minus(Duration.ofHours(30));
      Instant to = middle.plus(Duration.ofHours(30));
      String minute =
          Stream.of("*", "*/7", "0", "30", "15,45", "0-59/20")
              .skip(random.nextInt(6))
              .findFirst()
              .orElseThrow();
      String hour =
          Stream.of("*", "*/2", "0", "1-3", "2", "23,0")
              .skip(random.nextInt(6))
              .findFirst()
              .orElseThrow();
      String text = minute + " " + hour + " * * *";
      Cron cron = Cron.parse(text);
      boolean realTime = minute.startsWith("*") || hour.startsWith("*");
      TreeSet<Instant> expected = slowly(cron, realTime, from, to, rules);
      TreeSet<Instant> found = new TreeSet<>();
      ZoneId zone = middleZone(zones, rules);
      for (Instant at = cron.next(from.minusSeconds(1), zone);
          at.isBefore(to);
          at = cron.next(at, zone)) {
        found.add(at);
      }
      assertEquals(expected, found, text + " in " + zone + " around " + middle + ", seed " + seed);
    }
  }

  private static ZoneId middleZone(List<String> zones, ZoneRules rules) {
    return zones.stream()
        .map(ZoneId::of)
        .filter(zone -> zone.getRules().equals(rules))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void anExpressionIsReturnedAsGiven() throws BadCron {
    assertEquals("*/5 * * * *", Cron.parse(" */5 * * * * ").toString());
  }

  @Test
  void probablyUnintendedExpressionsCauseAWarning() throws BadCron {
    for (String plain :
        List.of(
            "*/5 * * * *", "0 */6 * * *", "@hourly", "0 8 * * 1-5", "0 0 1 * *", "0/15 * * * *")) {
      assertEquals(List.of(), Cron.parse(plain).warnings(), plain);
    }
    for (String odd :
        List.of(
            "*/90 * * * *",
            "*/60 * * * *",
            "*/59 * * * *",
            "0 */36 * * *",
            "0 */5 * * *",
            "*/7 * * * * *",
            "0 0 29 2 1",
            "0 0 1-31 * 1",
            "0 0 */2 * 1")) {
      assertEquals(1, Cron.parse(odd).warnings().size(), odd);
    }
    assertEquals(
        List.of("minute: */90 matches only 0, because steps restart with each hour"),
        Cron.parse("*/90 * * * *").warnings());
    assertThrows(BadCron.class, () -> Cron.parse("1,".repeat(300) + "1 * * * *"));
  }
}
