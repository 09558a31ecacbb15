package io.taskrunner.http.call;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** Times as the contract writes them: RFC 3339. */
public final class Times {

  private static final Pattern FORM =
      Pattern.compile(
          "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?"
              + "([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])");

  private static final long DAY_MILLIS = 86_400_000;

  private Times() {}

  /** Reads a time; empty when it is invalid. */
  public static Optional<Instant> parse(String text) {
    if (text.length() > 40 || !FORM.matcher(text).matches()) {
      return Optional.empty();
    }
    String upper = text.toUpperCase(Locale.ROOT);
    int zone = upper.endsWith("Z") ? upper.length() - 1 : upper.length() - 6;
    try {
      // An offset of up to 23:59 is allowed by the RFC, while the JDK stops at 18:00.
      var local = LocalDateTime.parse(upper.substring(0, zone));
      Instant time = local.toInstant(ZoneOffset.UTC);
      if (zone == upper.length() - 1) {
        return Optional.of(time);
      }
      LocalTime offset = LocalTime.parse(upper.substring(zone + 1));
      long seconds = offset.toSecondOfDay();
      return Optional.of(
          upper.charAt(zone) == '-' ? time.plusSeconds(seconds) : time.minusSeconds(seconds));
    } catch (DateTimeException noSuchDay) {
      return Optional.empty();
    }
  }

  /** Writes a time in UTC with milliseconds, truncating finer digits. */
  public static String text(Instant time) {
    StringBuilder text = new StringBuilder(24);
    append(text, time);
    return text.toString();
  }

  /**
   * Appends a time as {@link #text} writes it. Years beyond 9999 are written as the last moment
   * that has four digits.
   */
  public static void append(StringBuilder to, Instant time) {
    long millis = Math.clamp(time.toEpochMilli(), -62_167_219_200_000L, 253_402_300_799_999L);
    LocalDate day = LocalDate.ofEpochDay(Math.floorDiv(millis, DAY_MILLIS));
    int rest = (int) Math.floorMod(millis, DAY_MILLIS);
    digits(to, day.getYear(), 4);
    to.append('-');
    digits(to, day.getMonthValue(), 2);
    to.append('-');
    digits(to, day.getDayOfMonth(), 2);
    to.append('T');
    digits(to, rest / 3_600_000, 2);
    to.append(':');
    digits(to, rest / 60_000 % 60, 2);
    to.append(':');
    digits(to, rest / 1000 % 60, 2);
    to.append('.');
    digits(to, rest % 1000, 3);
    to.append('Z');
  }

  private static void digits(StringBuilder to, int number, int width) {
    int unit = 1;
    for (int i = 1; i < width; i++) {
      unit *= 10;
    }
    for (int i = 0; i < width; i++) {
      to.append((char) ('0' + number / unit % 10));
      unit /= 10;
    }
  }
}
