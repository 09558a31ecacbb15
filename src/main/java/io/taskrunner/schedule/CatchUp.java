package io.taskrunner.schedule;

import java.util.Locale;

/** What becomes of ticks that came while nobody could make their tasks. */
public enum CatchUp {
  /** They are missed. */
  NONE,
  /** The last of them makes its task. */
  LAST,
  /** Each makes its task, up to the last {@link Due#CAUGHT_UP_MAX}. */
  ALL;

  /** As callers write it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
