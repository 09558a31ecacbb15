package io.taskrunner.http.operate;

import io.taskrunner.store.Queue;
import io.taskrunner.store.WorkersStore.Present;
import java.util.List;

/**
 * The waiting tasks, and the capacity for them.
 *
 * @param ready tasks that could start
 * @param slots of all workers that are alive and not stopping
 */
public record Backlog(long ready, long slots) {

  /** Of these queues and workers. */
  public static Backlog of(List<Queue> queues, List<Present> workers) {
    return new Backlog(
        queues.stream().mapToLong(queue -> queue.stats().ready()).sum(),
        workers.stream()
            .filter(worker -> worker.alive() && !worker.facts().stopping())
            .mapToLong(worker -> worker.facts().slots())
            .sum());
  }

  /** The backlog per slot; without any slot, all of it. The metric for autoscaling. */
  public double perSlot() {
    return (double) ready / Math.max(1, slots);
  }
}
