package io.taskrunner.http;

import com.linecorp.armeria.common.Flags;
import com.linecorp.armeria.common.util.EventLoopGroups;
import com.linecorp.armeria.common.util.ThreadFactories;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.kqueue.KQueueIoHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * The thread that accepts connections. It ends at once when its port is closed: a server waits for
 * it, and Netty would wait for two seconds of quiet, which a thread without a port does not need.
 * (Armeria's own setting for this does not reach the group that it ends.)
 */
final class Acceptor extends MultiThreadIoEventLoopGroup {

  private static final long TIMEOUT_SECONDS = 1;

  private Acceptor(String name, IoHandlerFactory transport) {
    super(1, ThreadFactories.newThreadFactory(name, false), transport);
  }

  /** Of the transport that the server uses. */
  static EventLoopGroup make(String name) {
    return switch (Flags.transportType()) {
      case EPOLL -> new Acceptor(name, EpollIoHandler.newFactory());
      case KQUEUE -> new Acceptor(name, KQueueIoHandler.newFactory());
      case NIO -> new Acceptor(name, NioIoHandler.newFactory());
      case IO_URING -> EventLoopGroups.newEventLoopGroup(1, name);
    };
  }

  @Override
  public Future<?> shutdownGracefully() {
    return shutdownGracefully(0, TIMEOUT_SECONDS, TimeUnit.SECONDS);
  }
}
