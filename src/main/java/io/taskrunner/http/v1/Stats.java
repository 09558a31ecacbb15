package io.taskrunner.http.v1;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.operate.Backlog;
import io.taskrunner.store.Queue;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.WorkersStore;
import io.taskrunner.store.WorkersStore.Present;
import java.util.List;
import java.util.function.ToLongFunction;

/** {@code GET /v1/stats}: all queues and workers in a few numbers. Only for the admin. */
public final class Stats {

  private final QueueStore queues;
  private final WorkersStore workers;

  /** Over a store. */
  public Stats(QueueStore queues, WorkersStore workers) {
    this.queues = queues;
    this.workers = workers;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(Route.of(HttpMethod.GET, "/v1/stats", Access.ADMIN, this::tell));
  }

  private Answer tell(Call call) {
    List<Queue> all = queues.list();
    List<Present> present = workers.list();
    Backlog backlog = Backlog.of(all, present);
    double oldest =
        all.stream().mapToDouble(queue -> queue.stats().oldestReadyAgeSec()).max().orElse(0);
    return Answer.ok(
        JsonOut.object(out -> {
          out.number("queues", (long) all.size());
          out.number("scheduled", sum(all, Queue.Stats::scheduled));
          out.number("ready", backlog.ready());
          out.number("active", sum(all, Queue.Stats::active));
          out.number("retry", sum(all, Queue.Stats::retry));
          out.number("dead", sum(all, Queue.Stats::dead));
          out.number("succeeded", sum(all, Queue.Stats::succeeded));
          out.number("cancelled", sum(all, Queue.Stats::cancelled));
          out.number("oldest_ready_age_sec", (Double) oldest);
          out.number("workers", present.stream().filter(Present::alive).count());
          out.number("slots", backlog.slots());
          out.number("ready_per_slot", (Double) backlog.perSlot());
        }));
  }

  private static long sum(List<Queue> all, ToLongFunction<Queue.Stats> of) {
    return all.stream().map(Queue::stats).mapToLong(of).sum();
  }
}
