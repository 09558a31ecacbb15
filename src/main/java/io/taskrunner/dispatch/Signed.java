package io.taskrunner.dispatch;

import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.Outcome;
import io.taskrunner.task.TargetRequest;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Signs the attempts of clients with a signing secret; none of these is ever sent without a
 * signature. Work that would block an event loop for too long, such as a long body or reading
 * secrets, runs on another thread.
 */
public final class Signed implements Performer {

  /** How long a task waits if it cannot be signed. */
  private static final Duration LATER = Duration.ofSeconds(1);

  private static final Duration TOLD_AGAIN_AFTER = Duration.ofSeconds(10);

  private static final Logger LOG = LoggerFactory.getLogger(Signed.class);

  private final Performer performer;
  private final Signer signer;
  private final AtomicLong told = new AtomicLong(System.nanoTime() - TOLD_AGAIN_AFTER.toNanos());

  /** Wraps a performer that sends the requests. */
  public Signed(Performer performer, Signer signer) {
    this.performer = performer;
    this.signer = signer;
  }

  @Override
  public Request perform(Claim claim, Duration timeout) {
    if (claim.signing() == 0) {
      return performer.perform(claim, timeout);
    }
    Optional<TargetRequest> signed = signer.signAtOnce(claim);
    if (signed.isPresent()) {
      return performer.perform(claim.with(claim.spec().with(signed.get())), timeout);
    }
    Later later = new Later();
    Thread.ofVirtual().name("sign").start(() -> begin(later, claim, timeout));
    return later;
  }

  private void begin(Later later, Claim claim, Duration timeout) {
    try {
      Optional<TargetRequest> signed = signer.sign(claim);
      if (signed.isPresent()) {
        later.begin(() -> performer.perform(claim.with(claim.spec().with(signed.get())), timeout));
      } else {
        tell(
            claim,
            "the signing secret of client {} is missing in Redis; its tasks wait until an admin creates"
                + " another or deletes the signing secret");
        later.end(new Outcome.NotReady(LATER));
      }
    } catch (StoreUnavailable away) {
      tell(claim, "the signing secret of client {} cannot be read now; its tasks wait");
      later.end(new Outcome.NotReady(LATER));
    } catch (RuntimeException | Error bug) {
      later.fail(bug);
    }
  }

  /** Rate-limited: there may be many tasks. */
  private void tell(Claim claim, String what) {
    long last = told.get();
    long now = System.nanoTime();
    if (now - last >= TOLD_AGAIN_AFTER.toNanos() && told.compareAndSet(last, now)) {
      LOG.warn(what, claim.clientId());
    }
  }
}
