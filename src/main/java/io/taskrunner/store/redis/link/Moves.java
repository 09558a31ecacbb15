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

/** Runs the moves of one shard: adds its keys and the time. */
public final class Moves {

  private static final byte[] SERVER_TIME = new byte[0];

  private final Link link;
  private final byte[][] keys;
  private final Optional<InstantSource> injectedTime;

  public Moves(Link link, Keys keys, Optional<InstantSource> injectedTime) {
    this.link = link;
    this.keys = keys.ofScript();
    this.injectedTime = injectedTime;
  }

  /** The first argument of every script: empty for Redis' own clock. */
  public byte[] now() {
    return injectedTime.map(clock -> Keys.bytes(clock.millis())).orElse(SERVER_TIME);
  }

  /** The time that scripts go by, in ms since the epoch; asks Redis. */
  public long millis() {
    if (injectedTime.isPresent()) {
      return injectedTime.get().millis();
    }
    List<byte[]> time = link.patiently(redis -> redis.time());
    return Long.parseLong(Keys.text(time.get(0))) * 1000
        + Long.parseLong(Keys.text(time.get(1))) / 1000;
  }

  public byte[][] keys() {
    return keys;
  }

  /** Runs a move, patiently. */
  public <T> T run(Script script, byte[]... args) {
    return link.patiently(redis -> this.<T>begin(redis, script, args));
  }

  /** Begins a move on a connection of the caller's choice. */
  public <T> CompletionStage<T> begin(
      RedisAsyncCommands<byte[], byte[]> redis, Script script, byte[]... args) {
    byte[][] all = new byte[args.length + 1][];
    all[0] = now();
    System.arraycopy(args, 0, all, 1, args.length);
    return run(redis, script, keys, all);
  }

  /** Runs a script; a lost script cache is answered by sending the whole text once more. */
  public static <T> CompletionStage<T> run(
      RedisAsyncCommands<byte[], byte[]> commands, Script script, byte[][] keys, byte[]... args) {
    CompletionStage<T> reply =
        dispatch(commands, CommandType.EVALSHA, Keys.bytes(script.digest()), keys, args);
    return reply.exceptionallyCompose(failure ->
        Answers.cause(failure) instanceof RedisNoScriptException
            ? dispatch(commands, CommandType.EVAL, script.text(), keys, args)
            : CompletableFuture.failedFuture(failure));
  }

  @SuppressWarnings("unchecked")
  private static <T> CompletionStage<T> dispatch(
      RedisAsyncCommands<byte[], byte[]> commands,
      CommandType type,
      byte[] script,
      byte[][] keys,
      byte[]... args) {
    CommandArgs<byte[], byte[]> all =
        new CommandArgs<>(ByteArrayCodec.INSTANCE)
            .add(script)
            .add(keys.length)
            .addKeys(keys)
            .addValues(args);
    return (CompletionStage<T>) commands.dispatch(type, new ReplyOutput(), all);
  }
}
