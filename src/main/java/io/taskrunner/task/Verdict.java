package io.taskrunner.task;

import java.time.Duration;

/** The verdict on the outcome of an attempt. */
public sealed interface Verdict {

  /** The task is done. */
  record Succeed() implements Verdict {}

  /** The task is retried. */
  record Retry(Duration in) implements Verdict {}

  /** The task is given up, visibly. */
  record Bury() implements Verdict {}

  /** The task waits again as if it had not been claimed: no attempt is consumed. */
  record PutBack(Duration in) implements Verdict {}

  /**
   * The task waits for a gate that rejected it: no attempt was made.
   *
   * @param gate its name in the store
   */
  record Hold(String gate) implements Verdict {}

  /** The task was cancelled while it ran. */
  record Cancel() implements Verdict {}
}
