package io.taskrunner.http.operate;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.MultiGauge.Row;
import io.micrometer.core.instrument.Tags;
import io.taskrunner.store.Queue;
import io.taskrunner.store.Queue.Stats;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkersStore;
import io.taskrunner.store.WorkersStore.Present;
import io.taskrunner.telemetry.Meters;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.ToDoubleFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The number of tasks in the queues, read from the store on a scrape, at most once in {@value
 * #FRESH_SECONDS} s. While the store does not answer there are no such gauges, because unknown is
 * not 0.
 */
public final class QueueGauges {

  private static final long FRESH_SECONDS = 5;

  private static final long PATIENCE_SECONDS = 2;

  private static final Logger LOG = LoggerFactory.getLogger(QueueGauges.class);

  private final QueueStore queues;
  private final WorkersStore workers;
  private final MultiGauge tasks;
  private final MultiGauge oldest;
  private final MultiGauge backlog;
  private final MultiGauge slots;
  private boolean known;
  private long knownNanos;

  /** The last reading of the store; empty while it does not answer. */
  private record Read(List<Queue> queues, List<Present> workers, boolean allPaused) {
    private static final Read NOTHING = new Read(List.of(), List.of(), false);
  }

  /** In a registry. */
  public QueueGauges(QueueStore queues, WorkersStore workers, MeterRegistry registry) {
    this.queues = queues;
    this.workers = workers;
    this.backlog = MultiGauge.builder(Meters.READY_PER_SLOT).register(registry);
    this.slots = MultiGauge.builder(Meters.WORKER_SLOTS).register(registry);
    this.tasks = MultiGauge.builder(Meters.QUEUE_TASKS).register(registry);
    this.oldest = MultiGauge.builder(Meters.QUEUE_OLDEST_READY).register(registry);
  }

  /** Updates the gauges. Blocks, but not for long. */
  public synchronized void refresh() {
    if (known && System.nanoTime() - knownNanos < TimeUnit.SECONDS.toNanos(FRESH_SECONDS)) {
      return;
    }
    Read read = ask();
    known = !read.queues().isEmpty();
    knownNanos = System.nanoTime();
    showQueues(read);
    showSlots(read);
  }

  private Read ask() {
    CompletableFuture<Read> asked = new CompletableFuture<>();
    Thread.ofVirtual()
        .name("queue-gauges")
        .start(() -> {
          try {
            asked.complete(new Read(queues.list(), workers.list(), queues.allPaused()));
          } catch (RuntimeException failure) {
            asked.completeExceptionally(failure);
          }
        });
    try {
      return asked.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException failed) {
      if (!(failed.getCause() instanceof StoreUnavailable)) {
        LOG.atError().setCause(failed.getCause()).log("unexpected error while counting the queues");
      }
      return Read.NOTHING;
    } catch (TimeoutException noAnswer) {
      return Read.NOTHING;
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      return Read.NOTHING;
    }
  }

  private void showSlots(Read read) {
    Backlog waits = Backlog.of(read.queues(), read.workers());
    backlog.register(known ? List.of(Row.of(Tags.empty(), waits.perSlot())) : List.of(), true);
    slots.register(known ? List.of(Row.of(Tags.empty(), waits.slots())) : List.of(), true);
  }

  private void showQueues(Read read) {
    List<Queue> list = read.queues();
    List<Queue> named = list.subList(0, Math.min(list.size(), Meters.QUEUE_LABELS_MAX));
    List<Queue> rest = list.subList(named.size(), list.size());
    List<Row<?>> counts = new ArrayList<>();
    List<Row<?>> ages = new ArrayList<>();
    for (Queue queue : named) {
      count(counts, queue.name(), List.of(queue));
      ages.add(age(queue.name(), List.of(queue), read.allPaused()));
    }
    if (!rest.isEmpty()) {
      count(counts, Meters.OTHER, rest);
      ages.add(age(Meters.OTHER, rest, read.allPaused()));
    }
    tasks.register(counts, true);
    oldest.register(ages, true);
  }

  private static void count(List<Row<?>> counts, String label, List<Queue> summed) {
    counts.add(count(label, "scheduled", summed, Stats::scheduled));
    counts.add(count(label, "ready", summed, Stats::ready));
    counts.add(count(label, "active", summed, Stats::active));
    counts.add(count(label, "retry", summed, Stats::retry));
    counts.add(count(label, "dead", summed, Stats::dead));
    counts.add(count(label, "succeeded", summed, Stats::succeeded));
    counts.add(count(label, "cancelled", summed, Stats::cancelled));
  }

  /** Tasks of a paused queue wait on purpose: their age is no reason for an alert. */
  private static Row<Number> age(String label, List<Queue> queues, boolean allPaused) {
    double age =
        queues.stream()
            .filter(queue -> !queue.paused() && !allPaused)
            .mapToDouble(queue -> queue.stats().oldestReadyAgeSec())
            .max()
            .orElse(0);
    return Row.of(Tags.of("queue", label), age);
  }

  private static Row<Number> count(
      String label, String state, List<Queue> summed, ToDoubleFunction<Stats> of) {
    double sum = summed.stream().map(Queue::stats).mapToDouble(of).sum();
    return Row.of(Tags.of("queue", label, "state", state), sum);
  }
}
