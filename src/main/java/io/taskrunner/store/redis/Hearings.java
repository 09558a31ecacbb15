package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkStore.BreakerChange;
import io.taskrunner.store.WorkStore.Listener;
import io.taskrunner.store.redis.link.Answers;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Node;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Subscriber;
import io.taskrunner.task.TaskId;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The workers that listen at one shard, each to a channel of its own. */
final class Hearings {

  private static final String CANCELLED = "cancel";

  /** The message to a worker that asked a gate: it has room for one more. */
  private static final String ROOM = "room";

  /** The message to all workers: there is a task that RunTask requested. */
  private static final String EXPRESS = "express";

  private final Shard shard;
  private final Consumer<String> room;
  private final Set<Hearing> all = ConcurrentHashMap.newKeySet();

  /**
   * None yet.
   *
   * @param room receives the gate that has room for one more task
   */
  Hearings(Shard shard, Consumer<String> room) {
    this.shard = shard;
    this.room = room;
  }

  /** Moves all to the node of the shard. */
  void follow() {
    all.forEach(Hearing::follow);
  }

  /** The next exchange must carry a {@code tend}. */
  void tend() {
    all.forEach(hearing -> hearing.listener.tend());
  }

  /** Reports breakers to the worker that changed them. */
  void tell(List<BreakerChange> changes, String workerId) {
    for (BreakerChange change : changes) {
      all.forEach(hearing -> hearing.tell(workerId, change));
    }
  }

  /** Subscribes a worker; while the shard is unavailable, {@link #follow} tries again. */
  AutoCloseable listen(String workerId, Listener listener) {
    Hearing hearing = new Hearing(shard.keys().channel(workerId), listener);
    all.add(hearing);
    try {
      hearing.follow();
    } catch (StoreUnavailable late) {
      shard.link().doubt(); // each exchange tries again
    } catch (RedisException failure) {
      if (!Answers.isOutage(failure)) {
        all.remove(hearing);
        throw failure;
      }
      shard.link().doubt();
    }
    return hearing;
  }

  /** The subscription to a worker's channel, at the node of the shard. */
  private final class Hearing implements AutoCloseable {
    private final String channel;
    private final Listener listener;
    private boolean before;
    private @Nullable Node at;

    Hearing(String channel, Listener listener) {
      this.channel = channel;
      this.listener = listener;
    }

    /** Moves to the node of the shard. */
    synchronized void follow() {
      Node there = shard.link().node();
      if (there != at) {
        leave();
        there
            .subscriber()
            .listen(
                channel, new Subscriber.Channel(message -> hear(message, listener), this::stands));
        at = there;
      }
    }

    void tell(String workerId, BreakerChange change) {
      if (channel.equals(shard.keys().channel(workerId))) {
        listener.breaker(change);
      }
    }

    /** Checks for messages that were missed. */
    private void stands() {
      if (before) {
        listener.reconnected();
      } else {
        before = true;
        listener.wake();
      }
    }

    private void leave() {
      if (at != null) {
        at.subscriber().forget(channel);
        at = null;
      }
    }

    @Override
    public synchronized void close() {
      all.remove(this);
      leave();
    }
  }

  private void hear(byte[] message, Listener listener) {
    String text = Keys.text(message);
    if (text.startsWith(CANCELLED)) {
      int word = CANCELLED.length();
      listener.cancelled(TaskId.of(Arrays.copyOfRange(message, word, message.length)));
    } else if (text.equals(EXPRESS)) {
      listener.express();
    } else if (text.startsWith(ROOM)) {
      room.accept(text.substring(ROOM.length()));
    } else {
      listener.wake();
    }
  }
}
