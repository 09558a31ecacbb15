package io.taskrunner.store.redis.link;

import io.lettuce.core.protocol.CommandArgs;
import io.taskrunner.task.TaskId;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The arguments of a script, in the order of the ARGV in its header, without the time. */
public final class Args {

  private static final byte[] NONE = new byte[0];
  private static final byte[] YES = Keys.bytes("1");
  private static final byte[] NO = Keys.bytes("0");

  private final List<byte[]> all;

  /** None yet; about this many will be added. */
  public Args(int count) {
    this.all = new ArrayList<>(count);
  }

  /**
   * A few: bytes, texts, numbers, ids of tasks, true as '1' and false as '0', null as ''; or others
   * that are already made.
   */
  public static Args of(@Nullable Object... values) {
    Args args = new Args(values.length);
    for (Object value : values) {
      args.all.addAll(value instanceof Args more ? more.all : List.of(bytes(value)));
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
    all.add(value);
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

  /** Those of another, behind these. */
  public Args addAll(Args more) {
    all.addAll(more.all);
    return this;
  }

  /** A field and its value. */
  public Args field(String name, @Nullable Object value) {
    return add(name).with(value);
  }

  /** All of them. */
  public List<byte[]> values() {
    return all;
  }

  void addTo(CommandArgs<byte[], byte[]> command) {
    for (byte[] value : all) {
      command.addValue(value);
    }
  }
}
