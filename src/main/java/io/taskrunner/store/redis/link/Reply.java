package io.taskrunner.store.redis.link;

import io.taskrunner.task.TaskId;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The reply of a script, read from left to right in the order of the REPLY in its header. A
 * deviation from the header is a bug, and raises an {@link IllegalStateException} that names the
 * script, the value and what was expected.
 */
public final class Reply {

  private final Script script;
  private final List<@Nullable Object> values;
  private int at;

  @SuppressWarnings("unchecked")
  Reply(Script script, @Nullable Object answer) {
    this.script = script;
    this.values =
        answer instanceof List<?> list ? (List<@Nullable Object>) list : Arrays.asList(answer);
  }

  /** The number of values left. */
  public int left() {
    return values.size() - at;
  }

  /** Whether there is another value. */
  public boolean more() {
    return at < values.size();
  }

  private @Nullable Object peek() {
    return more() ? values.get(at) : null;
  }

  public byte[] bytes() {
    if (peek() instanceof byte[] bytes) {
      at++;
      return bytes;
    }
    throw unknown(shown(), "bytes");
  }

  public String text() {
    return Keys.text(bytes());
  }

  public long number() {
    if (peek() instanceof Long number) {
      at++;
      return number;
    }
    throw unknown(shown(), "a number");
  }

  /** A number that is small. */
  public int count() {
    return Math.toIntExact(number());
  }

  /** A time in ms since the epoch. */
  public Instant time() {
    return Instant.ofEpochMilli(number());
  }

  public TaskId id() {
    return TaskId.of(bytes());
  }

  /** '1' for yes; '0' or '' for no. */
  public boolean flag() {
    byte[] bytes = bytes();
    if (bytes.length > 1 || (bytes.length == 1 && bytes[0] != '1' && bytes[0] != '0')) {
      at--;
      throw unknown(shown(), "0 or 1");
    }
    return bytes.length == 1 && bytes[0] == '1';
  }

  /** One of these words. */
  public <E extends Enum<E>> E word(Class<E> words) {
    return ifWord(words)
        .orElseThrow(() ->
            unknown(
                shown(),
                Arrays.stream(words.getEnumConstants())
                    .map(word -> word.name().toLowerCase(Locale.ROOT))
                    .collect(Collectors.joining(", "))));
  }

  /** One of these words; any other value is left to be read differently. */
  public <E extends Enum<E>> Optional<E> ifWord(Class<E> words) {
    for (E word : words.getEnumConstants()) {
      if (isNext(word)) {
        at++;
        return Optional.of(word);
      }
    }
    return Optional.empty();
  }

  /** Whether the next value is this word. */
  public boolean isNext(Enum<?> word) {
    return peek() instanceof byte[] bytes && isName(bytes, word.name());
  }

  /** Whether the bytes are the name of a constant, in lower case. */
  private static boolean isName(byte[] bytes, String name) {
    boolean is = bytes.length == name.length();
    for (int i = 0; is && i < bytes.length; i++) {
      is = Character.toUpperCase((char) bytes[i]) == name.charAt(i);
    }
    return is;
  }

  /** A list, to be read separately, now or later. */
  public Reply apart() {
    if (peek() instanceof List<?> inner) {
      at++;
      return new Reply(script, inner);
    }
    throw unknown(shown(), "a list");
  }

  /** A list: the rows that it consists of, each of one value or more. */
  public <T> List<T> list(Function<Reply, T> row) {
    return apart().rest(row);
  }

  /** The rows that are left. */
  public <T> List<T> rest(Function<Reply, T> row) {
    if (!more()) {
      return List.of();
    }
    int start = at;
    T first = row.apply(this);
    List<T> rows = new ArrayList<>(1 + left() / (at - start));
    rows.add(first);
    while (more()) {
      rows.add(row.apply(this));
    }
    return rows;
  }

  /** The rows that are left, one by one. */
  public void each(Consumer<Reply> row) {
    while (more()) {
      row.accept(this);
    }
  }

  /** The exception for a value that the header of the script does not define. */
  public IllegalStateException unknown(String value, String expected) {
    return new IllegalStateException(
        script.lua() + ": \"" + value + "\" (expected: " + expected + ")");
  }

  private String shown() {
    return switch (peek()) {
      case byte[] bytes -> new String(bytes, StandardCharsets.ISO_8859_1);
      case null -> more() ? "nil" : "nothing";
      case Object other -> other.toString();
    };
  }
}
