package io.taskrunner.task;

import static java.time.Duration.ZERO;
import static java.time.Duration.ofDays;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Google's rule, as defined in its protocol's comments. */
final class CloudRetryPolicyTest {

  private static final DoubleSupplier NO_JITTER =
      () -> {
        throw new AssertionError("no jitter is asked for");
      };

  private static CloudRetryPolicy waits(Duration min, Duration max, int doublings) {
    return new CloudRetryPolicy(-1, ZERO, min, max, doublings);
  }

  private static List<Long> seconds(CloudRetryPolicy policy, int count) {
    return IntStream.rangeClosed(1, count).mapToObj(n -> policy.backoff(n).toSeconds()).toList();
  }

  @Test
  void theExampleOfTheProtocol() {
    CloudRetryPolicy policy = waits(ofSeconds(10), ofSeconds(300), 3);
    assertEquals(List.of(10L, 20L, 40L, 80L, 160L, 240L, 300L, 300L, 300L), seconds(policy, 9));
  }

  @Test
  void withoutDoublingsBackoffGrowsByTheMinimum() {
    assertEquals(List.of(2L, 4L, 6L, 8L, 9L, 9L), seconds(waits(ofSeconds(2), ofSeconds(9), 0), 6));
  }

  @Test
  void googlesDefaultsReachTheHour() {
    CloudRetryPolicy policy = waits(ofMillis(100), ofHours(1), 16);
    assertEquals(ofMillis(100), policy.backoff(1));
    assertEquals(ofMillis(200), policy.backoff(2));
    assertEquals(ofMillis(100L << 15), policy.backoff(16));
    assertEquals(ofHours(1), policy.backoff(17));
    assertEquals(ofHours(1), policy.backoff(65_535));
  }

  @Test
  void noBackoffOverflows() {
    CloudRetryPolicy policy = waits(ofMillis(1), ofDays(3650), Integer.MAX_VALUE);
    assertEquals(ofDays(3650), policy.backoff(100));
    assertEquals(ofDays(3650), policy.backoff(65_535));
    assertEquals(ZERO, waits(ZERO, ofHours(1), Integer.MAX_VALUE).backoff(65_535));
  }

  @ParameterizedTest
  @CsvSource({
    // most attempts, most seconds, attempts made, seconds since the first, given up
    "3, 0, 2, 1000, false",
    "3, 0, 3, 0, true",
    "3, 0, 9, 0, true",
    "3, 60, 3, 59, false",
    "3, 60, 2, 60, false",
    "3, 60, 3, 60, true",
    "3, 60, 9, 61, true",
    "1, 0, 1, 0, true",
    "-1, 60, 1000, 59, false",
    "-1, 60, 1, 60, true",
    "-1, 0, 60000, 2600000, false",
  })
  void bothLimitsMustBeSpent(
      int maxAttempts, int maxSeconds, int attempts, int sinceFirst, boolean givenUp) {
    CloudRetryPolicy policy =
        new CloudRetryPolicy(maxAttempts, ofSeconds(maxSeconds), ofSeconds(1), ofHours(1), 16);
    Verdict verdict = policy.judge(answered(500), attempts, ofSeconds(sinceFirst), NO_JITTER);
    assertEquals(givenUp, verdict instanceof Verdict.Bury);
  }

  private static Outcome answered(int status) {
    return new Outcome.Answered(status, Optional.of(ofHours(1)));
  }

  @Test
  void everyStatusExcept2xxIsRetried() {
    CloudRetryPolicy policy = waits(ofSeconds(10), ofSeconds(300), 3);
    for (int status = 200; status <= 999; status++) {
      assertEquals(
          status < 300 ? new Verdict.Succeed() : new Verdict.Retry(ofSeconds(10)),
          policy.judge(answered(status), 1, ZERO, NO_JITTER),
          "status " + status);
    }
    assertInstanceOf(
        Verdict.Retry.class, policy.judge(new Outcome.TimedOut(ofSeconds(1)), 1, ZERO, NO_JITTER));
  }

  @ParameterizedTest
  @EnumSource
  void everyFailureWithoutResponseIsRetried(AttemptError error) {
    assertEquals(
        new Verdict.Retry(ofSeconds(20)),
        waits(ofSeconds(10), ofSeconds(300), 3)
            .judge(new Outcome.Unanswered(error, ""), 2, ZERO, NO_JITTER));
  }

  @Test
  void abortedAttemptsAreNotCounted() {
    CloudRetryPolicy policy = new CloudRetryPolicy(1, ZERO, ofSeconds(1), ofSeconds(1), 1);
    assertEquals(new Verdict.PutBack(ZERO), policy.judge(new Outcome.CutOff(), 1, ZERO, NO_JITTER));
    assertEquals(new Verdict.Cancel(), policy.judge(new Outcome.Cancelled(), 1, ZERO, NO_JITTER));
    assertEquals(
        new Verdict.PutBack(ofSeconds(3)),
        policy.judge(new Outcome.NotReady(ofSeconds(3)), 1, ZERO, NO_JITTER));
  }
}
