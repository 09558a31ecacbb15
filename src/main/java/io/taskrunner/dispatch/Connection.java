package io.taskrunner.dispatch;

/** An open connection to a peer. Its methods are called on its event loop. */
sealed interface Connection extends Sending.Carrier permits Http1Connection, Http2Connection {

  /**
   * Sends a request and handles it until its end.
   *
   * @return false when the connection is unusable and <em>nothing was written</em>: then it is as
   *     if it had not been called, and another connection may be tried
   */
  boolean send(Sending sending);

  /** Closes the connection, with all its requests. */
  void close();
}
