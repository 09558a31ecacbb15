package io.taskrunner.schedule;

import java.util.Locale;

/** How to handle ticks that occurred while no process could create their tasks. */
public enum CatchUp {
  /** They are missed. */
  NONE,
  /** The last of them creates its task. */
  LAST,
  /** Each creates its task, up to the last {@link Due#CAUGHT_UP_MAX}. */
  ALL;

  /** Its name in the API. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
