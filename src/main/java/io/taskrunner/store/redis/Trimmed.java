package io.taskrunner.store.redis;

import io.taskrunner.store.redis.link.Reply;
import java.util.concurrent.atomic.LongAdder;

/** How many finished tasks were dropped before their time, since their queue keeps no more. */
final class Trimmed {

  private final LongAdder done = new LongAdder();
  private final LongAdder dead = new LongAdder();

  void count(long ofDone, long ofDead) {
    done.add(ofDone);
    dead.add(ofDead);
  }

  /** What the next two numbers of an answer say. */
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
