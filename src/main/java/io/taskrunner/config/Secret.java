package io.taskrunner.config;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/**
 * A value that is never printed: its {@code toString} is {@code ***}.
 *
 * @param value the secret itself, never empty
 */
public record Secret(String value) {

  public Secret {
    if (value.isEmpty()) {
      throw new IllegalArgumentException("a secret is never empty");
    }
  }

  /** Compares in constant time. */
  public boolean matches(String candidate) {
    return MessageDigest.isEqual(
        value.getBytes(StandardCharsets.UTF_8), candidate.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public String toString() {
    return "***";
  }
}
