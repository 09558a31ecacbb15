package io.taskrunner.schedule;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.time.zone.ZoneOffsetTransition;
import java.time.zone.ZoneRules;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A cron expression: five fields (minute, hour, day of month, month, day of week), six with seconds
 * before them, or a keyword such as {@code @hourly}.
 *
 * <p>A field is {@code *}, a value, a range {@code a-b}, either with a step {@code /n}, or a list
 * of these; months and days of the week may be named by their first three letters, Sunday is 0 and
 * 7, {@code ?} means {@code *} in the days, and {@code L} for the last day of the month. When both
 * days are restricted, that is do not begin with {@code *}, one of them is enough, as in POSIX
 * crontab; otherwise both must match.
 *
 * <p>Daylight saving changes are handled as by cron on most systems: an expression whose minute or
 * hour begins with {@code *} follows real time, so that it is never twice as slow, and skips what
 * the clock skips. Any other follows the local time: a skipped time occurs at the moment of the
 * change, and a time that the clock shows twice occurs only the first time.
 */
public final class Cron {

  private static final Map<String, String> WORDS =
      Map.of(
          "@yearly", "0 0 1 1 *",
          "@annually", "0 0 1 1 *",
          "@monthly", "0 0 1 * *",
          "@weekly", "0 0 * * 0",
          "@daily", "0 0 * * *",
          "@midnight", "0 0 * * *",
          "@hourly", "0 * * * *");

  private static final List<String> MONTHS =
      List.of("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC");

  private static final List<String> WEEKDAYS =
      List.of("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT");

  /** Not a day of any month, so it can represent the last day. */
  private static final int LAST_DAY = 32;

  /** From 1 March of it, the next 29 February is as far away as it can be: 1896 was a leap year. */
  private static final LocalDateTime WORST_START = LocalDateTime.of(1896, 3, 1, 0, 0);

  /** A 29 February on some day of the week is 40 years away at the most. */
  private static final int YEARS_MAX = 41;

  /** What a field may hold. */
  private enum Field {
    SECOND("second", 0, 59, List.of()),
    MINUTE("minute", 0, 59, List.of()),
    HOUR("hour", 0, 23, List.of()),
    DAY("day of month", 1, 31, List.of()),
    MONTH("month", 1, 12, MONTHS),
    WEEKDAY("day of week", 0, 7, WEEKDAYS);

    private final String words;
    private final int min;
    private final int max;
    private final List<String> names;

    Field(String words, int min, int max, List<String> names) {
      this.words = words;
      this.min = min;
      this.max = max;
      this.names = names;
    }
  }

  /** Maximum length of an expression. */
  private static final int LENGTH_MAX = 500;

  private final String text;
  private final List<String> fields;
  private final long seconds;
  private final long minutes;
  private final long hours;
  private final long days;
  private final long months;
  private final long weekdays;
  private final boolean eitherDay;
  private final boolean realTime;

  private Cron(String text, String[] fields) throws BadCron {
    this.text = text;
    this.fields = List.of(fields);
    seconds = values(Field.SECOND, fields[0]);
    minutes = values(Field.MINUTE, fields[1]);
    hours = values(Field.HOUR, fields[2]);
    days = values(Field.DAY, fields[3]);
    months = values(Field.MONTH, fields[4]);
    long upToSeven = values(Field.WEEKDAY, fields[5]);
    weekdays = (upToSeven | upToSeven >>> 7) & 0x7F;
    eitherDay = isRestricted(fields[3]) && isRestricted(fields[5]);
    realTime = !isRestricted(fields[1]) || !isRestricted(fields[2]);
  }

  /**
   * Parses an expression.
   *
   * @throws BadCron it is invalid; the message names the field, the value and what is allowed
   */
  public static Cron parse(String text) throws BadCron {
    String given = text.strip();
    if (given.length() > LENGTH_MAX) {
      throw new BadCron(shown(given) + " (expected: at most " + LENGTH_MAX + " characters)");
    }
    String expression = given;
    if (given.startsWith("@")) {
      expression = WORDS.get(given.toLowerCase(Locale.ROOT));
      if (expression == null) {
        throw new BadCron(
            shown(given)
                + " (expected: one of "
                + String.join(" ", WORDS.keySet().stream().sorted().toList())
                + ")");
      }
    }
    String[] fields = expression.split("\\s+");
    if (fields.length == 5) {
      fields = ("0 " + expression).split("\\s+");
    }
    if (fields.length != 6 || expression.isEmpty()) {
      throw new BadCron(
          shown(given)
              + " (expected: 5 fields: minute hour day-of-month month day-of-week; or 6, with"
              + " seconds first; or a word such as @hourly)");
    }
    Cron cron = new Cron(given, fields);
    if (cron.ceiling(WORST_START, WORST_START.getYear() + YEARS_MAX) == null) {
      throw new BadCron(
          "day of month: "
              + shown(fields[3])
              + " (expected: a day that exists in one of the months)");
    }
    return cron;
  }

  /** Sentences about parts that likely do not mean what the author intended; empty for none. */
  public List<String> warnings() {
    return Surprises.of(fields);
  }

  /**
   * The next time.
   *
   * @param after exclusive
   * @param zone the time zone of the expression
   * @return a whole second
   */
  public Instant next(Instant after, ZoneId zone) {
    ZoneRules rules = zone.getRules();
    return realTime ? nextInRealTime(after, rules) : nextOfTheClock(after, rules);
  }

  private Instant nextInRealTime(Instant after, ZoneRules rules) {
    Instant from = after.truncatedTo(ChronoUnit.SECONDS).plusSeconds(1);
    while (true) {
      ZoneOffset offset = rules.getOffset(from);
      Instant at = ceiling(LocalDateTime.ofInstant(from, offset)).toInstant(offset);
      ZoneOffsetTransition change = rules.nextTransition(from);
      if (change == null || at.isBefore(change.getInstant())) {
        return at;
      }
      from = change.getInstant();
    }
  }

  private Instant nextOfTheClock(Instant after, ZoneRules rules) {
    LocalDateTime from =
        LocalDateTime.ofInstant(after, rules.getOffset(after)).truncatedTo(ChronoUnit.SECONDS);
    while (true) {
      LocalDateTime local = ceiling(from);
      Instant at = instant(local, rules);
      if (at.isAfter(after)) {
        return at;
      }
      from = local.plusSeconds(1);
    }
  }

  private static Instant instant(LocalDateTime local, ZoneRules rules) {
    ZoneOffsetTransition change = rules.getTransition(local);
    if (change == null) {
      return local.toInstant(rules.getOffset(local));
    }
    return change.isGap() ? change.getInstant() : local.toInstant(change.getOffsetBefore());
  }

  /** The first matching local time, from a whole second on. */
  private LocalDateTime ceiling(LocalDateTime from) {
    LocalDateTime found = ceiling(from, from.getYear() + YEARS_MAX);
    if (found == null) {
      throw new IllegalStateException(text + " has no time after " + from);
    }
    return found;
  }

  private @Nullable LocalDateTime ceiling(LocalDateTime from, int lastYear) {
    LocalTime time = timeFrom(from.toLocalTime());
    LocalDate date = time == null ? from.toLocalDate().plusDays(1) : from.toLocalDate();
    while (date.getYear() <= lastYear) {
      if (!has(months, date.getMonthValue())) {
        date = date.withDayOfMonth(1).plusMonths(1);
      } else if (!isDay(date)) {
        date = date.plusDays(1);
      } else if (time != null && date.equals(from.toLocalDate())) {
        return date.atTime(time);
      } else {
        return date.atTime(first(hours), first(minutes), first(seconds));
      }
    }
    return null;
  }

  private boolean isDay(LocalDate date) {
    boolean day =
        has(days, date.getDayOfMonth())
            || (has(days, LAST_DAY) && date.getDayOfMonth() == date.lengthOfMonth());
    boolean weekday = has(weekdays, date.getDayOfWeek().getValue() % 7);
    return eitherDay ? day || weekday : day && weekday;
  }

  /** The first matching time of a day from another on; null when there is none that day. */
  private @Nullable LocalTime timeFrom(LocalTime from) {
    for (int hour = nextOf(hours, from.getHour()); hour >= 0; hour = nextOf(hours, hour + 1)) {
      boolean sameHour = hour == from.getHour();
      int minute = nextOf(minutes, sameHour ? from.getMinute() : 0);
      while (minute >= 0) {
        boolean sameMinute = sameHour && minute == from.getMinute();
        int second = nextOf(seconds, sameMinute ? from.getSecond() : 0);
        if (second >= 0) {
          return LocalTime.of(hour, minute, second);
        }
        minute = nextOf(minutes, minute + 1);
      }
    }
    return null;
  }

  private static boolean has(long values, int value) {
    return (values & 1L << value) != 0;
  }

  private static int first(long values) {
    return Long.numberOfTrailingZeros(values);
  }

  /** The first of the values from one on; -1 when there is none. */
  private static int nextOf(long values, int from) {
    long rest = values & -1L << from;
    return rest == 0 || from > 63 ? -1 : first(rest);
  }

  private static boolean isRestricted(String field) {
    return !field.startsWith("*") && !field.startsWith("?");
  }

  private static long values(Field field, String text) throws BadCron {
    long values = 0;
    for (String part : text.split(",", -1)) {
      values |= range(field, text, part);
    }
    return values;
  }

  private static long range(Field field, String text, String part) throws BadCron {
    String[] halves = part.split("/", -1);
    int step = halves.length == 1 ? 1 : number(halves[1]);
    if (halves.length > 2 || step < 1) {
      throw bad(field, text, "a step of 1 or more after one /");
    }
    String range = halves[0];
    if (field == Field.DAY && range.equalsIgnoreCase("L") && halves.length == 1) {
      return 1L << LAST_DAY;
    }
    int from = field.min;
    int to = field == Field.WEEKDAY ? 6 : field.max;
    boolean any =
        range.equals("*") || (range.equals("?") && (field == Field.DAY || field == Field.WEEKDAY));
    if (!any) {
      String[] ends = range.split("-", -1);
      from = value(field, text, ends[0]);
      if (ends.length > 2) {
        throw bad(field, text, "a range a-b");
      } else if (ends.length == 2) {
        to = value(field, text, ends[1]);
        if (field == Field.WEEKDAY && to == 0 && from > 0) {
          to = 7; // a week may end on Sunday
        }
      } else if (halves.length == 1) {
        to = from;
      }
      if (to < from) {
        throw bad(field, text, "a range whose end is not before its start");
      }
    }
    long values = 0;
    for (int value = from; value <= to; value += step) {
      values |= 1L << value;
    }
    return values;
  }

  private static int value(Field field, String text, String word) throws BadCron {
    int named = field.names.indexOf(word.toUpperCase(Locale.ROOT));
    int value = named < 0 ? number(word) : named + field.min;
    if (value < field.min || value > field.max) {
      String names =
          field.names.isEmpty()
              ? ""
              : ", or " + field.names.getFirst() + " to " + field.names.getLast();
      String last = field == Field.DAY ? ", or L for the last day" : "";
      throw bad(field, text, field.min + " to " + field.max + names + last);
    }
    return value;
  }

  /** A number of at most four digits; -1 for anything else. */
  private static int number(String word) {
    return word.matches("[0-9]{1,4}") ? Integer.parseInt(word) : -1;
  }

  private static BadCron bad(Field field, String text, String expected) {
    return new BadCron(field.words + ": " + shown(text) + " (expected: " + expected + ")");
  }

  private static String shown(String text) {
    return '"' + (text.length() > 64 ? text.substring(0, 64) + "…" : text) + '"';
  }

  /** As given, trimmed. */
  @Override
  public String toString() {
    return text;
  }

  /** An invalid cron expression; the message contains where and why. */
  public static final class BadCron extends Exception {
    private static final long serialVersionUID = 1L;

    private BadCron(String message) {
      super(message);
    }
  }
}
