package io.taskrunner.client;

import java.security.SecureRandom;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;

/**
 * A named key that opens the admin's calls beside {@code ADMIN_API_KEY}: {@code tra_} and 32 random
 * bytes. Only its SHA-256 is stored, and looked up by.
 *
 * @param name whose it is
 * @param readOnly whether it opens only what changes nothing
 * @param created when it was created
 * @param ends when it opens nothing any more, since it was replaced; empty for never
 */
public record AdminKey(String name, boolean readOnly, Instant created, Optional<Instant> ends) {

  /** What every such key begins with. */
  public static final String PREFIX = "tra_";

  /** How whoever shows {@code ADMIN_API_KEY} is named. */
  public static final String ROOT = "root";

  /** How whoever shows nothing is named where that is the admin: on a loopback listener. */
  public static final String LOOPBACK = "loopback";

  /** Names that no key may have. */
  public static final Set<String> RESERVED = Set.of(ROOT, LOOPBACK);

  /** A fresh key. */
  public static String make(SecureRandom random) {
    return ApiKey.make(PREFIX, random);
  }
}
