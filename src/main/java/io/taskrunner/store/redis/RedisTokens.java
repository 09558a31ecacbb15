package io.taskrunner.store.redis;

import io.taskrunner.store.PageSecretStore;
import io.taskrunner.store.TokenStore;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Keys of tokens, in the configuration's slot; {@code page_secret} signs page tokens. */
final class RedisTokens implements TokenStore, PageSecretStore {

  private final Shard config;

  RedisTokens(Shard config) {
    this.config = config;
  }

  @Override
  public byte[] secret(byte[] offered) {
    byte[] key = config.key("page_secret");
    byte[] kept = config.link().patiently(redis -> redis.get(key));
    while (kept == null) {
      config.link().patiently(redis -> redis.setnx(key, offered));
      kept = config.link().patiently(redis -> redis.get(key));
    }
    return kept;
  }

  @Override
  public Held held(@Nullable Offer offered, long renewAfterMillis, long dropAfterMillis) {
    Reply reply =
        config
            .moves()
            .run(
                Script.TOKEN_KEYS,
                offered == null ? null : offered.key(),
                offered == null ? null : offered.opaque(),
                renewAfterMillis,
                dropAfterMillis);
    Instant now = reply.time();
    String opaque = reply.text();
    return new Held(now, reply.rest(key -> new Key(key.time(), key.bytes())), opaque);
  }
}
