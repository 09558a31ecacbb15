package io.taskrunner.store;

import java.io.Serial;

/** What is there is not what a change expected; nothing was changed. Carries no stack. */
public final class ChangedMeanwhile extends Exception {

  @Serial private static final long serialVersionUID = 1L;

  /** Of whatever was changed. */
  public ChangedMeanwhile() {
    super("changed meanwhile", null, false, false);
  }

  /** What cannot be of a change that expects nothing. */
  static IllegalStateException impossible(ChangedMeanwhile changed) {
    return new IllegalStateException("a change that expects nothing was refused", changed);
  }
}
