package io.taskrunner.task;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.UUID;
import java.util.random.RandomGenerator;

/**
 * The id of a task: a UUIDv7 (RFC 9562 §5.7), so that ids sort by creation.
 *
 * <pre>
 *  high: 48 bits ms since the epoch · 4 bits version (7) · 12 bits of sequence within the millisecond
 *  low:   2 bits variant (10)       · 48 random bits     · 14 bits the shard that holds the task
 * </pre>
 *
 * @param high the more significant 64 bits
 * @param low the less significant 64 bits
 */
public record TaskId(long high, long low) implements Comparable<TaskId> {

  /** The number of bytes of an id in keys. */
  public static final int BYTES = 16;

  private static final int SHARD_BITS = 14;

  /**
   * A new id.
   *
   * @param millis ms since the epoch
   * @param sequence orders the ids of one millisecond, 0 to 4095
   * @param random for the 48 random bits
   * @param shard 0 to 16383
   */
  public static TaskId make(long millis, int sequence, RandomGenerator random, int shard) {
    long high = (millis << 16) | 0x7000L | (sequence & 0xFFF);
    long low = (random.nextLong() & 0x3FFF_FFFF_FFFF_C000L) | Long.MIN_VALUE | (shard & 0x3FFF);
    return new TaskId(high, low);
  }

  /** Reads the 16 bytes of an id in a key. */
  public static TaskId of(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    return new TaskId(buffer.getLong(), buffer.getLong());
  }

  /**
   * Reads the canonical 36-character form, in any case; empty when {@code text} is not an id of
   * this system.
   */
  public static Optional<TaskId> parse(String text) {
    if (text.length() != 36) {
      return Optional.empty();
    }
    try {
      UUID uuid = UUID.fromString(text);
      // The JDK accepts some forms that are not canonical.
      return uuid.version() == 7 && uuid.variant() == 2 && uuid.toString().equalsIgnoreCase(text)
          ? Optional.of(new TaskId(uuid.getMostSignificantBits(), uuid.getLeastSignificantBits()))
          : Optional.empty();
    } catch (IllegalArgumentException notAnId) {
      return Optional.empty();
    }
  }

  /** The 16 bytes of this id in keys. */
  public byte[] bytes() {
    return ByteBuffer.allocate(BYTES).putLong(high).putLong(low).array();
  }

  /** The shard that holds the task, 0 to 16383. */
  public int shard() {
    return (int) (low & ((1 << SHARD_BITS) - 1));
  }

  @Override
  public int compareTo(TaskId other) {
    int byHigh = Long.compareUnsigned(high, other.high);
    return byHigh != 0 ? byHigh : Long.compareUnsigned(low, other.low);
  }

  /** The canonical form, as callers see it. */
  @Override
  public String toString() {
    return new UUID(high, low).toString();
  }
}
