package io.taskrunner.dispatch;

import io.taskrunner.dispatch.Connections.Waiter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The connections to one peer. Guarded by the {@link Connections} that it belongs to. */
final class Way {
  final Deque<Http1Connection> idle = new ArrayDeque<>();
  final List<Http2Connection> shared = new ArrayList<>(1);
  final Deque<Waiter> waiting = new ArrayDeque<>();
  int opening; // connections that are being made, for those who wait
  int each; // how many requests one connection takes at once; at first, inside TLS, any number

  Way(Peer peer) {
    each = peer.tls() ? Integer.MAX_VALUE : 1;
  }

  boolean isUnused() {
    return idle.isEmpty() && shared.isEmpty() && waiting.isEmpty() && opening == 0;
  }

  /** A shared connection with a place for one more request, which is taken; null for none. */
  @Nullable Http2Connection share() {
    for (Http2Connection connection : shared) {
      if (connection.reserve()) {
        return connection;
      }
    }
    return null;
  }

  /** How many connections are to be made now for those who wait; takes them for begun. */
  int toOpen() {
    int lacking = Math.max(Math.ceilDiv(waiting.size(), each) - opening, 0);
    opening += lacking;
    return lacking;
  }

  /** Takes those out of the line for whom no connection is being made any more. */
  List<Waiter> left() {
    List<Waiter> left = new ArrayList<>();
    while (waiting.size() > (long) opening * each) {
      left.add(waiting.remove());
    }
    return left;
  }
}
