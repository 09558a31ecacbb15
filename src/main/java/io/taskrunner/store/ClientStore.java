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
   * The next clients that an admin set up, and none that registered itself; by id.
   *
   * @param after behind which id; empty from the start
   */
  List<Client> configured(int most, String after);

  /** One client, also a disabled one; a deleted one is none. */
  Optional<Client> get(String id);

  /**
   * Makes or changes a client.
   *
   * @return the client as it is then; empty when the tier is unknown
   */
  Optional<Client> set(String id, Change change, Expected expected) throws ChangedMeanwhile;

  /** As {@link #set(String, Change, Expected)}, whatever there is. */
  default Optional<Client> set(String id, Change change) {
    try {
      return set(id, change, Expected.ANY);
    } catch (ChangedMeanwhile changed) {
      throw ChangedMeanwhile.impossible(changed);
    }
  }

  /**
   * Deletes a client: revokes its keys, calls off what waits, blocks the id; false when it is not
   * known.
   */
  boolean delete(String id, Expected expected) throws ChangedMeanwhile;

  /** As {@link #delete(String, Expected)}, whatever there is. */
  default boolean delete(String id) {
    try {
      return delete(id, Expected.ANY);
    } catch (ChangedMeanwhile changed) {
      throw ChangedMeanwhile.impossible(changed);
    }
  }

  /** All tiers: the built-in ones first, in their order, then others by name. */
  List<Tier> tiers();

  /** Makes or changes a tier. */
  void putTier(Tier tier, Expected expected) throws ChangedMeanwhile;

  /** As {@link #putTier(Tier, Expected)}, whatever there is. */
  default void putTier(Tier tier) {
    try {
      putTier(tier, Expected.ANY);
    } catch (ChangedMeanwhile changed) {
      throw ChangedMeanwhile.impossible(changed);
    }
  }

  /** Deletes a tier that is not built in. */
  TierDeleted deleteTier(String name, Expected expected) throws ChangedMeanwhile;

  /** As {@link #deleteTier(String, Expected)}, whatever there is. */
  default TierDeleted deleteTier(String name) {
    try {
      return deleteTier(name, Expected.ANY);
    } catch (ChangedMeanwhile changed) {
      throw ChangedMeanwhile.impossible(changed);
    }
  }

  /**
   * Adds a key to a client, which is known by a key alone from then on.
   *
   * @param digest of the key
   * @param name what the admin calls it; empty for nothing
   * @param scopes what it opens
   * @return the key's id; empty when the client is not known
   */
  Optional<String> addKey(String clientId, String digest, String name, Set<Scope> scopes);

  /** As {@link #addKey(String, String, String, Set)}, without a name, and for everything. */
  default Optional<String> addKey(String clientId, String digest) {
    return addKey(clientId, digest, "", Scope.ALL);
  }

  /** A client's keys, the oldest first; empty when the client is not known. */
  Optional<List<KeyOwner>> keys(String clientId);

  /** Revokes a key. */
  KeyRevoked revokeKey(String clientId, String keyId);

  /**
   * The client of a key, looked up by its digest; answers may come from a copy at most a second
   * old.
   */
  Optional<KeyOwner> keyOwner(String digest);

  /**
   * As {@link #keyOwner}, from the copy alone: never blocks.
   *
   * @return empty when the copy does not tell, which says nothing of the key
   */
  Optional<KeyOwner> knownKeyOwner(String digest);

  /** How a client stands that shows no key. */
  Standing standing(String id);

  /** How a client stands. */
  enum Standing {
    /** Nobody made it known. */
    UNKNOWN,
    /** Known by its id alone. */
    OPEN,
    /** Known by a key alone, since it ever had one. */
    KEYED,
    /** Disabled or deleted. */
    DISABLED
  }

  /** A change to a client: of each field of its settings what becomes of it. */
  record Change(
      Given<String> tier,
      Given<Boolean> enabled,
      Given<Integer> maxConcurrent,
      Given<Integer> requestsPerMin,
      Given<List<String>> allowedQueues,
      Given<List<String>> serviceAccounts,
      Given<Integer> maxWaiting,
      Given<Long> maxWaitingBytes) {

    /** The change to exactly these settings, whatever they were. */
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

    /** What settings are once this change is made. */
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
   * Who holds a key, and what for.
   *
   * @param name what the admin calls the key; empty for nothing
   * @param scopes what it opens
   */
  record KeyOwner(String clientId, String keyId, Instant created, String name, Set<Scope> scopes) {

    /** Keeps the scopes from being changed. */
    public KeyOwner {
      scopes = Set.copyOf(scopes);
    }

    /** Of a key without a name that opens everything. */
    public KeyOwner(String clientId, String keyId, Instant created) {
      this(clientId, keyId, created, "", Scope.ALL);
    }

    /** This key, shown together with another of the same client: who has both may do as either. */
    public KeyOwner and(KeyOwner other) {
      Set<Scope> both =
          Stream.concat(scopes.stream(), other.scopes.stream()).collect(Collectors.toSet());
      return new KeyOwner(clientId, keyId, created, name, both);
    }
  }

  /**
   * Some clients.
   *
   * @param count how many there are in all
   */
  record Page(List<Client> clients, long count, @Nullable String nextCursor) {}

  /** What came of deleting a tier. */
  enum TierDeleted {
    DONE,
    NOT_FOUND,
    BUILT_IN,
    /** Clients have it. */
    IN_USE
  }

  /** What came of revoking a key. */
  enum KeyRevoked {
    DONE,
    CLIENT_NOT_FOUND,
    KEY_NOT_FOUND
  }
}
