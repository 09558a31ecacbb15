package io.taskrunner.store;

import java.io.Serial;

/** The current state is not what a change expected; nothing was changed. Has no stack trace. */
public final class ChangedMeanwhile extends Exception {

  @Serial private static final long serialVersionUID = 1L;

  /** For any change. */
  public ChangedMeanwhile() {
    super("changed meanwhile", null, false, false);
  }
}
