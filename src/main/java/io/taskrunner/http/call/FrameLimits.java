package io.taskrunner.http.call;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bounds what a caller of HTTP/2 can make this server send in addition to answers. The server below
 * bounds the streams that a caller resets; a caller can also have this server reset them, by
 * invalid frames (CVE-2025-55163), and have it queue answers to PING and SETTINGS that are never
 * read.
 *
 * <p>Sits between the codec and the network, where each frame without a payload of ours is one
 * buffer. No part of an answer looks like one: its first bytes would have to give its length.
 */
final class FrameLimits extends ChannelOutboundHandlerAdapter {

  /** Streams that one connection may have reset in {@link #WINDOW_NANOS}, by either side. */
  static final int RESETS_MAX = 400;

  /** Control frames that may wait to be sent. */
  static final int WAITING_MAX = 1000;

  private static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final int HEADER = 9;
  private static final int TYPE_AT = 3;
  private static final int RST_STREAM = 3;
  private static final int SETTINGS = 4;
  private static final int PING = 6;

  private static final Logger LOG = LoggerFactory.getLogger(FrameLimits.class);

  private long windowStart = System.nanoTime();
  private int resets;
  private int waiting;

  @Override
  public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
    int type = message instanceof ByteBuf bytes ? frame(bytes) : -1;
    switch (type) {
      case RST_STREAM -> {
        long now = System.nanoTime();
        if (now - windowStart > WINDOW_NANOS) {
          windowStart = now;
          resets = 0;
        }
        resets++;
        ctx.write(message, count(promise));
      }
      case SETTINGS, PING -> ctx.write(message, count(promise));
      default -> ctx.write(message, promise);
    }
    if ((resets > RESETS_MAX || waiting > WAITING_MAX) && ctx.channel().isActive()) {
      LOG.debug(
          "closing the connection of {}: it caused {} stream resets and {} pending frames",
          ctx.channel().remoteAddress(),
          resets,
          waiting);
      ctx.close();
    }
  }

  private ChannelPromise count(ChannelPromise promise) {
    waiting++;
    return promise.unvoid().addListener(_ -> waiting--);
  }

  /** The type of the one frame that a buffer is; -1 for anything else. */
  private static int frame(ByteBuf bytes) {
    int at = bytes.readerIndex();
    return bytes.readableBytes() >= HEADER
            && bytes.getUnsignedMedium(at) == bytes.readableBytes() - HEADER
        ? bytes.getUnsignedByte(at + TYPE_AT)
        : -1;
  }
}
