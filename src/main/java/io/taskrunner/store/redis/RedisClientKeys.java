package io.taskrunner.store.redis;

import io.lettuce.core.KeyValue;
import io.taskrunner.client.Scope;
import io.taskrunner.store.ClientStore.KeyOwner;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The keys of clients. They are stored in the configuration, by their digest: {@code keys} names
 * each one's client, id and time; {@code keys:<client>} lists a client's digests by id.
 */
final class RedisClientKeys {

  private static final int CACHE_MAX = 10_000;
  private static final Duration CACHE_TTL = Duration.ofSeconds(1);

  private final Shards shards;
  private final Shard config;
  private final Map<String, Cached> owners = new ConcurrentHashMap<>();

  private record Cached(Optional<KeyOwner> owner, long at) {}

  RedisClientKeys(Shards shards, Shard config) {
    this.shards = shards;
    this.config = config;
  }

  private byte[] keysOf(String clientId) {
    return config.key("keys:" + clientId);
  }

  /** Asks Redis for every owner from now on. */
  void forgetOwners() {
    owners.clear();
  }

  String add(String clientId, String digest, String name, Set<Scope> scopes) {
    String keyId = UUID.nameUUIDFromBytes(Keys.bytes(digest)).toString();
    Shard home = shards.of(clientId);
    // First the rule that a key is required, then the key: in between no caller is accepted.
    home.moves().run(Script.KEY_CLIENT, clientId);
    String value =
        String.join(
            ":",
            clientId,
            keyId,
            Long.toString(home.moves().millis() / 1000),
            Scope.letters(scopes),
            name);
    config
        .link()
        .patiently(redis -> redis.hset(keysOf(clientId), Keys.bytes(keyId), Keys.bytes(digest)));
    config
        .link()
        .patiently(redis -> redis.hset(config.key("keys"), Keys.bytes(digest), Keys.bytes(value)));
    owners.remove(digest);
    return keyId;
  }

  /** Scopes and name were added later: a key without them has all scopes. */
  private static KeyOwner owner(byte[] value) {
    String[] parts = Keys.text(value).split(":", -1);
    return new KeyOwner(
        parts[0],
        parts[1],
        Instant.ofEpochSecond(Long.parseLong(parts[2])),
        parts.length > 4 ? parts[4] : "",
        parts.length > 3 ? Scope.ofLetters(parts[3]) : Scope.ALL);
  }

  List<KeyOwner> list(String clientId) {
    Map<byte[], byte[]> digests = config.link().patiently(redis -> redis.hgetall(keysOf(clientId)));
    if (digests.isEmpty()) {
      return List.of();
    }
    byte[][] fields = digests.values().toArray(byte[][]::new);
    List<KeyValue<byte[], byte[]>> values =
        config.link().patiently(redis -> redis.hmget(config.key("keys"), fields));
    // A digest without a key belongs to an interrupted creation: it grants nothing.
    return values.stream()
        .filter(KeyValue::hasValue)
        .map(value -> owner(value.getValue()))
        .sorted(Comparator.comparing(KeyOwner::created).thenComparing(KeyOwner::keyId))
        .toList();
  }

  boolean revoke(String clientId, String keyId) {
    byte[] digest =
        config.link().patiently(redis -> redis.hget(keysOf(clientId), Keys.bytes(keyId)));
    if (digest == null) {
      return false;
    }
    config.link().patiently(redis -> redis.hdel(config.key("keys"), digest));
    config.link().patiently(redis -> redis.hdel(keysOf(clientId), Keys.bytes(keyId)));
    owners.remove(Keys.text(digest));
    return true;
  }

  Optional<KeyOwner> owner(String digest) {
    Optional<KeyOwner> known = knownOwner(digest);
    if (known.isPresent()) {
      return known;
    }
    long now = System.nanoTime();
    byte[] value = config.field("keys", digest);
    if (value == null) {
      owners.remove(digest);
      return Optional.empty();
    }
    Optional<KeyOwner> owner = Optional.of(owner(value));
    if (owners.size() >= CACHE_MAX) {
      owners.clear();
    }
    owners.put(digest, new Cached(owner, now));
    return owner;
  }

  Optional<KeyOwner> knownOwner(String digest) {
    Cached cached = owners.get(digest);
    return cached != null && System.nanoTime() - cached.at() < CACHE_TTL.toNanos()
        ? cached.owner()
        : Optional.empty();
  }
}
