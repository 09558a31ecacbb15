package io.taskrunner.cli;

/** Why a command did not come to its end; the message is for people. */
final class Failure extends Exception {

  private static final long serialVersionUID = 1L;

  /** The server refused, or what was asked for could not be done. */
  static final int REFUSED = 1;

  /** The words on the command line are wrong. */
  static final int MISUSED = 2;

  /** There is no such thing. */
  static final int NOT_FOUND = 3;

  /** The server cannot be reached, or cannot reach its store. */
  static final int UNREACHABLE = 4;

  /** The credentials are missing, wrong, or not enough. */
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
