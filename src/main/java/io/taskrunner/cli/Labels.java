package io.taskrunner.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Labels of the command line: NAME=VALUE or NAME:VALUE. */
final class Labels {

  private Labels() {}

  /** As the API takes them; null when there are none. */
  static @Nullable Map<String, @Nullable Object> of(List<String> given) throws Failure {
    Map<String, @Nullable Object> labels = new LinkedHashMap<>();
    for (String label : given) {
      int end = end(label);
      labels.put(label.substring(0, end), label.substring(end + 1));
    }
    return labels.isEmpty() ? null : labels;
  }

  /** As a filter of the API. */
  static @Nullable String filter(@Nullable String given) throws Failure {
    if (given == null) {
      return null;
    }
    int end = end(given);
    return given.substring(0, end) + ":" + given.substring(end + 1);
  }

  private static int end(String label) throws Failure {
    for (int i = 1; i < label.length(); i++) {
      if (label.charAt(i) == '=' || label.charAt(i) == ':') {
        return i;
      }
    }
    throw new Failure(
        Failure.MISUSED, "--label: \"" + label + "\" (expected: NAME=VALUE or NAME:VALUE)");
  }
}
