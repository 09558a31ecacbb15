package io.taskrunner.store;

import io.taskrunner.client.SigningSecret;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * The secrets that sign the requests of clients' tasks. All methods block, and raise {@link
 * StoreUnavailable}.
 */
public interface SigningStore {

  /**
   * Gives a client its first or next secret; the previous one continues to sign for {@link
   * SigningSecret#OVERLAP}. From the first on, the client must authenticate with a key.
   */
  Put put(String clientId, SigningSecret secret);

  /** Ends signing, at once and for every secret. */
  Ended end(String clientId);

  /** The secrets of a client; empty for none. */
  Optional<Held> held(String clientId);

  /** The result of adding a secret. */
  sealed interface Put {
    /**
     * It signs from now on.
     *
     * @param previousUntil until when the previous secret signs; empty when there is none
     */
    record Done(Optional<Instant> previousUntil) implements Put {}

    /** No such client. */
    record ClientNotFound() implements Put {}

    /**
     * The limit of secrets that sign at once is reached.
     *
     * @param until when the oldest of them expires
     */
    record TooMany(Instant until) implements Put {}
  }

  /** The result of ending signing. */
  enum Ended {
    DONE,
    CLIENT_NOT_FOUND,
    /** There was no secret. */
    NOT_FOUND
  }

  /**
   * The secrets of a client.
   *
   * @param version increases with each change of any client's secrets
   * @param secrets the youngest first; never empty
   */
  record Held(long version, List<Signing> secrets) {

    /** Keeps the secrets from being changed. */
    public Held {
      secrets = List.copyOf(secrets);
    }
  }

  /**
   * A secret that signs.
   *
   * @param created when it was created
   * @param until when it expires; empty for the youngest
   */
  record Signing(SigningSecret secret, Instant created, Optional<Instant> until) {}
}
