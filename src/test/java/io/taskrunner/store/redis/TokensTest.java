package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.store.TokenKeys;
import io.taskrunner.store.TokenKeys.SigningKey;
import io.taskrunner.store.TokenStore;
import io.taskrunner.store.TokenStore.Held;
import io.taskrunner.store.TokenStore.Offer;
import io.taskrunner.testkit.HeldTokens;
import io.taskrunner.testkit.RedisExtension;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Keys of tokens: one for all processes, rotated in time. */
class TokensTest {

  @RegisterExtension static final RedisExtension SERVER = new RedisExtension();

  private static final Duration LIFETIME = Duration.ofDays(90);

  private static TokenKeys keys(TokenStore store) {
    // Each represents a process of its own, or one whose minute is over.
    return new TokenKeys(store, List.of(), Optional.empty(), LIFETIME, new SecureRandom());
  }

  @Test
  void theFirstProcessCreatesTheKeyOfAll() throws Exception {
    try (Stage stage = Stage.open(SERVER)) {
      Set<String> ids;
      Set<String> opaques;
      List<TokenKeys> processes =
          IntStream.range(0, 8).mapToObj(_ -> keys(stage.store.tokens())).toList();
      try (var all = Executors.newVirtualThreadPerTaskExecutor()) {
        ids =
            all
                .invokeAll(
                    processes.stream()
                        .map(keys -> (Callable<String>) () -> keys.signing().id())
                        .toList())
                .stream()
                .map(Future::resultNow)
                .collect(Collectors.toSet());
      }
      opaques = processes.stream().map(TokenKeys::opaque).collect(Collectors.toSet());
      assertEquals(1, ids.size(), ids.toString());
      assertEquals(1, opaques.size());
      assertEquals(1, keys(stage.store.tokens()).shown().size());
      assertTrue(opaques.iterator().next().startsWith("tr_access_"));
    }
  }

  @Test
  void aNewKeyIsPublishedBeforeItSigns() {
    try (Stage stage = Stage.open(SERVER)) {
      TokenStore store = stage.store.tokens();
      String first = keys(store).signing().id();
      stage.pass(LIFETIME.minusMillis(1));
      assertEquals(List.of(first), ids(keys(store)));
      stage.pass(Duration.ofMillis(1));
      List<String> both = ids(keys(store));
      assertEquals(2, both.size());
      assertEquals(first, both.getLast());
      assertEquals(first, keys(store).signing().id());
      stage.pass(Duration.ofHours(2).minusMillis(1));
      assertEquals(first, keys(store).signing().id());
      stage.pass(Duration.ofMillis(1));
      assertEquals(both.getFirst(), keys(store).signing().id());
      assertEquals(both, ids(keys(store)));
      stage.pass(Duration.ofDays(1).plusMillis(1));
      assertEquals(List.of(both.getFirst()), ids(keys(store)));
    }
  }

  @Test
  void afterALongPauseTheLastKeySignsUntilItsSuccessorMay() {
    try (Stage stage = Stage.open(SERVER)) {
      TokenStore store = stage.store.tokens();
      String first = keys(store).signing().id();
      stage.pass(LIFETIME.multipliedBy(3));
      TokenKeys later = keys(store);
      assertEquals(first, later.signing().id());
      assertNotEquals(first, later.shown().getFirst().id());
    }
  }

  @Test
  void configuredKeysAreTheOnlyOnes() {
    try (Stage stage = Stage.open(SERVER)) {
      SigningKey own = keys(stage.store.tokens()).signing();
      var random = new SecureRandom();
      TokenKeys given =
          new TokenKeys(
              stage.store.tokens(), List.of(own.secret()), Optional.of("mine"), LIFETIME, random);
      assertEquals(own.id(), given.signing().id());
      assertEquals("mine", given.opaque());
    }
  }

  @Test
  void theScriptBehavesLikeTheModel() {
    for (long seed = 1; seed <= 4; seed++) {
      Random random = new Random(seed);
      SERVER.redis().sync().flushall();
      try (Stage stage = Stage.open(SERVER)) {
        HeldTokens plain = new HeldTokens(() -> Instant.ofEpochMilli(stage.now()));
        for (int step = 0; step < 200; step++) {
          Offer offer =
              switch (random.nextInt(4)) {
                case 0 -> null;
                case 1 -> new Offer(new byte[0], "");
                case 2 -> new Offer(new byte[0], "opaque" + step);
                default -> new Offer(("key" + step).getBytes(StandardCharsets.UTF_8), "");
              };
          Held expected = plain.held(offer, 1000, 3000);
          Held held = stage.store.tokens().held(offer, 1000, 3000);
          String at = "seed " + seed + ", step " + step;
          assertEquals(expected.now(), held.now(), at);
          assertEquals(expected.opaque(), held.opaque(), at);
          assertEquals(expected.keys().size(), held.keys().size(), at);
          for (int i = 0; i < expected.keys().size(); i++) {
            assertEquals(expected.keys().get(i).made(), held.keys().get(i).made(), at);
            assertArrayEquals(expected.keys().get(i).pkcs8(), held.keys().get(i).pkcs8(), at);
          }
          stage.pass(Duration.ofMillis(random.nextInt(1, 900)));
        }
      }
    }
  }

  private static List<String> ids(TokenKeys keys) {
    return keys.shown().stream().map(SigningKey::id).toList();
  }
}
