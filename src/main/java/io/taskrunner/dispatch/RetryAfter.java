package io.taskrunner.dispatch;

import io.netty.handler.codec.DateFormatter;
import io.taskrunner.task.RetryPolicy;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code Retry-After} (RFC 9110 §10.2.3): seconds, or a date in any of the three forms of
 * HTTP. Seconds with a fraction, which many servers send, are accepted too.
 */
final class RetryAfter {

  private static final Duration MAX = RetryPolicy.RETRY_AFTER_MAX;

  private RetryAfter() {}

  /**
   * The wait that a target asks for.
   *
   * @param value of the header
   * @param date of the response, by the target's clock; null when missing
   * @param now replaces a missing {@code date}
   * @return at most an hour, zero for a date that has passed; empty when there is none, or it is
   *     invalid
   */
  static Optional<Duration> parse(String value, @Nullable String date, Instant now) {
    String text = value.strip();
    int dot = text.indexOf('.');
    String whole = dot < 0 ? text : text.substring(0, dot);
    String fraction = dot < 0 ? "0" : text.substring(dot + 1);
    if (isNumber(whole) && isNumber(fraction)) {
      String digits = whole.replaceFirst("^0+(?=.)", "");
      return Optional.of(
          digits.length() > 9
              ? MAX
              : atMost(Duration.ofSeconds(Long.parseLong(digits)).plusMillis(millis(fraction))));
    }
    Date until = DateFormatter.parseHttpDate(text);
    if (until == null) {
      return Optional.empty();
    }
    Date said = date == null ? null : DateFormatter.parseHttpDate(date);
    Duration wait = Duration.between(said == null ? now : said.toInstant(), until.toInstant());
    return Optional.of(wait.isNegative() ? Duration.ZERO : atMost(wait));
  }

  private static boolean isNumber(String text) {
    return !text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  /** The milliseconds of a fraction's digits, rounded up. */
  private static long millis(String fraction) {
    String digits = fraction + "00";
    boolean more = fraction.length() > 3 && !fraction.substring(3).matches("0*");
    return Long.parseLong(digits.substring(0, 3)) + (more ? 1 : 0);
  }

  private static Duration atMost(Duration wait) {
    return wait.compareTo(MAX) > 0 ? MAX : wait;
  }
}
