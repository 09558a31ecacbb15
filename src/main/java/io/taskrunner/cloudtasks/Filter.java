package io.taskrunner.cloudtasks;

import com.google.cloud.tasks.v2.Queue.State;
import java.util.Arrays;
import java.util.function.Predicate;

/** The filter of a list of queues: comparisons of {@code state}, joined by {@code AND}. */
final class Filter {

  private static final int LENGTH_MAX = 1000;

  private final String text;
  private int at;

  private Filter(String text) {
    this.text = text;
  }

  /**
   * The states that pass.
   *
   * @throws Failure the filter has an unknown condition: it is rejected, not ignored
   */
  static Predicate<State> parse(String filter) {
    if (filter.length() > LENGTH_MAX) {
      throw Failure.invalid("The filter is longer than " + LENGTH_MAX + " characters.");
    }
    return filter.isBlank() ? _ -> true : new Filter(filter).all();
  }

  private Predicate<State> all() {
    Predicate<State> passes = comparison();
    while (hasMore()) {
      if (!take("AND")) {
        throw unsupported();
      }
      passes = passes.and(comparison());
    }
    return passes;
  }

  private Predicate<State> comparison() {
    boolean nested = take("(");
    if (!take("state")) {
      throw unsupported();
    }
    boolean unequal = take("!=");
    if (!unequal && !take("=") && !take(":")) {
      throw unsupported();
    }
    boolean quoted = take("\"");
    State wanted = state(word());
    if ((quoted && !take("\"")) || (nested && !take(")"))) {
      throw unsupported();
    }
    return state -> (state == wanted) != unequal;
  }

  private boolean hasMore() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
    return at < text.length();
  }

  /** Consumes this text if it is next. */
  private boolean take(String token) {
    boolean taken = hasMore() && text.startsWith(token, at);
    at += taken ? token.length() : 0;
    return taken;
  }

  private String word() {
    int start = hasMore() ? at : text.length();
    while (at < text.length() && (Character.isLetter(text.charAt(at)) || text.charAt(at) == '_')) {
      at++;
    }
    return text.substring(start, at);
  }

  private static State state(String word) {
    return Arrays.stream(State.values())
        .filter(state -> state != State.UNRECOGNIZED && state.name().equals(word))
        .findAny()
        .orElseThrow(Filter::unsupported);
  }

  private static Failure unsupported() {
    return Failure.invalid(
        "The filter is not supported. Supported are comparisons such as \"state = PAUSED\", with =, != or :, and AND.");
  }
}
