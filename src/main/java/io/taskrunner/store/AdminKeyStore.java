package io.taskrunner.store;

import io.taskrunner.client.AdminKey;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Named admin keys. All methods block, and raise {@link StoreUnavailable}. */
public interface AdminKeyStore {

  /** Maximum number of names; each has one key, or two while one is being replaced. */
  int MAX = 100;

  /** The result of creating a key. */
  enum Put {
    /** It was created. */
    MADE,
    /** It was created and replaces the key of that name. */
    REPLACED,
    /** A key of that name exists, and replacing was not requested. */
    EXISTS,
    /** {@link #MAX} other names exist. */
    FULL
  }

  /**
   * Creates a key.
   *
   * @param digest of the key
   * @param readOnly null to keep the value of the key that it replaces, or false if there is none
   * @param replace whether it may replace the key of that name
   * @param keep how long the replaced key stays valid; a key replaced earlier does not
   */
  Put put(String name, String digest, @Nullable Boolean readOnly, boolean replace, Duration keep);

  /** All valid keys, by name, the newest of a name first. */
  List<AdminKey> list();

  /** Revokes the keys of a name; false when there are none. */
  boolean delete(String name);

  /** The key with a digest, possibly from a cached copy that is at most a second old. */
  Optional<AdminKey> find(String digest);

  /**
   * Like {@link #find}, but reads only the cached copy: never blocks.
   *
   * @return empty when the copy does not contain the digest; the key may exist all the same
   */
  Optional<AdminKey> known(String digest);
}
