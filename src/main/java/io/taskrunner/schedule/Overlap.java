package io.taskrunner.schedule;

import java.util.Locale;

/** How to handle a tick while the task of an earlier one still waits or runs. */
public enum Overlap {
  /** It creates its task anyway. */
  ALLOW,
  /** It creates no task. */
  SKIP;

  /** Its name in the API. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
