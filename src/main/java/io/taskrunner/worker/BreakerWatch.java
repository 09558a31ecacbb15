package io.taskrunner.worker;

import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.Breaker;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the shared breakers once a second, and updates the meters. A host that is open in one shard
 * and half-open in another counts as open.
 */
final class BreakerWatch {

  private static final Logger LOG = LoggerFactory.getLogger(BreakerWatch.class);
  private static final long EVERY_MILLIS = Duration.ofSeconds(1).toMillis();

  private final List<WorkStore> stores;
  private final WorkerMeters meters;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("breaker-watch").daemon(true).factory());
  private final Map<WorkStore, List<Breaker>> known = new ConcurrentHashMap<>();
  private final Set<WorkStore> asked = ConcurrentHashMap.newKeySet();
  private Map<String, Boolean> breakers = Map.of(); // guarded by this

  BreakerWatch(List<WorkStore> stores, WorkerMeters meters) {
    this.stores = stores;
    this.meters = meters;
  }

  void start() {
    timer.scheduleWithFixedDelay(this::look, 0, EVERY_MILLIS, TimeUnit.MILLISECONDS);
  }

  void end() {
    timer.shutdownNow();
  }

  /**
   * Queries each shard in a separate thread; the last reply of an unavailable shard still counts.
   */
  private void look() {
    for (WorkStore store : stores) {
      if (asked.add(store)) {
        Thread.ofVirtual().name("breaker-watch").start(() -> look(store));
      }
    }
  }

  private void look(WorkStore store) {
    try {
      known.put(store, store.breakers());
      merge();
    } catch (StoreUnavailable away) {
      LOG.atDebug().addKeyValue("reason", away.getMessage()).log("the store is not reachable");
    } catch (RuntimeException bug) {
      LOG.error("unexpected error while reading the circuit breakers; trying again", bug);
    } finally {
      asked.remove(store);
    }
  }

  private synchronized void merge() {
    Map<String, Boolean> next = new HashMap<>();
    for (List<Breaker> some : known.values()) {
      for (Breaker breaker : some) {
        next.merge(breaker.host(), breaker.halfOpen(), Boolean::logicalAnd);
      }
    }
    if (!next.equals(breakers)) {
      breakers = next;
      meters.breakers(
          next.entrySet().stream()
              .map(entry -> new Breaker(entry.getKey(), entry.getValue()))
              .toList());
    }
  }
}
