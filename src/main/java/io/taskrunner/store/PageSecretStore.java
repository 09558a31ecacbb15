package io.taskrunner.store;

/** The secret that signs page tokens. Blocks, and raises {@link StoreUnavailable}. */
@FunctionalInterface
public interface PageSecretStore {

  /**
   * The secret, the same for all processes.
   *
   * @param offered stored if there is none yet
   */
  byte[] secret(byte[] offered);
}
