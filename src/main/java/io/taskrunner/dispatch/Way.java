package io.taskrunner.dispatch;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The connections to one peer. Guarded by the pool that it is in. */
final class Way {
  final Deque<Http1Connection> idle = new ArrayDeque<>();
  final List<Http2Connection> shared = new ArrayList<>(1);
  final Deque<Waiter> waiting = new ArrayDeque<>();
  int opening; // connections that are being opened for waiters
  int each; // concurrent requests per connection; at first, with TLS, any number

  Way(Peer peer) {
    each = peer.tls() ? Integer.MAX_VALUE : 1;
  }

  boolean isUnused() {
    return idle.isEmpty() && shared.isEmpty() && waiting.isEmpty() && opening == 0;
  }

  /** A shared connection with a stream for one more request, which is reserved; null for none. */
  @Nullable Http2Connection share() {
    for (Http2Connection connection : shared) {
      if (connection.reserve()) {
        return connection;
      }
    }
    return null;
  }

  /** The number of connections to open now for waiters; counts them as started. */
  int toOpen() {
    int lacking = Math.max(Math.ceilDiv(waiting.size(), each) - opening, 0);
    opening += lacking;
    return lacking;
  }

  /** Removes the waiters for whom no connection is being opened any more. */
  List<Waiter> left() {
    List<Waiter> left = new ArrayList<>();
    while (waiting.size() > (long) opening * each) {
      left.add(waiting.remove());
    }
    return left;
  }
}
