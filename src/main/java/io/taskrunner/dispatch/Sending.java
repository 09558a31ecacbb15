package io.taskrunner.dispatch;

import io.netty.channel.EventLoop;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.TargetUrl;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * An attempt under way. It ends once: by its answer, its failure, its time, or by who cuts it off;
 * whatever comes later changes nothing. Safe for use by many threads.
 */
public final class Sending {

  /** How often a request may be refused in vain, and how often of these it goes out at once. */
  private static final int REFUSALS_MAX = 12;

  private static final int AT_ONCE_MAX = 3;
  private static final long PAUSE_MS_MAX = 1000;

  private final Claim claim;
  private final Duration timeout;
  private final Dispatcher dispatcher;
  private final long deadlineNanos;
  private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
  private final AtomicBoolean ended = new AtomicBoolean();
  private volatile BreakerReport report = new BreakerReport.None();
  private volatile @Nullable Connection connection;
  private volatile @Nullable Future<?> timer;
  private int refusals; // confined to the loop of the connection that it was on

  Sending(Claim claim, Duration timeout, Dispatcher dispatcher) {
    this.claim = claim;
    this.timeout = timeout;
    this.dispatcher = dispatcher;
    this.deadlineNanos = System.nanoTime() + saturatedNanos(timeout);
  }

  /** What is being attempted. */
  public Claim claim() {
    return claim;
  }

  /**
   * Completes with what came of the attempt, exceptionally only by a bug; mostly on an event loop,
   * which what depends on it must not block.
   */
  public CompletableFuture<Outcome> outcome() {
    return outcome;
  }

  /** What the attempt says of its host's breaker; nothing as long as the outcome is not known. */
  public BreakerReport breaker() {
    return report;
  }

  /**
   * Cuts the request off, since the task was cancelled or is another worker's: {@link
   * Outcome.Cancelled}.
   */
  public void cancel() {
    cut(new Outcome.Cancelled());
  }

  /** Cuts the request off, since this worker stops: {@link Outcome.CutOff}. */
  public void cutOff() {
    cut(new Outcome.CutOff());
  }

  TargetUrl url() {
    return claim.spec().request().url();
  }

  boolean isOver() {
    return ended.get();
  }

  long nanosLeft() {
    return deadlineNanos - System.nanoTime();
  }

  /** Begins to watch the time on a loop, unless it is watched. Called by one thread at a time. */
  void watch(EventLoop loop) {
    if (timer != null || isOver()) {
      return;
    }
    timer =
        loop.schedule(
            () -> cut(new Outcome.TimedOut(timeout)),
            Math.max(nanosLeft(), 0),
            TimeUnit.NANOSECONDS);
    if (isOver()) {
      stopTimer();
    }
  }

  /**
   * Says on which connection the request goes out.
   *
   * @return whether it is still to go out
   */
  boolean goesBy(Connection way) {
    connection = way;
    return !isOver();
  }

  /** Gives the request's headers to {@code sink}. */
  void writeHeaders(TargetHeaders.Sink sink) {
    dispatcher.headers().write(claim, sink);
  }

  /** The target answered. */
  void answered(Answer answer) {
    end(answer.outcome(dispatcher.clock()));
  }

  /**
   * The request surely was not processed by the target: it goes out once more, within its time, and
   * nothing is said of it to the task or the breaker.
   *
   * @param inVain whether the connection took no other request either: then it goes out after
   *     pauses that grow, and fails at last
   */
  void sendAgain(String why, boolean inVain) {
    if (inVain) {
      refusals++;
    }
    if (refusals > REFUSALS_MAX) {
      fail(AttemptError.CONNECTION_LOST, why);
    } else if (!inVain || refusals <= AT_ONCE_MAX) {
      sendUnlessOver();
    } else {
      long pause = Math.min(PAUSE_MS_MAX, 10L << (refusals - AT_ONCE_MAX));
      dispatcher.later(this::sendUnlessOver, pause);
    }
  }

  private void sendUnlessOver() {
    if (!isOver()) {
      dispatcher.send(this);
    }
  }

  /** The attempt ends by a bug of ours. */
  void broke(RuntimeException bug) {
    if (ended.compareAndSet(false, true)) {
      stopTimer();
      outcome.completeExceptionally(bug);
    }
  }

  /** The request failed without an answer. */
  void fail(AttemptError error, String detail) {
    end(new Outcome.Unanswered(error, detail));
  }

  /** Ends the attempt unless it has ended. */
  private void end(Outcome result) {
    if (ended.compareAndSet(false, true)) {
      complete(result);
    }
  }

  private void complete(Outcome result) {
    stopTimer();
    if (claim.cloud() == null) { // these know no breaker
      report = dispatcher.breaker().record(url(), result, claim.probe());
    }
    outcome.complete(result);
  }

  private void cut(Outcome result) {
    if (ended.compareAndSet(false, true)) {
      Connection way = connection;
      boolean timedOut = result instanceof Outcome.TimedOut;
      if (way != null && way.loop().inEventLoop()) {
        way.abort(this, timedOut); // before anybody learns of it, and may send the next
      } else if (way != null) {
        way.loop().execute(() -> way.abort(this, timedOut));
      }
      complete(result);
    }
  }

  private void stopTimer() {
    Future<?> watching = timer;
    if (watching != null) {
      watching.cancel(false);
    }
  }

  private static long saturatedNanos(Duration duration) {
    return Math.min(duration.toMillis(), TimeUnit.DAYS.toMillis(36500)) * 1_000_000;
  }
}
