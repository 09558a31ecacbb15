package io.taskrunner.dispatch;

import io.taskrunner.task.AttemptError;

/** A request that waits for a connection. */
interface Waiter {
  /** Called with the connection, on its event loop. */
  void ready(Connection connection);

  /** A connection exists, but accepts no request. */
  void refused(String why);

  /** No connection is available. */
  void failed(AttemptError error, String detail);
}
