package io.taskrunner.store;

import io.taskrunner.client.Client;
import io.taskrunner.client.ClientSettings;
import io.taskrunner.client.Scope;
import io.taskrunner.client.Tier;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Clients, their keys, and tiers. All methods block, and raise {@link StoreUnavailable}. */
public interface ClientStore {

  /** Clients by id. */
  Page list(int limit, @Nullable String cursor) throws TaskStore.BadCursor;

  /**
   * The next clients that an admin created, by id; auto-registered clients are left out.
   *
   * @param after the id to start after; empty for the start
   */
  List<Client> configured(int most, String after);

  /** One client, also a disabled one; empty for a deleted one. */
  Optional<Client> get(String id);

  /**
   * Creates or changes a client.
   *
   * @return the client as it is then; empty when the tier is unknown
   */
  Optional<Client> set(String id, Change change, Expected expected) throws ChangedMeanwhile;

  /**
   * Deletes a client: revokes its keys, cancels its waiting tasks, blocks its id; false when it
   * does not exist.
   */
  boolean delete(String id, Expected expected) throws ChangedMeanwhile;

  /** All tiers: the built-in ones first, in their order, then others by name. */
  List<Tier> tiers();

  /** Creates or changes a tier. */
  void putTier(Tier tier, Expected expected) throws ChangedMeanwhile;

  /** Deletes a tier that is not built in. */
  TierDeleted deleteTier(String name, Expected expected) throws ChangedMeanwhile;

  /**
   * Adds a key to a client, which must authenticate with a key from then on.
   *
   * @param digest of the key
   * @param name given by an admin; empty for none
   * @param scopes what it permits
   * @return the key's id; empty when the client does not exist
   */
  Optional<String> addKey(String clientId, String digest, String name, Set<Scope> scopes);

  /** The tasks of a client that are not finished; empty when the client does not exist. */
  Optional<Usage> usage(String clientId);

  /**
   * Unfinished tasks of a client.
   *
   * @param running those that a worker performs
   * @param unfinished all of them
   * @param bytes of their bodies
   */
  record Usage(long running, long unfinished, long bytes) {}

  /** A client's keys, the oldest first; empty when the client does not exist. */
  Optional<List<KeyOwner>> keys(String clientId);

  /** Revokes a key. */
  KeyRevoked revokeKey(String clientId, String keyId);

  /**
   * The client of a key, looked up by its digest, possibly in a cached copy that is at most a
   * second old.
   */
  Optional<KeyOwner> keyOwner(String digest);

  /**
   * Like {@link #keyOwner}, but reads only the cached copy: never blocks.
   *
   * @return empty when the copy does not contain the digest; the key may exist all the same
   */
  Optional<KeyOwner> knownKeyOwner(String digest);

  /** The access of a client that presents no key. */
  Standing standing(String id);

  /** How a client may authenticate. */
  enum Standing {
    /** It does not exist. */
    UNKNOWN,
    /** It may authenticate with its id only. */
    OPEN,
    /** It must authenticate with a key, because it has or had one. */
    KEYED,
    /** Disabled or deleted. */
    DISABLED
  }

  /** A change to a client, for each field of its settings. */
  record Change(
      Given<String> tier,
      Given<Boolean> enabled,
      Given<Integer> maxConcurrent,
      Given<Integer> requestsPerMin,
      Given<List<String>> allowedQueues,
      Given<List<String>> serviceAccounts,
      Given<Integer> maxWaiting,
      Given<Long> maxWaitingBytes) {

    /** The change to exactly these settings. */
    public static Change to(ClientSettings settings) {
      return new Change(
          Given.of(settings.tier()),
          Given.of(settings.enabled()),
          Given.of(settings.maxConcurrent()),
          Given.of(settings.requestsPerMin()),
          Given.of(settings.allowedQueues()),
          Given.of(settings.serviceAccounts()),
          Given.of(settings.maxWaiting()),
          Given.of(settings.maxWaitingBytes()));
    }

    /** The settings after this change. */
    public ClientSettings of(ClientSettings now) {
      ClientSettings unset = ClientSettings.DEFAULT;
      return new ClientSettings(
          tier.or(now.tier(), unset.tier()),
          enabled.or(now.enabled(), unset.enabled()),
          maxConcurrent.or(now.maxConcurrent()),
          requestsPerMin.or(now.requestsPerMin()),
          allowedQueues.or(now.allowedQueues()),
          serviceAccounts.or(now.serviceAccounts(), unset.serviceAccounts()),
          maxWaiting.or(now.maxWaiting()),
          maxWaitingBytes.or(now.maxWaitingBytes()));
    }
  }

  /**
   * The client of a key, and the scopes of the key.
   *
   * @param name of the key, given by an admin; empty for none
   * @param scopes what it permits
   */
  record KeyOwner(String clientId, String keyId, Instant created, String name, Set<Scope> scopes) {

    /** Keeps the scopes from being changed. */
    public KeyOwner {
      scopes = Set.copyOf(scopes);
    }

    /**
     * This key combined with another of the same client, for a caller that presents both: the union
     * of scopes.
     */
    public KeyOwner and(KeyOwner other) {
      Set<Scope> both =
          Stream.concat(scopes.stream(), other.scopes.stream()).collect(Collectors.toSet());
      return new KeyOwner(clientId, keyId, created, name, both);
    }
  }

  /**
   * A page of clients.
   *
   * @param count total number
   */
  record Page(List<Client> clients, long count, @Nullable String nextCursor) {}

  /** The result of deleting a tier. */
  enum TierDeleted {
    DONE,
    NOT_FOUND,
    BUILT_IN,
    /** Clients use it. */
    IN_USE
  }

  /** The result of revoking a key. */
  enum KeyRevoked {
    DONE,
    CLIENT_NOT_FOUND,
    KEY_NOT_FOUND
  }
}
