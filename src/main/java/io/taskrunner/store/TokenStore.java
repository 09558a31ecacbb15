package io.taskrunner.store;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The keys of tokens, shared by all processes. Blocks, and raises {@link StoreUnavailable}. */
public interface TokenStore {

  /**
   * All keys and the opaque token.
   *
   * @param offered stored when there is no key, or none is younger than {@code renewAfterMillis};
   *     otherwise the existing values are kept. Null to store nothing
   * @param renewAfterMillis the age at which a key gets a successor
   * @param dropAfterMillis the age at which a key is deleted, provided that a younger one exists
   */
  Held held(@Nullable Offer offered, long renewAfterMillis, long dropAfterMillis);

  /**
   * The values offered.
   *
   * @param key the private half, PKCS #8 in DER
   * @param opaque stored when there is none yet
   */
  record Offer(byte[] key, String opaque) {}

  /**
   * The stored values.
   *
   * @param now the store's time
   * @param keys the youngest first; empty when there is none yet
   * @param opaque the installation's opaque token; empty when there is none yet
   */
  record Held(Instant now, List<Key> keys, String opaque) {}

  /**
   * A key.
   *
   * @param made when it was stored
   * @param pkcs8 the private half, PKCS #8 in DER
   */
  record Key(Instant made, byte[] pkcs8) {}
}
