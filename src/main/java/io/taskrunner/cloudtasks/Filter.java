package io.taskrunner.cloudtasks;

import com.google.cloud.tasks.v2.Queue.State;
import java.util.Arrays;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The filter of a list of queues: comparisons of {@code state}, joined by {@code AND}. */
final class Filter {

  private static final Pattern TERM =
      Pattern.compile("\\s*\\(?\\s*state\\s*(!=|=|:)\\s*\"?([A-Z_]+)\"?\\s*\\)?\\s*");

  private static final Pattern AND = Pattern.compile("\\s+AND\\s+");

  private Filter() {}

  /**
   * Which states pass.
   *
   * @throws Failure the filter asks for what is not known here: it is refused, not ignored
   */
  static Predicate<State> parse(String filter) {
    if (filter.isBlank()) {
      return _ -> true;
    }
    return Arrays.stream(AND.split(filter))
        .map(Filter::term)
        .reduce(Predicate::and)
        .orElse(_ -> true);
  }

  private static Predicate<State> term(String term) {
    Matcher parts = TERM.matcher(term);
    if (!parts.matches() || !isState(parts.group(2))) {
      throw Failure.invalid(
          "The filter is not supported; what is: \"state = PAUSED\", also with !=, : and AND.");
    }
    State wanted = State.valueOf(parts.group(2));
    boolean equal = !parts.group(1).equals("!=");
    return state -> (state == wanted) == equal;
  }

  private static boolean isState(String word) {
    return Arrays.stream(State.values())
        .anyMatch(state -> state != State.UNRECOGNIZED && state.name().equals(word));
  }
}
