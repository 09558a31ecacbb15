package io.taskrunner.store.redis.link;

import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.util.AttributeKey;

/**
 * Measures how long a connection has been without a byte from its peer. A large reply over a slow
 * connection is not silence: it arrives byte by byte. Nor is a large request: the clock starts when
 * the operating system has accepted the request.
 */
final class Silence extends ChannelDuplexHandler {

  private static final AttributeKey<Silence> KEY = AttributeKey.valueOf(Silence.class, "silence");

  // Written only by the connection's event loop.
  private volatile long heardNanos = System.nanoTime();
  private volatile long askedNanos;
  private volatile boolean asked;

  private final ChannelFutureListener sent =
      _ -> {
        if (!asked) {
          askedNanos = System.nanoTime();
          asked = true;
        }
      };

  /** Starts measuring a connection. */
  static void measure(Channel channel) {
    Silence silence = new Silence();
    channel.attr(KEY).set(silence);
    channel.pipeline().addFirst(silence);
  }

  /** Whether a byte arrived after a time of {@link System#nanoTime}. */
  static boolean brokenSince(Channel channel, long nanos) {
    Silence silence = channel.attr(KEY).get();
    return silence != null && silence.heardNanos - nanos > 0;
  }

  /** Whether no byte has arrived for this long after a send. */
  static boolean lasts(Channel channel, long nanos) {
    Silence silence = channel.attr(KEY).get();
    return silence != null && silence.asked && System.nanoTime() - silence.askedNanos > nanos;
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    context.write(message, asked ? promise : promise.unvoid().addListener(sent));
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    heardNanos = System.nanoTime();
    asked = false;
    context.fireChannelRead(message);
  }
}
