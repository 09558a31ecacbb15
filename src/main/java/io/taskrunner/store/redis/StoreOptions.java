package io.taskrunner.store.redis;

import io.taskrunner.config.DispatchSettings;
import io.taskrunner.config.RedisSettings;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;

/**
 * How the store behaves.
 *
 * @param redis where Redis is
 * @param openClients whether an unknown client is made known on the spot
 * @param maxOpenClients how many of these live at once
 * @param idempotencyTtl how long a key is remembered
 * @param breaker when a host is left alone, unless the host says otherwise
 * @param clock for the ids of tasks alone
 * @param injectedTime replaces Redis' clock, for tests
 */
public record StoreOptions(
    RedisSettings redis,
    boolean openClients,
    int maxOpenClients,
    Duration idempotencyTtl,
    DispatchSettings.Breaker breaker,
    InstantSource clock,
    Optional<InstantSource> injectedTime) {

  /** The documented defaults, on this Redis. */
  public static StoreOptions defaults(RedisSettings redis) {
    return new StoreOptions(
        redis,
        true,
        10_000,
        Duration.ofHours(24),
        new DispatchSettings.Breaker(5, Duration.ofSeconds(30), 3, Duration.ofSeconds(60)),
        InstantSource.system(),
        Optional.empty());
  }
}
