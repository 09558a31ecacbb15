package io.taskrunner.store.redis;

import io.taskrunner.store.PageSecretStore;
import io.taskrunner.store.TokenStore;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Link;
import io.taskrunner.store.redis.link.Moves;
import io.taskrunner.store.redis.link.Script;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Keys of tokens, in the configuration's slot; {@code page_secret} signs page tokens. */
final class RedisTokens implements TokenStore, PageSecretStore {

  private static final byte[] NONE = new byte[0];

  private final Link link;
  private final Keys config;
  private final Moves configMoves;

  RedisTokens(Link link, Keys config, Moves configMoves) {
    this.link = link;
    this.config = config;
    this.configMoves = configMoves;
  }

  @Override
  public byte[] secret(byte[] offered) {
    byte[] key = config.key("page_secret");
    byte[] kept = link.patiently(redis -> redis.get(key));
    while (kept == null) {
      link.patiently(redis -> redis.setnx(key, offered));
      kept = link.patiently(redis -> redis.get(key));
    }
    return kept;
  }

  @Override
  public Held held(@Nullable Offer offered, long renewAfterMillis, long dropAfterMillis) {
    List<Object> reply =
        configMoves.run(
            Script.TOKEN_KEYS,
            offered == null ? NONE : offered.key(),
            offered == null ? NONE : Keys.bytes(offered.opaque()),
            Keys.bytes(renewAfterMillis),
            Keys.bytes(dropAfterMillis));
    List<Key> keys = new ArrayList<>();
    for (int at = 2; at < reply.size(); at += 2) {
      keys.add(new Key(time(reply.get(at)), (byte[]) reply.get(at + 1)));
    }
    return new Held(time(reply.get(0)), keys, Keys.text((byte[]) reply.get(1)));
  }

  private static Instant time(Object millis) {
    return Instant.ofEpochMilli((Long) millis);
  }
}
