package io.taskrunner.dispatch;

import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.Future;
import io.taskrunner.task.AttemptError;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The connections to all peers: pools those that can be reused, and has others opened.
 *
 * <p>Of HTTP/1.1 connections at most {@value #IDLE_PER_PEER_MAX} wait per peer and {@value
 * #IDLE_MAX} in all, each for at most {@value Http1Connection#IDLE_SEC_MAX} s; the one that has
 * waited longest is dropped first, and the one that was used last is used next. An HTTP/2
 * connection is shared by as many concurrent requests as the peer permits. While the first
 * connection to a TLS peer is being opened, other requests wait to learn its protocol; from then on
 * as many connections are opened as the waiting requests need. No state is kept for a peer without
 * connections. Thread-safe: mutable state is guarded by {@code this}.
 */
final class Connections
    implements Connector.Opened, Http1Connection.Pool, Http2Connection.Pool, AutoCloseable {

  /** Maximum number of idle HTTP/1.1 connections per peer. */
  static final int IDLE_PER_PEER_MAX = 256;

  /** Maximum total number of idle HTTP/1.1 connections. */
  static final int IDLE_MAX = 2048;

  /** Maximum number of remembered peers that require HTTP/1.1. */
  private static final int ONLY_HTTP1_MAX = 1000;

  private static final long IDLE_NANOS_MAX = TimeUnit.SECONDS.toNanos(Http1Connection.IDLE_SEC_MAX);

  private final Map<Peer, Way> ways = new HashMap<>();
  private final LinkedHashSet<Http1Connection> idleInOrder = new LinkedHashSet<>();
  private final LinkedHashSet<Peer> onlyHttp1 = new LinkedHashSet<>();
  private final Connector connector;
  private final Future<?> sweeping;

  /**
   * Connections on shared event loops.
   *
   * @param tls owned by this object, and released with it
   */
  Connections(EventLoopGroup loops, TargetTls tls) {
    this.connector = new Connector(loops, tls, this);
    this.sweeping =
        loops.next().scheduleWithFixedDelay(() -> sweep(System.nanoTime()), 1, 1, TimeUnit.SECONDS);
  }

  /** An established connection; null when none is free. */
  @Nullable Connection take(Peer peer) {
    while (true) {
      Http1Connection next;
      synchronized (this) {
        Way way = ways.get(peer);
        if (way == null) {
          return null;
        }
        Http2Connection shared = way.share();
        if (shared != null) {
          return shared;
        }
        next = way.idle.pollLast();
        if (next == null) {
          return null;
        }
        idleInOrder.remove(next);
        forgetUnused(peer, way);
      }
      if (System.nanoTime() - next.idleSince() < next.idleNanosMax()) {
        return next;
      }
      next.close();
    }
  }

  /**
   * Opens a connection, or lets the waiter share those that are being opened, or one that became
   * ready after {@link #take} found none.
   *
   * @param timeout until it is usable, TLS handshake included
   */
  void connect(Peer peer, Duration timeout, Waiter waiter) {
    Http2Connection shared;
    int more = 0;
    synchronized (this) {
      Way way = way(peer);
      shared = way.share();
      if (shared == null) {
        way.waiting.add(waiter);
        more = way.toOpen();
      }
    }
    if (shared != null) {
      shared.loop().execute(() -> waiter.ready(shared));
    }
    open(more, peer, timeout);
  }

  @Override
  public void release(Http1Connection connection) {
    Http1Connection surplus = null;
    synchronized (this) {
      Way way = way(connection.peer());
      way.idle.addLast(connection);
      idleInOrder.add(connection);
      if (way.idle.size() > IDLE_PER_PEER_MAX) {
        surplus = way.idle.peekFirst();
      } else if (idleInOrder.size() > IDLE_MAX) {
        surplus = idleInOrder.iterator().next();
      }
      if (surplus != null) {
        remove(surplus);
      }
    }
    if (surplus != null) {
      surplus.close();
    }
  }

  @Override
  public synchronized void remove(Http1Connection connection) {
    if (idleInOrder.remove(connection)) {
      Way way = ways.get(connection.peer());
      if (way != null) {
        way.idle.remove(connection);
        forgetUnused(connection.peer(), way);
      }
    }
  }

  @Override
  public synchronized void remove(Http2Connection connection) {
    Way way = ways.get(connection.peer());
    if (way != null && way.shared.remove(connection)) {
      forgetUnused(connection.peer(), way);
    }
  }

  @Override
  public void distrust(Peer peer, long nanos) {
    List<Http1Connection> doubtful;
    synchronized (this) {
      Way way = ways.get(peer);
      doubtful =
          way == null
              ? List.of()
              : way.idle.stream().filter(idle -> idle.idleSince() - nanos < 0).toList();
      doubtful.forEach(this::remove);
    }
    doubtful.forEach(Connection::close);
  }

  @Override
  public void requireHttp1(Peer peer) {
    List<Http2Connection> others;
    synchronized (this) {
      Way way = way(peer);
      way.each = 1;
      others = List.copyOf(way.shared);
      onlyHttp1.remove(peer);
      onlyHttp1.add(peer);
      if (onlyHttp1.size() > ONLY_HTTP1_MAX) {
        onlyHttp1.removeFirst();
      }
    }
    others.forEach(Http2Connection::retire);
  }

  /** The number of connections that are established or being opened. */
  int size() {
    return connector.all().size();
  }

  /** Completes when every currently established connection is closed. */
  Future<Void> allClosed() {
    return connector.all().newCloseFuture();
  }

  /** The number of remembered peers. */
  synchronized int peers() {
    return ways.size();
  }

  /** Closes everything, including requests in progress. */
  @Override
  public void close() {
    sweeping.cancel(false);
    connector.close();
  }

  private Way way(Peer peer) {
    return ways.computeIfAbsent(peer, Way::new);
  }

  private void forgetUnused(Peer peer, Way way) {
    if (way.isUnused()) {
      ways.remove(peer);
    }
  }

  /** Closes what has been idle for too long at a time on the clock of {@link System#nanoTime}. */
  void sweep(long now) {
    List<Connection> old = new ArrayList<>();
    synchronized (this) {
      for (Iterator<Http1Connection> all = idleInOrder.iterator(); all.hasNext(); ) {
        Http1Connection connection = all.next();
        if (now - connection.idleSince() < IDLE_NANOS_MAX) {
          break;
        }
        old.add(connection);
      }
      for (Way way : ways.values()) {
        for (Http2Connection shared : way.shared) {
          if (shared.isIdleSince(now - IDLE_NANOS_MAX)) {
            old.add(shared);
          }
        }
      }
      ways.values().removeIf(Way::isUnused);
      for (Connection connection : old) {
        switch (connection) {
          case Http1Connection http1 -> remove(http1);
          case Http2Connection http2 -> remove(http2);
        }
      }
    }
    old.forEach(Connection::close);
  }

  private void open(int count, Peer peer, Duration timeout) {
    for (int i = 0; i < count; i++) {
      connector.open(peer, timeout);
    }
  }

  @Override
  public synchronized boolean onlyHttp1(Peer peer) {
    return onlyHttp1.contains(peer);
  }

  @Override
  public void http1(Channel channel, Peer peer, Duration timeout) {
    Http1Connection connection = Http1Connection.on(channel, peer, this);
    Waiter first;
    int more;
    synchronized (this) {
      Way way = way(peer);
      way.opening--;
      way.each = 1;
      first = way.waiting.poll();
      more = way.toOpen();
      forgetUnused(peer, way);
    }
    if (first == null) {
      connection.giveBack();
    } else {
      first.ready(connection);
    }
    open(more, peer, timeout);
  }

  @Override
  public void http2(Channel channel, Peer peer, Duration timeout, long millisLeft) {
    Http2Connection.on(channel, peer, this, timeout, millisLeft);
  }

  @Override
  public void ready(Http2Connection connection, int streams, Duration timeout) {
    Peer peer = connection.peer();
    List<Waiter> served = new ArrayList<>();
    List<Waiter> refused;
    int more = 0;
    synchronized (this) {
      Way way = way(peer);
      way.opening--;
      way.each = Math.max(streams, 1);
      way.shared.add(connection);
      while (!way.waiting.isEmpty() && connection.reserve()) {
        served.add(way.waiting.remove());
      }
      refused = served.isEmpty() ? way.left() : List.of(); // it took none: more would not either
      if (refused.isEmpty()) {
        more = way.toOpen();
      }
    }
    served.forEach(waiter -> waiter.ready(connection));
    refused.forEach(waiter -> waiter.refused(peer + ": " + Http2Connection.TAKES_NONE));
    open(more, peer, timeout);
  }

  @Override
  public void failed(Peer peer, AttemptError error, String detail) {
    List<Waiter> left;
    synchronized (this) {
      if (error == AttemptError.TLS_FAILED) {
        onlyHttp1.remove(peer); // it may not support HTTP/1.1 at all
      }
      Way way = way(peer);
      way.opening--;
      left = way.left();
      forgetUnused(peer, way);
    }
    left.forEach(waiter -> waiter.failed(error, detail));
  }
}
