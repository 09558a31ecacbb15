package io.taskrunner.task;

import java.util.Locale;
import java.util.Set;

/** Which values are likely secrets, by their names. */
public final class SecretNames {

  /** Shown in place of a likely secret. */
  public static final String MASK = "***";

  private static final Set<String> NAMES =
      Set.of("authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key");

  private static final String[] ENDINGS = {
    "token", "key", "secret", "signature", "password", "auth"
  };

  private SecretNames() {}

  /** Whether the value of a header, query parameter or JSON member of this name is hidden. */
  public static boolean hides(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    if (NAMES.contains(lower)) {
      return true;
    }
    for (String ending : ENDINGS) {
      if (lower.endsWith(ending)) {
        return true;
      }
    }
    return false;
  }
}
