package io.taskrunner.worker;

import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Exchange;
import io.taskrunner.store.WorkStore.Settlement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The exchanges of a claim loop with the store, one at a time.
 *
 * <p>An exchange without a reply may have been executed. It is repeated, with the same request
 * number and the same verdicts, until it succeeds; only then does the next one follow. {@link
 * Settler} handles verdicts that the store may have lost meanwhile.
 *
 * <p>Confined to the thread of the claim loop, except where noted.
 */
final class Exchanges {

  private static final Logger LOG = LoggerFactory.getLogger(Exchanges.class);

  private static final long RETRY_MIN_NANOS = Duration.ofMillis(20).toNanos();
  static final long RETRY_MAX_NANOS = Duration.ofSeconds(1).toNanos();

  /** How often an exchange that fails because of a bug is repeated before it is given up. */
  private static final int BUG_REPEATS = 3;

  private final WorkStore store;
  private final Settler settler;
  private final WorkerOptions options;
  private final AtomicLong settled = new AtomicLong();

  private long number;
  private @Nullable Asked unanswered;
  private boolean left;
  private long awayNanos;
  private int failures;

  // Written only by the loop's thread; read by others for reports.
  private volatile boolean asking;
  private volatile boolean storeAway;

  /** The request to the store. */
  private record Asked(ClaimRequest request, List<PendingVerdict> verdicts) {}

  Exchanges(WorkStore store, Settler settler, WorkerOptions options) {
    this.store = store;
    this.settler = settler;
    this.options = options;
  }

  /** Whether an exchange has no reply yet. */
  boolean isOpen() {
    return unanswered != null;
  }

  /** Whether the store knows that this worker leaves. */
  boolean hasLeft() {
    return left;
  }

  /** Whether the thread waits for the store. For any thread. */
  boolean isWaiting() {
    return asking || storeAway;
  }

  /** Whether the store did not respond to the last call. For any thread. */
  boolean isStoreAway() {
    return storeAway;
  }

  /** The number of verdicts that the store has accepted. For any thread. */
  long settled() {
    return settled.get();
  }

  /** Opens the next exchange, with the pending verdicts. */
  void open(int slots, int express) {
    ClaimRequest request =
        new ClaimRequest(
            options.workerId(), ++number, slots, options.lease(), options.maxRetry(), express);
    unanswered = new Asked(request, settler.next());
  }

  /**
   * Sends the open exchange.
   *
   * @return null when there was no reply: then it is to be sent again after a pause, unless it was
   *     given up and is no longer open
   */
  @Nullable Exchange send() {
    Asked asked = unanswered;
    if (asked == null) {
      throw new IllegalStateException("exchange: none (expected: an open one)");
    }
    Exchange exchange;
    asking = true;
    try {
      exchange = store.exchange(settlements(asked.verdicts()), asked.request());
    } catch (StoreUnavailable away) {
      failed(away);
      return null;
    } catch (RuntimeException bug) {
      broken(asked, bug);
      return null;
    } finally {
      asking = false;
    }
    unanswered = null;
    answered(asked, exchange, System.nanoTime());
    return exchange;
  }

  /** Tells the store that this worker leaves; false when it did not respond. */
  boolean leave() {
    asking = true;
    try {
      store.leave(options.workerId());
      left = true;
      return true;
    } catch (StoreUnavailable away) {
      failed(away);
      return false;
    } finally {
      asking = false;
    }
  }

  /** How long to wait after a failure, in ns. */
  long pause() {
    return Math.min(RETRY_MAX_NANOS, RETRY_MIN_NANOS << Math.clamp(failures - 1L, 0, 6));
  }

  private static List<Settlement> settlements(List<PendingVerdict> verdicts) {
    if (verdicts.isEmpty()) {
      return List.of();
    }
    long now = System.nanoTime();
    List<Settlement> settlements = new ArrayList<>(verdicts.size());
    for (PendingVerdict pending : verdicts) {
      settlements.add(pending.settlement(now));
    }
    return settlements;
  }

  private void answered(Asked asked, Exchange exchange, long now) {
    failures = 0;
    settler.answered(asked.verdicts(), exchange.settled(), now);
    settled.addAndGet(asked.verdicts().size());
    if (storeAway) {
      storeAway = false;
      LOG.atInfo()
          .addKeyValue("away_ms", (now - awayNanos) / 1_000_000)
          .log("the store is reachable again");
      settler.sendAgain(now);
    }
  }

  private void failed(StoreUnavailable away) {
    if (!storeAway) {
      storeAway = true;
      awayNanos = System.nanoTime();
      LOG.atInfo().addKeyValue("reason", away.getMessage()).log("the store is not reachable");
    }
    failures++;
  }

  private void broken(Asked asked, RuntimeException bug) {
    failures++;
    if (failures <= BUG_REPEATS) {
      LOG.error("unexpected error in an exchange with the store; repeating it", bug);
    } else {
      failures = 0;
      unanswered = null;
      LOG.atError()
          .addKeyValue("verdicts", asked.verdicts().size())
          .setCause(bug)
          .log("unexpected error in an exchange with the store; giving it up, its leases will end");
    }
  }
}
