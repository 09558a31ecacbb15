package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.lettuce.core.SetArgs;
import io.taskrunner.store.AnswerStore;
import io.taskrunner.store.redis.link.Answers;
import io.taskrunner.store.redis.link.Shard;
import java.time.Duration;
import java.util.Optional;

/**
 * Shared answers, in the configuration's slot: {@code answer:<name>} holds one, and {@code
 * answer:<name>:making} is there while a process makes it; both expire.
 */
final class RedisAnswers implements AnswerStore {

  private static final byte[] SET = {1};

  private final Shard config;

  RedisAnswers(Shard config) {
    this.config = config;
  }

  private byte[] key(String name) {
    return config.key("answer:" + name);
  }

  private byte[] making(String name) {
    return config.key("answer:" + name + ":making");
  }

  @Override
  public Optional<byte[]> get(String name) {
    return Optional.ofNullable(config.value("answer:" + name));
  }

  @Override
  public boolean promise(String name, Duration within) {
    SetArgs unlessMade = SetArgs.Builder.nx().px(within.toMillis());
    try {
      String set = config.link().patiently(redis -> redis.set(making(name), SET, unlessMade));
      return set != null;
    } catch (RedisException failure) {
      return unlessFull(failure);
    }
  }

  @Override
  public void put(String name, byte[] answer, Duration kept) {
    config.link().patiently(redis -> redis.del(making(name)));
    if (answer.length <= BYTES_MAX) {
      try {
        SetArgs lasting = SetArgs.Builder.px(kept.toMillis());
        config.link().patiently(redis -> redis.set(key(name), answer, lasting));
      } catch (RedisException failure) {
        unlessFull(failure);
      }
    }
  }

  private static boolean unlessFull(RedisException failure) {
    if (Answers.isFull(failure)) {
      return true;
    }
    throw failure;
  }
}
