package io.taskrunner.store;

import io.taskrunner.client.SigningSecret;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What the requests of clients' tasks are signed with. All methods block, and raise {@link
 * StoreUnavailable}.
 */
public interface SigningStore {

  /**
   * Gives a client its first secret, or the next; the one before signs on for {@link
   * SigningSecret#OVERLAP}. From the first on, the client is known by a key alone.
   */
  Put put(String clientId, SigningSecret secret);

  /** Ends signing, at once and for every secret. */
  Ended end(String clientId);

  /** What signs for a client; empty for none. */
  Optional<Held> held(String clientId);

  /** What came of putting. */
  sealed interface Put {
    /**
     * It signs from now on.
     *
     * @param previousUntil how long the one before signs on; empty when there is none
     */
    record Done(Optional<Instant> previousUntil) implements Put {}

    /** No such client. */
    record ClientNotFound() implements Put {}

    /**
     * As many as may sign at once do.
     *
     * @param until when the oldest of them ends
     */
    record TooMany(Instant until) implements Put {}
  }

  /** What came of ending. */
  enum Ended {
    DONE,
    CLIENT_NOT_FOUND,
    /** There was no secret. */
    NOT_FOUND
  }

  /**
   * What signs for a client.
   *
   * @param version grows with each change of any client's secrets
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
   * @param created when it was made
   * @param until when it ends; empty for the youngest
   */
  record Signing(SigningSecret secret, Instant created, Optional<Instant> until) {}
}
