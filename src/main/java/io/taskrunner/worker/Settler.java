package io.taskrunner.worker;

import io.taskrunner.store.WorkStore.Settled;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * Keeps verdicts until the store has accepted them, and for a while after.
 *
 * <p>A failover may lose accepted verdicts: they had not reached the replica that becomes master.
 * So the verdicts of the last {@link #KEPT_FOR} (the newest {@value #KEPT_MAX}, because memory is
 * bounded) are kept, and delivered again when the connection was lost meanwhile. The store detects
 * a repeated verdict by its claim, so that costs only a round trip.
 *
 * <p>Confined to the thread of the claim loop.
 */
final class Settler {

  /** Maximum number of verdicts of one call. */
  static final int BATCH_MAX = 200;

  /** How long an accepted verdict may still have to be repeated. */
  static final Duration KEPT_FOR = Duration.ofSeconds(60);

  /** Maximum number of accepted verdicts that are kept. */
  static final int KEPT_MAX = 65_536;

  private final ArrayDeque<PendingVerdict> fresh = new ArrayDeque<>();
  private final ArrayDeque<PendingVerdict> again = new ArrayDeque<>();
  private final ArrayDeque<PendingVerdict> kept = new ArrayDeque<>();
  private final WorkerMeters meters;

  Settler(WorkerMeters meters) {
    this.meters = meters;
  }

  void add(PendingVerdict pending) {
    fresh.add(pending);
  }

  /** Whether there is anything to deliver, for the first time or again. */
  boolean hasAny() {
    return !fresh.isEmpty() || !again.isEmpty();
  }

  /** The number of verdicts that the store has never accepted. */
  int untaken() {
    return fresh.size();
  }

  /** Removes the next batch; new verdicts are first. */
  List<PendingVerdict> next() {
    int size = Math.min(BATCH_MAX, fresh.size() + again.size());
    List<PendingVerdict> batch = new ArrayList<>(size);
    while (batch.size() < size) {
      PendingVerdict pending = fresh.poll();
      batch.add(pending != null ? pending : again.remove());
    }
    return batch;
  }

  /** Records the store's reply to a batch; verdicts that it left out are delivered again. */
  void answered(List<PendingVerdict> batch, List<Settled> results, long nowNanos) {
    if (results.size() > batch.size()) {
      throw new IllegalStateException(
          "results: " + results.size() + " (expected: at most " + batch.size() + ")");
    }
    for (int i = batch.size() - 1; i >= results.size(); i--) {
      PendingVerdict left = batch.get(i);
      (left.wasTaken() ? again : fresh).addFirst(left);
    }
    for (int i = 0; i < results.size(); i++) {
      PendingVerdict pending = batch.get(i);
      if (results.get(i) == Settled.LATE && !pending.wasTaken()) {
        meters.lateAnswer();
      }
      pending.taken(nowNanos);
      kept.add(pending);
    }
    forget(nowNanos);
  }

  /** Schedules all kept verdicts to be delivered again. */
  void sendAgain(long nowNanos) {
    forget(nowNanos);
    again.addAll(kept);
    kept.clear();
  }

  private void forget(long nowNanos) {
    while (kept.size() > KEPT_MAX) {
      kept.remove();
    }
    for (PendingVerdict oldest = kept.peek();
        oldest != null && nowNanos - oldest.takenNanos() > KEPT_FOR.toNanos();
        oldest = kept.peek()) {
      kept.remove();
    }
  }
}
