package io.taskrunner.store.redis.link;

import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.output.CommandOutput;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the reply of a script: a {@code byte[]}, a {@link Long}, or a list of these and of lists.
 * Unlike Lettuce's own nested output it keeps empty lists in their place.
 */
final class ReplyOutput extends CommandOutput<byte[], byte[], Reply> {

  private final Script script;
  private final Deque<Open> open = new ArrayDeque<>();

  /** A list that is still being filled. */
  private static final class Open {
    final List<@Nullable Object> list;
    int missing;

    Open(int count) {
      list = new ArrayList<>(count);
      missing = count;
    }
  }

  ReplyOutput(Script script) {
    super(ByteArrayCodec.INSTANCE, null);
    this.script = script;
  }

  @Override
  public void set(@Nullable ByteBuffer bytes) {
    add(bytes == null ? null : ByteArrayCodec.INSTANCE.decodeValue(bytes));
  }

  @Override
  public void set(long integer) {
    add(integer);
  }

  @Override
  public void multi(int count) {
    if (count <= 0) {
      add(new ArrayList<>());
    } else {
      open.push(new Open(count));
    }
  }

  private void add(@Nullable Object element) {
    @Nullable Object added = element;
    while (true) {
      Open last = open.peek();
      if (last == null) {
        output = new Reply(script, added);
        return;
      }
      last.list.add(added);
      if (--last.missing > 0) {
        return;
      }
      open.pop();
      added = last.list;
    }
  }
}
