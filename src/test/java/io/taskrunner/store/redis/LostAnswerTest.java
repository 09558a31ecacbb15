package io.taskrunner.store.redis;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.RedisException;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.redis.link.Answers;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.task.TaskId;
import io.taskrunner.testkit.RedisExtension;
import io.taskrunner.testkit.RedisProxy;
import io.taskrunner.testkit.RedisProxy.Fate;
import io.taskrunner.testkit.RedisServer;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Scripts whose connection to Redis is reset before they are answered. */
class LostAnswerTest {

  @RegisterExtension static final RedisExtension REDIS = new RedisExtension();

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  @Test
  void aScriptAbortedWithItsConnectionIsAnOutage() {
    CompletableFuture<Object> sent = new CompletableFuture<>();
    CompletionStage<Object> script = sent.exceptionallyCompose(CompletableFuture::failedFuture);
    sent.cancel(false);
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    RedisException lost = assertThrows(RedisException.class, () -> Answers.await(script, deadline));
    assertTrue(Answers.isOutage(lost));
  }

  @ParameterizedTest
  @EnumSource(names = {"LOSE", "LOSE_ANSWER"})
  void aScriptIsRepeatedWhenItsConnectionIsReset(Fate fate) {
    try (RedisProxy proxy = RedisProxy.start(REDIS.server().port());
        RedisStore store =
            RedisStore.openUntended(
                StoreOptions.defaults(
                    RedisServer.settings(proxy.port(), PATIENCE, OptionalInt.of(0))))) {
      AtomicInteger scripts = new AtomicInteger();
      proxy.rule(words ->
          Keys.text(words.getFirst()).equals("EVALSHA") && scripts.getAndIncrement() == 0
              ? fate
              : Fate.PASS);
      store.tidy();
      assertTrue(scripts.get() > 1, "it was sent again");
    }
  }

  @Test
  void aWorkerThatCannotSubscribeYetStartsAndSubscribesLater() throws Exception {
    try (RedisProxy proxy = RedisProxy.start(REDIS.server().port());
        RedisStore store =
            RedisStore.openUntended(
                StoreOptions.defaults(
                    RedisServer.settings(proxy.port(), PATIENCE, OptionalInt.of(0))))) {
      CountDownLatch heard = new CountDownLatch(1);
      proxy.rule(
          words -> Keys.text(words.getFirst()).equals("SUBSCRIBE") ? Fate.REFUSE : Fate.PASS);
      WorkStore work = store.works().getFirst();
      try (AutoCloseable _ = work.listen(Stage.WORKER, wakes(heard))) {
        proxy.rule(_ -> Fate.PASS);
        var unused =
            work.exchange(
                List.of(), new ClaimRequest(Stage.WORKER, 1, 1, Duration.ofSeconds(30), 5, 0));
        assertTrue(heard.await(10, TimeUnit.SECONDS), "it listens by now");
      }
    }
  }

  private static WorkStore.Listener wakes(CountDownLatch heard) {
    return new WorkStore.Listener() {
      @Override
      public void wake() {
        heard.countDown();
      }

      @Override
      public void cancelled(TaskId id) {}
    };
  }
}
