package io.taskrunner.store.redis;

import io.taskrunner.task.TaskId;
import java.time.InstantSource;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;

/** Makes ids: ordered within this process, and kept apart from another's by 48 random bits. */
final class TaskIds {

  private final InstantSource clock;
  private final int shard;

  /** The last id's ms and sequence: {@code ms << 12 | sequence}. */
  private final AtomicLong last = new AtomicLong();

  TaskIds(InstantSource clock, int shard) {
    this.clock = clock;
    this.shard = shard;
  }

  TaskId next() {
    long first = clock.millis() << 12;
    long mine = last.updateAndGet(previous -> Math.max(previous + 1, first));
    return TaskId.make(mine >>> 12, (int) (mine & 0xFFF), ThreadLocalRandom.current(), shard);
  }
}
