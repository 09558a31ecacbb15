package io.taskrunner.store;

import java.io.Serial;

/** The current state is not what a change expected; nothing was changed. Has no stack trace. */
public final class ChangedMeanwhile extends Exception {

  @Serial private static final long serialVersionUID = 1L;

  /** For any change. */
  public ChangedMeanwhile() {
    super("changed meanwhile", null, false, false);
  }

  /** For a change without expectations, which cannot be rejected. */
  static IllegalStateException impossible(ChangedMeanwhile changed) {
    return new IllegalStateException("a change that expects nothing was refused", changed);
  }
}
