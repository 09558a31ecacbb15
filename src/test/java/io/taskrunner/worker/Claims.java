package io.taskrunner.worker;

import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.QueueRules;
import io.taskrunner.store.WorkStore.Start;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Claims as a store would give them. */
final class Claims {

  static final Instant NOW = Instant.parse("2026-11-24T10:00:00Z");

  private Claims() {}

  static Claim claim(int n) {
    return claim(n, n, 1, Retry.UNSET, Retry.UNSET, null, null, Optional.empty());
  }

  /** The same task, claimed once more. */
  static Claim again(Claim first, long number, int attempt) {
    return with(first, number, attempt, first.start().probe(), 0);
  }

  /** One of a client whose requests are signed, by this version of its secrets. */
  static Claim signed(int n, long version) {
    Claim bare = claim(n);
    return with(bare, bare.number(), bare.start().attempt(), false, version);
  }

  /** One that tries out a half-open breaker. */
  static Claim probe(int n, Retry retry) {
    Claim bare = retrying(n, 1, retry, Retry.UNSET);
    return with(bare, bare.number(), bare.start().attempt(), true, 0);
  }

  private static Claim with(Claim bare, long number, int attempt, boolean probe, long signing) {
    Start start = bare.start();
    return new Claim(
        bare.id(),
        number,
        bare.clientId(),
        bare.rules(),
        new Start(
            attempt,
            start.answersBelow500(),
            start.previousStatus(),
            start.due(),
            start.first(),
            start.now(),
            probe),
        bare.spec(),
        null,
        signing);
  }

  static Claim timed(int n, @Nullable Duration task, @Nullable Duration queue) {
    return claim(n, n, 1, Retry.UNSET, Retry.UNSET, task, queue, Optional.empty());
  }

  static Claim retrying(int n, int attempt, Retry task, Retry queue) {
    return claim(n, n, attempt, task, queue, null, null, Optional.empty());
  }

  static Claim begunBefore(int n, Duration before, Retry task) {
    return claim(n, n, 2, task, Retry.UNSET, null, null, Optional.of(NOW.minus(before)));
  }

  private static Claim claim(
      int n,
      long number,
      int attempt,
      Retry task,
      Retry queue,
      @Nullable Duration taskTimeout,
      @Nullable Duration queueTimeout,
      Optional<Instant> first) {
    TargetUrl url = new TargetUrl("http://127.0.0.1:1/" + n, "http", "127.0.0.1", 1, "/" + n);
    TaskSpec spec =
        new TaskSpec(
            new TargetRequest("POST", url, List.of(), new byte[0], true),
            task,
            taskTimeout,
            null,
            null,
            Duration.ZERO,
            Map.of(),
            null,
            null);
    return new Claim(
        TaskId.make(1000L + n, 0, new Random(n), 0),
        number,
        "client",
        new QueueRules("default", queue, queueTimeout, null),
        new Start(attempt, 0, OptionalInt.empty(), NOW.minusMillis(3), first, NOW, false),
        spec,
        null,
        0);
  }
}
