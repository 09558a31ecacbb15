package io.taskrunner.testkit;

import io.taskrunner.task.Retry;
import java.time.Duration;

/** Retry settings for tests that wait for retries. */
public final class QuickRetry {

  /** Retries after a second, instead of the default of 20. */
  public static final Retry SOON = new Retry(null, Duration.ofSeconds(1), null, null, null, null);

  private QuickRetry() {}
}
