package io.taskrunner.store.redis.record;

import io.taskrunner.task.TaskId;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Bytes that scripts take apart with {@code struct.unpack}: big-endian, unsigned, without gaps. */
public final class Packed extends ByteArrayOutputStream {

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

  /** A text behind its length. */
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
}
