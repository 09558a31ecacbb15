package io.taskrunner.task;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** Why an attempt, or a task, ended without an HTTP status. */
public enum AttemptError {
  /** No complete response within the timeout of the attempt. */
  TIMEOUT(1),
  /** No connection: refused, unreachable, unknown host. */
  CONNECT_FAILED(2),
  /** The connection ended before the response did. */
  CONNECTION_LOST(3),
  /** The TLS handshake failed. */
  TLS_FAILED(4),
  /** The response is not HTTP, or has more headers than the limit. */
  BAD_RESPONSE(5),
  /** The address guard rejected the target. */
  BLOCKED_ADDRESS(6),
  /** The worker died or was isolated. */
  LEASE_LOST(7),
  /** Not started before its {@code expires_time}. */
  EXPIRED(8);

  /** The names of all. */
  public static final String FORM =
      "one of " + Arrays.stream(values()).map(AttemptError::word).collect(Collectors.joining(" "));

  private final int code;

  AttemptError(int code) {
    this.code = code;
  }

  /** The number that stands for the error in a stored record; 0 is none. */
  public int code() {
    return code;
  }

  /** The error with a name; empty when there is none. */
  public static Optional<AttemptError> ofWord(String word) {
    return Arrays.stream(values()).filter(error -> error.word().equals(word)).findFirst();
  }

  /** The word for a response with a status that is a failure. */
  public static String wordOf(int status) {
    return "http_" + status;
  }

  /** Its name in responses and logs. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The error of a record's number, which is not 0. */
  public static AttemptError ofCode(int code) {
    for (AttemptError error : values()) {
      if (error.code == code) {
        return error;
      }
    }
    throw new IllegalArgumentException("attempt error: " + code + " (expected: 1 to 8)");
  }
}
