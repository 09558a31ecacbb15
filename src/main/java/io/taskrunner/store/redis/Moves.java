package io.taskrunner.store.redis;

import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** Runs the moves of one shard: adds its keys and the time. */
final class Moves {

  private static final byte[] SERVER_TIME = new byte[0];

  private final Link link;
  private final byte[][] keys;
  private final Optional<InstantSource> injectedTime;

  Moves(Link link, Keys keys, Optional<InstantSource> injectedTime) {
    this.link = link;
    this.keys = keys.ofScript();
    this.injectedTime = injectedTime;
  }

  /** The first argument of every script: empty for Redis' own clock. */
  byte[] now() {
    return injectedTime.map(clock -> Keys.bytes(clock.millis())).orElse(SERVER_TIME);
  }

  /** The time that scripts go by, in ms since the epoch; asks Redis. */
  long millis() {
    if (injectedTime.isPresent()) {
      return injectedTime.get().millis();
    }
    List<byte[]> time = link.patiently(redis -> redis.time());
    return Long.parseLong(Keys.text(time.get(0))) * 1000
        + Long.parseLong(Keys.text(time.get(1))) / 1000;
  }

  byte[][] keys() {
    return keys;
  }

  /** Runs a move, patiently. */
  <T> T run(Script script, byte[]... args) {
    return link.patiently(redis -> this.<T>begin(redis, script, args));
  }

  /** Begins a move on a connection of the caller's choice. */
  <T> CompletionStage<T> begin(
      io.lettuce.core.api.async.RedisAsyncCommands<byte[], byte[]> redis,
      Script script,
      byte[]... args) {
    byte[][] all = new byte[args.length + 1][];
    all[0] = now();
    System.arraycopy(args, 0, all, 1, args.length);
    return Link.run(redis, script, keys, all);
  }
}
