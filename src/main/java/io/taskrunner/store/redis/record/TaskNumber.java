package io.taskrunner.store.redis.record;

import io.taskrunner.task.TaskId;
import java.math.BigInteger;
import java.util.Optional;

/**
 * The last part of the generated name of a task of Cloud Tasks: its id, as {@value #DIGITS} decimal
 * digits. The random bits are first and mask the others, so that names are not sequential and can
 * be decoded without stored data; the shard is its queue's.
 *
 * <pre>
 *  48 random bits · (48 bits of ms · 12 of sequence) xor a mix of the random ones
 * </pre>
 */
public final class TaskNumber {

  private static final int DIGITS = 33;
  private static final int SHARD_BITS = 14;
  private static final int RANDOM_BITS = 48;
  private static final int OTHER_BITS = 60;
  private static final long RANDOM = (1L << RANDOM_BITS) - 1;
  private static final long OTHERS = (1L << OTHER_BITS) - 1;

  private TaskNumber() {}

  public static String of(TaskId id) {
    long random = id.low() >>> SHARD_BITS & RANDOM;
    long others = id.high() >>> 16 << 12 | id.high() & 0xFFF;
    BigInteger number =
        BigInteger.valueOf(random)
            .shiftLeft(OTHER_BITS)
            .or(BigInteger.valueOf(others ^ mix(random)));
    String digits = number.toString();
    return "0".repeat(DIGITS - digits.length()) + digits;
  }

  /** The id that a name encodes; empty when it encodes none. */
  public static Optional<TaskId> parse(String name, int shard) {
    if (name.length() != DIGITS || !name.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return Optional.empty();
    }
    BigInteger number = new BigInteger(name);
    if (number.bitLength() > RANDOM_BITS + OTHER_BITS) {
      return Optional.empty();
    }
    long random = number.shiftRight(OTHER_BITS).longValueExact();
    long others = number.longValue() & OTHERS ^ mix(random);
    return Optional.of(
        new TaskId(
            others >>> 12 << 16 | 0x7000L | others & 0xFFF,
            Long.MIN_VALUE | random << SHARD_BITS | shard));
  }

  /** The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): each bit depends on every other. */
  private static long mix(long bits) {
    long z = bits + 0x9E37_79B9_7F4A_7C15L;
    z = (z ^ z >>> 30) * 0xBF58_476D_1CE4_E5B9L;
    z = (z ^ z >>> 27) * 0x94D0_49BB_1331_11EBL;
    return (z ^ z >>> 31) & OTHERS;
  }
}
