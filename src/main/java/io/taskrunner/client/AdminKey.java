package io.taskrunner.client;

import java.security.SecureRandom;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;

/**
 * A named key for the admin API in addition to {@code ADMIN_API_KEY}: {@code tra_} and 32 random
 * bytes. Only its SHA-256 is stored and used for look-up.
 *
 * @param name its name
 * @param readOnly whether it permits only reads
 * @param created when it was created
 * @param ends when it expires, because it was replaced; empty for never
 */
public record AdminKey(String name, boolean readOnly, Instant created, Optional<Instant> ends) {

  /** The prefix of every such key. */
  public static final String PREFIX = "tra_";

  /** The name of the caller with {@code ADMIN_API_KEY}. */
  public static final String ROOT = "root";

  /** The name of an admin without a key: on a loopback listener. */
  public static final String LOOPBACK = "loopback";

  /** Reserved names. */
  public static final Set<String> RESERVED = Set.of(ROOT, LOOPBACK);

  /** A new key. */
  public static String make(SecureRandom random) {
    return ApiKey.make(PREFIX, random);
  }
}
