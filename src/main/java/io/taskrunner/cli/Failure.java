package io.taskrunner.cli;

/** A command that failed, with a message for people. */
final class Failure extends Exception {

  private static final long serialVersionUID = 1L;

  /** The server rejected the call, or it failed. */
  static final int REFUSED = 1;

  /** The command line is wrong. */
  static final int MISUSED = 2;

  /** The object does not exist. */
  static final int NOT_FOUND = 3;

  /** The server cannot be reached, or cannot reach its store. */
  static final int UNREACHABLE = 4;

  /** The credentials are missing, invalid or insufficient. */
  static final int NOT_ALLOWED = 5;

  private final int status;

  Failure(int status, String message) {
    super(message);
    this.status = status;
  }

  /** The exit status. */
  int status() {
    return status;
  }
}
