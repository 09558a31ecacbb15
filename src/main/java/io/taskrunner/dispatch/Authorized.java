package io.taskrunner.dispatch;

import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.TargetRequest;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adds tokens to attempts. Creating one would block an event loop for too long, and keys may have
 * to be read first, so it runs on another thread.
 */
public final class Authorized implements Performer {

  /** How long a task waits if its token cannot be created. */
  private static final Duration LATER = Duration.ofSeconds(1);

  private static final Logger LOG = LoggerFactory.getLogger(Authorized.class);

  private final Performer performer;
  private final Bearers bearers;

  /** Wraps a performer that sends the requests. */
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
      LOG.warn(
          "no token for task {}, because the keys cannot be read; trying again later", claim.id());
      later.end(new Outcome.NotReady(LATER));
    } catch (RuntimeException | Error bug) {
      later.fail(bug);
    }
  }
}
