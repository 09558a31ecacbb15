package io.taskrunner.worker;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.taskrunner.store.WorkStore.Breaker;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What a worker counts. The meters of a queue are looked up once and then kept.
 *
 * <p>{@link #attempt}, {@link #started} and {@link #recovered} belong to the thread of the claim
 * loop; the others may be called from any.
 */
final class WorkerMeters {

  /** The most queues with a label of their own. */
  static final int QUEUES_MAX = 100;

  private static final String OTHER = "other";

  /** How an attempt ended, as a metric says it. */
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
    duration =
        Timer.builder("task_runner_attempt_duration_seconds")
            .description("how long attempts took, until their outcome was known")
            .serviceLevelObjectives(
                millis(1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000,
                    60_000, 300_000, 1_800_000))
            .register(registry);
    lag =
        Timer.builder("task_runner_schedule_lag_seconds")
            .description("from when an attempt was due to when it was begun")
            .serviceLevelObjectives(
                millis(1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000,
                    300_000, 3_600_000))
            .register(registry);
    leasesLost =
        counter("task_runner_leases_lost", "tasks that were another's while they ran here");
    recovered =
        counter("task_runner_tasks_recovered", "tasks taken back from workers that are gone");
    late = counter("task_runner_late_answers", "verdicts that came too late to count");
    breakerGauge("open", open);
    breakerGauge("half_open", halfOpen);
    breakers =
        MultiGauge.builder("task_runner_circuit_breaker_state")
            .description("hosts whose breaker is not closed")
            .register(registry);
  }

  /** An attempt is over. */
  void attempt(String queue, Ending ending, long nanos) {
    countersOf(queue)[ending.ordinal()].increment();
    duration.record(nanos, TimeUnit.NANOSECONDS);
  }

  /** An attempt is begun, so long after it was due. */
  void started(long lateMillis) {
    lag.record(Math.max(0, lateMillis), TimeUnit.MILLISECONDS);
  }

  /** A task was found to be another's while it ran here. */
  void leaseLost() {
    leasesLost.increment();
  }

  /** Tasks were taken back. */
  void recovered(int tasks) {
    recovered.increment(tasks);
  }

  /** A verdict came too late. */
  void lateAnswer() {
    late.increment();
  }

  /** The breakers that are not closed. */
  void breakers(List<Breaker> now) {
    breakers.register(
        now.stream()
            .map(
                breaker ->
                    MultiGauge.Row.of(
                        Tags.of(
                            "host",
                            breaker.host(),
                            "state",
                            breaker.halfOpen() ? "half_open" : "open"),
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
    if (attempts.size() >= QUEUES_MAX && !queue.equals(OTHER)) {
      return countersOf(OTHER);
    }
    Ending[] endings = Ending.values();
    Counter[] made = new Counter[endings.length];
    for (Ending ending : endings) {
      made[ending.ordinal()] =
          Counter.builder("task_runner_attempts")
              .description("attempts that ended")
              .tag("queue", queue)
              .tag("outcome", ending.word())
              .register(registry);
    }
    attempts.put(queue, made);
    return made;
  }

  private Counter counter(String name, String description) {
    return Counter.builder(name).description(description).register(registry);
  }

  private void breakerGauge(String state, AtomicInteger value) {
    Gauge.builder("task_runner_circuit_breakers", value, AtomicInteger::get)
        .description("hosts whose circuit breaker is not closed")
        .tag("state", state)
        .register(registry);
  }

  private static Duration[] millis(long... bounds) {
    Duration[] durations = new Duration[bounds.length];
    for (int i = 0; i < bounds.length; i++) {
      durations[i] = Duration.ofMillis(bounds[i]);
    }
    return durations;
  }
}
