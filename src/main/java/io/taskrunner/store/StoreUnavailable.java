package io.taskrunner.store;

import org.jspecify.annotations.Nullable;

/** The store did not respond in time: the request may or may not have been executed. */
public final class StoreUnavailable extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** With the reason, for the log only. */
  public StoreUnavailable(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
