package io.taskrunner.store.redis.record;

import io.taskrunner.task.TaskId;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** Bytes that scripts decode with {@code struct.unpack}: big-endian, unsigned, without gaps. */
public final class Packed extends ByteArrayOutputStream {

  /** All bits of 6 bytes set: none. */
  static final long UNSET6 = (1L << 48) - 1;

  /** All bits of 4 bytes set: none. */
  static final long UNSET4 = (1L << 32) - 1;

  public Packed(int size) {
    super(size);
  }

  public Packed put(long value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
      write((int) (value >>> shift));
    }
    return this;
  }

  public Packed put(TaskId id) {
    return put(id.high(), 8).put(id.low(), 8);
  }

  @Override
  public void write(byte[] bytes) {
    write(bytes, 0, bytes.length);
  }

  /** A text, prefixed by its length. */
  public Packed shortText(String text, int lengthBytes) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (bytes.length >= 1 << (8 * lengthBytes)) {
      throw new IllegalArgumentException(
          "a text of " + bytes.length + " bytes is too long for the record");
    }
    put(bytes.length, lengthBytes);
    write(bytes);
    return this;
  }

  /** Reads an unsigned number. */
  public static long number(ByteBuffer in, int bytes) {
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value = value << 8 | in.get() & 0xFF;
    }
    return value;
  }

  /** Reads a time in ms since the epoch. */
  public static Instant time(ByteBuffer in) {
    return Instant.ofEpochMilli(number(in, 6));
  }

  /** Reads bytes, prefixed by their length. */
  public static byte[] bytes(ByteBuffer in, int lengthBytes) {
    byte[] bytes = new byte[(int) number(in, lengthBytes)];
    in.get(bytes);
    return bytes;
  }

  /** Reads a text, prefixed by its length. */
  public static String text(ByteBuffer in, int lengthBytes) {
    int length = (int) number(in, lengthBytes);
    String text =
        new String(in.array(), in.arrayOffset() + in.position(), length, StandardCharsets.UTF_8);
    in.position(in.position() + length);
    return text;
  }
}
