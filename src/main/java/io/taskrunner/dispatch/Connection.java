package io.taskrunner.dispatch;

import io.netty.channel.EventLoop;

/** An open connection to a peer. Its methods are called on its event loop. */
sealed interface Connection permits Http1Connection, Http2Connection {

  /** The event loop of this connection. */
  EventLoop loop();

  /**
   * Sends a request and handles it until its end.
   *
   * @return false when the connection is unusable and <em>nothing was written</em>: then it is as
   *     if it had not been called, and another connection may be tried
   */
  boolean send(Sending sending);

  /**
   * Aborts a request immediately; does nothing when it has ended, or is not here.
   *
   * @param timedOut whether no response arrived in time: if nothing at all has arrived since it was
   *     sent, the connection is in doubt, and gets no new request
   */
  void abort(Sending sending, boolean timedOut);

  /** Closes the connection, with all its requests. */
  void close();
}
