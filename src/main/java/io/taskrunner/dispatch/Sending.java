package io.taskrunner.dispatch;

import io.netty.channel.EventLoop;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.TargetUrl;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * An attempt in progress. It ends once: by its response, a failure, its timeout, or an abort; later
 * events change nothing. Thread-safe.
 */
public final class Sending implements Performer.Request {

  /**
   * How often a request may be refused before it fails, and how often of these it is resent at
   * once.
   */
  private static final int REFUSALS_MAX = 12;

  private static final int AT_ONCE_MAX = 3;
  private static final long PAUSE_MS_MAX = 1000;

  /** What carries a request. Its methods are called on its event loop. */
  interface Carrier {
    /** Its event loop; may be called on any thread. */
    EventLoop loop();

    /**
     * Aborts a request immediately; does nothing when it has ended, or is not here.
     *
     * @param timedOut whether no response arrived in time: if nothing at all has arrived since it
     *     was sent, the connection is in doubt, and gets no new request
     */
    void abort(Sending sending, boolean timedOut);
  }

  /** Sends a request that was not processed again, after a pause in ms. */
  interface Resender {
    void send(Sending sending, long pauseMs);
  }

  /**
   * What all attempts share.
   *
   * @param excerptMax how much of the body of a failure is kept, in bytes
   */
  record Means(
      TargetHeaders headers,
      Breaker breaker,
      InstantSource clock,
      Resender resender,
      int excerptMax) {}

  private final Claim claim;
  private final Duration timeout;
  private final Means means;
  private final long deadlineNanos;
  private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
  private final AtomicBoolean ended = new AtomicBoolean();
  private volatile BreakerReport report = new BreakerReport.None();
  private volatile @Nullable Carrier carrier;
  private volatile @Nullable Future<?> timer;
  private int refusals; // confined to the loop of the connection that it was on

  Sending(Claim claim, Duration timeout, Means means) {
    this.claim = claim;
    this.timeout = timeout;
    this.means = means;
    this.deadlineNanos = System.nanoTime() + saturatedNanos(timeout);
  }

  /** The claim of the attempt. */
  Claim claim() {
    return claim;
  }

  /** Mostly completed on an event loop, which dependent stages must not block. */
  @Override
  public CompletableFuture<Outcome> outcome() {
    return outcome;
  }

  @Override
  public BreakerReport breaker() {
    return report;
  }

  @Override
  public void cancel() {
    cut(new Outcome.Cancelled());
  }

  @Override
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

  /** Starts the timeout on a loop, unless it is running. Called by one thread at a time. */
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
   * Sets what carries the request.
   *
   * @return whether it must still be sent
   */
  boolean goesBy(Carrier by) {
    carrier = by;
    return !isOver();
  }

  /** Passes the request's headers to {@code sink}. */
  void writeHeaders(TargetHeaders.Sink sink) {
    means.headers().write(claim, sink);
  }

  /** Where the response is collected. */
  Answer newAnswer() {
    return new Answer(means.excerptMax());
  }

  /** The target responded. */
  void answered(Answer answer) {
    end(answer.outcome(means.clock()));
  }

  /**
   * The target certainly did not process the request: it is sent again, within its timeout, and
   * neither the task nor the breaker counts it.
   *
   * @param inVain whether the connection accepted no other request either: then it is resent with a
   *     growing backoff, and finally fails
   */
  void sendAgain(String why, boolean inVain) {
    if (inVain) {
      refusals++;
    }
    if (refusals > REFUSALS_MAX) {
      fail(AttemptError.CONNECTION_LOST, why);
    } else {
      boolean atOnce = !inVain || refusals <= AT_ONCE_MAX;
      means
          .resender()
          .send(this, atOnce ? 0 : Math.min(PAUSE_MS_MAX, 10L << (refusals - AT_ONCE_MAX)));
    }
  }

  /** The attempt ends because of a bug. */
  void broke(RuntimeException bug) {
    if (ended.compareAndSet(false, true)) {
      stopTimer();
      outcome.completeExceptionally(bug);
    }
  }

  /** The request failed without a response. */
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
    if (claim.cloud() == null) { // these have no effect on the breaker
      report = means.breaker().record(url(), result, claim.start().probe());
    }
    outcome.complete(result);
  }

  private void cut(Outcome result) {
    if (ended.compareAndSet(false, true)) {
      Carrier by = carrier;
      boolean timedOut = result instanceof Outcome.TimedOut;
      if (by != null && by.loop().inEventLoop()) {
        by.abort(this, timedOut); // before it becomes visible, and the next may be sent
      } else if (by != null) {
        by.loop().execute(() -> by.abort(this, timedOut));
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
