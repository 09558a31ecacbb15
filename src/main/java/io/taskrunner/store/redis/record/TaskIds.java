package io.taskrunner.store.redis.record;

import io.taskrunner.task.TaskId;
import java.time.InstantSource;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Generates ids: ordered within this process, and distinguished from those of other processes by 48
 * random bits.
 */
public final class TaskIds {

  private final InstantSource clock;
  private final int shard;

  /** The last id's ms and sequence: {@code ms << 12 | sequence}. */
  private final AtomicLong last = new AtomicLong();

  public TaskIds(InstantSource clock, int shard) {
    this.clock = clock;
    this.shard = shard;
  }

  public TaskId next() {
    long first = clock.millis() << 12;
    long mine = last.updateAndGet(previous -> Math.max(previous + 1, first));
    return TaskId.make(mine >>> 12, (int) (mine & 0xFFF), ThreadLocalRandom.current(), shard);
  }
}
