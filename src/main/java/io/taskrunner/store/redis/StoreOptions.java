package io.taskrunner.store.redis;

import io.taskrunner.config.DispatchSettings;
import io.taskrunner.config.RedisSettings;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;

/**
 * The settings of the store.
 *
 * @param redis where Redis is
 * @param openClients whether an unknown client is auto-registered
 * @param maxOpenClients maximum number of auto-registered clients
 * @param idempotencyTtl how long a key is remembered
 * @param breaker the default settings of a host's circuit breaker
 * @param clock for the ids of tasks only
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

  /** The same, with a clock that also replaces Redis' clock: for tests. */
  public StoreOptions at(InstantSource time) {
    return new StoreOptions(
        redis, openClients, maxOpenClients, idempotencyTtl, breaker, time, Optional.of(time));
  }
}
