package io.taskrunner.http.call;

import com.linecorp.armeria.common.HttpRequest;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Closes a connection whose headers do not arrive completely in time. The server below times a call
 * from its headers on, and a connection by its idle time; neither catches a caller that sends a
 * byte of its headers now and then. The clock is paused while a call waits for its answer.
 *
 * <p>Two handlers of one connection: the first in the pipeline sees bytes, one before the last sees
 * the resulting calls, and the answers. Bytes that resulted in no call, and no body, are the
 * beginning of headers. On HTTP/2 many calls share the bytes and the server below bounds what one
 * may send as headers, so there only the first bytes are watched.
 *
 * <p>With TLS, the handshake must be over in time, counted from the connection's first moment; then
 * the bytes within are watched likewise.
 */
public final class SlowCallers {

  private final Duration within;
  private boolean sawBytes;
  private boolean sawCall;
  private boolean headersBegan;
  private boolean bodyWasOpen;
  private int unanswered;
  private boolean interim;
  private @Nullable HttpRequest last;
  private @Nullable Future<?> alarm;

  private SlowCallers(Duration within) {
    this.within = within;
  }

  /**
   * Watches one connection, whose pipeline is complete except for the codec, which the first bytes
   * choose.
   */
  public static void watch(ChannelPipeline pipeline, Duration within) {
    SlowCallers watcher = new SlowCallers(within);
    Wire.watch(pipeline);
    pipeline.addFirst(watcher.bytes());
    pipeline.addBefore(pipeline.lastContext().name(), null, watcher.calls());
  }

  /**
   * Watches one connection that begins with TLS, and has its codec once the handshake is over; the
   * handler that puts it there is the last by now.
   */
  public static void watchTls(ChannelPipeline pipeline, Duration within) {
    pipeline.addLast(new SlowCallers(within).handshake());
  }

  /** Sits behind the handler that appends the codec after the handshake. */
  private ChannelHandler handshake() {
    return new ChannelInboundHandlerAdapter() {
      @Override
      public void handlerAdded(ChannelHandlerContext ctx) {
        alarm =
            ctx.executor().schedule(() -> ctx.close(), within.toMillis(), TimeUnit.MILLISECONDS);
      }

      @Override
      public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        ctx.fireUserEventTriggered(event);
        if (event instanceof SslHandshakeCompletionEvent over && over.isSuccess()) {
          stop();
          ChannelPipeline pipeline = ctx.pipeline();
          pipeline.addAfter(pipeline.context(SslHandler.class).name(), null, bytes());
          pipeline.addBefore(pipeline.lastContext().name(), null, calls());
          Wire.addRules(pipeline);
          pipeline.remove(this);
        }
      }

      @Override
      public void channelInactive(ChannelHandlerContext ctx) {
        stop();
        ctx.fireChannelInactive();
      }
    };
  }

  private ChannelHandler bytes() {
    return new ChannelInboundHandlerAdapter() {
      @Override
      public void channelRead(ChannelHandlerContext ctx, Object message) {
        sawBytes = true;
        ctx.fireChannelRead(message);
      }

      @Override
      public void channelReadComplete(ChannelHandlerContext ctx) {
        ctx.fireChannelReadComplete();
        judge(ctx);
      }

      @Override
      public void channelInactive(ChannelHandlerContext ctx) {
        stop();
        ctx.fireChannelInactive();
      }
    };
  }

  private ChannelHandler calls() {
    return new ChannelDuplexHandler() {
      @Override
      public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (message instanceof HttpRequest call) {
          sawCall = true;
          unanswered++;
          last = call;
        }
        ctx.fireChannelRead(message);
      }

      @Override
      public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        if (message instanceof HttpResponse answer) {
          interim = answer.status().codeClass() == HttpStatusClass.INFORMATIONAL;
        }
        if (message instanceof LastHttpContent && !interim) {
          unanswered = Math.max(0, unanswered - 1); // bytes that were no call are answered, too
          watch(ctx);
        }
        ctx.write(message, promise);
      }
    };
  }

  private void judge(ChannelHandlerContext ctx) {
    boolean bodyIsOpen = last != null && last.isOpen();
    if (sawCall || bodyIsOpen) {
      headersBegan = false;
    } else if (sawBytes && !bodyWasOpen) {
      headersBegan = true;
    }
    bodyWasOpen = bodyIsOpen;
    sawBytes = false;
    sawCall = false;
    watch(ctx);
  }

  private void watch(ChannelHandlerContext ctx) {
    if (!headersBegan || unanswered > 0) {
      stop();
    } else if (alarm == null && ctx.pipeline().get(Http2ConnectionHandler.class) == null) {
      alarm = ctx.executor().schedule(() -> ctx.close(), within.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private void stop() {
    if (alarm != null) {
      alarm.cancel(false);
      alarm = null;
    }
  }
}
