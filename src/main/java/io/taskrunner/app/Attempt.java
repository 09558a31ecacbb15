package io.taskrunner.app;

import io.taskrunner.dispatch.Sending;
import io.taskrunner.store.WorkStore.BreakerReport;
import io.taskrunner.task.Outcome;
import io.taskrunner.worker.Performer;
import java.util.concurrent.CompletableFuture;

/** What {@code dispatch} does, as {@code worker} wishes to see it. */
record Attempt(Sending sending) implements Performer.Request {

  @Override
  public CompletableFuture<Outcome> outcome() {
    return sending.outcome();
  }

  @Override
  public BreakerReport breaker() {
    return sending.breaker();
  }

  @Override
  public void cancel() {
    sending.cancel();
  }

  @Override
  public void cutOff() {
    sending.cutOff();
  }
}
