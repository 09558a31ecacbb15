package io.taskrunner.config;

/** The program cannot start; the message is a sentence for the person who started it. */
public final class CannotStart extends Exception {

  /** The exit status when the command line, the settings or the files they name are invalid. */
  public static final int MISUSED = 2;

  private static final long serialVersionUID = 1;

  private final int status;

  /** With exit status 1. */
  public CannotStart(String message) {
    super(message);
    this.status = 1;
  }

  /** With exit status 1. */
  public CannotStart(String message, Throwable cause) {
    this(message, cause, 1);
  }

  /** With an exit status of its own. */
  public CannotStart(String message, Throwable cause, int status) {
    super(message, cause);
    this.status = status;
  }

  /** The exit status that reports it. */
  public int status() {
    return status;
  }
}
