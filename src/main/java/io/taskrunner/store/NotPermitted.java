package io.taskrunner.store;

/** The store denies this program a permission that it requires. */
public final class NotPermitted extends IllegalStateException {

  private static final long serialVersionUID = 1;

  /** With a sentence that names the missing permission. */
  public NotPermitted(String message, Throwable cause) {
    super(message, cause);
  }
}
