package io.taskrunner.store.redis.link;

import io.lettuce.core.resource.EventLoopGroupProvider;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.EventExecutorGroup;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Lets Lettuce run on the event loops of the server and the dispatcher: an answer of Redis then
 * finds its caller's loop without waking a thread of its own. Whoever made the loops ends them.
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
