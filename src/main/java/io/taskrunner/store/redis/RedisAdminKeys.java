package io.taskrunner.store.redis;

import io.taskrunner.client.AdminKey;
import io.taskrunner.store.AdminKeyStore;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Named keys of admins, in the configuration's slot: {@code admin_keys} holds for each name the
 * key's digest, its creation time (s since the epoch) and whether it is read-only; after a comma,
 * the same of the key that it replaced, and when that one expires (ms). There are few, so all of
 * them are cached to authenticate calls.
 */
final class RedisAdminKeys implements AdminKeyStore {

  private static final Duration COPY_TTL = Duration.ofSeconds(1);
  private static final String READ_ONLY = "r";
  private static final String WRITES = "w";

  private final Shard config;
  private volatile Copy copy = new Copy(Map.of(), System.nanoTime() - COPY_TTL.toNanos());

  /** By digest, as of a time of {@link System#nanoTime}. */
  private record Copy(Map<String, AdminKey> keys, long at) {}

  RedisAdminKeys(Shard config) {
    this.config = config;
  }

  @Override
  public Put put(
      String name, String digest, @Nullable Boolean readOnly, boolean replace, Duration keep) {
    Put put =
        config
            .moves()
            .run(
                Script.PUT_ADMIN_KEY,
                name,
                digest,
                readOnly == null ? null : readOnly ? READ_ONLY : WRITES,
                MAX,
                replace ? 1 : null,
                keep.toMillis())
            .word(Put.class);
    read();
    return put;
  }

  @Override
  public List<AdminKey> list() {
    return read().keys().values().stream()
        .sorted(
            Comparator.comparing(AdminKey::name)
                .thenComparing(key -> key.ends().orElse(Instant.MAX), Comparator.reverseOrder()))
        .toList();
  }

  @Override
  public boolean delete(String name) {
    long gone =
        config.link().patiently(redis -> redis.hdel(config.key("admin_keys"), Keys.bytes(name)));
    read();
    return gone > 0;
  }

  @Override
  public Optional<AdminKey> find(String digest) {
    Optional<AdminKey> known = known(digest);
    return known.isPresent() ? known : Optional.ofNullable(read().keys().get(digest));
  }

  @Override
  public Optional<AdminKey> known(String digest) {
    Copy now = copy;
    return System.nanoTime() - now.at() < COPY_TTL.toNanos()
        ? Optional.ofNullable(now.keys().get(digest))
        : Optional.empty();
  }

  /** Reads all, and caches them unless a newer copy was cached meanwhile. */
  private Copy read() {
    long at = System.nanoTime();
    Map<byte[], byte[]> raw = config.hash("admin_keys");
    Instant now = raw.isEmpty() ? Instant.EPOCH : Instant.ofEpochMilli(config.moves().millis());
    Map<String, AdminKey> keys = HashMap.newHashMap(raw.size());
    raw.forEach((name, value) -> {
      for (String one : Keys.text(value).split(",", -1)) {
        String[] parts = one.split(":", -1);
        Optional<Instant> ends =
            parts.length > 3
                ? Optional.of(Instant.ofEpochMilli(Long.parseLong(parts[3])))
                : Optional.empty();
        if (ends.isEmpty() || ends.get().isAfter(now)) {
          keys.put(
              parts[0],
              new AdminKey(
                  Keys.text(name),
                  parts[2].equals(READ_ONLY),
                  Instant.ofEpochSecond(Long.parseLong(parts[1])),
                  ends));
        }
      }
    });
    Copy fresh = new Copy(Map.copyOf(keys), at);
    synchronized (this) {
      if (at - copy.at() > 0) {
        copy = fresh;
      }
    }
    return fresh;
  }
}
