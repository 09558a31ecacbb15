package io.taskrunner.testkit;

import java.io.IOException;

/** Signals that the JDK cannot send to a process. */
enum Signal {
  /** Freezes it from now on. */
  STOP,
  /** Asks it to end, as Ctrl-C does. */
  INT,
  /** Continues it. */
  CONT;

  /**
   * Sends it.
   *
   * @throws IOException it did not reach the process
   */
  void to(Process process) throws IOException {
    try {
      Process kill =
          new ProcessBuilder("kill", "-" + name(), Long.toString(process.pid()))
              .inheritIO()
              .start();
      if (kill.waitFor() != 0) {
        throw new IOException("no signal reached process " + process.pid());
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", interrupted);
    }
  }
}
