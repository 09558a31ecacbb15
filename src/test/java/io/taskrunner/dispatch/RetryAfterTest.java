package io.taskrunner.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class RetryAfterTest {

  private static final Instant NOW = Instant.parse("1994-11-06T08:49:37Z");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          0                              | 0
          1                              | 1
          120                            | 120
          007                            | 7
          3600                           | 3600
          3601                           | 3600
          99999999999999999999           | 3600
          Sun, 06 Nov 1994 08:50:37 GMT  | 60
          Sunday, 06-Nov-94 08:50:37 GMT | 60
          Sun Nov  6 08:50:37 1994       | 60
          Sun, 06 Nov 1994 08:49:37 GMT  | 0
          Sun, 06 Nov 1994 07:00:00 GMT  | 0
          Mon, 07 Nov 1994 08:49:37 GMT  | 3600
          Wed, 01 Jan 2098 00:00:00 GMT  | 3600
          """)
  void secondsAndDatesOfEveryFormAreRead(String value, long seconds) {
    assertEquals(Optional.of(Duration.ofSeconds(seconds)), RetryAfter.parse(value, null, NOW));
  }

  @ParameterizedTest
  @CsvSource({
    "2.5, 2500",
    "0.5, 500",
    "3.0, 3000",
    "0.0004, 1",
    "1.00000000000000000000000000000000, 1000",
    "3599.9999, 3600000",
    "3600.1, 3600000"
  })
  void aFractionOfASecondIsReadAndRoundedUp(String value, long millis) {
    assertEquals(Optional.of(Duration.ofMillis(millis)), RetryAfter.parse(value, null, NOW));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "-1",
        "1.",
        ".5",
        "1.5.2",
        "1,5",
        "3, 3",
        "3s",
        "soon",
        "1e3",
        "+5",
        "Sun, 32 Nov 1994 08:49:37 GMT",
        "1994-11-06T08:49:37Z",
        "\u0661"
      })
  void otherFormatsOfRetryAfterAreIgnored(String value) {
    assertEquals(Optional.empty(), RetryAfter.parse(value, null, NOW));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          Sun, 06 Nov 1994 08:50:00 GMT | 37
          Sun, 06 Nov 1994 08:59:00 GMT | 0
          no date                       | 60
          """)
  void aDateIsReadOnTheTargetsOwnClock(String date, long seconds) {
    assertEquals(
        Optional.of(Duration.ofSeconds(seconds)),
        RetryAfter.parse("Sun, 06 Nov 1994 08:50:37 GMT", date, NOW));
  }
}
