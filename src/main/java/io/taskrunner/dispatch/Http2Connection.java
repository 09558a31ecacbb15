package io.taskrunner.dispatch;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.DefaultHttp2PingFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.DefaultHttp2WindowUpdateFrame;
import io.netty.handler.codec.http2.Http2ChannelDuplexHandler;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2FrameStream;
import io.netty.handler.codec.http2.Http2FrameStreamException;
import io.netty.handler.codec.http2.Http2GoAwayFrame;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2SettingsFrame;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.taskrunner.task.AttemptError;
import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP/2 connection, shared by requests as streams.
 *
 * <p>A stream that the target refused, or that its GOAWAY leaves out, was surely not processed (RFC
 * 9113 §8.7): its request is sent again on another connection. Any other end without a response is
 * a lost connection. After a request that timed out while nothing at all arrived, the peer is
 * checked with a PING, and until it sends anything the connection gets no request. If it never
 * does, its requests end by their own timeouts, and the connection by being idle.
 *
 * <p>A connection is offered once the peer's settings have arrived. They never increase the memory
 * used here.
 */
final class Http2Connection extends Http2ChannelDuplexHandler implements Connection {

  /** The detail for a peer that rejects a request without processing it. */
  static final String TAKES_NONE = "the target accepts no request on its connections";

  private static final int STREAMS_MAX = 100;
  private static final long TABLE_BYTES_MAX = 4096;

  /** The pool that shares it. */
  interface Pool {
    /**
     * A connection has received its peer's limit.
     *
     * @param streams maximum number of concurrent requests
     * @param timeout of the connections that are opened for requests that do not fit on this one
     */
    void ready(Http2Connection connection, int streams, Duration timeout);

    /** Removes a connection that accepts no more requests. */
    void remove(Http2Connection connection);

    /** A connection ended before it was ready. */
    void failed(Peer peer, AttemptError error, String detail);

    /** The peer requires HTTP/1.1: from now on only that is offered. */
    void requireHttp1(Peer peer);
  }

  private final Channel channel;
  private final Peer peer;
  private final Pool pool;
  private final Map<Http2FrameStream, Exchange> exchanges = new IdentityHashMap<>();
  private final AtomicInteger reserved = new AtomicInteger();
  private final Duration timeout;
  private final ScheduledFuture<?> settingsDue;
  private volatile int streamsMax = STREAMS_MAX;
  private volatile boolean goingAway;
  private volatile boolean inDoubt;
  private boolean keepsNoTable; // the peer's header table is larger than usual
  private boolean ready; // its settings have arrived
  private boolean tookAny; // a request was processed, or is being
  private long heardAt = System.nanoTime();
  private volatile long idleSince = System.nanoTime();

  private Http2Connection(
      Channel channel, Peer peer, Pool pool, Duration timeout, long millisLeft) {
    this.channel = channel;
    this.peer = peer;
    this.pool = pool;
    this.timeout = timeout;
    this.settingsDue =
        channel
            .eventLoop()
            .schedule(
                () -> end("it sent no HTTP/2 settings in time"), millisLeft, TimeUnit.MILLISECONDS);
  }

  /**
   * Sets up HTTP/2 on a connected channel, after its TLS handshake; called on its loop.
   *
   * @param timeout of additional connections
   * @param millisLeft until its settings must have arrived
   */
  static void on(Channel channel, Peer peer, Pool pool, Duration timeout, long millisLeft) {
    Http2Connection connection = new Http2Connection(channel, peer, pool, timeout, millisLeft);
    Http2FrameCodec codec =
        Http2FrameCodecBuilder.forClient()
            .initialSettings(
                Http2Settings.defaultSettings()
                    .pushEnabled(false)
                    .maxHeaderListSize(Answer.HEAD_MAX))
            .headerSensitivityDetector((_, _) -> connection.keepsNoTable)
            .gracefulShutdownTimeoutMillis(0)
            .build();
    channel.pipeline().addLast(codec, connection);
  }

  Peer peer() {
    return peer;
  }

  /**
   * Reserves a stream for one request, which {@link #send} then uses; false when all are taken.
   * Thread-safe.
   */
  boolean reserve() {
    while (!goingAway && !inDoubt && channel.isActive()) {
      int now = reserved.get();
      if (now >= streamsMax) {
        return false;
      }
      if (reserved.compareAndSet(now, now + 1)) {
        return true;
      }
    }
    return false;
  }

  /** Whether no request has been here since a time on the clock of {@link System#nanoTime}. */
  boolean isIdleSince(long nanos) {
    return reserved.get() == 0 && idleSince - nanos < 0;
  }

  @Override
  public EventLoop loop() {
    return channel.eventLoop();
  }

  @Override
  public void close() {
    channel.close();
  }

  @Override
  public boolean send(Sending sending) {
    if (goingAway || !channel.isActive()) {
      free();
      return false;
    }
    if (!sending.goesBy(this)) {
      free();
      return true;
    }
    Exchange exchange = new Exchange(sending, newStream());
    exchanges.put(exchange.stream, exchange);
    try {
      write(exchange);
    } catch (RuntimeException bug) {
      forget(exchange);
      sending.broke(bug);
    }
    return true;
  }

  @Override
  public void abort(Sending sending, boolean timedOut) {
    for (Exchange exchange : exchanges.values()) {
      if (exchange.sending == sending) {
        if (timedOut && !inDoubt && heardAt - exchange.begun < 0) {
          inDoubt = true;
          channel.write(new DefaultHttp2PingFrame(0));
        }
        reset(exchange);
        return;
      }
    }
  }

  /** Lets current requests finish, and accepts no new ones. */
  void retire() {
    goingAway = true;
    pool.remove(this);
    if (loop().inEventLoop()) {
      closeWhenLast();
    } else {
      loop().execute(this::closeWhenLast);
    }
  }

  private void write(Exchange exchange) {
    Http2Headers headers = exchange.headers();
    byte[] body = exchange.body();
    channel
        .write(new DefaultHttp2HeadersFrame(headers, body.length == 0).stream(exchange.stream))
        .addListener(sent -> {
          if (!sent.isSuccess()) {
            sendAgain(exchange); // no stream could be opened
          } else if (body.length == 0) {
            exchange.written = true;
          }
        });
    if (body.length > 0) {
      channel
          .write(
              new DefaultHttp2DataFrame(Unpooled.wrappedBuffer(body), true).stream(exchange.stream))
          .addListener(sent -> exchange.written = sent.isSuccess());
    }
    channel.flush();
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    heardAt = System.nanoTime();
    inDoubt = false;
    try {
      switch (message) {
        case Http2HeadersFrame frame -> head(frame);
        case Http2DataFrame frame -> body(frame);
        case Http2ResetFrame frame -> wasReset(frame);
        case Http2GoAwayFrame frame -> goAway(frame);
        case Http2SettingsFrame frame -> settings(frame.settings());
        default -> {}
      }
    } finally {
      ReferenceCountUtil.release(message);
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    channel.flush();
  }

  private void settings(Http2Settings settings) {
    Long most = settings.maxConcurrentStreams();
    if (most != null) {
      streamsMax = (int) Math.min(most, STREAMS_MAX);
    }
    Long table = settings.headerTableSize();
    if (table != null) {
      keepsNoTable = table > TABLE_BYTES_MAX;
    }
    if (!ready && !goingAway) {
      ready = true;
      settingsDue.cancel(false);
      pool.ready(this, streamsMax, timeout);
    }
  }

  /** RFC 8446 §6.1: the peer announced the end of its data. */
  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event instanceof SslCloseCompletionEvent) {
      channel.close();
    } else {
      context.fireUserEventTriggered(event);
    }
  }

  private void head(Http2HeadersFrame frame) {
    Exchange exchange = exchanges.get(frame.stream());
    if (exchange == null) {
      return;
    }
    if (!exchange.answer.hasBegun()) { // else trailers
      CharSequence said = frame.headers().status();
      int status =
          said != null && said.toString().matches("[0-9]{3}")
              ? Integer.parseInt(said.toString())
              : 0;
      if (status >= 100 && status < 200) {
        if (status == 101 || frame.isEndStream() || !exchange.answer.interim()) {
          bad(exchange, "its interim responses are invalid");
        }
        return;
      }
      String retryAfter = text(frame.headers().get(HttpHeaderNames.RETRY_AFTER));
      if (!exchange.answer.begin(
          status, retryAfter, text(frame.headers().get(HttpHeaderNames.DATE)))) {
        bad(exchange, "its status is " + said);
        return;
      }
      tookAny = true;
    }
    if (frame.isEndStream()) {
      done(exchange);
    }
  }

  private void body(Http2DataFrame frame) {
    channel.write(
        new DefaultHttp2WindowUpdateFrame(frame.initialFlowControlledBytes())
            .stream(frame.stream()));
    Exchange exchange = exchanges.get(frame.stream());
    if (exchange == null) {
      return;
    }
    if (!exchange.answer.hasBegun()) {
      bad(exchange, "it has no headers");
    } else if (!exchange.answer.body(frame.content())) {
      reset(exchange);
      exchange.sending.answered(exchange.answer);
    } else if (frame.isEndStream()) {
      done(exchange);
    }
  }

  private void done(Exchange exchange) {
    if (exchange.written) {
      forget(exchange);
    } else {
      reset(exchange); // RFC 9113 §8.1: the rest of the request is not needed
    }
    exchange.sending.answered(exchange.answer);
  }

  private void wasReset(Http2ResetFrame frame) {
    Exchange exchange = exchanges.get(frame.stream());
    if (exchange == null) {
      return;
    }
    if (frame.errorCode() == Http2Error.REFUSED_STREAM.code()) {
      sendAgain(exchange);
    } else if (frame.errorCode() == Http2Error.HTTP_1_1_REQUIRED.code()) {
      pool.requireHttp1(peer);
      sendAgain(exchange);
    } else {
      forget(exchange);
      exchange.sending.fail(
          AttemptError.CONNECTION_LOST,
          peer + ": the target reset the request (HTTP/2 error " + frame.errorCode() + ")");
    }
  }

  private void goAway(Http2GoAwayFrame frame) {
    if (frame.errorCode() == Http2Error.HTTP_1_1_REQUIRED.code()) {
      pool.requireHttp1(peer);
    }
    goingAway = true;
    pool.remove(this);
    List<Exchange> all = List.copyOf(exchanges.values());
    tookAny |= all.stream().anyMatch(exchange -> exchange.stream.id() <= frame.lastStreamId());
    for (Exchange exchange : all) {
      if (exchange.stream.id() > frame.lastStreamId()) {
        sendAgain(exchange);
      }
    }
    closeWhenLast();
  }

  private void sendAgain(Exchange exchange) {
    if (forget(exchange)) {
      exchange.sending.sendAgain(peer + ": " + TAKES_NONE, !(goingAway && tookAny));
    }
  }

  private void bad(Exchange exchange, String what) {
    reset(exchange);
    exchange.sending.fail(AttemptError.BAD_RESPONSE, peer + ": invalid response: " + what);
  }

  private void reset(Exchange exchange) {
    channel.writeAndFlush(new DefaultHttp2ResetFrame(Http2Error.CANCEL).stream(exchange.stream));
    forget(exchange);
  }

  private boolean forget(Exchange exchange) {
    if (exchanges.remove(exchange.stream) == null) {
      return false;
    }
    free();
    closeWhenLast();
    return true;
  }

  private void free() {
    idleSince = System.nanoTime();
    reserved.decrementAndGet();
  }

  private void closeWhenLast() {
    if (goingAway && exchanges.isEmpty()) {
      channel.close();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    end("the target closed the connection without a complete response");
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (cause instanceof Http2FrameStreamException failure) {
      Exchange exchange = exchanges.get(failure.stream());
      if (exchange != null) {
        bad(exchange, "it violates HTTP/2, or its headers exceed " + Answer.HEAD_MAX + " bytes");
      }
    } else {
      end("the connection was lost");
    }
  }

  private void end(String what) {
    goingAway = true;
    pool.remove(this);
    channel.close();
    if (!ready) {
      ready = true;
      settingsDue.cancel(false);
      pool.failed(peer, AttemptError.CONNECT_FAILED, peer + ": " + what);
    }
    for (Exchange exchange : new ArrayList<>(exchanges.values())) {
      forget(exchange);
      exchange.sending.fail(AttemptError.CONNECTION_LOST, peer + ": " + what);
    }
  }

  private static @Nullable String text(@Nullable CharSequence value) {
    return value == null ? null : value.toString();
  }
}
