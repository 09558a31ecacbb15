package io.taskrunner.cli;

import java.math.BigDecimal;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Time spans of the command line: a number of seconds, or numbers with units, such as 1h30m. */
final class Spans {

  /** The values that are accepted, for messages. */
  static final String FORM = "seconds, or a time such as 500ms, 90s, 10m, 2h, 3d or 1h30m";

  private static final Pattern PART = Pattern.compile("(\\d+(?:\\.\\d+)?)(ms|s|m|h|d|w)");

  private static final Map<String, BigDecimal> SECONDS =
      Map.of(
          "ms", new BigDecimal("0.001"),
          "s", BigDecimal.ONE,
          "m", BigDecimal.valueOf(60),
          "h", BigDecimal.valueOf(3600),
          "d", BigDecimal.valueOf(86_400),
          "w", BigDecimal.valueOf(604_800));

  private Spans() {}

  /** A span in seconds, as the API takes it: a whole number where it is one. */
  record Seconds(BigDecimal value) {
    /** For the JSON of a call. */
    Number number() {
      BigDecimal plain = value.stripTrailingZeros();
      return plain.scale() <= 0 ? (Number) plain.longValueExact() : plain;
    }

    /** In milliseconds. */
    long millis() {
      return value.movePointRight(3).longValue();
    }
  }

  /** The number of seconds of an option that may be missing. */
  static @Nullable Number of(@Nullable Seconds given) {
    return given == null ? null : given.number();
  }

  /** Reads the value of an option. */
  static final class Converter implements ITypeConverter<Seconds> {
    @Override
    public Seconds convert(String text) {
      if (text.matches("\\d{1,12}(\\.\\d{1,9})?")) {
        return new Seconds(new BigDecimal(text));
      }
      Matcher part = PART.matcher(text);
      BigDecimal sum = BigDecimal.ZERO;
      int end = 0;
      while (part.find() && part.start() == end) {
        sum = sum.add(new BigDecimal(part.group(1)).multiply(SECONDS.get(part.group(2))));
        end = part.end();
      }
      if (end == 0 || end != text.length() || sum.precision() - sum.scale() > 12) {
        throw new TypeConversionException("\"" + text + "\" (expected: " + FORM + ")");
      }
      return new Seconds(sum);
    }
  }

  /** A share of all, such as 30%, from 0 to 1. */
  static final class Share implements ITypeConverter<Double> {
    @Override
    public Double convert(String text) {
      if (text.matches("\\d{1,3}(\\.\\d{1,3})?%?")) {
        double percent = Double.parseDouble(text.replace("%", ""));
        if (percent <= 100) {
          return percent / 100;
        }
      }
      throw new TypeConversionException("\"" + text + "\" (expected: 0% to 100%)");
    }
  }
}
