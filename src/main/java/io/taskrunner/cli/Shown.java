package io.taskrunner.cli;

import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Formats JSON for people. */
final class Shown {

  private Shown() {}

  /** The members of an object; none when it is something else. */
  @SuppressWarnings("unchecked") // all keys that JsonText reads are strings
  static Map<String, @Nullable Object> object(@Nullable Object value) {
    return value instanceof Map<?, ?>
        ? (Map<String, @Nullable Object>) value
        : new LinkedHashMap<>();
  }

  /** The objects of a member that is a list. */
  static List<Map<String, @Nullable Object>> list(Map<String, @Nullable Object> of, String name) {
    return of.get(name) instanceof List<?> items
        ? items.stream().map(Shown::object).toList()
        : List.of();
  }

  /** The strings of a list; none when it is something else. */
  static List<String> texts(@Nullable Object value) {
    return value instanceof List<?> items
        ? items.stream().filter(String.class::isInstance).map(String.class::cast).toList()
        : List.of();
  }

  /** A member within members, such as {@code stats.ready}. */
  static @Nullable Object at(Map<String, @Nullable Object> of, String path) {
    int dot = path.indexOf('.');
    return dot < 0
        ? of.get(path)
        : at(object(of.get(path.substring(0, dot))), path.substring(dot + 1));
  }

  /** A member as text; a dash if it is missing. */
  static String text(Map<String, @Nullable Object> of, String path) {
    return text(at(of, path));
  }

  private static String text(@Nullable Object value) {
    return switch (value) {
      case null -> "-";
      case List<?> items ->
          items.isEmpty() ? "-" : String.join(", ", items.stream().map(Shown::text).toList());
      case Map<?, ?> members ->
          members.isEmpty()
              ? "-"
              : String.join(
                  ", ",
                  members.entrySet().stream()
                      .map(member -> member.getKey() + "=" + text(member.getValue()))
                      .toList());
      case Boolean flag -> flag ? "yes" : "no";
      case String words -> harmless(words);
      default -> value.toString();
    };
  }

  /** A text without control and bidirectional characters, which change what a terminal shows. */
  static String harmless(String text) {
    return text.replaceAll("[\\p{Cc}\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]", "?");
  }

  /** A text in one line, cut to a number of characters. */
  static String brief(String text, int most) {
    String line = harmless(text.strip().replaceAll("\\s+", " "));
    return line.codePointCount(0, line.length()) <= most
        ? line
        : line.substring(0, line.offsetByCodePoints(0, most - 1)) + "…";
  }

  /** A member that is a time, by how far away it is: {@code 5 min ago}, {@code in 2 h}. */
  static String ago(Map<String, @Nullable Object> of, String path, Instant now) {
    Object value = at(of, path);
    if (!(value instanceof String text)) {
      return "-";
    }
    try {
      Duration passed = Duration.between(Instant.parse(text), now);
      if (passed.abs().toMillis() < 1000) {
        return "now";
      }
      return passed.isNegative() ? "in " + span(passed.negated()) : span(passed) + " ago";
    } catch (DateTimeParseException notATime) {
      return text(value);
    }
  }

  /** A number of things, such as {@code 1 task} or {@code 2,104 tasks}. */
  static String count(long number, String thing) {
    return String.format(Locale.ROOT, "%,d %s%s", number, thing, number == 1 ? "" : "s");
  }

  /** A time span in its largest unit that leaves a small number. */
  static String span(Duration time) {
    long seconds = time.toSeconds();
    if (seconds < 120) {
      return seconds + " s";
    }
    if (seconds < 2 * 3600) {
      return seconds / 60 + " min";
    }
    return seconds < 2 * 86_400 ? seconds / 3600 + " h" : seconds / 86_400 + " days";
  }
}
