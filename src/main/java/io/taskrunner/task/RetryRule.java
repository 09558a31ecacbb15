package io.taskrunner.task;

import java.time.Duration;
import java.util.function.DoubleSupplier;

/** Decides the verdict on the outcome of an attempt. */
public sealed interface RetryRule permits RetryPolicy, CloudRetryPolicy {

  /**
   * The verdict on an outcome.
   *
   * @param outcome of the attempt
   * @param attempt its number, from 1
   * @param sinceFirst the time since the task's first attempt began
   * @param random returns a number in [0, 1) for the jitter
   */
  Verdict judge(Outcome outcome, int attempt, Duration sinceFirst, DoubleSupplier random);
}
