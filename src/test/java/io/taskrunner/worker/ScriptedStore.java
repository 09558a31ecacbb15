package io.taskrunner.worker;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkStore;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A store whose every answer comes from the test: a worker waits in its call until it is answered.
 * It can do things that a real one does only by luck, such as answer after a message or not at all.
 */
final class ScriptedStore implements WorkStore {

  private static final long PATIENCE_SEC = 10;

  /** A worker's request, waiting for its answer. */
  static final class Call {
    final String move;
    final List<Settlement> verdicts;
    final @Nullable ClaimRequest request;
    final List<Running> running;
    private final CompletableFuture<Object> answer = new CompletableFuture<>();

    private Call(
        String move,
        List<Settlement> verdicts,
        @Nullable ClaimRequest request,
        List<Running> running) {
      this.move = move;
      this.verdicts = verdicts;
      this.request = request;
      this.running = running;
    }

    ClaimRequest request() {
      return Objects.requireNonNull(request);
    }

    /** Answers a claim with tasks; nothing more is ready, and there is time. */
    void gives(Claim... claims) {
      gives(false, Duration.ofSeconds(1), claims);
    }

    void gives(boolean again, Duration lookAgainIn, Claim... claims) {
      answer(Settled.DONE, again, lookAgainIn, List.of(claims));
    }

    void givesLate() {
      answer(Settled.LATE, false, Duration.ofSeconds(1), List.of());
    }

    private void answer(Settled each, boolean again, Duration look, List<Claim> claims) {
      answer.complete(
          new Exchange(
              Collections.nCopies(verdicts.size(), each),
              claims,
              again,
              look,
              List.of(),
              1,
              AtGates.NONE));
    }

    void says(List<Ended> ended) {
      answer.complete(ended);
    }

    private void answerIfOpen() {
      switch (move) {
        case "exchange" -> gives();
        case "renew" -> says(List.of());
        default -> done();
      }
    }

    void done() {
      answer.complete("done");
    }

    void staysUnanswered() {
      answer.completeExceptionally(new StoreUnavailable("by script", new RuntimeException()));
    }
  }

  private final BlockingQueue<Call> exchanges = new LinkedBlockingQueue<>();
  private final BlockingQueue<Call> renewals = new LinkedBlockingQueue<>();
  private final BlockingQueue<Call> leaves = new LinkedBlockingQueue<>();
  private final Queue<Call> all = new ConcurrentLinkedQueue<>();
  private volatile boolean answersAll;
  private volatile @Nullable Listener listener;
  volatile List<Breaker> breakers = List.of();

  Call exchange() {
    return next(exchanges, "exchange");
  }

  /** The next exchange that carries verdicts; beats may precede it on a busy machine. */
  Call settling() {
    Call call = exchange();
    while (call.verdicts.isEmpty()) {
      call.gives();
      call = exchange();
    }
    return call;
  }

  Call renewal() {
    return next(renewals, "renewal");
  }

  Call leaving() {
    return next(leaves, "leave");
  }

  /** Nothing may be asked within a time that is far longer than it would take to ask. */
  void asksNothingFor(Duration time) throws InterruptedException {
    assertNull(exchanges.poll(time.toMillis(), TimeUnit.MILLISECONDS), "an exchange");
  }

  Listener listener() {
    return Objects.requireNonNull(listener);
  }

  /** From now on everything is answered at once, including earlier requests. */
  void answersAll() {
    answersAll = true;
    all.forEach(Call::answerIfOpen);
  }

  /** The first verdict that is delivered from now on; other requests get empty answers. */
  Settlement verdict() {
    Call call = exchange();
    while (call.verdicts.isEmpty()) {
      call.gives();
      call = exchange();
    }
    return call.verdicts.getFirst();
  }

  private static Call next(BlockingQueue<Call> calls, String what) {
    try {
      Call call = calls.poll(PATIENCE_SEC, TimeUnit.SECONDS);
      assertNotNull(call, "no " + what + " within " + PATIENCE_SEC + " s");
      return call;
    } catch (InterruptedException stop) {
      throw new IllegalStateException(stop);
    }
  }

  private Object ask(BlockingQueue<Call> calls, Call call) {
    all.add(call);
    calls.add(call);
    if (answersAll) {
      call.answerIfOpen();
    }
    try {
      return call.answer.join();
    } catch (CompletionException failed) {
      throw failed.getCause() instanceof RuntimeException known ? known : failed;
    }
  }

  @Override
  public Exchange exchange(List<Settlement> verdicts, ClaimRequest claim) {
    return (Exchange) ask(exchanges, new Call("exchange", verdicts, claim, List.of()));
  }

  @Override
  @SuppressWarnings("unchecked")
  public List<Ended> renew(String workerId, Duration lease, List<Running> running) {
    return (List<Ended>) ask(renewals, new Call("renew", List.of(), null, running));
  }

  @Override
  public void leave(String workerId) {
    ask(leaves, new Call("leave", List.of(), null, List.of()));
  }

  @Override
  public List<Settled> settle(String workerId, List<Settlement> verdicts) {
    throw new UnsupportedOperationException("settle");
  }

  @Override
  public AutoCloseable listen(String workerId, Listener hears) {
    listener = hears;
    return () -> listener = null;
  }

  @Override
  public List<Breaker> breakers() {
    return breakers;
  }
}
