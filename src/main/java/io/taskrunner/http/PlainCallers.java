package io.taskrunner.http;

import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.ssl.NotSslRecordException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes plaintext connections to a TLS port. Any client can open one at any time; the server below
 * would log each with a stack.
 */
@Sharable
final class PlainCallers extends ChannelInboundHandlerAdapter {

  private static final Logger LOG = LoggerFactory.getLogger(PlainCallers.class);
  private static final PlainCallers ONE = new PlainCallers();

  private PlainCallers() {}

  /** Watches one connection, whose last handler waits for the handshake. */
  static void watch(ChannelPipeline pipeline) {
    pipeline.addBefore(pipeline.lastContext().name(), null, ONE);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) throws Exception {
    if (cause.getCause() instanceof NotSslRecordException) {
      LOG.debug(
          "closing the connection of {}: it sent plaintext to the TLS port",
          ctx.channel().remoteAddress());
      ctx.close();
    } else {
      super.exceptionCaught(ctx, cause);
    }
  }
}
