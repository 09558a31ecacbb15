package io.taskrunner.http.call;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.CombinedChannelDuplexHandler;
import io.netty.handler.codec.http2.Http2ConnectionHandler;

/**
 * Puts this server's own rules around the codec of a connection: {@link HostRule} behind that of
 * HTTP/1, {@link FrameLimits} in front of that of HTTP/2.
 *
 * <p>On a plaintext port the server below adds the codec when it has seen the first {@value
 * #CHOICE} bytes. So only these are passed on first, and the rules are in place before the rest
 * follows.
 */
final class Wire extends ChannelInboundHandlerAdapter {

  /** How many bytes choose the protocol. */
  private static final int CHOICE = 4;

  private int seen;

  /** Watches a plaintext connection, which has no codec yet. */
  static void watch(ChannelPipeline pipeline) {
    pipeline.addFirst(new Wire());
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (!(message instanceof ByteBuf bytes) || seen + bytes.readableBytes() < CHOICE) {
      seen += message instanceof ByteBuf few ? few.readableBytes() : 0;
      ctx.fireChannelRead(message);
      return;
    }
    ByteBuf choice = bytes.readRetainedSlice(CHOICE - seen);
    ctx.fireChannelRead(choice);
    addRules(ctx.pipeline());
    ctx.fireChannelRead(bytes);
    ctx.pipeline().remove(this);
  }

  /** Adds the rules to a connection that has its codec. */
  static void addRules(ChannelPipeline pipeline) {
    ChannelHandlerContext http2 = pipeline.context(Http2ConnectionHandler.class);
    if (http2 != null) {
      pipeline.addBefore(http2.name(), null, new FrameLimits());
      return;
    }
    ChannelHandlerContext http1 = pipeline.context(CombinedChannelDuplexHandler.class);
    if (http1 != null) {
      pipeline.addAfter(http1.name(), null, new HostRule());
    }
  }
}
