package io.taskrunner.store.redis.link;

import io.lettuce.core.resource.EventLoopGroupProvider;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.EventExecutorGroup;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Lets Lettuce run on the event loops of the server and the dispatcher: a reply of Redis then
 * reaches its caller's loop without waking another thread. The creator of the loops shuts them
 * down.
 */
record SharedLoops(EventLoopGroup loops, int threadPoolSize) implements EventLoopGroupProvider {

  SharedLoops(EventLoopGroup loops) {
    this(loops, Runtime.getRuntime().availableProcessors());
  }

  @Override
  public <T extends EventLoopGroup> T allocate(Class<T> type) {
    return type.cast(loops);
  }

  @Override
  public Future<Boolean> release(
      EventExecutorGroup group, long quiet, long timeout, TimeUnit unit) {
    return ImmediateEventExecutor.INSTANCE.newSucceededFuture(true);
  }

  @Override
  public Future<Boolean> shutdown(long quiet, long timeout, TimeUnit unit) {
    return ImmediateEventExecutor.INSTANCE.newSucceededFuture(true);
  }
}
