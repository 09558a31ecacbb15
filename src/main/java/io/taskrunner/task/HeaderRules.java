package io.taskrunner.task;

import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * The headers that a task may send: those of RFC 9110, except this system's own and those of the
 * connection.
 */
public final class HeaderRules {

  /** Maximum number of headers of a task. */
  public static final int COUNT_MAX = 64;

  /** Maximum total size of names and values, in bytes. */
  public static final int BYTES_MAX = 16 * 1024;

  private static final Set<String> REFUSED =
      Set.of(
          "host",
          "content-length",
          "connection",
          "keep-alive",
          "transfer-encoding",
          "te",
          "trailer",
          "upgrade",
          "expect");

  private static final String[] REFUSED_PREFIXES = {
    "proxy-", "x-cloudtasks-", "x-task-runner-", "webhook-"
  };

  private static final boolean[] TOKEN = new boolean[128];

  static {
    String others = "!#$%&'*+-.^_`|~";
    for (char c = 0; c < TOKEN.length; c++) {
      TOKEN[c] =
          (c >= '0' && c <= '9')
              || (c >= 'A' && c <= 'Z')
              || (c >= 'a' && c <= 'z')
              || others.indexOf(c) >= 0;
    }
  }

  private HeaderRules() {}

  /** Whether this is a token of RFC 9110, as the name of a header is. */
  public static boolean isName(String name) {
    return !name.isEmpty() && name.chars().allMatch(c -> c < TOKEN.length && TOKEN[c]);
  }

  /** The error in a name; empty when a task may send it. */
  public static Optional<String> nameFault(String name) {
    if (name.isEmpty()) {
      return Optional.of("an empty name");
    }
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c >= TOKEN.length || !TOKEN[c]) {
        return Optional.of("not a header name (expected: a token of RFC 9110)");
      }
    }
    String lower = name.toLowerCase(Locale.ROOT);
    if (REFUSED.contains(lower)) {
      return Optional.of("a header that a task may not set");
    }
    for (String prefix : REFUSED_PREFIXES) {
      if (lower.startsWith(prefix)) {
        return Optional.of("a header that a task may not set (" + prefix + "*)");
      }
    }
    return Optional.empty();
  }

  /**
   * The error in a value, which is not repeated because it may be a secret; empty when a task may
   * send it.
   */
  public static Optional<String> valueFault(String value) {
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '\r' || c == '\n' || c == 0) {
        return Optional.of("has a CR, LF or NUL at position " + i);
      }
      if ((c < ' ' && c != '\t') || c == 0x7F) {
        return Optional.of("has a control character at position " + i);
      }
      if (c > 0xFF) {
        return Optional.of("has a character at position " + i + " that is not Latin-1");
      }
    }
    return Optional.empty();
  }
}
