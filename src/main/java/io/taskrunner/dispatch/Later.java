package io.taskrunner.dispatch;

import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.task.Outcome;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A request that is sent once its token or signature is created, unless it has ended by then. */
final class Later implements Performer.Request {

  /** Sends it. */
  interface Start {
    Performer.Request now();
  }

  private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
  private Performer.@Nullable Request begun; // guarded by this

  /** Sends it now. */
  void begin(Start start) {
    Performer.Request request;
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

  /** It is not sent. */
  void end(Outcome known) {
    outcome.complete(known);
  }

  /** Fails because of a bug. */
  void fail(Throwable bug) {
    outcome.completeExceptionally(bug);
  }

  private synchronized Performer.@Nullable Request begun() {
    return begun;
  }

  @Override
  public CompletableFuture<Outcome> outcome() {
    return outcome;
  }

  @Override
  public BreakerReport breaker() {
    Performer.Request request = begun();
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
    Performer.Request request;
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
