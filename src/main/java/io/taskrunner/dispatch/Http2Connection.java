package io.taskrunner.dispatch;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
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
import io.netty.util.AsciiString;
import io.netty.util.ReferenceCountUtil;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.TargetRequest;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP/2 connection, shared by requests as streams.
 *
 * <p>A stream that the target refused, or that its GOAWAY leaves out, was surely not processed (RFC
 * 9113 §8.7): its request is sent again on another connection. Any other end without an answer is a
 * lost connection.
 */
final class Http2Connection extends Http2ChannelDuplexHandler implements Connection {

  private static final int STREAMS_MAX = 100;

  /** A request on its stream. */
  private static final class Exchange {
    final Sending sending;
    final Http2FrameStream stream;
    final Answer answer = new Answer();

    Exchange(Sending sending, Http2FrameStream stream) {
      this.sending = sending;
      this.stream = stream;
    }
  }

  private final Channel channel;
  private final Peer peer;
  private final Connections connections;
  private final Map<Http2FrameStream, Exchange> exchanges = new IdentityHashMap<>();
  private final AtomicInteger reserved = new AtomicInteger();
  private volatile int streamsMax = STREAMS_MAX;
  private volatile boolean goingAway;
  private volatile long idleSince = System.nanoTime();

  private Http2Connection(Channel channel, Peer peer, Connections connections) {
    this.channel = channel;
    this.peer = peer;
    this.connections = connections;
  }

  /** Makes a connected channel, after its TLS handshake, speak HTTP/2; called on its loop. */
  static Http2Connection on(Channel channel, Peer peer, Connections connections) {
    Http2FrameCodec codec =
        Http2FrameCodecBuilder.forClient()
            .initialSettings(
                Http2Settings.defaultSettings()
                    .pushEnabled(false)
                    .maxHeaderListSize(Answer.HEAD_MAX))
            .gracefulShutdownTimeoutMillis(0)
            .build();
    Http2Connection connection = new Http2Connection(channel, peer, connections);
    channel.pipeline().addLast(codec, connection);
    return connection;
  }

  Peer peer() {
    return peer;
  }

  /**
   * Takes a place for one request, which {@link #send} then uses; false when all are taken. Safe
   * for use by many threads.
   */
  boolean reserve() {
    while (!goingAway && channel.isActive()) {
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
  public void abort(Sending sending) {
    for (Exchange exchange : exchanges.values()) {
      if (exchange.sending == sending) {
        reset(exchange);
        return;
      }
    }
  }

  private void write(Exchange exchange) {
    TargetRequest request = exchange.sending.claim().spec().request();
    Http2Headers headers = new DefaultHttp2Headers();
    headers
        .method(request.method())
        .scheme(request.url().scheme())
        .authority(TargetHeaders.authority(request.url()))
        .path(request.url().pathAndQuery());
    exchange.sending.writeHeaders(
        (name, value) -> headers.add(AsciiString.cached(name.toLowerCase(Locale.ROOT)), value));
    byte[] body = request.body();
    if (body.length > 0 || TargetHeaders.expectsBody(request.method())) {
      headers.add(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(body.length));
    }
    channel
        .write(new DefaultHttp2HeadersFrame(headers, body.length == 0).stream(exchange.stream))
        .addListener(sent -> {
          if (!sent.isSuccess()) {
            sendAgain(exchange); // no stream could be opened
          }
        });
    if (body.length > 0) {
      channel.write(
          new DefaultHttp2DataFrame(Unpooled.wrappedBuffer(body), true).stream(exchange.stream));
    }
    channel.flush();
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    try {
      switch (message) {
        case Http2HeadersFrame frame -> head(frame);
        case Http2DataFrame frame -> body(frame);
        case Http2ResetFrame frame -> wasReset(frame);
        case Http2GoAwayFrame frame -> goAway(frame);
        case Http2SettingsFrame frame -> {
          Long most = frame.settings().maxConcurrentStreams();
          if (most != null) {
            streamsMax = (int) Math.min(most, STREAMS_MAX);
          }
        }
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
          bad(exchange, "its interim answers make no sense");
        }
        return;
      }
      String retryAfter = text(frame.headers().get(HttpHeaderNames.RETRY_AFTER));
      if (!exchange.answer.begin(
          status, retryAfter, text(frame.headers().get(HttpHeaderNames.DATE)))) {
        bad(exchange, "its status is " + said);
        return;
      }
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
      bad(exchange, "it has no head");
    } else if (!exchange.answer.body(frame.content().readableBytes())) {
      reset(exchange);
      exchange.sending.answered(exchange.answer);
    } else if (frame.isEndStream()) {
      done(exchange);
    }
  }

  private void done(Exchange exchange) {
    forget(exchange);
    exchange.sending.answered(exchange.answer);
  }

  private void wasReset(Http2ResetFrame frame) {
    Exchange exchange = exchanges.get(frame.stream());
    if (exchange == null) {
      return;
    }
    if (frame.errorCode() == Http2Error.REFUSED_STREAM.code()) {
      sendAgain(exchange);
    } else {
      forget(exchange);
      exchange.sending.fail(
          AttemptError.CONNECTION_LOST,
          peer + ": the target reset the request (HTTP/2 error " + frame.errorCode() + ")");
    }
  }

  private void goAway(Http2GoAwayFrame frame) {
    goingAway = true;
    connections.remove(this);
    for (Exchange exchange : List.copyOf(exchanges.values())) {
      if (exchange.stream.id() > frame.lastStreamId()) {
        sendAgain(exchange);
      }
    }
    closeWhenLast();
  }

  private void sendAgain(Exchange exchange) {
    if (forget(exchange)) {
      exchange.sending.sendAgain(peer + ": the target takes no request on its connections");
    }
  }

  private void bad(Exchange exchange, String what) {
    reset(exchange);
    exchange.sending.fail(AttemptError.BAD_RESPONSE, peer + ": the answer cannot be read: " + what);
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
    end(AttemptError.CONNECTION_LOST, "the target closed the connection without a whole answer");
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (cause instanceof Http2FrameStreamException failure) {
      Exchange exchange = exchanges.get(failure.stream());
      if (exchange != null) {
        bad(
            exchange,
            "it breaks the rules of HTTP/2, or its head is longer than "
                + Answer.HEAD_MAX
                + " bytes");
      }
    } else {
      end(AttemptError.CONNECTION_LOST, "the connection was lost");
    }
  }

  private void end(AttemptError error, String what) {
    goingAway = true;
    connections.remove(this);
    channel.close();
    for (Exchange exchange : new ArrayList<>(exchanges.values())) {
      forget(exchange);
      exchange.sending.fail(error, peer + ": " + what);
    }
  }

  private static @Nullable String text(@Nullable CharSequence value) {
    return value == null ? null : value.toString();
  }
}
