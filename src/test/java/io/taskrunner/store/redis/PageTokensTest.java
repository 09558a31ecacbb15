package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.taskrunner.store.PageTokens;
import io.taskrunner.testkit.RedisExtension;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Page tokens of two replicas on one Redis. */
class PageTokensTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final Instant NOW = Instant.parse("2026-01-31T12:00:00Z");

  private static PageTokens replica(RedisStore store, Instant now) {
    return new PageTokens(store.pageSecrets(), new SecureRandom(), InstantSource.fixed(now));
  }

  @Test
  void replicasAcceptEachOthersTokensUntilTheyExpire() throws Exception {
    try (RedisStore store = RedisStore.open(StoreOptions.defaults(REDIS.settings()))) {
      PageTokens one = replica(store, NOW);
      PageTokens other = replica(store, NOW.plusSeconds(7200));
      String token = one.make("parent filter", "cursor · 1");
      assertEquals("cursor · 1", one.read("parent filter", token));
      assertEquals("cursor · 1", other.read("parent filter", token));
      assertThrows(PageTokens.BadToken.class, () -> one.read("parent filter", ""));
      assertThrows(PageTokens.BadToken.class, () -> one.read("another filter", token));
      PageTokens later = replica(store, NOW.plusSeconds(7201));
      assertThrows(PageTokens.BadToken.class, () -> later.read("parent filter", token));
    }
  }

  @Test
  void tokensCannotBeForged() throws Exception {
    try (RedisStore store = RedisStore.open(StoreOptions.defaults(REDIS.settings()))) {
      PageTokens tokens = replica(store, NOW);
      String good = tokens.make("listed", "cursor");
      byte[] text = ("9999999999 cursor").getBytes(StandardCharsets.UTF_8);
      for (int length : new int[] {12, 16, 32}) {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update("listed".getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
        byte[] forged = Arrays.copyOf(digest.digest(text), length + text.length);
        System.arraycopy(text, 0, forged, length, text.length);
        String token = Base64.getUrlEncoder().withoutPadding().encodeToString(forged);
        assertThrows(PageTokens.BadToken.class, () -> tokens.read("listed", token));
      }
      for (int i = 0; i < good.length(); i++) {
        char changed = good.charAt(i) == 'A' ? 'E' : 'A';
        String token = good.substring(0, i) + changed + good.substring(i + 1);
        assertThrows(PageTokens.BadToken.class, () -> tokens.read("listed", token));
      }
      assertThrows(PageTokens.BadToken.class, () -> tokens.read("listed", "A".repeat(4_000_000)));
    }
    REDIS.redis().sync().flushall();
    try (RedisStore another = RedisStore.open(StoreOptions.defaults(REDIS.settings()))) {
      assertNotEquals(
          replica(another, NOW).make("listed", "cursor"),
          replica(another, NOW).make("listed", "cursor2"));
    }
  }
}
