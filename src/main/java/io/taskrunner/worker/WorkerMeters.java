package io.taskrunner.worker;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.taskrunner.store.WorkStore.Breaker;
import io.taskrunner.telemetry.Meters;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The meters of a worker. The meters of a queue are looked up once and then cached.
 *
 * <p>{@link #attempt}, {@link #started} and {@link #recovered} belong to the thread of the claim
 * loop; the others may be called from any.
 */
final class WorkerMeters {

  /** How an attempt ended, as a metric label. */
  enum Ending {
    SUCCEEDED("succeeded"),
    RETRY("retry"),
    DEAD("dead"),
    CANCELLED("cancelled");

    private final String word;

    Ending(String word) {
      this.word = word;
    }

    String word() {
      return word;
    }
  }

  private final MeterRegistry registry;
  private final Map<String, Counter[]> attempts = new HashMap<>();
  private final Timer duration;
  private final Timer lag;
  private final Counter leasesLost;
  private final Counter recovered;
  private final Counter late;
  private final AtomicInteger open = new AtomicInteger();
  private final AtomicInteger halfOpen = new AtomicInteger();
  private final MultiGauge breakers;

  WorkerMeters(MeterRegistry registry) {
    this.registry = registry;
    duration = Meters.timer(registry, Meters.ATTEMPT_DURATION);
    lag = Meters.timer(registry, Meters.SCHEDULE_LAG);
    leasesLost = Meters.counter(registry, Meters.LEASES_LOST);
    recovered = Meters.counter(registry, Meters.TASKS_RECOVERED);
    late = Meters.counter(registry, Meters.LATE_ANSWERS);
    breakerGauge("open", open);
    breakerGauge("half_open", halfOpen);
    breakers = MultiGauge.builder(Meters.CIRCUIT_BREAKER_STATE).register(registry);
  }

  /** An attempt has ended. */
  void attempt(String queue, Ending ending, long nanos) {
    countersOf(queue)[ending.ordinal()].increment();
    duration.record(nanos, TimeUnit.NANOSECONDS);
  }

  /** An attempt has started, this long after it was due. */
  void started(long lateMillis) {
    lag.record(Math.max(0, lateMillis), TimeUnit.MILLISECONDS);
  }

  /** A task was lost to another worker while it ran here. */
  void leaseLost() {
    leasesLost.increment();
  }

  /** Tasks were recovered. */
  void recovered(int tasks) {
    recovered.increment(tasks);
  }

  /** A verdict arrived too late. */
  void lateAnswer() {
    late.increment();
  }

  /** The breakers that are not closed. */
  void breakers(List<Breaker> now) {
    breakers.register(
        now.stream()
            .map(breaker ->
                MultiGauge.Row.of(
                    Tags.of(
                        "host", breaker.host(), "state", breaker.halfOpen() ? "half_open" : "open"),
                    1))
            .toList(),
        true);
    int half = (int) now.stream().filter(Breaker::halfOpen).count();
    halfOpen.set(half);
    open.set(now.size() - half);
  }

  private Counter[] countersOf(String queue) {
    Counter[] known = attempts.get(queue);
    if (known != null) {
      return known;
    }
    if (attempts.size() >= Meters.QUEUE_LABELS_MAX && !queue.equals(Meters.OTHER)) {
      return countersOf(Meters.OTHER);
    }
    Ending[] endings = Ending.values();
    Counter[] made = new Counter[endings.length];
    for (Ending ending : endings) {
      made[ending.ordinal()] =
          Meters.counter(registry, Meters.ATTEMPTS, "queue", queue, "outcome", ending.word());
    }
    attempts.put(queue, made);
    return made;
  }

  private void breakerGauge(String state, AtomicInteger value) {
    Gauge.builder(Meters.CIRCUIT_BREAKERS, value, AtomicInteger::get)
        .tag("state", state)
        .register(registry);
  }
}
