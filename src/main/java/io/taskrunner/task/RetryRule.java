package io.taskrunner.task;

import java.time.Duration;
import java.util.function.DoubleSupplier;

/** Says what follows from the outcome of an attempt. */
public sealed interface RetryRule permits RetryPolicy, CloudRetryPolicy {

  /**
   * What follows from an outcome.
   *
   * @param outcome of the attempt
   * @param attempt its number, from 1
   * @param sinceFirst the time since the task's first attempt began
   * @param random gives a number in [0, 1) for the jitter
   */
  Verdict judge(Outcome outcome, int attempt, Duration sinceFirst, DoubleSupplier random);
}
