package io.taskrunner.app;

/** The program cannot start; the message is a sentence for the person who started it. */
final class CannotStart extends Exception {

  /** The exit status when the words, the settings or what they name cannot be used. */
  static final int MISUSED = 2;

  private static final long serialVersionUID = 1;

  private final int status;

  CannotStart(String message) {
    super(message);
    this.status = 1;
  }

  CannotStart(String message, Throwable cause) {
    this(message, cause, 1);
  }

  /** With an exit status of its own. */
  CannotStart(String message, Throwable cause, int status) {
    super(message, cause);
    this.status = status;
  }

  /** The exit status that tells of it. */
  int status() {
    return status;
  }
}
