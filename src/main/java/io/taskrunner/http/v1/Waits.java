package io.taskrunner.http.v1;

import io.taskrunner.client.Client;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.Queue;
import io.taskrunner.store.Stores;
import io.taskrunner.store.TargetHost;
import io.taskrunner.store.WorkersStore.Present;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskState;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Why a task does not start: compares what would have to permit it with the present state. Each
 * part is read by itself, so the parts are of slightly different times.
 */
final class Waits {

  private final Stores stores;

  /**
   * A reason.
   *
   * @param word its stable name
   * @param detail a sentence for people
   * @param until when it ends, if that is known
   * @param running the number that has reached a limit
   * @param limit that limit
   */
  private record Reason(
      String word,
      String detail,
      @Nullable Instant until,
      @Nullable Long running,
      @Nullable Long limit) {
    Reason(String word, String detail) {
      this(word, detail, null, null, null);
    }
  }

  Waits(Stores stores) {
    this.stores = stores;
  }

  /**
   * Writes the reasons, the nearest first.
   *
   * @param numbers whether the numbers of running tasks, which are of all clients, are shown
   */
  void write(JsonOut out, Task task, boolean numbers) throws IOException {
    List<Reason> reasons = reasons(task);
    out.text("task_id", task.id().toString());
    out.text("state", task.state().word());
    out.array(
        "reasons",
        items -> {
          for (Reason reason : reasons) {
            items.item(item -> {
              item.text("reason", reason.word());
              item.text("detail", reason.detail());
              item.time("until", reason.until());
              item.number("running", numbers ? reason.running() : null);
              item.number("limit", numbers ? reason.limit() : null);
            });
          }
        });
  }

  private List<Reason> reasons(Task task) {
    boolean planned = task.state() == TaskState.SCHEDULED || task.state() == TaskState.RETRY;
    if (!planned && task.state() != TaskState.READY) {
      return List.of();
    }
    if (planned && task.due().isAfter(stores.tasks().now())) {
      return List.of(notDue(task));
    }
    List<Reason> reasons = new ArrayList<>();
    if (stores.queues().allPaused()) {
      reasons.add(new Reason("dispatch_paused", "Everything is paused by an admin."));
    }
    stores.queues().get(task.queue()).ifPresent(queue -> add(reasons, queue));
    host(reasons, task);
    stores.clients().get(task.clientId()).ifPresent(client -> add(reasons, client, task));
    workers(reasons);
    if (reasons.isEmpty()) {
      reasons.add(
          new Reason("turn", "Nothing holds it: it starts when the tasks before it have started."));
    }
    return reasons;
  }

  private static Reason notDue(Task task) {
    return task.state() == TaskState.RETRY
        ? new Reason(
            "backoff",
            "Attempt " + task.attemptCount() + " failed, and the next one is not due yet.",
            task.due(),
            null,
            null)
        : new Reason("not_due", "It is not due yet.", task.due(), null, null);
  }

  private static void add(List<Reason> reasons, Queue queue) {
    Integer most = queue.settings().maxConcurrent();
    Double rate = queue.settings().maxDispatchesPerSec();
    if (queue.paused()) {
      reasons.add(new Reason("queue_paused", "The queue " + queue.name() + " is paused."));
    } else if (most != null && queue.stats().active() >= most) {
      reasons.add(
          full("queue_max_concurrent", "The queue " + queue.name(), queue.stats().active(), most));
    } else if (rate != null && queue.stats().ready() > rate) {
      reasons.add(
          new Reason(
              "queue_rate",
              "The queue " + queue.name() + " starts at most " + rate + " tasks per second."));
    }
  }

  private static Reason full(String word, String what, long running, long limit) {
    return new Reason(
        word, what + " runs as many tasks as its limit permits.", null, running, limit);
  }

  private void host(List<Reason> reasons, Task task) {
    TargetUrl url = task.spec().request().url();
    Optional<TargetHost.Open> breaker = stores.hosts().openFor(task.id(), url.hostAndPort());
    if (breaker.isPresent()) {
      TargetHost.Open open = breaker.get();
      reasons.add(
          new Reason(
              "circuit_breaker",
              "The circuit breaker of " + open.host() + " is open, because the host failed.",
              open.halfOpen() ? null : open.probesFrom(),
              null,
              null));
      return;
    }
    Optional<TargetHost.Load> load =
        stores.hosts().get(url.hostAndPort()).or(() -> stores.hosts().get(url.hostName()));
    Integer most = load.map(TargetHost.Load::host).map(TargetHost::maxConcurrent).orElse(null);
    if (most != null && load.orElseThrow().running() >= most) {
      reasons.add(
          full("host_max_concurrent", "The host " + url.hostName(), load.get().running(), most));
    } else if (load.isPresent()
        && load.get().host().maxDispatchesPerSec() != null
        && load.get().waiting() > 0) {
      reasons.add(
          new Reason(
              "host_rate", "The host " + url.hostName() + " is limited in starts per second."));
    }
  }

  private void add(List<Reason> reasons, Client client, Task task) {
    Integer own = task.spec().maxConcurrent();
    long limit = client.limits().maxConcurrent();
    limit = own == null ? limit : Math.min(limit, own);
    long running = stores.clients().usage(client.id()).map(ClientStore.Usage::running).orElse(0L);
    if (running >= limit) {
      reasons.add(full("client_max_concurrent", "The client " + client.id(), running, limit));
    }
  }

  private void workers(List<Reason> reasons) {
    List<Present> alive =
        stores.workers().list().stream()
            .filter(worker -> worker.alive() && !worker.facts().stopping())
            .toList();
    long slots = alive.stream().mapToLong(worker -> worker.facts().slots()).sum();
    long running = alive.stream().mapToLong(worker -> worker.facts().running()).sum();
    if (alive.isEmpty()) {
      reasons.add(new Reason("no_worker", "No worker is alive."));
    } else if (running >= slots) {
      reasons.add(
          new Reason("slots_busy", "All slots of the workers are busy.", null, running, slots));
    }
  }
}
