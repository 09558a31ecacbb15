package io.taskrunner.http.call;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpRequestWriter;
import com.linecorp.armeria.common.RequestHeaders;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.nio.charset.StandardCharsets;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The channel's own clock is used, and set. The result of each read is chosen by a test. */
class SlowCallersTest {

  private EmbeddedChannel channel = new EmbeddedChannel();
  private Object next = "";

  @BeforeEach
  void watch() {
    channel.freezeTime();
    channel
        .pipeline()
        .addLast(
            new ChannelInboundHandlerAdapter() {
              @Override
              public void channelRead(ChannelHandlerContext ctx, Object message) {
                ctx.fireChannelRead(next);
              }
            });
    channel.pipeline().addLast(new ChannelInboundHandlerAdapter());
    SlowCallers.watch(channel.pipeline(), Duration.ofSeconds(10));
  }

  private void read(Object comesTo) {
    next = comesTo;
    channel.writeInbound(Unpooled.copiedBuffer("x", StandardCharsets.US_ASCII));
  }

  private void answer() {
    var unused = channel.write(LastHttpContent.EMPTY_LAST_CONTENT);
  }

  private void pass(int seconds) {
    channel.advanceTimeBy(seconds, TimeUnit.SECONDS);
    channel.runScheduledPendingTasks();
  }

  @Test
  void incompleteHeadersCloseTheConnection() {
    for (int i = 0; i < 9; i++) {
      read("");
      pass(1);
    }
    assertTrue(channel.isOpen());
    read("");
    pass(1);
    assertFalse(channel.isOpen(), "however often a byte comes");
  }

  @Test
  void aConnectionWithoutBytesIsIgnored() {
    pass(60);
    assertTrue(channel.isOpen());
  }

  @Test
  void completeHeadersStopTheTimer() {
    read("");
    pass(9);
    read(HttpRequest.of(HttpMethod.GET, "/"));
    answer();
    pass(60);
    assertTrue(channel.isOpen());
    read("");
    pass(10);
    assertFalse(channel.isOpen(), "the next call's headers are watched again");
  }

  @Test
  void aBodyInProgressIsNotTimedAsHeaders() {
    HttpRequestWriter call = HttpRequest.streaming(RequestHeaders.of(HttpMethod.POST, "/"));
    read(call);
    read("");
    pass(20);
    assertTrue(channel.isOpen());
    call.close();
    read("");
    answer();
    read("");
    pass(10);
    assertFalse(channel.isOpen());
  }

  @Test
  void aCallWithALateBodyMayWaitForItsResponse() {
    HttpRequestWriter call = HttpRequest.streaming(RequestHeaders.of(HttpMethod.POST, "/"));
    read(call);
    call.close();
    read("");
    pass(300);
    assertTrue(channel.isOpen());
    answer();
    pass(60);
    assertTrue(channel.isOpen(), "what came last was its body");
  }

  @Test
  void theNextHeadersAreTimedFromThePreviousResponse() {
    read(HttpRequest.of(HttpMethod.GET, "/"));
    read("");
    pass(60);
    assertTrue(channel.isOpen(), "the first call waits for its answer");
    answer();
    pass(9);
    assertTrue(channel.isOpen());
    pass(1);
    assertFalse(channel.isOpen());
  }

  @Test
  void anInterimResponseIsNotAFinalOne() {
    HttpRequestWriter call = HttpRequest.streaming(RequestHeaders.of(HttpMethod.POST, "/"));
    read(call);
    var unused =
        channel.write(
            new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE));
    call.close();
    read("");
    read("");
    pass(60);
    assertTrue(channel.isOpen());
  }

  /** TLS that is ignored: the result of each read is chosen by a test, as above. */
  private EmbeddedChannel tls() throws NoSuchAlgorithmException {
    EmbeddedChannel begun = new EmbeddedChannel();
    begun.freezeTime();
    SslHandler transparent =
        new SslHandler(SSLContext.getDefault().createSSLEngine()) {
          @Override
          public void handlerAdded(ChannelHandlerContext ctx) {}

          @Override
          public void channelRead(ChannelHandlerContext ctx, Object message) {
            ctx.fireChannelRead(next);
          }

          @Override
          public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
            ctx.close(promise);
          }
        };
    begun.pipeline().addLast(transparent);
    begun
        .pipeline()
        .addLast(
            new ChannelInboundHandlerAdapter() {
              @Override
              public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
                ctx.pipeline().addLast(new ChannelInboundHandlerAdapter());
                ctx.fireUserEventTriggered(event);
              }
            });
    SlowCallers.watchTls(begun.pipeline(), Duration.ofSeconds(10));
    return begun;
  }

  @Test
  void aHandshakeThatIsTooSlowClosesTheConnection() throws Exception {
    channel = tls();
    pass(9);
    assertTrue(channel.isOpen());
    pass(1);
    assertFalse(channel.isOpen(), "though no byte came");
  }

  @Test
  void headersInTlsAreTimedAfterTheHandshake() throws Exception {
    channel = tls();
    channel.pipeline().fireUserEventTriggered(SslHandshakeCompletionEvent.SUCCESS);
    pass(60);
    assertTrue(channel.isOpen(), "it may wait for its first call");
    read("");
    pass(9);
    read(HttpRequest.of(HttpMethod.GET, "/"));
    answer();
    pass(60);
    assertTrue(channel.isOpen());
    read("");
    pass(10);
    assertFalse(channel.isOpen());
  }
}
