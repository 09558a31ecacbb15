package io.taskrunner.store;

import io.taskrunner.client.AdminKey;
import java.util.List;
import java.util.Optional;

/** Named keys of admins. All methods block, and raise {@link StoreUnavailable}. */
public interface AdminKeyStore {

  /** So many keys may there be. */
  int MAX = 100;

  /**
   * Makes a key; one of the same name is replaced, and opens nothing any more.
   *
   * @param digest of the key
   * @return false when there are {@link #MAX} others
   */
  boolean put(String name, String digest, boolean readOnly);

  /** All keys, by name. */
  List<AdminKey> list();

  /** Revokes a key; false when there is none of this name. */
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
