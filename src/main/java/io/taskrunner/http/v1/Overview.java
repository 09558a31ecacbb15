package io.taskrunner.http.v1;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.operate.Backlog;
import io.taskrunner.store.Operation;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.Queue;
import io.taskrunner.store.QueueStore.DeadGroup;
import io.taskrunner.store.SeriesStore.Failure;
import io.taskrunner.store.Stores;
import io.taskrunner.store.TargetHost.Open;
import io.taskrunner.store.WorkersStore.Present;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * {@code GET /v1/overview} and {@code GET /v1/dead/summary}: the state of everything in one answer,
 * which all callers share. Only for admins.
 */
public final class Overview {

  private static final int QUEUES = 100;
  private static final int BREAKERS = 20;
  private static final int CAUSES = 10;
  private static final int OPERATIONS = 20;
  private static final int GROUPS = 100;
  private static final int FAILURES = 20;
  private static final int MINUTES = 30;
  private static final Duration FRESH = Duration.ofSeconds(1);
  private static final Duration DEAD_FRESH = Duration.ofSeconds(5);

  /**
   * Queues that need a look: those with the oldest ready tasks first, then those with most dead.
   */
  private static final Comparator<Queue> BY_NEED =
      Comparator.comparing((Queue queue) -> queue.stats().oldestReadyAgeSec())
          .thenComparing(queue -> queue.stats().ready())
          .thenComparing(queue -> queue.stats().dead())
          .reversed()
          .thenComparing(Queue::name);

  private final Stores stores;
  private final List<String> warnings;
  private final Snapshot overview;
  private final Snapshot dead;

  /** Dead tasks of one kind in a queue. */
  private record Cause(String queue, DeadGroup group) {}

  /**
   * Over the stores.
   *
   * @param warnings of this process
   * @param version of this program: only processes of the same one share their answers
   */
  public Overview(Stores stores, List<String> warnings, String version) {
    this.stores = stores;
    this.warnings = List.copyOf(warnings);
    overview = new Snapshot(stores.answers(), "overview:" + version, FRESH, this::make);
    dead = new Snapshot(stores.answers(), "dead:" + version, DEAD_FRESH, this::makeDead);
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/v1/overview", Access.ADMIN, _ -> Answer.ok(overview.get())),
        Route.of(HttpMethod.GET, "/v1/dead/summary", Access.ADMIN, _ -> Answer.ok(dead.get())));
  }

  private byte[] make() {
    Instant now = stores.tasks().now();
    List<Queue> queues = stores.queues().list();
    List<Present> workers = stores.workers().list();
    boolean paused = stores.queues().allPaused();
    List<Open> breakers = stores.hosts().open();
    List<Cause> causes = causes(queues);
    List<Operation> running =
        stores.operations().list(null, OperationStore.KEPT_MAX).stream()
            .filter(operation -> operation.state() == Operation.State.RUNNING)
            .limit(OPERATIONS)
            .toList();
    List<Queue> shown = queues.stream().sorted(BY_NEED).limit(QUEUES).toList();
    Map<String, List<@Nullable Long>> ended =
        stores.series().ended(shown.stream().map(Queue::name).toList(), MINUTES);
    LastHour lastHour = LastHour.of(stores.series(), now);
    List<Failure> failures = stores.series().failures().stream().limit(FAILURES).toList();
    List<String> told =
        Stream.concat(warnings.stream(), stores.system().health().warnings().stream()).toList();
    return JsonOut.object(out -> {
      out.time("time", now);
      out.flag("paused", paused);
      out.object("totals", totals -> totals(totals, queues));
      out.object("last_minute", lastHour::writeLastMinute);
      out.object("series", lastHour::write);
      out.number("queue_count", (long) queues.size());
      out.array(
          "queues",
          items -> {
            for (Queue queue : shown) {
              items.item(item -> queue(item, queue, ended.getOrDefault(queue.name(), List.of())));
            }
          });
      out.object("workers", to -> workers(to, queues, workers));
      out.array(
          "breakers",
          items -> {
            for (Open open : breakers.stream().limit(BREAKERS).toList()) {
              items.item(item -> breaker(item, open));
            }
          });
      write(out, "causes", causes.stream().limit(CAUSES).toList());
      Series.failures(out, failures);
      out.array(
          "operations",
          items -> {
            for (Operation operation : running) {
              items.item(item -> Operations.write(item, operation));
            }
          });
      out.texts("warnings", told);
    });
  }

  private byte[] makeDead() {
    List<Queue> queues = stores.queues().list();
    List<Cause> causes = causes(queues);
    return JsonOut.object(out -> {
      out.number("total", sum(queues, Queue.Stats::dead));
      write(out, "groups", causes.stream().limit(GROUPS).toList());
    });
  }

  private List<Cause> causes(List<Queue> queues) {
    List<Cause> causes = new ArrayList<>();
    for (Queue queue : queues) {
      if (queue.stats().dead() > 0) {
        stores
            .queues()
            .deadSummary(queue.name())
            .ifPresent(summary ->
                summary.groups().forEach(group -> causes.add(new Cause(queue.name(), group))));
      }
    }
    causes.sort(Comparator.comparing((Cause cause) -> cause.group().count()).reversed());
    return causes;
  }

  private static void write(JsonOut out, String name, List<Cause> causes) throws IOException {
    out.array(
        name,
        items -> {
          for (Cause cause : causes) {
            items.item(item -> {
              item.text("queue", cause.queue());
              item.text("host", cause.group().host());
              item.text("error", cause.group().cause());
              item.number("count", cause.group().count());
            });
          }
        });
  }

  private static void totals(JsonOut out, List<Queue> queues) throws IOException {
    out.number("scheduled", sum(queues, Queue.Stats::scheduled));
    out.number("ready", sum(queues, Queue.Stats::ready));
    out.number("active", sum(queues, Queue.Stats::active));
    out.number("retry", sum(queues, Queue.Stats::retry));
    out.number("dead", sum(queues, Queue.Stats::dead));
    out.number("succeeded", sum(queues, Queue.Stats::succeeded));
    out.number("cancelled", sum(queues, Queue.Stats::cancelled));
    out.number(
        "oldest_ready_age_sec",
        (Double)
            queues.stream()
                .mapToDouble(queue -> queue.stats().oldestReadyAgeSec())
                .max()
                .orElse(0));
  }

  private static long sum(List<Queue> queues, ToLongFunction<Queue.Stats> of) {
    return queues.stream().map(Queue::stats).mapToLong(of).sum();
  }

  private static void queue(JsonOut out, Queue queue, List<@Nullable Long> ended)
      throws IOException {
    out.text("name", queue.name());
    out.flag("paused", queue.paused());
    out.number("max_concurrent", queue.settings().maxConcurrent());
    out.number("max_dispatches_per_sec", queue.settings().maxDispatchesPerSec());
    out.object("stats", stats -> Queues.stats(stats, queue.stats()));
    out.array(
        "ended_per_minute",
        items -> {
          int unknown = 0;
          while (unknown < ended.size() && ended.get(unknown) == null) {
            unknown++;
          }
          for (Long count : ended.subList(unknown, ended.size())) {
            items.item(count == null ? null : count.doubleValue());
          }
        });
  }

  private static void workers(JsonOut out, List<Queue> queues, List<Present> workers)
      throws IOException {
    List<Present> alive = workers.stream().filter(Present::alive).toList();
    out.number("alive", (long) alive.size());
    out.number("slots", Backlog.of(queues, workers).slots());
    out.number("running", alive.stream().mapToLong(worker -> worker.facts().running()).sum());
  }

  private static void breaker(JsonOut out, Open open) throws IOException {
    out.text("host", open.host());
    out.text("state", open.halfOpen() ? "half_open" : "open");
    out.time("opened_time", open.since());
    out.time("next_probe_time", open.halfOpen() ? null : open.probesFrom());
    out.number("waiting", open.waiting());
  }
}
