package io.taskrunner.http.call;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Values of callers in the sentences of error messages. */
public final class Shown {

  private static final int MAX = 64;

  private Shown() {}

  /** A value for use in a sentence: short, and containers only by their type. */
  public static String of(@Nullable Object value) {
    return switch (value) {
      case null -> "nothing";
      case String text -> "\"" + cut(text) + "\"";
      case Map<?, ?> _ -> "an object";
      case List<?> _ -> "an array";
      case Double number -> plain(number);
      default -> value.toString();
    };
  }

  static String plain(double number) {
    return number == Math.rint(number) && Math.abs(number) < 1e15
        ? Long.toString((long) number)
        : Double.toString(number);
  }

  static String cut(String text) {
    return cut(text, MAX);
  }

  /** The first characters of a text, and a sign when there are more. */
  static String cut(String text, int most) {
    if (text.length() <= most) {
      return text;
    }
    int end = Character.isHighSurrogate(text.charAt(most - 1)) ? most - 1 : most;
    return text.substring(0, end) + "…";
  }
}
