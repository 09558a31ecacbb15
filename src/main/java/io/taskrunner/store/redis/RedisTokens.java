package io.taskrunner.store.redis;

import io.taskrunner.store.TokenStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Keys of tokens, in the configuration's slot. */
final class RedisTokens implements TokenStore {

  private static final byte[] NONE = new byte[0];

  private final Moves configMoves;

  RedisTokens(Moves configMoves) {
    this.configMoves = configMoves;
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
