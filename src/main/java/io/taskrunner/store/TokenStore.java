package io.taskrunner.store;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What tokens are made with: one for all processes. Blocks, and raises {@link StoreUnavailable}.
 */
public interface TokenStore {

  /**
   * All there is.
   *
   * @param offered taken in where there is no key, or none is younger than {@code
   *     renewAfterMillis}; what stands there otherwise is kept. Null to take nothing in
   * @param renewAfterMillis the age at which a key is to be followed by another
   * @param dropAfterMillis the age at which one is forgotten, for as long as there is a younger one
   */
  Held held(@Nullable Offer offered, long renewAfterMillis, long dropAfterMillis);

  /**
   * What is offered.
   *
   * @param key the private half, PKCS #8 in DER
   * @param opaque taken in where there is none yet
   */
  record Offer(byte[] key, String opaque) {}

  /**
   * What is there.
   *
   * @param now the store's time
   * @param keys the youngest first; empty when there is none yet
   * @param opaque the installation's token that says nothing; empty when there is none yet
   */
  record Held(Instant now, List<Key> keys, String opaque) {}

  /**
   * A key.
   *
   * @param made when it was taken in
   * @param pkcs8 the private half, PKCS #8 in DER
   */
  record Key(Instant made, byte[] pkcs8) {}
}
