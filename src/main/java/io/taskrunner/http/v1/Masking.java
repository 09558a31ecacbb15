package io.taskrunner.http.v1;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;

/** Hides what is likely a secret, by its name, from those who look at a task. */
final class Masking {

  static final String MASK = "***";

  private static final Set<String> NAMES =
      Set.of("authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key");

  private static final String[] ENDINGS = {
    "token", "key", "secret", "signature", "password", "auth"
  };

  private Masking() {}

  /** Whether the value of a header or query parameter of this name is hidden. */
  static boolean hides(String name) {
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

  /** A header's value, or the mask. */
  static String header(String name, String value) {
    return hides(name) ? MASK : value;
  }

  /**
   * A url with the mask in place of each query parameter's value that is hidden; all else byte for
   * byte.
   */
  static String url(String url) {
    int query = url.indexOf('?');
    if (query < 0) {
      return url;
    }
    StringBuilder masked = new StringBuilder(url.length()).append(url, 0, query + 1);
    int start = query + 1;
    while (start <= url.length()) {
      int end = url.indexOf('&', start);
      if (end < 0) {
        end = url.length();
      }
      String pair = url.substring(start, end);
      int equals = pair.indexOf('=');
      if (equals >= 0 && hides(decoded(pair.substring(0, equals)))) {
        masked.append(pair, 0, equals + 1).append(MASK);
      } else {
        masked.append(pair);
      }
      if (end < url.length()) {
        masked.append('&');
      }
      start = end + 1;
    }
    return masked.toString();
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
