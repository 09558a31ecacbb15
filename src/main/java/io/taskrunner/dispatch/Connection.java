package io.taskrunner.dispatch;

import io.netty.channel.EventLoop;

/** An open way to a peer. Its methods are called on its event loop. */
sealed interface Connection permits Http1Connection, Http2Connection {

  /** Where everything of this connection happens. */
  EventLoop loop();

  /**
   * Sends a request and sees to its end.
   *
   * @return false when the connection is of no more use and <em>nothing was written</em>: then it
   *     is as if it had not been called, and another connection may be tried
   */
  boolean send(Sending sending);

  /**
   * Cuts a request off, at once; nothing when it is over, or is not here.
   *
   * @param timedOut whether no answer came in time: if nothing at all has come since it was sent,
   *     the way to the peer is in doubt, and no new request goes by it
   */
  void abort(Sending sending, boolean timedOut);

  /** Closes the connection with all that is on it. */
  void close();
}
