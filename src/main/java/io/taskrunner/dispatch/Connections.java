package io.taskrunner.dispatch;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeTimeoutException;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.taskrunner.task.AttemptError;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Opens connections, and pools those that can be reused.
 *
 * <p>Of HTTP/1.1 connections at most {@value #IDLE_PER_PEER_MAX} wait per peer and {@value
 * #IDLE_MAX} in all, each for at most {@value #IDLE_SEC_MAX} s; the one that has waited longest is
 * dropped first, and the one that was used last is used next. An HTTP/2 connection is shared by as
 * many concurrent requests as the peer permits. While the first connection to a TLS peer is being
 * opened, other requests wait to learn its protocol; from then on as many connections are opened as
 * the waiting requests need. No state is kept for a peer without connections. Thread-safe: mutable
 * state is guarded by {@code this}.
 */
final class Connections implements AutoCloseable {

  /** Maximum number of idle HTTP/1.1 connections per peer. */
  static final int IDLE_PER_PEER_MAX = 256;

  /** Maximum total number of idle HTTP/1.1 connections. */
  static final int IDLE_MAX = 2048;

  /** Maximum number of remembered peers that require HTTP/1.1. */
  private static final int ONLY_HTTP1_MAX = 1000;

  /** How long an idle connection is kept, in seconds. */
  static final int IDLE_SEC_MAX = 30;

  /** Swallows handshake errors, which the handshake's future reports. */
  private static final ChannelHandler QUIET = new Quiet();

  @ChannelHandler.Sharable
  private static final class Quiet extends ChannelInboundHandlerAdapter {
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      // reported by the handshake's future
    }
  }

  private static final long IDLE_NANOS_MAX = TimeUnit.SECONDS.toNanos(IDLE_SEC_MAX);

  /** A request that waits for a connection. */
  interface Waiter {
    /** Called with the connection, on its event loop. */
    void ready(Connection connection);

    /** A connection exists, but accepts no request. */
    void refused(String why);

    /** No connection is available. */
    void failed(AttemptError error, String detail);
  }

  private final Map<Peer, Way> ways = new HashMap<>();
  private final LinkedHashSet<Http1Connection> idleInOrder = new LinkedHashSet<>();
  private final LinkedHashSet<Peer> onlyHttp1 = new LinkedHashSet<>();
  private final ChannelGroup open = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
  private final Bootstrap bootstrap;
  private final TargetTls tls;
  private final Future<?> sweeping;

  /**
   * Connections on shared event loops.
   *
   * @param tls owned by this object, and released with it
   */
  Connections(EventLoopGroup loops, TargetTls tls) {
    this.tls = tls;
    this.bootstrap =
        new Bootstrap()
            .group(loops)
            .channel(Transport.of(loops).socket())
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.SO_KEEPALIVE, true)
            .option(
                ChannelOption.AUTO_READ,
                false); // until a reader is installed: a target may send first
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

  /** Returns a reusable HTTP/1.1 connection. */
  void release(Http1Connection connection) {
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

  /** Removes a closed HTTP/1.1 connection. */
  synchronized void remove(Http1Connection connection) {
    if (idleInOrder.remove(connection)) {
      Way way = ways.get(connection.peer());
      if (way != null) {
        way.idle.remove(connection);
        forgetUnused(connection.peer(), way);
      }
    }
  }

  /** Removes an HTTP/2 connection that accepts no more requests. */
  synchronized void remove(Http2Connection connection) {
    Way way = ways.get(connection.peer());
    if (way != null && way.shared.remove(connection)) {
      forgetUnused(connection.peer(), way);
    }
  }

  /**
   * Closes what has been idle since before a time on the clock of {@link System#nanoTime}: a
   * request sent then got no response, and these connections may be dead too.
   */
  void distrust(Peer peer, long nanos) {
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

  /** The peer requires HTTP/1.1: from now on only that is offered. */
  void requireHttp1(Peer peer) {
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
    return open.size();
  }

  /** Completes when every currently established connection is closed. */
  Future<Void> allClosed() {
    return open.newCloseFuture();
  }

  /** The number of remembered peers. */
  synchronized int peers() {
    return ways.size();
  }

  /** Closes everything, including requests in progress. */
  @Override
  public void close() {
    sweeping.cancel(false);
    open.close();
    tls.close();
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
      open(peer, timeout);
    }
  }

  private void open(Peer peer, Duration timeout) {
    long begun = System.nanoTime();
    int timeoutMillis = (int) Math.clamp(timeout.toMillis(), 1, Integer.MAX_VALUE);
    ChannelFuture connecting =
        bootstrap
            .clone()
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, timeoutMillis)
            .handler(QUIET)
            .connect(peer.socketAddress());
    open.add(connecting.channel());
    connecting.addListener((ChannelFuture connected) -> {
      Channel channel = connected.channel();
      if (!connected.isSuccess() || !channel.isActive()) {
        fail(peer, AttemptError.CONNECT_FAILED, whyNoConnection(peer, timeout, connected.cause()));
      } else if (peer.tls()) {
        handshake(peer, channel, timeout, begun);
      } else {
        channel.pipeline().remove(QUIET);
        ready(Http1Connection.on(channel, peer, this), timeout);
        channel.config().setAutoRead(true);
      }
    });
  }

  private void handshake(Peer peer, Channel channel, Duration timeout, long begun) {
    SslHandler handler = tls.handler(channel.alloc(), peer, wantsHttp1(peer));
    handler.setHandshakeTimeoutMillis(millisLeft(timeout, begun));
    channel.pipeline().addFirst(handler);
    channel.config().setAutoRead(true);
    handler
        .handshakeFuture()
        .addListener((Future<Channel> shaken) -> {
          Throwable failure = shaken.cause();
          if (failure == null) {
            try {
              tls.verify(peer, handler.engine());
            } catch (SSLException another) {
              failure = another;
            }
          }
          if (failure != null || !channel.isActive()) {
            channel.close();
            forgetWish(peer); // it may not support HTTP/1.1 at all
            fail(peer, AttemptError.TLS_FAILED, whyNoTls(peer, timeout, failure));
            return;
          }
          channel.pipeline().remove(QUIET);
          if (ApplicationProtocolNames.HTTP_2.equals(handler.applicationProtocol())) {
            Http2Connection.on(channel, peer, this, timeout, millisLeft(timeout, begun));
          } else {
            ready(Http1Connection.on(channel, peer, this), timeout);
          }
        });
  }

  private synchronized void forgetWish(Peer peer) {
    onlyHttp1.remove(peer);
  }

  private synchronized boolean wantsHttp1(Peer peer) {
    return onlyHttp1.contains(peer);
  }

  private static long millisLeft(Duration timeout, long begun) {
    long spent = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
    return Math.max(timeout.toMillis() - spent, 1);
  }

  private void ready(Http1Connection connection, Duration timeout) {
    Peer peer = connection.peer();
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

  /**
   * An HTTP/2 connection has received its peer's limit.
   *
   * @param streams maximum number of concurrent requests
   * @param timeout of the connections that are opened for requests that do not fit on this one
   */
  void ready(Http2Connection connection, int streams, Duration timeout) {
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

  /** Opening a connection has failed. */
  void fail(Peer peer, AttemptError error, String detail) {
    List<Waiter> left;
    synchronized (this) {
      Way way = way(peer);
      way.opening--;
      left = way.left();
      forgetUnused(peer, way);
    }
    left.forEach(waiter -> waiter.failed(error, detail));
  }

  private String whyNoConnection(Peer peer, Duration timeout, @Nullable Throwable cause) {
    String said = cause == null ? "" : String.valueOf(cause.getMessage());
    String why =
        switch (cause) {
          case ConnectTimeoutException _ -> "no connection within " + seconds(timeout);
          case NoRouteToHostException _ -> "no route to host";
          case ConnectException _ when said.contains("refused") -> "connection refused";
          case ConnectException _ when said.contains("unreachable") -> "network unreachable";
          case ConnectException _ when said.contains("timed out") -> "connection timed out";
          case null -> "the target closed the connection at once";
          default -> "cannot connect";
        };
    return peer + ": " + why;
  }

  private String whyNoTls(Peer peer, Duration timeout, @Nullable Throwable cause) {
    return cause instanceof SslHandshakeTimeoutException
        ? peer + ": no TLS within " + seconds(timeout)
        : peer + ": TLS handshake failed: " + TargetTls.whyNot(cause);
  }

  private static String seconds(Duration duration) {
    return duration.toMillis() / 1000.0 + " s";
  }
}
