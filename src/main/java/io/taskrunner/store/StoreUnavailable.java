package io.taskrunner.store;

import org.jspecify.annotations.Nullable;

/** The store gave no answer in time: what was asked of it may or may not have been done. */
public final class StoreUnavailable extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** With the reason, for the log alone. */
  public StoreUnavailable(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
