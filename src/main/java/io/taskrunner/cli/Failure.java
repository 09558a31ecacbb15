package io.taskrunner.cli;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A command that failed, with a message for people. */
final class Failure extends Exception {

  private static final long serialVersionUID = 1L;

  /** The server rejected the call, or it failed. */
  static final int REFUSED = 1;

  /** The command line is wrong. */
  static final int MISUSED = 2;

  /** The object does not exist. */
  static final int NOT_FOUND = 3;

  /** The server cannot be reached, or cannot reach its store. */
  static final int UNREACHABLE = 4;

  /** The credentials are missing, invalid or insufficient. */
  static final int NOT_ALLOWED = 5;

  private final int status;
  private final transient Map<String, @Nullable Object> problem;

  Failure(int status, String message) {
    this(status, message, Map.of());
  }

  /** The rejection of a call, with the server's problem document. */
  Failure(int status, String message, Map<String, @Nullable Object> problem) {
    super(message);
    this.status = status;
    this.problem = problem;
  }

  /** As one line of JSON: the server's problem document, or one of the same form. */
  String json() {
    if (!problem.isEmpty()) {
      return JsonText.write(problem);
    }
    String code =
        switch (status) {
          case MISUSED -> "invalid_arguments";
          case UNREACHABLE -> "unreachable";
          default -> "failed";
        };
    return JsonText.write(
        Map.of("code", code, "detail", String.valueOf(getMessage()).replace('\n', ' ')));
  }

  /** The errors of an invalid call; empty for other failures. */
  List<Map<String, @Nullable Object>> errors() {
    return Shown.list(problem, "errors");
  }

  /** The machine-readable code of a rejection; null for other failures. */
  @Nullable String code() {
    return problem.get("code") instanceof String code ? code : null;
  }

  /** The exit status. */
  int status() {
    return status;
  }
}
