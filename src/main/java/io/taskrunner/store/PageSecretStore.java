package io.taskrunner.store;

/** What page tokens are signed with. Blocks, and raises {@link StoreUnavailable}. */
@FunctionalInterface
public interface PageSecretStore {

  /**
   * The secret, the same for all processes.
   *
   * @param offered kept from now on where there is none yet
   */
  byte[] secret(byte[] offered);
}
