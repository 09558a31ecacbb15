package io.taskrunner.store;

/** The store refuses this program something that it cannot do without. */
public final class NotPermitted extends IllegalStateException {

  private static final long serialVersionUID = 1;

  /** With a sentence that names what is refused. */
  public NotPermitted(String message, Throwable cause) {
    super(message, cause);
  }
}
