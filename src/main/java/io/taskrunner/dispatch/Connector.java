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
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Opens connections: TCP, then the TLS handshake, which also decides on the protocol. Each end is
 * reported to {@link Opened}, on the loop of the connection.
 */
final class Connector implements AutoCloseable {

  /** Swallows handshake errors, which the handshake's future reports. */
  private static final ChannelHandler QUIET = new Quiet();

  @ChannelHandler.Sharable
  private static final class Quiet extends ChannelInboundHandlerAdapter {
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      // reported by the handshake's future
    }
  }

  /** Receives what became of connections. */
  interface Opened {
    /** Whether the peer is known to require HTTP/1.1, so that only that is offered. */
    boolean onlyHttp1(Peer peer);

    /** A connection for HTTP/1.1; data is read only after this call. */
    void http1(Channel channel, Peer peer, Duration timeout);

    /** A connection for HTTP/2, whose settings must have arrived within {@code millisLeft}. */
    void http2(Channel channel, Peer peer, Duration timeout, long millisLeft);

    /** A connection could not be opened. */
    void failed(Peer peer, AttemptError error, String detail);
  }

  private final ChannelGroup open = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
  private final Bootstrap bootstrap;
  private final TargetTls tls;
  private final Opened opened;

  /**
   * Opens connections on shared event loops.
   *
   * @param tls owned by this object, and released with it
   */
  Connector(EventLoopGroup loops, TargetTls tls, Opened opened) {
    this.tls = tls;
    this.opened = opened;
    this.bootstrap =
        new Bootstrap()
            .group(loops)
            .channel(Transport.of(loops).socket())
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.SO_KEEPALIVE, true)
            .option(
                ChannelOption.AUTO_READ,
                false); // until a reader is installed: a target may send first
  }

  /** The connections that are established or being opened. */
  ChannelGroup all() {
    return open;
  }

  /** Closes all connections, including requests in progress. */
  @Override
  public void close() {
    open.close();
    tls.close();
  }

  /** Opens one connection; {@code timeout} until it is usable, TLS handshake included. */
  void open(Peer peer, Duration timeout) {
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
        opened.failed(
            peer, AttemptError.CONNECT_FAILED, whyNoConnection(peer, timeout, connected.cause()));
      } else if (peer.tls()) {
        handshake(peer, channel, timeout, begun);
      } else {
        channel.pipeline().remove(QUIET);
        opened.http1(channel, peer, timeout);
        channel.config().setAutoRead(true);
      }
    });
  }

  private void handshake(Peer peer, Channel channel, Duration timeout, long begun) {
    SslHandler handler = tls.handler(channel.alloc(), peer, opened.onlyHttp1(peer));
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
            opened.failed(peer, AttemptError.TLS_FAILED, whyNoTls(peer, timeout, failure));
            return;
          }
          channel.pipeline().remove(QUIET);
          if (ApplicationProtocolNames.HTTP_2.equals(handler.applicationProtocol())) {
            opened.http2(channel, peer, timeout, millisLeft(timeout, begun));
          } else {
            opened.http1(channel, peer, timeout);
          }
        });
  }

  private static long millisLeft(Duration timeout, long begun) {
    long spent = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
    return Math.max(timeout.toMillis() - spent, 1);
  }

  private static String whyNoConnection(Peer peer, Duration timeout, @Nullable Throwable cause) {
    String said = cause == null ? "" : String.valueOf(cause.getMessage());
    String why =
        switch (cause) {
          case ConnectTimeoutException _ -> "no connection within " + seconds(timeout);
          case NoRouteToHostException _ -> "no route to host";
          case ConnectException _ when said.contains("refused") -> "connection refused";
          case ConnectException _ when said.contains("unreachable") -> "network unreachable";
          case ConnectException _ when said.contains("timed out") -> "connection timed out";
          case null -> "the target closed the connection immediately";
          default -> "cannot connect";
        };
    return peer + ": " + why;
  }

  private static String whyNoTls(Peer peer, Duration timeout, @Nullable Throwable cause) {
    return cause instanceof SslHandshakeTimeoutException
        ? peer + ": no TLS within " + seconds(timeout)
        : peer + ": TLS handshake failed: " + TargetTls.whyNot(cause);
  }

  private static String seconds(Duration duration) {
    return duration.toMillis() / 1000.0 + " s";
  }
}
