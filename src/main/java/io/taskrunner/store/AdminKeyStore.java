package io.taskrunner.store;

import io.taskrunner.client.AdminKey;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Named keys of admins. All methods block, and raise {@link StoreUnavailable}. */
public interface AdminKeyStore {

  /** How many names there may be; each has one key, or two while one is being replaced. */
  int MAX = 100;

  /** What became of a key that was to be made. */
  enum Put {
    /** It is made. */
    MADE,
    /** It is made, and replaces the one of that name. */
    REPLACED,
    /** There is one of that name, and it was not to be replaced. */
    EXISTS,
    /** There are {@link #MAX} other names. */
    FULL
  }

  /**
   * Makes a key.
   *
   * @param digest of the key
   * @param readOnly null for as the key is that it replaces; else false
   * @param replace whether it may replace the one of that name
   * @param keep how long the one that is replaced stays valid; one that was replaced before does
   *     not
   */
  Put put(String name, String digest, @Nullable Boolean readOnly, boolean replace, Duration keep);

  /** All keys that open something, by name, the newest of a name first. */
  List<AdminKey> list();

  /** Revokes the keys of a name; false when there are none. */
  boolean delete(String name);

  /** The key of a digest; answers may come from a copy at most a second old. */
  Optional<AdminKey> find(String digest);

  /**
   * As {@link #find}, from the copy alone: never blocks.
   *
   * @return empty when the copy does not tell, which says nothing of the key
   */
  Optional<AdminKey> known(String digest);
}
