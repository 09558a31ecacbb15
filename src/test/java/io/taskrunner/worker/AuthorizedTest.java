package io.taskrunner.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.taskrunner.dispatch.Authorized;
import io.taskrunner.dispatch.Bearers;
import io.taskrunner.dispatch.Performer;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.TokenKeys;
import io.taskrunner.store.TokenStore;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetRequest.Header;
import io.taskrunner.task.Token;
import io.taskrunner.testkit.HeldTokens;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Attempts with a token begin when it has been created; all others at once. */
class AuthorizedTest {

  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private final ScriptedPerformer sends = new ScriptedPerformer();

  private static Claim claim() {
    Claim bare = Claims.claim(1);
    TargetRequest request = bare.spec().request();
    return bare.with(
        bare.spec()
            .with(
                new TargetRequest(
                    request.method(),
                    request.url(),
                    request.headers(),
                    request.body(),
                    request.text(),
                    new Token.Access("a@example.com", ""))));
  }

  private Performer over(TokenStore store) {
    TokenKeys keys =
        new TokenKeys(store, List.of(), Optional.empty(), Duration.ofDays(90), new SecureRandom());
    return new Authorized(sends, new Bearers(keys, () -> Claims.NOW));
  }

  private static Outcome outcome(Performer.Request request) throws Exception {
    return request.outcome().get(10, TimeUnit.SECONDS);
  }

  @Test
  void theSentRequestHasTheToken() throws Exception {
    Performer.Request request = over(new HeldTokens(() -> Claims.NOW)).perform(claim(), TIMEOUT);
    ScriptedPerformer.Begun begun = sends.next();
    Header last = begun.claim.spec().request().headers().getLast();
    assertEquals("Authorization", last.name());
    assertTrue(last.value().startsWith("Bearer tr_access_"), last.value());
    begun.answers(204);
    assertEquals(new Outcome.Answered(204, Optional.empty()), outcome(request));
  }

  @Test
  void withoutATokenTheAttemptStartsImmediately() {
    over(
            (_, _, _) -> {
              throw new AssertionError("asked for keys");
            })
        .perform(Claims.claim(1), TIMEOUT);
    assertEquals(1, sends.unseen());
  }

  @Test
  void aTaskCancelledBeforeItsTokenIsNeverSent() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    CountDownLatch answered = new CountDownLatch(1);
    HeldTokens held = new HeldTokens(() -> Claims.NOW);
    Performer.Request request =
        over(
                (offer, renew, drop) -> {
                  asked.countDown();
                  try {
                    goOn.await();
                    return held.held(offer, renew, drop);
                  } catch (InterruptedException stop) {
                    throw new IllegalStateException(stop);
                  } finally {
                    answered.countDown();
                  }
                })
            .perform(claim(), TIMEOUT);
    asked.await();
    request.cancel();
    assertInstanceOf(Outcome.Cancelled.class, outcome(request));
    goOn.countDown();
    answered.await();
    // The next one begins, and is the only one.
    over(held).perform(claim(), TIMEOUT);
    sends.next();
    assertEquals(0, sends.unseen());
  }

  @Test
  void withoutKeysTheTaskIsPutBack() throws Exception {
    Performer.Request request =
        over(
                (_, _, _) -> {
                  throw new StoreUnavailable("away", null);
                })
            .perform(claim(), TIMEOUT);
    assertEquals(new Outcome.NotReady(Duration.ofSeconds(1)), outcome(request));
    assertEquals(0, sends.unseen());
  }
}
