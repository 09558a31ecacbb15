package io.taskrunner;

import io.taskrunner.app.Commands;
import io.taskrunner.app.Serving;

/** The entry point: {@code task-runner dev|serve|doctor}. */
public final class Main {

  private Main() {}

  /** Ends with 0 when all went well, 2 when it was called or set up wrongly, 1 otherwise. */
  public static void main(String[] args) {
    System.exit(Serving.asked(args) ? Serving.run() : Commands.run(args));
  }
}
