package io.taskrunner.store.redis.link;

import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Runs the scripts of one shard: adds its keys and the time. */
public final class Moves {

  private static final byte[] SERVER_TIME = new byte[0];

  private final Link link;
  private final byte[][] keys;
  private final Optional<InstantSource> injectedTime;
  private volatile boolean withFunctions = true;

  public Moves(Link link, Keys keys, Optional<InstantSource> injectedTime) {
    this.link = link;
    this.keys = keys.ofScript();
    this.injectedTime = injectedTime;
  }

  /** The first argument of every script: empty for Redis' own clock. */
  private byte[] now() {
    return injectedTime.map(clock -> Keys.bytes(clock.millis())).orElse(SERVER_TIME);
  }

  /** The time used by scripts, in ms since the epoch; queries Redis. */
  public long millis() {
    if (injectedTime.isPresent()) {
      return injectedTime.get().millis();
    }
    List<byte[]> time = link.patiently(redis -> redis.time());
    return Long.parseLong(Keys.text(time.get(0))) * 1000
        + Long.parseLong(Keys.text(time.get(1))) / 1000;
  }

  /** Runs a script, with retries. */
  public Reply run(Script script, Args args) {
    return link.patiently(redis -> begin(redis, script, args));
  }

  /** Runs a script with a few arguments: see {@link Args#of}. */
  public Reply run(Script script, @Nullable Object... args) {
    return run(script, Args.of(args));
  }

  /**
   * Starts a script on a connection of the caller's choice: as a function of the library where it
   * is one, else by its digest. What Redis has lost is sent again.
   */
  public CompletionStage<Reply> begin(
      RedisAsyncCommands<byte[], byte[]> redis, Script script, Args args) {
    byte[] now = now();
    byte[] function = withFunctions ? Library.OF_TASKS.function(script) : null;
    if (function == null) {
      return evaluate(redis, script, now, args);
    }
    return dispatch(redis, CommandType.FCALL, script, function, now, args)
        .exceptionallyCompose(failure ->
            switch (Library.refusal(failure)) {
              case NONE -> CompletableFuture.failedFuture(failure);
              case NOT_NOW -> evaluate(redis, script, now, args);
              case NOT_LOADED -> {
                Library.OF_TASKS.load(redis);
                yield evaluate(redis, script, now, args);
              }
              case NEVER -> {
                withFunctions = false;
                yield evaluate(redis, script, now, args);
              }
            });
  }

  private CompletionStage<Reply> evaluate(
      RedisAsyncCommands<byte[], byte[]> redis, Script script, byte[] now, Args args) {
    return dispatch(redis, CommandType.EVALSHA, script, script.digest(), now, args)
        .exceptionallyCompose(failure ->
            Answers.cause(failure) instanceof RedisNoScriptException
                ? dispatch(redis, CommandType.EVAL, script, script.text(), now, args)
                : CompletableFuture.failedFuture(failure));
  }

  private CompletionStage<Reply> dispatch(
      RedisAsyncCommands<byte[], byte[]> redis,
      CommandType type,
      Script script,
      byte[] called,
      byte[] now,
      Args args) {
    CommandArgs<byte[], byte[]> all =
        new CommandArgs<>(ByteArrayCodec.INSTANCE)
            .add(called)
            .add(keys.length)
            .addKeys(keys)
            .addValue(now);
    args.addTo(all);
    return redis.dispatch(type, new ReplyOutput(script), all);
  }
}
