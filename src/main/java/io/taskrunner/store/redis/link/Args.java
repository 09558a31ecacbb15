package io.taskrunner.store.redis.link;

import io.lettuce.core.protocol.CommandArgs;
import io.taskrunner.task.TaskId;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The arguments of a script, in the order of the ARGV in its header, without the time. */
public final class Args {

  private static final byte[] NONE = new byte[0];
  private static final byte[] YES = Keys.bytes("1");
  private static final byte[] NO = Keys.bytes("0");

  private byte[][] all;
  private int size;

  /** None yet; about this many will be added. */
  public Args(int count) {
    this.all = new byte[count][];
  }

  /**
   * A few: bytes, texts, numbers, ids of tasks, true as '1' and false as '0', null as ''; or other
   * {@code Args}.
   */
  public static Args of(@Nullable Object... values) {
    Args args = new Args(values.length);
    for (Object value : values) {
      if (value instanceof Args more) {
        args.addAll(more);
      } else {
        args.with(value);
      }
    }
    return args;
  }

  private static byte[] bytes(@Nullable Object value) {
    return switch (value) {
      case null -> NONE;
      case byte[] bytes -> bytes;
      case String text -> Keys.bytes(text);
      case Number number -> Keys.bytes(number.toString());
      case Boolean flag -> flag ? YES : NO;
      case TaskId id -> id.bytes();
      default -> throw new IllegalArgumentException("argument of a script: " + value);
    };
  }

  public Args add(byte[] value) {
    if (size == all.length) {
      all = Arrays.copyOf(all, 2 * size + 4);
    }
    all[size++] = value;
    return this;
  }

  public Args add(String value) {
    return add(Keys.bytes(value));
  }

  public Args add(long value) {
    return add(Keys.bytes(value));
  }

  /** As {@link #of} does. */
  public Args with(@Nullable Object value) {
    return add(bytes(value));
  }

  /** Appends those of another. */
  public Args addAll(Args more) {
    more.values().forEach(this::add);
    return this;
  }

  /** A field and its value. */
  public Args field(String name, @Nullable Object value) {
    return add(name).with(value);
  }

  /** All of them. */
  public List<byte[]> values() {
    return Arrays.asList(all).subList(0, size);
  }

  void addTo(CommandArgs<byte[], byte[]> command) {
    for (int i = 0; i < size; i++) {
      command.addValue(all[i]);
    }
  }
}
