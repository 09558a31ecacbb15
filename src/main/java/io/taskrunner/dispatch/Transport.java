package io.taskrunner.dispatch;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.kqueue.KQueueDatagramChannel;
import io.netty.channel.kqueue.KQueueIoHandler;
import io.netty.channel.kqueue.KQueueSocketChannel;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioSocketChannel;

/**
 * The kinds of channel that suit a group of event loops.
 *
 * @param socket for connections
 * @param datagram for name look-ups
 */
record Transport(Class<? extends SocketChannel> socket, Class<? extends DatagramChannel> datagram) {

  static Transport of(EventLoopGroup loops) {
    if (loops instanceof IoEventLoopGroup group) {
      if (group.isIoType(EpollIoHandler.class)) {
        return new Transport(EpollSocketChannel.class, EpollDatagramChannel.class);
      }
      if (group.isIoType(KQueueIoHandler.class)) {
        return new Transport(KQueueSocketChannel.class, KQueueDatagramChannel.class);
      }
    }
    return new Transport(NioSocketChannel.class, NioDatagramChannel.class);
  }
}
