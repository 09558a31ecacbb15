package io.taskrunner.store.redis;

import io.taskrunner.store.redis.link.Reply;
import java.util.concurrent.atomic.LongAdder;

/**
 * The number of finished tasks trimmed before their retention ended, because of the limits of their
 * queue.
 */
final class Trimmed {

  private final LongAdder done = new LongAdder();
  private final LongAdder dead = new LongAdder();

  void count(long ofDone, long ofDead) {
    done.add(ofDone);
    dead.add(ofDead);
  }

  /** Reads the next two numbers of a reply. */
  void count(Reply reply) {
    count(reply.number(), reply.number());
  }

  long done() {
    return done.sum();
  }

  long dead() {
    return dead.sum();
  }
}
