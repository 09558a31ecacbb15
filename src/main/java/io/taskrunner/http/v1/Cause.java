package io.taskrunner.http.v1;

import io.taskrunner.task.AttemptError;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A cause of failure as filters name it, in the words of {@code last_error}.
 *
 * @param error null for none
 * @param status of the last response; null for any
 */
record Cause(@Nullable AttemptError error, @Nullable Integer status) {

  /** The words of all causes. */
  static final String FORM = AttemptError.FORM + " or http_ and the status, such as http_503";

  private static final Pattern STATUS = Pattern.compile("http_([1-5][0-9][0-9])");

  /**
   * The cause that a word names, together with the status that is asked for.
   *
   * @param word null for any cause
   * @return empty when there is no such cause, or it contradicts the status
   */
  static Optional<Cause> of(@Nullable String word, @Nullable Integer status) {
    if (word == null) {
      return Optional.of(new Cause(null, status));
    }
    Matcher named = STATUS.matcher(word);
    if (named.matches()) {
      Integer its = Integer.valueOf(named.group(1));
      return Optional.of(new Cause(null, its)).filter(_ -> status == null || status.equals(its));
    }
    return AttemptError.ofWord(word).map(error -> new Cause(error, status));
  }
}
