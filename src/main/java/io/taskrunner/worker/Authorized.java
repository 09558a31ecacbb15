package io.taskrunner.worker;

import io.taskrunner.dispatch.Bearers;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.TargetRequest;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has attempts carry their tokens. Making one takes longer than a loop may be held up, and keys may
 * have to be read first, so it is done beside.
 */
public final class Authorized implements Performer {

  private static final Logger LOG = LoggerFactory.getLogger(Authorized.class);

  private final Performer performer;
  private final Bearers bearers;

  /** Over one that sends what it is given. */
  public Authorized(Performer performer, Bearers bearers) {
    this.performer = performer;
    this.bearers = bearers;
  }

  @Override
  public Request perform(Claim claim, Duration timeout) {
    if (claim.spec().request().token() == null) {
      return performer.perform(claim, timeout);
    }
    Later later = new Later();
    Thread.ofVirtual().name("token").start(() -> begin(later, claim, timeout));
    return later;
  }

  private void begin(Later later, Claim claim, Duration timeout) {
    try {
      TargetRequest request = bearers.authorize(claim.spec().request());
      later.begin(() -> performer.perform(claim.with(claim.spec().with(request)), timeout));
    } catch (StoreUnavailable away) {
      LOG.warn("No token for task {}: the keys cannot be read", claim.id());
      later.end(new Outcome.CutOff());
    } catch (RuntimeException | Error bug) {
      later.outcome.completeExceptionally(bug);
    }
  }

  /** A request that begins when its token is made, unless it is over by then. */
  private static final class Later implements Request {

    /** Begins it. */
    private interface Start {
      Request now();
    }

    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private @Nullable Request begun; // guarded by this

    void begin(Start start) {
      Request request;
      synchronized (this) {
        if (outcome.isDone()) {
          return;
        }
        request = start.now();
        begun = request;
      }
      request
          .outcome()
          .whenComplete((known, bug) -> {
            if (bug == null) {
              outcome.complete(known);
            } else {
              outcome.completeExceptionally(bug);
            }
          });
    }

    void end(Outcome known) {
      outcome.complete(known);
    }

    private synchronized @Nullable Request begun() {
      return begun;
    }

    @Override
    public CompletableFuture<Outcome> outcome() {
      return outcome;
    }

    @Override
    public BreakerReport breaker() {
      Request request = begun();
      return request == null ? new BreakerReport.None() : request.breaker();
    }

    @Override
    public void cancel() {
      stop(new Outcome.Cancelled());
    }

    @Override
    public void cutOff() {
      stop(new Outcome.CutOff());
    }

    private void stop(Outcome why) {
      Request request;
      synchronized (this) {
        request = begun;
        if (request == null) {
          outcome.complete(why);
          return;
        }
      }
      if (why instanceof Outcome.Cancelled) {
        request.cancel();
      } else {
        request.cutOff();
      }
    }
  }
}
