package io.taskrunner.app;

/** The program cannot start; the message is a sentence for the person who started it. */
final class CannotStart extends Exception {

  private static final long serialVersionUID = 1;

  CannotStart(String message) {
    super(message);
  }

  CannotStart(String message, Throwable cause) {
    super(message, cause);
  }
}
