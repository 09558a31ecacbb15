package io.taskrunner.dispatch;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.PrematureChannelClosureException;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseDecoder;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.TargetRequest;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP/1.1 connection: one request at a time, written byte for byte.
 *
 * <p>It is reused only when the request was written and the response read completely and neither
 * side asked to close. Any data from an idle peer, or the end of the connection, closes it. A peer
 * may close while the next request is in flight; because that request may have been processed, it
 * is not repeated here: it is lost, and the task's retries handle it.
 */
final class Http1Connection extends ChannelInboundHandlerAdapter
    implements Connection, ChannelFutureListener {

  /** How long an idle connection is kept, in seconds. */
  static final int IDLE_SEC_MAX = 30;

  private static final int COPIED_BODY_MAX = 16 * 1024;
  private static final int HEAD_USUAL = 1024;
  private static final int FIRST_LINE_MAX = 4096;

  /** Where it waits between requests. */
  interface Pool {
    /** Takes a reusable connection. */
    void release(Http1Connection connection);

    /** Removes a closed connection. */
    void remove(Http1Connection connection);

    /**
     * Closes what has been idle since before a time on the clock of {@link System#nanoTime}: a
     * request sent then got no response, and these connections may be dead too.
     */
    void distrust(Peer peer, long nanos);
  }

  private final Channel channel;
  private final Peer peer;
  private final Pool pool;
  private final Decoder decoder = new Decoder();
  private final StringBuilder head = new StringBuilder(HEAD_USUAL);
  private Answer answer = new Answer(0);
  private @Nullable Sending current;
  private boolean written;
  private long begun; // of the request, on the clock of System.nanoTime
  private boolean skipsToEnd; // of an interim response
  private boolean closing;
  private long idleNanosMax = TimeUnit.SECONDS.toNanos(IDLE_SEC_MAX);
  private volatile long idleSince; // written before it is returned, read by the next user

  private Http1Connection(Channel channel, Peer peer, Pool pool) {
    this.channel = channel;
    this.peer = peer;
    this.pool = pool;
  }

  /** Sets up HTTP/1.1 on a connected channel; called on its loop. */
  static Http1Connection on(Channel channel, Peer peer, Pool pool) {
    Http1Connection connection = new Http1Connection(channel, peer, pool);
    channel.pipeline().addLast(connection.decoder, connection);
    return connection;
  }

  Peer peer() {
    return peer;
  }

  /** When it was last returned, on the clock of {@link System#nanoTime}. */
  long idleSince() {
    return idleSince;
  }

  /** How long it may then wait, in ns. */
  long idleNanosMax() {
    return idleNanosMax;
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
    if (!channel.isActive()) {
      return false;
    }
    if (!sending.goesBy(this)) {
      giveBack();
      return true;
    }
    current = sending;
    begun = System.nanoTime();
    answer = sending.newAnswer();
    written = false;
    idleNanosMax = TimeUnit.SECONDS.toNanos(IDLE_SEC_MAX);
    try {
      write(sending);
    } catch (RuntimeException bug) {
      abort(sending, false);
      sending.broke(bug);
    }
    return true;
  }

  @Override
  public void abort(Sending sending, boolean timedOut) {
    if (current == sending) {
      current = null;
      closing = true;
      channel.close();
      if (timedOut && !answer.hasBegun()) {
        pool.distrust(peer, begun);
      }
    }
  }

  private void write(Sending sending) {
    TargetRequest request = sending.claim().spec().request();
    head.setLength(0);
    head.append(request.method())
        .append(' ')
        .append(request.url().pathAndQuery())
        .append(" HTTP/1.1\r\n");
    header("Host", TargetHeaders.authority(request.url()));
    sending.writeHeaders(this::header);
    byte[] body = request.body();
    if (body.length > 0 || TargetHeaders.expectsBody(request.method())) {
      header("Content-Length", Integer.toString(body.length));
    }
    head.append("\r\n");
    byte[] bytes = head.toString().getBytes(StandardCharsets.ISO_8859_1);
    if (body.length <= COPIED_BODY_MAX) {
      ByteBuf whole = channel.alloc().directBuffer(bytes.length + body.length);
      whole.writeBytes(bytes).writeBytes(body);
      channel.writeAndFlush(whole).addListener(this);
    } else {
      channel.write(Unpooled.wrappedBuffer(bytes), channel.voidPromise());
      channel.writeAndFlush(Unpooled.wrappedBuffer(body)).addListener(this);
      head.trimToSize();
    }
  }

  private void header(String name, String value) {
    head.append(name).append(": ").append(value).append("\r\n");
  }

  /** The request was written, or cannot be. */
  @Override
  public void operationComplete(ChannelFuture writing) {
    if (writing.isSuccess()) {
      written = true;
    } else if (current != null && !answer.hasBegun()) {
      lost("the connection was lost while the request was sent");
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    try {
      if (current == null) {
        channel.close(); // a response without a request
        return;
      }
      if (message instanceof HttpResponse response) {
        head(response);
      }
      if (current != null && message instanceof HttpContent content) {
        body(content);
      }
    } finally {
      ReferenceCountUtil.release(message);
    }
  }

  private void head(HttpResponse response) {
    if (response.decoderResult().isFailure()) {
      broken(response.decoderResult().cause());
      return;
    }
    int status = response.status().code();
    if (status >= 100 && status < 200) {
      skipsToEnd = true;
      if (status == 101 || !answer.interim()) {
        bad(
            status == 101
                ? "it switched protocols without being asked"
                : "it sent too many interim responses");
      }
      return;
    }
    String retryAfter = response.headers().get(HttpHeaderNames.RETRY_AFTER);
    if (!answer.begin(
        status,
        retryAfter,
        retryAfter == null ? null : response.headers().get(HttpHeaderNames.DATE))) {
      bad("its status is " + status);
      return;
    }
    closing = !HttpUtil.isKeepAlive(response);
    String keepAlive = response.headers().get("Keep-Alive");
    if (keepAlive != null) {
      idleNanosMax = Math.min(idleNanosMax, keepAliveNanos(keepAlive));
    }
  }

  private void body(HttpContent content) {
    if (content.decoderResult().isFailure()) {
      broken(content.decoderResult().cause());
      return;
    }
    if (skipsToEnd) {
      skipsToEnd = !(content instanceof LastHttpContent);
      return;
    }
    boolean short_ = answer.body(content.content());
    if (!short_ || content instanceof LastHttpContent) {
      done(short_);
    }
  }

  private void done(boolean whole) {
    Sending sending = current;
    current = null;
    if (whole && written && !closing && idleNanosMax > 0 && !decoder.holdsMore()) {
      giveBack();
    } else {
      closing = true;
      channel.close();
    }
    if (sending != null) {
      sending.answered(answer);
    }
  }

  /** Keeps it for the next request. */
  void giveBack() {
    idleSince = System.nanoTime();
    pool.release(this);
  }

  private void broken(Throwable cause) {
    switch (cause) {
      case PrematureChannelClosureException _ ->
          lost("the target closed the connection in the middle of its response");
      case TooLongFrameException _ -> bad("its headers exceed " + Answer.HEAD_MAX + " bytes");
      default -> bad("it is not HTTP");
    }
  }

  private void bad(String what) {
    fail(AttemptError.BAD_RESPONSE, peer + ": invalid response: " + what);
  }

  private void lost(String what) {
    fail(AttemptError.CONNECTION_LOST, peer + ": " + what);
  }

  private void fail(AttemptError error, String detail) {
    Sending sending = current;
    current = null;
    closing = true;
    channel.close();
    if (sending != null) {
      sending.fail(error, detail);
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

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    pool.remove(this);
    if (current != null) {
      lost(
          answer.hasBegun()
              ? "the target closed the connection in the middle of its response"
              : "the target closed the connection without a response");
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (cause instanceof DecoderException
        && !(cause.getCause() instanceof javax.net.ssl.SSLException)) {
      bad("it is not HTTP");
    } else {
      lost("the connection was lost");
    }
  }

  /** The target's keep-alive timeout, less a second for network delay. */
  static long keepAliveNanos(String value) {
    for (String part : value.split(",", -1)) {
      String[] pair = part.strip().split("=", 2);
      if (pair.length == 2
          && pair[0].strip().equalsIgnoreCase("timeout")
          && pair[1].strip().matches("[0-9]{1,9}")) {
        return TimeUnit.SECONDS.toNanos(Math.max(Long.parseLong(pair[1].strip()) - 1, 0));
      }
    }
    return Long.MAX_VALUE;
  }

  /**
   * Handles responses without a body and unexpected data of an idle peer. It is lenient: a target
   * that did its work must not do it again because of a character in a header.
   */
  private final class Decoder extends HttpResponseDecoder {

    Decoder() {
      super(
          new HttpDecoderConfig()
              .setMaxInitialLineLength(FIRST_LINE_MAX)
              .setMaxHeaderSize(Answer.HEAD_MAX)
              .setStrictLineParsing(false)
              .setValidateHeaders(false)
              .setAllowDuplicateContentLengths(true));
    }

    /** RFC 9112 §6.3: the chunks count, and the sender may be mistaken about its end. */
    @Override
    protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {
      message.headers().remove(HttpHeaderNames.CONTENT_LENGTH);
      clearContentLength();
      HttpUtil.setKeepAlive(message, false);
    }

    /**
     * Whether data has arrived after the decoded response, which would be taken for the next
     * response.
     */
    boolean holdsMore() {
      return actualReadableBytes() > 0;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
      if (current == null) {
        ReferenceCountUtil.release(message);
        channel.close();
      } else {
        super.channelRead(context, message);
      }
    }

    @Override
    protected boolean isContentAlwaysEmpty(HttpMessage message) {
      Sending sending = current;
      boolean toHead = sending != null && sending.claim().spec().request().method().equals("HEAD");
      return toHead || super.isContentAlwaysEmpty(message);
    }
  }
}
