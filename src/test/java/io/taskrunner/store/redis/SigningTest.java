package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.client.SigningSecret;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.SigningStore.Ended;
import io.taskrunner.store.SigningStore.Held;
import io.taskrunner.store.SigningStore.Put;
import io.taskrunner.store.SigningStore.Signing;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.redis.doctor.Finding;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.Unconditional;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Signing secrets: created, rotated, ended, and sent with each claim. */
class SigningTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final SecureRandom RANDOM = new SecureRandom();

  private Stage stage;

  @BeforeEach
  void open() {
    stage = Stage.open(REDIS);
  }

  @AfterEach
  void close() {
    stage.proven();
    stage.close();
  }

  private static SigningSecret hmac() {
    return SigningSecret.make(SigningSecret.Type.HMAC, RANDOM);
  }

  private Optional<Instant> put(String client, SigningSecret secret) {
    return assertInstanceOf(Put.Done.class, stage.store.signing().put(client, secret))
        .previousUntil();
  }

  private List<Signing> held(String client) {
    return stage.store.signing().held(client).map(Held::secrets).orElse(List.of());
  }

  private Claim claimOf(String client) {
    stage.enqueue(Stage.wish().client(client).proof(Enqueue.Proof.ADMIN));
    Claim claim = stage.claim(1).getFirst();
    stage.succeed(claim);
    return claim;
  }

  @Test
  void anUnknownClientGetsNoSecret() {
    assertInstanceOf(Put.ClientNotFound.class, stage.store.signing().put("nobody", hmac()));
    assertEquals(Ended.CLIENT_NOT_FOUND, stage.store.signing().end("nobody"));
    assertEquals(List.of(), held("nobody"));
  }

  @Test
  void theFirstSecretSignsAlone() {
    stage.client("abc", 10);
    SigningSecret secret = hmac();
    assertEquals(Optional.empty(), put("abc", secret));
    Signing only = held("abc").getFirst();
    assertEquals(1, held("abc").size());
    assertArrayEquals(secret.bytes(), only.secret().bytes());
    assertEquals(Instant.ofEpochMilli(stage.now()), only.created());
    assertEquals(Optional.empty(), only.until());
  }

  @Test
  void thePreviousSecretSignsForAnotherDay() {
    stage.client("abc", 10);
    SigningSecret first = hmac();
    put("abc", first);
    stage.pass(Duration.ofDays(3));
    SigningSecret second = SigningSecret.make(SigningSecret.Type.ED25519, RANDOM);
    Instant until = Instant.ofEpochMilli(stage.now()).plus(Duration.ofHours(24));
    assertEquals(Optional.of(until), put("abc", second));
    assertEquals(
        List.of(second.text(), first.text()),
        held("abc").stream().map(one -> one.secret().text()).toList());
    assertEquals(Optional.of(until), held("abc").getLast().until());
    stage.pass(Duration.ofHours(24).minusMillis(1));
    assertEquals(2, held("abc").size());
    stage.pass(Duration.ofMillis(1));
    assertEquals(1, held("abc").size());
    assertEquals(second.text(), held("abc").getFirst().secret().text());
  }

  @Test
  void aRepeatedCallDoesNotRotate() {
    stage.client("abc", 10);
    put("abc", hmac());
    SigningSecret second = hmac();
    Optional<Instant> until = put("abc", second);
    stage.pass(Duration.ofSeconds(1));
    assertEquals(until, put("abc", second));
    assertEquals(2, held("abc").size());
  }

  @Test
  void atMostFiveSecretsSignAtOnce() {
    stage.client("abc", 10);
    put("abc", hmac());
    Instant firstUntil = put("abc", hmac()).orElseThrow();
    for (int i = 0; i < 3; i++) {
      stage.pass(Duration.ofHours(1));
      put("abc", hmac());
    }
    List<String> before = held("abc").stream().map(one -> one.secret().text()).toList();
    assertEquals(5, before.size());
    assertEquals(
        new Put.TooMany(firstUntil), stage.store.signing().put("abc", hmac()), "the sixth");
    assertEquals(before, held("abc").stream().map(one -> one.secret().text()).toList());
    stage.now(firstUntil.toEpochMilli());
    put("abc", hmac());
    assertEquals(5, held("abc").size());
  }

  @Test
  void eachClaimHasTheSecretVersionOfItsClient() {
    stage.client("abc", 10);
    stage.client("other", 10);
    assertEquals(0, claimOf("abc").signing());
    put("abc", hmac());
    final long first = claimOf("abc").signing();
    assertEquals(0, claimOf("other").signing());
    put("other", hmac());
    put("abc", hmac());
    final long second = claimOf("abc").signing();
    assertTrue(first > 0 && second > first, first + " then " + second);
    assertEquals(second, stage.store.signing().held("abc").orElseThrow().version());
    stage.store.signing().end("abc");
    assertEquals(0, claimOf("abc").signing());
    put("abc", hmac());
    assertTrue(claimOf("abc").signing() > second, "a version is never given twice");
  }

  @Test
  void aRepeatedClaimHasTheSecretVersionToo() {
    stage.client("abc", 10);
    put("abc", hmac());
    stage.enqueue(Stage.wish().proof(Enqueue.Proof.ADMIN));
    long named = stage.claim(1).getFirst().signing();
    Claim again = stage.again(Stage.WORKER, 1).claims().getFirst();
    assertTrue(named > 0);
    assertEquals(named, again.signing());
    stage.succeed(again);
  }

  @Test
  void fromTheFirstSecretOnTheClientRequiresAKey() {
    stage.enqueue(Stage.wish().client("abc"));
    put("abc", hmac());
    assertInstanceOf(EnqueueResult.KeyRequired.class, stage.put(Stage.wish().client("abc")));
    assertEquals(ClientStore.Standing.KEYED, stage.store.clients().standing("abc"));
    assertEquals(Ended.DONE, stage.store.signing().end("abc"));
    assertEquals(Ended.NOT_FOUND, stage.store.signing().end("abc"));
    assertEquals(List.of(), held("abc"));
    assertInstanceOf(
        EnqueueResult.KeyRequired.class, stage.put(Stage.wish().client("abc")), "ever had one");
    stage.pass(Duration.ofDays(3));
    stage.store.tidy();
    assertTrue(stage.store.clients().get("abc").isPresent(), "it is no stranger any more");
  }

  @Test
  void aDeletedClientLeavesNoSecret() {
    stage.client("abc", 10);
    put("abc", hmac());
    Unconditional.delete(stage.store.clients(), "abc");
    assertEquals(List.of(), held("abc"));
    assertEquals(0, REDIS.redis().sync().hlen("tr:{config}:signing"));
    assertInstanceOf(Put.ClientNotFound.class, stage.store.signing().put("abc", hmac()));
    stage.client("abc", 10);
    assertEquals(0, claimOf("abc").signing());
    assertEquals(Ended.NOT_FOUND, stage.store.signing().end("abc"));
  }

  @Test
  void concurrentlyCreatedSecretsAllSign() throws Exception {
    stage.client("abc", 10);
    List<SigningSecret> secrets = new ArrayList<>();
    List<Future<Optional<Instant>>> calls = new ArrayList<>();
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 5; i++) {
        SigningSecret secret = hmac();
        secrets.add(secret);
        calls.add(callers.submit(() -> put("abc", secret)));
      }
    }
    for (Future<Optional<Instant>> call : calls) {
      call.get();
    }
    assertEquals(
        secrets.stream().map(SigningSecret::text).sorted().toList(),
        held("abc").stream().map(one -> one.secret().text()).sorted().toList());
    assertEquals(
        stage.store.signing().held("abc").orElseThrow().version(), claimOf("abc").signing());
  }

  @Test
  void concurrentPutsAndDeletesAreAtomic() throws Exception {
    stage.client("abc", 10);
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 40; i++) {
        if (i % 2 == 0) {
          callers.submit(() -> stage.store.signing().put("abc", hmac()));
        } else {
          callers.submit(() -> stage.store.signing().end("abc"));
        }
      }
    }
    boolean held = !held("abc").isEmpty();
    assertEquals(held, claimOf("abc").signing() > 0); // and the doctor finds nothing
  }

  @Test
  void theDoctorRestoresALostSecretVersion() {
    stage.client("abc", 10);
    put("abc", hmac());
    long before = stage.store.signing().held("abc").orElseThrow().version();
    REDIS.redis().sync().hdel("tr:{0}:client:abc", "signing", "brief");
    assertEquals(
        List.of(
            new Finding(
                "signing_not_named", "signing:abc", "claims do not name version " + before)),
        stage.store.doctor().examine(false));
    stage.store.doctor().repair(false);
    assertEquals(before, claimOf("abc").signing());
  }

  @Test
  void theDoctorReportsALostSecret() {
    stage.client("abc", 10);
    put("abc", hmac());
    REDIS.redis().sync().hdel("tr:{config}:signing", "abc");
    List<Finding> found = stage.store.doctor().repair(false);
    assertEquals(List.of("signing_secret_missing"), found.stream().map(Finding::kind).toList());
    assertTrue(claimOf("abc").signing() > 0, "it is still to be signed");
    put("abc", hmac());
  }

  @Test
  void theDoctorDropsSecretsOfDeletedClients() {
    stage.client("abc", 10);
    put("abc", hmac());
    byte[] left = REDIS.redis().sync().dump("tr:{config}:signing");
    Unconditional.delete(stage.store.clients(), "abc");
    REDIS.redis().sync().restore("tr:{config}:signing", 0, left);
    assertEquals(1, stage.store.doctor().repair(false).size());
    assertEquals(0, REDIS.redis().sync().hlen("tr:{config}:signing"));
  }

  @Test
  void signingWorksWithSeveralShards() {
    REDIS.redis().sync().flushall();
    try (RedisStore store = RedisStore.open(StoreOptions.defaults(REDIS.server().settings(16)))) {
      List<String> clients = List.of("one", "two", "three", "four", "five");
      for (String client : clients) {
        Unconditional.set(store.clients(), client, ClientChange.of().limits(10, 1000).done());
        if (!client.equals("four")) {
          assertInstanceOf(Put.Done.class, store.signing().put(client, hmac()));
        }
        EnqueueResult put =
            store
                .tasks()
                .enqueue(Stage.wish().client(client).proof(Enqueue.Proof.ADMIN).command())
                .join();
        assertInstanceOf(EnqueueResult.Enqueued.class, put);
      }
      List<Claim> claims = new ArrayList<>();
      store
          .works()
          .forEach(work ->
              claims.addAll(
                  work.exchange(
                          List.of(),
                          new ClaimRequest(Stage.WORKER, 1, 10, Duration.ofSeconds(30), 5, 0))
                      .claims()));
      assertEquals(5, claims.size());
      for (Claim claim : claims) {
        long version = store.signing().held(claim.clientId()).map(Held::version).orElse(0L);
        assertEquals(version, claim.signing(), claim.clientId());
      }
      assertEquals(List.of(), store.doctor().examine(false));
    }
    REDIS.redis().sync().flushall();
    stage.close();
    stage = Stage.open(REDIS);
  }
}
