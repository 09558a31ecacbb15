package io.taskrunner.task;

import static java.time.Duration.ZERO;
import static java.time.Duration.ofHours;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class RetryPolicyTest {

  private static final Verdict SUCCEED = new Verdict.Succeed();
  private static final Verdict BURY = new Verdict.Bury();
  private static final RetryPolicy USUAL = policy(5, null, false);

  private static RetryPolicy policy(
      int maxRetries, @Nullable Duration maxDuration, boolean clientErrors) {
    return new RetryPolicy(maxRetries, ofSeconds(1), ofHours(1), 16, maxDuration, clientErrors);
  }

  private static Verdict judge(RetryPolicy policy, Outcome outcome, int attempt) {
    return policy.judge(outcome, attempt, ZERO, () -> 0);
  }

  private static Outcome answered(int status) {
    return new Outcome.Answered(status, Optional.empty());
  }

  private static Verdict retry(Duration in) {
    return new Verdict.Retry(in);
  }

  // Which outcome leads to which verdict

  @Test
  void everyStatusHasItsVerdict() {
    for (int status = 200; status <= 999; status++) {
      boolean passing = status == 408 || status == 425 || status == 429 || status >= 500;
      Verdict expected = status < 300 ? SUCCEED : passing ? retry(ofSeconds(1)) : BURY;
      assertEquals(expected, judge(USUAL, answered(status), 1), "status " + status);
      Verdict insistent = status < 300 ? SUCCEED : retry(ofSeconds(1));
      assertEquals(
          insistent,
          judge(policy(5, null, true), answered(status), 1),
          "insistent, status " + status);
    }
  }

  @ParameterizedTest
  @EnumSource(AttemptError.class)
  void everyErrorIsRetriedExceptABlockedAddress(AttemptError error) {
    Verdict expected = error == AttemptError.BLOCKED_ADDRESS ? BURY : retry(ofSeconds(1));
    assertEquals(expected, judge(USUAL, new Outcome.Unanswered(error, "so"), 1));
    assertEquals(expected, judge(policy(5, null, true), new Outcome.Unanswered(error, "so"), 1));
  }

  @Test
  void aTimeoutIsRetried() {
    assertEquals(retry(ofSeconds(1)), judge(USUAL, new Outcome.TimedOut(ofSeconds(9)), 1));
  }

  @Test
  void failuresOfTheServerUseNoAttempt() {
    RetryPolicy spent = policy(0, ZERO, false);
    assertEquals(
        new Verdict.PutBack(ofSeconds(1)), judge(spent, new Outcome.NotReady(ofSeconds(1)), 99));
    assertEquals(new Verdict.PutBack(ZERO), judge(spent, new Outcome.CutOff(), 99));
    assertEquals(new Verdict.Cancel(), judge(spent, new Outcome.Cancelled(), 99));
    assertEquals(SUCCEED, judge(spent, answered(204), 99));
  }

  // When retries are used up

  @Test
  void theConfiguredNumberOfRetriesIsExact() {
    for (int max = 0; max <= 100; max++) {
      RetryPolicy policy = policy(max, null, false);
      if (max > 0) {
        assertInstanceOf(Verdict.Retry.class, judge(policy, answered(503), max));
      }
      assertEquals(BURY, judge(policy, answered(503), max + 1));
      assertEquals(BURY, judge(policy, new Outcome.TimedOut(ofSeconds(1)), max + 1));
      assertEquals(
          BURY, judge(policy, new Outcome.Unanswered(AttemptError.CONNECT_FAILED, ""), max + 1));
    }
  }

  @Test
  void noRetryHappensAfterTheMaximumDuration() {
    RetryPolicy policy = policy(100, ofSeconds(10), false);
    assertInstanceOf(Verdict.Retry.class, policy.judge(answered(503), 1, ofMillis(9_999), () -> 0));
    assertEquals(BURY, policy.judge(answered(503), 1, ofSeconds(10), () -> 0));
    assertEquals(BURY, policy.judge(new Outcome.TimedOut(ofSeconds(1)), 1, ofSeconds(11), () -> 0));
  }

  @Test
  void unsetFieldsComeFromTheQueueAndThenTheWorker() {
    Retry task = new Retry(null, ofSeconds(2), null, null, null, true);
    Retry queue = new Retry(7, ofSeconds(9), ofSeconds(60), null, ofHours(2), false);
    assertEquals(
        new RetryPolicy(7, ofSeconds(2), ofSeconds(60), 16, ofHours(2), true),
        task.over(queue).policy(5));
    assertEquals(
        new RetryPolicy(5, ofSeconds(20), ofHours(1), 16, null, false),
        Retry.UNSET.over(Retry.UNSET).policy(5));
  }

  // How long the wait is

  @Test
  void googlesOwnExampleOfBackoff() {
    RetryPolicy policy = new RetryPolicy(100, ofSeconds(10), ofSeconds(300), 3, null, false);
    List<Long> waits = new ArrayList<>();
    for (int k = 1; k <= 9; k++) {
      waits.add(policy.backoff(k).toSeconds());
    }
    assertEquals(List.of(10L, 20L, 40L, 80L, 160L, 240L, 300L, 300L, 300L), waits);
  }

  @Test
  void backoffFollowsTheFormulaAndNeverOverflows() {
    Random random = new Random(42);
    for (int round = 0; round < 20_000; round++) {
      long min = random.nextInt(4) == 0 ? 0 : (long) Math.exp(random.nextDouble() * 15);
      long max = (long) Math.exp(random.nextDouble() * 22);
      int doublings = random.nextInt(random.nextInt(3) == 0 ? 1_000 : 20);
      int k = 1 + random.nextInt(101);
      RetryPolicy policy =
          new RetryPolicy(100, ofMillis(min), ofMillis(max), doublings, null, false);
      assertEquals(
          ofMillis(exact(min, max, doublings, k)),
          policy.backoff(k),
          min + " " + max + " " + doublings + " " + k);
    }
  }

  /** min(M, m·2^(n−1)), and behind d doublings min(M, m·2^d + (n−1−d)·m·2^d). */
  private static long exact(long min, long max, int doublings, int n) {
    BigInteger m = BigInteger.valueOf(min);
    BigInteger wait =
        n - 1 <= doublings
            ? m.shiftLeft(n - 1)
            : m.shiftLeft(doublings)
                .add(m.shiftLeft(doublings).multiply(BigInteger.valueOf(n - 1L - doublings)));
    return wait.min(BigInteger.valueOf(max)).longValueExact();
  }

  @Test
  void jitterOnlyShortensAndByAFifthAtMost() {
    Random random = new Random(7);
    long shortest = Long.MAX_VALUE;
    long longest = 0;
    for (int round = 0; round < 10_000; round++) {
      Verdict.Retry verdict =
          assertInstanceOf(
              Verdict.Retry.class, USUAL.judge(answered(503), 4, ZERO, random::nextDouble));
      long wait = verdict.in().toMillis();
      assertTrue(wait >= 6_400 && wait <= 8_000, "wait: " + wait + " (expected: 6400 to 8000)");
      shortest = Math.min(shortest, wait);
      longest = Math.max(longest, wait);
    }
    assertTrue(shortest < 6_450 && longest > 7_950, "spread: " + shortest + " to " + longest);
  }

  @Test
  void retryAfterIsALowerBoundOfAnHourAtMost() {
    assertEquals(retry(ofSeconds(30)), judge(USUAL, after(429, ofSeconds(30)), 1));
    assertEquals(
        retry(ofSeconds(8)), judge(USUAL, after(503, ofSeconds(3)), 4), "the backoff is longer");
    assertEquals(retry(ofHours(1)), judge(USUAL, after(503, Duration.ofDays(9)), 1));
    assertEquals(BURY, judge(USUAL, after(404, ofSeconds(3)), 1));
    assertEquals(
        BURY, judge(USUAL, after(503, ofSeconds(3)), 6), "a target cannot buy itself a retry");
    Verdict jittered = USUAL.judge(after(503, ofSeconds(8)), 4, ZERO, () -> 0.99);
    assertEquals(retry(ofSeconds(8)), jittered, "jitter does not undercut it");
  }

  private static Outcome after(int status, Duration wait) {
    return new Outcome.Answered(status, Optional.of(wait));
  }

  @Test
  void theDefaultOutlastsARestartOfTheTargetOfSevenMinutes() {
    RetryPolicy policy = Retry.UNSET.policy(5);
    long leastMillis = 0;
    for (int attempt = 1; attempt <= 5; attempt++) {
      Verdict verdict =
          policy.judge(new Outcome.Answered(503, Optional.empty()), attempt, ofSeconds(0), () -> 1);
      leastMillis += ((Verdict.Retry) verdict).in().toMillis();
    }
    assertEquals(496_000, leastMillis);
  }
}
