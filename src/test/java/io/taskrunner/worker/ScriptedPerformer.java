package io.taskrunner.worker;

import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.taskrunner.dispatch.Performer;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Outcome;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Begins attempts that end when the test ends them, and with its result. */
final class ScriptedPerformer implements Performer {

  private final BlockingQueue<Begun> begun = new LinkedBlockingQueue<>();

  /** An attempt in the hands of the test. */
  static final class Begun implements Performer.Request {
    final Claim claim;
    final Duration timeout;
    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private volatile BreakerReport report = new BreakerReport.None();

    private Begun(Claim claim, Duration timeout) {
      this.claim = claim;
      this.timeout = timeout;
    }

    void answers(int status) {
      outcome.complete(new Outcome.Answered(status, Optional.empty()));
    }

    void ends(Outcome how) {
      outcome.complete(how);
    }

    void breaks() {
      outcome.completeExceptionally(new IllegalStateException("by script"));
    }

    /** The result; waits for it. */
    Outcome awaited() {
      return outcome.orTimeout(10, TimeUnit.SECONDS).join();
    }

    boolean runs() {
      return !outcome.isDone();
    }

    /** It will report this about its host. */
    Begun says(BreakerReport about) {
      report = about;
      return this;
    }

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
      outcome.complete(new Outcome.Cancelled());
    }

    @Override
    public void cutOff() {
      outcome.complete(new Outcome.CutOff());
    }
  }

  @Override
  public Request perform(Claim claim, Duration timeout) {
    Begun one = new Begun(claim, timeout);
    begun.add(one);
    return one;
  }

  /** The next attempt that was begun; waits for it. */
  Begun next() {
    try {
      Begun one = begun.poll(10, TimeUnit.SECONDS);
      assertNotNull(one, "no attempt within 10 s");
      return one;
    } catch (InterruptedException stop) {
      throw new IllegalStateException(stop);
    }
  }

  /** Begun attempts that the test has not taken yet. */
  int unseen() {
    return begun.size();
  }
}
