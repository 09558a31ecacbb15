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
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeTimeoutException;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.taskrunner.task.AttemptError;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Makes connections, and keeps those that can be used again.
 *
 * <p>Of HTTP/1.1 connections at most {@value #IDLE_PER_PEER_MAX} wait per peer and {@value
 * #IDLE_MAX} in all, each for at most {@value #IDLE_SEC_MAX} s; the one that has waited longest
 * goes first, and the one that was used last is used next. An HTTP/2 connection is shared by as
 * many requests as it takes. While the first connection to a TLS peer is being made, others wait to
 * learn what it speaks, so that one connection serves them all where it is HTTP/2. Nothing is kept
 * of a peer without connections. Safe for use by many threads: what is mutable is guarded by {@code
 * this}.
 */
final class Connections implements AutoCloseable {

  /** How many idle HTTP/1.1 connections one peer keeps. */
  static final int IDLE_PER_PEER_MAX = 256;

  /** How many idle HTTP/1.1 connections are kept in all. */
  static final int IDLE_MAX = 2048;

  /** How long an idle connection is kept, in seconds. */
  static final int IDLE_SEC_MAX = 30;

  /** Hears what goes wrong in a handshake, which its future tells of. */
  private static final ChannelHandler QUIET = new Quiet();

  @ChannelHandler.Sharable
  private static final class Quiet extends ChannelInboundHandlerAdapter {
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      // told by the handshake's future
    }
  }

  private static final long IDLE_NANOS_MAX = TimeUnit.SECONDS.toNanos(IDLE_SEC_MAX);

  /** Who wants a connection. */
  interface Waiter {
    /** Here it is; called on its loop. */
    void ready(Connection connection);

    /** There is none. */
    void failed(AttemptError error, String detail);
  }

  /** The connections to one peer. */
  private static final class Way {
    final Deque<Http1Connection> idle = new ArrayDeque<>();
    final List<Http2Connection> shared = new ArrayList<>(1);
    boolean speaksHttp1;
    @Nullable List<Waiter> waiting; // not null while the first connection is being made

    boolean isUnused() {
      return idle.isEmpty() && shared.isEmpty() && waiting == null;
    }
  }

  private final Map<Peer, Way> ways = new HashMap<>();
  private final LinkedHashSet<Http1Connection> idleInOrder = new LinkedHashSet<>();
  private final ChannelGroup open = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
  private final Bootstrap bootstrap;
  private final SslContext tls;
  private final Future<?> sweeping;

  /**
   * Connections on loops that are shared.
   *
   * @param tls is this object's from now on, and ends with it
   */
  Connections(EventLoopGroup loops, SslContext tls) {
    this.tls = tls;
    this.bootstrap =
        new Bootstrap()
            .group(loops)
            .channel(Transport.of(loops).socket())
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.SO_KEEPALIVE, true)
            .option(
                ChannelOption.AUTO_READ,
                false); // until somebody is there to read: a target may speak first
    this.sweeping =
        loops.next().scheduleWithFixedDelay(() -> sweep(System.nanoTime()), 1, 1, TimeUnit.SECONDS);
  }

  /** A connection that stands already; null when there is none to spare. */
  @Nullable Connection take(Peer peer) {
    while (true) {
      Http1Connection next;
      synchronized (this) {
        Way way = ways.get(peer);
        if (way == null) {
          return null;
        }
        for (Http2Connection shared : way.shared) {
          if (shared.reserve()) {
            return shared;
          }
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
   * Makes a connection, or has the waiter share one that is being made.
   *
   * @param timeout until it stands, with its TLS handshake
   */
  void connect(Peer peer, Duration timeout, Waiter waiter) {
    if (peer.tls()) {
      synchronized (this) {
        Way way = ways.computeIfAbsent(peer, _ -> new Way());
        if (way.waiting != null) {
          way.waiting.add(waiter);
          return;
        }
        if (!way.speaksHttp1) {
          way.waiting = new ArrayList<>();
        }
      }
    }
    open(peer, timeout, waiter);
  }

  /** Takes an HTTP/1.1 connection back that can be used again. */
  void release(Http1Connection connection) {
    Http1Connection surplus = null;
    synchronized (this) {
      Way way = ways.computeIfAbsent(connection.peer(), _ -> new Way());
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

  /** Forgets an HTTP/1.1 connection that is closed. */
  synchronized void remove(Http1Connection connection) {
    if (idleInOrder.remove(connection)) {
      Way way = ways.get(connection.peer());
      if (way != null) {
        way.idle.remove(connection);
        forgetUnused(connection.peer(), way);
      }
    }
  }

  /** Forgets an HTTP/2 connection that takes no more requests. */
  synchronized void remove(Http2Connection connection) {
    Way way = ways.get(connection.peer());
    if (way != null && way.shared.remove(connection)) {
      forgetUnused(connection.peer(), way);
    }
  }

  /** How many connections stand or are being made. */
  int size() {
    return open.size();
  }

  /** Done when every connection that stands now is closed. */
  Future<Void> allClosed() {
    return open.newCloseFuture();
  }

  /** How many peers are remembered. */
  synchronized int peers() {
    return ways.size();
  }

  /** Closes everything, with all that is under way. */
  @Override
  public void close() {
    sweeping.cancel(false);
    open.close();
    ReferenceCountUtil.release(tls); // what still closes holds it for itself
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
      for (Connection connection : old) {
        switch (connection) {
          case Http1Connection http1 -> remove(http1);
          case Http2Connection http2 -> remove(http2);
        }
      }
    }
    old.forEach(Connection::close);
  }

  private void open(Peer peer, Duration timeout, Waiter waiter) {
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
        fail(
            peer,
            waiter,
            AttemptError.CONNECT_FAILED,
            whyNoConnection(peer, timeout, connected.cause()));
      } else if (peer.tls()) {
        long left = timeoutMillis - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
        handshake(peer, channel, timeout, Math.max(left, 1), waiter);
      } else {
        channel.pipeline().remove(QUIET);
        waiter.ready(Http1Connection.on(channel, peer, this));
        channel.config().setAutoRead(true);
      }
    });
  }

  private void handshake(
      Peer peer, Channel channel, Duration timeout, long leftMillis, Waiter waiter) {
    String name =
        peer.host().endsWith(".")
            ? peer.host().substring(0, peer.host().length() - 1)
            : peer.host();
    SslHandler handler = tls.newHandler(channel.alloc(), name, peer.port());
    handler.setHandshakeTimeoutMillis(leftMillis);
    channel.pipeline().addFirst(handler);
    channel.config().setAutoRead(true);
    handler
        .handshakeFuture()
        .addListener((Future<Channel> shaken) -> {
          if (!shaken.isSuccess() || !channel.isActive()) {
            channel.close();
            fail(peer, waiter, AttemptError.TLS_FAILED, whyNoTls(peer, timeout, shaken.cause()));
            return;
          }
          channel.pipeline().remove(QUIET);
          if (ApplicationProtocolNames.HTTP_2.equals(handler.applicationProtocol())) {
            sharedReady(peer, timeout, Http2Connection.on(channel, peer, this), waiter);
          } else {
            http1Ready(peer, timeout, Http1Connection.on(channel, peer, this), waiter);
          }
        });
  }

  private void http1Ready(Peer peer, Duration timeout, Http1Connection connection, Waiter waiter) {
    List<Waiter> others = List.of();
    synchronized (this) {
      Way way = ways.get(peer);
      if (way != null && !way.speaksHttp1) {
        way.speaksHttp1 = true;
        others = way.waiting == null ? List.of() : way.waiting;
        way.waiting = null;
      }
    }
    waiter.ready(connection);
    others.forEach(other -> open(peer, timeout, other));
  }

  private void sharedReady(Peer peer, Duration timeout, Http2Connection connection, Waiter waiter) {
    List<Waiter> others;
    synchronized (this) {
      Way way = ways.computeIfAbsent(peer, _ -> new Way());
      others = way.waiting == null ? List.of() : way.waiting;
      way.waiting = null;
      way.speaksHttp1 = false;
      way.shared.add(connection);
    }
    share(peer, timeout, connection, waiter);
    others.forEach(other -> share(peer, timeout, connection, other));
  }

  private void share(Peer peer, Duration timeout, Http2Connection connection, Waiter waiter) {
    if (connection.reserve()) {
      waiter.ready(connection);
    } else {
      connect(peer, timeout, waiter);
    }
  }

  private void fail(Peer peer, Waiter waiter, AttemptError error, String detail) {
    List<Waiter> others;
    synchronized (this) {
      Way way = ways.get(peer);
      others = way == null || way.waiting == null ? List.of() : way.waiting;
      if (way != null) {
        way.waiting = null;
        forgetUnused(peer, way);
      }
    }
    waiter.failed(error, detail);
    others.forEach(other -> other.failed(error, detail));
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
    if (cause instanceof SslHandshakeTimeoutException) {
      return peer + ": no TLS within " + seconds(timeout);
    }
    String said = "";
    for (Throwable reason = cause; reason != null; reason = reason.getCause()) {
      String text = String.valueOf(reason.getMessage());
      if (text.contains("PKIX")
          || text.contains("certificat")
          || text.contains("subject alternative")) {
        said = ": the certificate is not trusted for this name";
      } else if (said.isEmpty() && text.contains("not an SSL/TLS record")) {
        said = ": the target does not speak TLS";
      }
    }
    return peer + ": TLS handshake failed" + said;
  }

  private static String seconds(Duration duration) {
    return duration.toMillis() / 1000.0 + " s";
  }
}
