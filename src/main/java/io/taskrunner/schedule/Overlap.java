package io.taskrunner.schedule;

import java.util.Locale;

/** What becomes of a tick while the task of an earlier one still waits or runs. */
public enum Overlap {
  /** It makes its task all the same. */
  ALLOW,
  /** It makes none. */
  SKIP;

  /** As callers write it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
