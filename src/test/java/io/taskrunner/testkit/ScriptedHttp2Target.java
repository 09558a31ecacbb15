package io.taskrunner.testkit;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.DefaultHttp2WindowUpdateFrame;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2FrameStream;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2PingFrame;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.ApplicationProtocolNegotiationHandler;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SniHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.InetSocketAddress;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP/2 target inside TLS on 127.0.0.1, which answers each request with the next part of its
 * script, or with 200.
 */
public final class ScriptedHttp2Target implements AutoCloseable {

  private static final long PATIENCE_SEC = 20;
  private static final long TABLE_BYTES = 4096; // as in HTTP/2

  /** The action once a request has arrived; called on an event loop, must not block. */
  @FunctionalInterface
  public interface Part {
    /** Plays it. */
    void play(Stream stream);
  }

  /**
   * A received request.
   *
   * @param headers with those that begin with a colon
   * @param bodyLength in bytes
   * @param connection counts the connections of this target from 1
   */
  public record Received(Http2Headers headers, int bodyLength, int connection) {
    /** The value of a header; null when it is not there. */
    public String header(String name) {
      return String.valueOf(headers.get(name));
    }
  }

  /** A request's stream, as a part of the script sees it. */
  public record Stream(ChannelHandlerContext context, Http2FrameStream stream) {

    /** Answers with a status, and ends the answer or not. */
    public void status(int status, boolean end) {
      headers(new DefaultHttp2Headers().status(Integer.toString(status)), end);
    }

    /** Answers with headers, and ends the answer or not. */
    public void headers(Http2Headers headers, boolean end) {
      context.writeAndFlush(new DefaultHttp2HeadersFrame(headers, end).stream(stream));
    }

    /** Sends a piece of the body. */
    public void data(int length, boolean end) {
      context.writeAndFlush(
          new DefaultHttp2DataFrame(Unpooled.wrappedBuffer(new byte[length]), end).stream(stream));
    }

    /** Resets the stream. */
    public void reset(Http2Error error) {
      context.writeAndFlush(new DefaultHttp2ResetFrame(error).stream(stream));
    }

    /**
     * Announces that this connection ends, and that of the streams that have begun none from this
     * one on was processed.
     */
    public void goAwayBefore() {
      goAway(stream.id() - 2);
    }

    private void goAway(int last) {
      Http2ConnectionHandler codec = context.pipeline().get(Http2FrameCodec.class);
      ChannelHandlerContext at = context.pipeline().context(codec);
      codec
          .encoder()
          .writeGoAway(
              at, last, Http2Error.NO_ERROR.code(), Unpooled.EMPTY_BUFFER, at.newPromise());
      at.flush();
    }

    /** Ends the connection. */
    public void close() {
      context.close();
    }
  }

  private final Channel server;
  private final ChannelGroup open = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
  private final BlockingQueue<Part> script = new LinkedBlockingQueue<>();
  private final BlockingQueue<Received> received = new LinkedBlockingQueue<>();
  private final BlockingQueue<Long> resets = new LinkedBlockingQueue<>();
  private final AtomicInteger accepted = new AtomicInteger();

  private final BlockingQueue<Integer> lengths = new LinkedBlockingQueue<>();
  private final CountDownLatch pinged = new CountDownLatch(1);
  private final BlockingQueue<String> names = new LinkedBlockingQueue<>();
  private final SslContext tls;
  private volatile int perConnection = Integer.MAX_VALUE;

  private ScriptedHttp2Target(
      EventLoopGroup loops, SslContext tls, int streamsMax, long tableBytes) {
    this.tls = tls;
    ChannelInitializer<Channel> initializer =
        new ChannelInitializer<>() {
          @Override
          protected void initChannel(Channel channel) {
            open.add(channel);
            Http2Settings settings =
                Http2Settings.defaultSettings()
                    .maxConcurrentStreams(streamsMax)
                    .headerTableSize(tableBytes);
            channel
                .pipeline()
                .addLast(new SniHandler(ScriptedHttp2Target.this::answering))
                .addLast(new Protocol(settings, accepted.incrementAndGet()));
          }
        };
    server =
        new ServerBootstrap()
            .group(loops)
            .channel(NioServerSocketChannel.class)
            .childHandler(initializer)
            .bind("127.0.0.1", 0)
            .syncUninterruptibly()
            .channel();
  }

  /** A target on loops for NIO. */
  public static ScriptedHttp2Target start(
      EventLoopGroup loops, TestCertificate certificate, int streamsMax) {
    return start(loops, certificate, streamsMax, TABLE_BYTES);
  }

  /** One that keeps this many bytes of the headers that it has seen. */
  public static ScriptedHttp2Target start(
      EventLoopGroup loops, TestCertificate certificate, int streamsMax, long tableBytes) {
    SslContext tls = serverTls(certificate, ApplicationProtocolNames.HTTP_2);
    return new ScriptedHttp2Target(loops, tls, streamsMax, tableBytes);
  }

  /** One that supports HTTP/1.1 too, and answers there with 204. */
  public static ScriptedHttp2Target startWithHttp1(
      EventLoopGroup loops, TestCertificate certificate) {
    SslContext tls =
        serverTls(certificate, ApplicationProtocolNames.HTTP_2, ApplicationProtocolNames.HTTP_1_1);
    return new ScriptedHttp2Target(loops, tls, 100, TABLE_BYTES);
  }

  /** One whose TLS ends, by an alert, with clients that do not offer HTTP/2. */
  public static ScriptedHttp2Target startWithHttp2Alone(
      EventLoopGroup loops, TestCertificate certificate) {
    SslContext tls =
        serverTls(
            certificate,
            SslProvider.JDK,
            SelectorFailureBehavior.FATAL_ALERT,
            ApplicationProtocolNames.HTTP_2);
    return new ScriptedHttp2Target(loops, tls, 100, TABLE_BYTES);
  }

  /** From now on each connection takes this many requests, and announces its end at the last. */
  public ScriptedHttp2Target takesPerConnection(int requests) {
    perConnection = requests;
    return this;
  }

  /** Its port. */
  public int port() {
    return ((InetSocketAddress) server.localAddress()).getPort();
  }

  /** Adds a part to the script. */
  public ScriptedHttp2Target plays(Part part) {
    script.add(part);
    return this;
  }

  /** The next complete request. */
  public Received next() throws InterruptedException {
    Received request = received.poll(PATIENCE_SEC, TimeUnit.SECONDS);
    if (request == null) {
      throw new AssertionError("no request came within " + PATIENCE_SEC + " s");
    }
    return request;
  }

  /** The number of received requests that {@link #next} has not returned. */
  public int unseen() {
    return received.size();
  }

  /** The name that the next connection asked for inside TLS; empty when it asked for none. */
  public String nextServerName() throws InterruptedException {
    String name = names.poll(PATIENCE_SEC, TimeUnit.SECONDS);
    if (name == null) {
      throw new AssertionError("no connection came within " + PATIENCE_SEC + " s");
    }
    return name;
  }

  /** The number of bytes received with the next request, in any frames, after the one before. */
  public int nextLength() throws InterruptedException {
    Integer length = lengths.poll(PATIENCE_SEC, TimeUnit.SECONDS);
    if (length == null) {
      throw new AssertionError("no request came within " + PATIENCE_SEC + " s");
    }
    return length;
  }

  /** Waits for a ping. */
  public void awaitPing() throws InterruptedException {
    if (!pinged.await(PATIENCE_SEC, TimeUnit.SECONDS)) {
      throw new AssertionError("no ping came within " + PATIENCE_SEC + " s");
    }
  }

  /** The code of the next stream that the other side resets. */
  public long nextReset() throws InterruptedException {
    Long code = resets.poll(PATIENCE_SEC, TimeUnit.SECONDS);
    if (code == null) {
      throw new AssertionError("no stream was reset within " + PATIENCE_SEC + " s");
    }
    return code;
  }

  /** How many connections there have been. */
  public int connections() {
    return accepted.get();
  }

  @Override
  public void close() {
    server.close().syncUninterruptibly();
    open.close();
  }

  private SslContext answering(@Nullable String name) {
    names.add(name == null ? "" : name);
    return tls;
  }

  private static SslContext serverTls(TestCertificate certificate, String... protocols) {
    SslProvider provider =
        OpenSsl.isAvailable() ? SslProvider.OPENSSL : SslProvider.JDK; // names with _
    return serverTls(certificate, provider, SelectorFailureBehavior.NO_ADVERTISE, protocols);
  }

  private static SslContext serverTls(
      TestCertificate certificate,
      SslProvider provider,
      SelectorFailureBehavior noneInCommon,
      String... protocols) {
    try {
      return SslContextBuilder.forServer(certificate.keys())
          .sslProvider(provider)
          .applicationProtocolConfig(
              new ApplicationProtocolConfig(
                  ApplicationProtocolConfig.Protocol.ALPN,
                  noneInCommon,
                  ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                  protocols))
          .build();
    } catch (SSLException failed) {
      throw new IllegalStateException(failed);
    }
  }

  /** Uses the negotiated protocol. */
  private final class Protocol extends ApplicationProtocolNegotiationHandler {
    private final Http2Settings settings;
    private final int connection;

    Protocol(Http2Settings settings, int connection) {
      super(ApplicationProtocolNames.HTTP_1_1);
      this.settings = settings;
      this.connection = connection;
    }

    @Override
    protected void handshakeFailure(ChannelHandlerContext context, Throwable cause) {
      context.close(); // the other side sends the reason
    }

    @Override
    protected void configurePipeline(ChannelHandlerContext context, String protocol) {
      if (protocol.equals(ApplicationProtocolNames.HTTP_1_1)) {
        context.pipeline().addLast(new HttpServerCodec(), new Http1Handler());
        return;
      }
      Counter counter = new Counter();
      context
          .pipeline()
          .addLast(counter)
          .addLast(
              Http2FrameCodecBuilder.forServer()
                  .encoderIgnoreMaxHeaderListSize(true)
                  .initialSettings(settings)
                  .build())
          .addLast(new Handler(connection, counter));
    }
  }

  /** Answers everything with 204. */
  private static final class Http1Handler extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      if (message instanceof LastHttpContent) {
        context.writeAndFlush(
            new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.NO_CONTENT));
      }
      ReferenceCountUtil.release(message);
    }
  }

  /** Counts the incoming bytes. */
  private static final class Counter extends ChannelInboundHandlerAdapter {
    int bytes;

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      bytes += ((ByteBuf) message).readableBytes();
      context.fireChannelRead(message);
    }
  }

  private final class Handler extends ChannelInboundHandlerAdapter {
    private final int connection;
    private final Map<Http2FrameStream, Http2Headers> heads = new IdentityHashMap<>();
    private final Map<Http2FrameStream, Integer> bodies = new IdentityHashMap<>();
    private final Counter counter;
    private int taken;

    Handler(int connection, Counter counter) {
      this.connection = connection;
      this.counter = counter;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      try {
        switch (message) {
          case Http2HeadersFrame frame -> {
            heads.put(frame.stream(), frame.headers());
            if (frame.isEndStream()) {
              play(context, frame.stream());
            }
          }
          case Http2DataFrame frame -> {
            context.write(
                new DefaultHttp2WindowUpdateFrame(frame.initialFlowControlledBytes())
                    .stream(frame.stream()));
            context.flush();
            bodies.merge(frame.stream(), frame.content().readableBytes(), Integer::sum);
            if (frame.isEndStream()) {
              play(context, frame.stream());
            }
          }
          case Http2ResetFrame frame -> resets.add(frame.errorCode());
          case Http2PingFrame _ -> pinged.countDown();
          default -> {}
        }
      } finally {
        ReferenceCountUtil.release(message);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close();
    }

    private void play(ChannelHandlerContext context, Http2FrameStream stream) {
      Http2Headers head = heads.remove(stream);
      Integer length = bodies.remove(stream);
      if (head == null) {
        throw new IllegalStateException("a body without headers");
      }
      if (++taken > perConnection) {
        return;
      }
      lengths.add(counter.bytes);
      counter.bytes = 0;
      received.add(new Received(head, length == null ? 0 : length, connection));
      Part part = script.poll();
      Stream talk = new Stream(context, stream);
      if (taken == perConnection) {
        talk.goAway(stream.id());
      }
      if (part == null) {
        talk.status(200, false);
        talk.data(2, true);
      } else {
        part.play(talk);
      }
    }
  }
}
