package io.taskrunner.http.v1;

import io.taskrunner.task.SecretNames;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.function.Function;

/** Masks likely secrets, by their names, when a task is read. */
final class Masking {

  static final String MASK = SecretNames.MASK;

  private Masking() {}

  /** A header's value, or the mask. */
  static String header(String name, String value) {
    return SecretNames.hides(name) ? MASK : value;
  }

  /**
   * A url with the mask in place of each query parameter's value that is hidden; all else byte for
   * byte.
   */
  static String url(String url) {
    return pairs(url, pair -> pair.isHidden() ? Optional.of(MASK) : Optional.of(pair.value()))
        .orElse(url);
  }

  /** Whether a query parameter that is hidden has the mask as its value. */
  static boolean isMasked(String url) {
    return pairs(url, pair -> pair.isMasked() ? Optional.empty() : Optional.of(pair.value()))
        .isEmpty();
  }

  /**
   * A url with the values of another in place of the masks: the first mask of a name has that one's
   * first value of the name, and so on.
   *
   * @return empty when that one has no such value
   */
  static Optional<String> unmasked(String url, String before) {
    Map<String, Deque<String>> values = new HashMap<>();
    var unused =
        pairs(
            before,
            pair -> {
              values.computeIfAbsent(pair.name(), _ -> new ArrayDeque<>()).add(pair.value());
              return Optional.of(pair.value());
            });
    return pairs(
        url,
        pair -> {
          Deque<String> of = values.getOrDefault(pair.name(), new ArrayDeque<>());
          Optional<String> value = Optional.ofNullable(of.poll());
          return pair.isMasked() ? value : Optional.of(pair.value());
        });
  }

  /** A name and a value of a query; the name is decoded. */
  private record Pair(String name, String value) {
    boolean isHidden() {
      return SecretNames.hides(name);
    }

    boolean isMasked() {
      return value.equals(MASK) && isHidden();
    }
  }

  /** A url with other values in its query; empty when there is no value for one. */
  private static Optional<String> pairs(String url, Function<Pair, Optional<String>> values) {
    int query = url.indexOf('?');
    if (query < 0) {
      return Optional.of(url);
    }
    StringJoiner pairs = new StringJoiner("&", url.substring(0, query + 1), "");
    for (String pair : url.substring(query + 1).split("&", -1)) {
      int equals = pair.indexOf('=');
      if (equals < 0) {
        pairs.add(pair);
        continue;
      }
      Optional<String> value =
          values.apply(new Pair(decoded(pair.substring(0, equals)), pair.substring(equals + 1)));
      if (value.isEmpty()) {
        return Optional.empty();
      }
      pairs.add(pair.substring(0, equals + 1) + value.get());
    }
    return Optional.of(pairs.toString());
  }

  private static String decoded(String name) {
    if (name.indexOf('%') < 0 && name.indexOf('+') < 0) {
      return name;
    }
    try {
      return URLDecoder.decode(name, StandardCharsets.UTF_8).strip();
    } catch (IllegalArgumentException notEncoded) {
      return name;
    }
  }
}
