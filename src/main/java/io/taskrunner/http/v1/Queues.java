package io.taskrunner.http.v1;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.client.Client;
import io.taskrunner.client.Limits;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Caller;
import io.taskrunner.http.call.Changes;
import io.taskrunner.http.call.ConfigKind;
import io.taskrunner.http.call.Fault;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Precondition;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.ConfigStore.Thing;
import io.taskrunner.store.Expected;
import io.taskrunner.store.Queue;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.QueueStore.DeadGroup;
import io.taskrunner.store.QueueStore.DeadSummary;
import io.taskrunner.task.Retry;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The calls under {@code /v1/queues}. Changes are the admin's. */
public final class Queues {

  private static final int WEIGHT_MAX = 100;

  private static final int KEPT_MAX = 10_000_000;

  private static final long BYTES_MAX = 1L << 40;

  private final QueueStore queues;
  private final Audit audit;

  /** Over a store; changes are told to the log. */
  public Queues(QueueStore queues, Audit audit) {
    this.queues = queues;
    this.audit = audit;
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/v1/queues", Access.READ, this::list),
        Route.of(HttpMethod.GET, "/v1/queues/{name}", Access.READ, this::get),
        Route.of(HttpMethod.PUT, "/v1/queues/{name}", Access.ADMIN, Route.Body.OPTIONAL, this::put),
        Route.of(HttpMethod.DELETE, "/v1/queues/{name}", Access.ADMIN, this::delete)
            .taking("force"),
        Route.of(
            HttpMethod.POST,
            "/v1/queues/{name}/pause",
            Access.ADMIN,
            Route.Body.OPTIONAL,
            this::pause),
        Route.of(
            HttpMethod.POST,
            "/v1/queues/{name}/resume",
            Access.ADMIN,
            Route.Body.OPTIONAL,
            this::resume),
        Route.of(
            HttpMethod.POST,
            "/v1/queues/{name}/purge",
            Access.ADMIN,
            Route.Body.OPTIONAL,
            this::purge),
        Route.of(
            HttpMethod.POST,
            "/v1/queues/{name}/dead/replay",
            Access.ADMIN,
            Route.Body.OPTIONAL,
            this::replay),
        Route.of(HttpMethod.GET, "/v1/queues/{name}/dead/summary", Access.ADMIN, this::deadSummary),
        Route.of(HttpMethod.DELETE, "/v1/queues/{name}/dead", Access.ADMIN, this::dropDead));
  }

  /** Queues in the document of the whole configuration. Their pause is no part of it. */
  public ConfigKind kind() {
    return new QueueKind();
  }

  private final class QueueKind implements ConfigKind {
    @Override
    public String section() {
      return "queues";
    }

    @Override
    public Page items(int most, @Nullable String cursor) {
      SortedMap<String, Item> items = new TreeMap<>();
      for (Queue queue : queues.list()) {
        if (QueueSettings.NAME.matcher(queue.name()).matches()) {
          Queue.Stats stats = queue.stats();
          long tasks = stats.scheduled() + stats.ready() + stats.active() + stats.retry();
          items.put(
              queue.name(),
              new Item(
                  out -> writeSet(out, queue.settings()),
                  queue.revision(),
                  tasks + stats.dead() == 0));
        }
      }
      return Page.of(items, most, cursor);
    }

    @Override
    public @Nullable Wanted read(String name, Fields entry) {
      int faults = entry.faults().list().size();
      if (!QueueSettings.NAME.matcher(name).matches()) {
        entry.wrongName(EnqueueFields.QUEUE_FORM);
      }
      QueueSettings settings = settings(entry, name);
      if (entry.faults().list().size() > faults) {
        return null;
      }
      return new Wanted() {
        @Override
        public JsonOut.Members settings() {
          return out -> writeSet(out, settings);
        }

        @Override
        public void apply(Expected expected) throws ChangedMeanwhile {
          queues.put(name, settings, expected);
        }
      };
    }

    @Override
    public Thing thing(String name) {
      return new Thing(ConfigStore.Kind.QUEUE, name);
    }

    @Override
    public boolean isBuiltIn(String name) {
      return QueueSettings.BUILT_IN.containsKey(name);
    }

    @Override
    public boolean delete(String name, Expected expected) throws ChangedMeanwhile {
      return queues.delete(name, false, expected) != QueueStore.Deleted.NOT_EMPTY;
    }

    /** What is said, and no more. */
    private static void writeSet(JsonOut out, QueueSettings settings) throws IOException {
      out.number("weight", settings.weight());
      if (settings.maxDispatchesPerSec() != null) {
        out.number("max_dispatches_per_sec", settings.maxDispatchesPerSec());
      }
      if (settings.maxBurst() != null) {
        out.number("max_burst", settings.maxBurst());
      }
      if (settings.maxConcurrent() != null) {
        out.number("max_concurrent", settings.maxConcurrent());
      }
      if (!settings.retry().equals(Retry.UNSET)) {
        RetryFields.write(out, settings.retry());
      }
      if (settings.timeout() != null) {
        out.number("timeout_sec", seconds(settings.timeout()));
      }
      out.number("dead_retention_sec", seconds(settings.deadRetention()));
      out.number("dead_max", settings.deadMax());
      out.number("dead_max_bytes", settings.deadMaxBytes());
      out.number("done_max", settings.doneMax());
    }
  }

  private Answer list(Call call) {
    List<Queue> seen =
        queues.list().stream().filter(queue -> maySee(call.caller(), queue.name())).toList();
    return Answer.ok(
        JsonOut.object(out ->
            out.array(
                "queues",
                items -> {
                  for (Queue queue : seen) {
                    items.item(item -> write(item, queue));
                  }
                })));
  }

  private Answer get(Call call) {
    Queue queue = existing(call.param(0));
    if (!maySee(call.caller(), queue.name())) {
      throw new Refusal(Problem.queueNotAllowed());
    }
    return Answer.ok(json(queue)).tagged(current(queue));
  }

  /**
   * As {@code ETag} and {@code If-Match} see it: its name and settings, not its pause and stats.
   */
  private static Precondition.Current current(Queue queue) {
    return Precondition.Current.of(
        queue.revision(),
        JsonOut.object(out -> {
          out.text("name", queue.name());
          out.number("weight", queue.settings().weight());
          writeFurther(out, queue.settings());
        }));
  }

  private static boolean maySee(Caller caller, String queue) {
    return !(caller instanceof Caller.Known(Client client, _))
        || client.allowedQueues() == null
        || client.allowedQueues().contains(queue);
  }

  private static Changes.Version version(QueueSettings settings) {
    return Changes.Version.of(out -> QueueKind.writeSet(out, settings));
  }

  private Answer put(Call call) {
    Faults faults = new Faults();
    String name = call.param(0);
    if (!QueueSettings.NAME.matcher(name).matches()) {
      faults.add(
          Fault.parameter(
              "name", "name: \"" + name + "\" (expected: " + EnqueueFields.QUEUE_FORM + ")"));
    }
    QueueSettings settings = settings(call.fields(faults), name);
    Precondition precondition = Precondition.of(call.headers(), faults);
    faults.raise();
    Optional<Changes.Version> before = queues.get(name).map(queue -> version(queue.settings()));
    boolean made =
        precondition.change(
            () -> queues.get(name).map(Queues::current),
            expected -> queues.put(name, settings, expected));
    audit.tell(
        call,
        made ? "queue made" : "queue changed",
        "queue",
        name,
        Changes.between(before, version(settings)));
    Queue queue = existing(name);
    Answer answer = made ? Answer.created(json(queue)) : Answer.ok(json(queue));
    return answer.tagged(current(queue));
  }

  private static QueueSettings settings(Fields fields, String name) {
    fields.nullIsAbsent(
        "max_dispatches_per_sec", "max_burst", "max_concurrent", "timeout_sec", "retry");
    QueueSettings defaults = QueueSettings.defaults(QueueSettings.defaultWeight(name));
    final Integer weight = fields.integer("weight", 1, WEIGHT_MAX);
    final Double rate = fields.positive("max_dispatches_per_sec", QueueSettings.RATE_MAX);
    final Integer burst = fields.integer("max_burst", 1, (int) QueueSettings.RATE_MAX);
    final Integer concurrent = fields.integer("max_concurrent", 1, Limits.MAX);
    final Retry retry = RetryFields.read(fields);
    final Duration timeout = fields.seconds("timeout_sec", true, Fields.SECONDS_MAX);
    final Duration deadRetention = fields.seconds("dead_retention_sec", false, Fields.SECONDS_MAX);
    final Integer deadMax = fields.integer("dead_max", 0, KEPT_MAX);
    final Long deadMaxBytes = fields.longInteger("dead_max_bytes", 0, BYTES_MAX);
    final Integer doneMax = fields.integer("done_max", 0, KEPT_MAX);
    fields.done();
    return new QueueSettings(
        weight == null ? defaults.weight() : weight,
        rate,
        burst,
        concurrent,
        retry,
        timeout,
        deadRetention == null ? defaults.deadRetention() : deadRetention,
        deadMax == null ? defaults.deadMax() : deadMax,
        deadMaxBytes == null ? defaults.deadMaxBytes() : deadMaxBytes,
        doneMax == null ? defaults.doneMax() : doneMax);
  }

  private Answer delete(Call call) {
    Faults faults = new Faults();
    boolean force = call.query(faults).flag("force");
    Precondition precondition = Precondition.of(call.headers(), faults);
    faults.raise();
    String name = call.param(0);
    if (QueueSettings.BUILT_IN.containsKey(name)) {
      throw new Refusal(Problem.builtIn("queue"));
    }
    existing(name);
    switch (precondition.change(
        () -> queues.get(name).map(Queues::current),
        expected -> queues.delete(name, force, expected))) {
      case DONE -> audit.tell(call, "queue deleted", "queue", name);
      case NOT_FOUND -> throw new Refusal(Problem.queueNotFound());
      case NOT_EMPTY -> throw new Refusal(Problem.queueNotEmpty());
    }
    return Answer.noContent();
  }

  private Answer pause(Call call) {
    return changed(call, "queue paused", name -> queues.pause(name, true));
  }

  private Answer resume(Call call) {
    return changed(call, "queue resumed", name -> queues.pause(name, false));
  }

  private Answer purge(Call call) {
    return changed(call, "queue purged", queues::purge);
  }

  private Answer replay(Call call) {
    Faults faults = new Faults();
    Fields fields = call.fields(faults).nullIsAbsent("limit", "client_id");
    Long limit = fields.longInteger("limit", 1, Long.MAX_VALUE);
    String clientId = fields.text("client_id", Client.ID, EnqueueFields.CLIENT_ID_FORM);
    fields.done();
    faults.raise();
    String name = call.param(0);
    long replayed =
        queues
            .replayDead(name, limit, clientId)
            .orElseThrow(() -> new Refusal(Problem.queueNotFound()));
    audit.tell(call, "dead tasks replayed", "queue", name, "replayed", Long.toString(replayed));
    Queue queue = existing(name);
    return Answer.ok(
        JsonOut.object(out -> {
          write(out, queue);
          out.number("replayed", replayed);
        }));
  }

  private Answer deadSummary(Call call) {
    DeadSummary summary =
        queues.deadSummary(call.param(0)).orElseThrow(() -> new Refusal(Problem.queueNotFound()));
    return Answer.ok(
        JsonOut.object(out -> {
          out.text("queue", call.param(0));
          out.number("total", summary.total());
          out.array(
              "groups",
              groups -> {
                for (DeadGroup group : summary.groups()) {
                  groups.item(item -> {
                    item.text("host", group.host());
                    item.text("error", group.cause());
                    item.number("count", group.count());
                  });
                }
              });
        }));
  }

  private Answer dropDead(Call call) {
    if (!queues.dropDead(call.param(0))) {
      throw new Refusal(Problem.queueNotFound());
    }
    audit.tell(call, "dead tasks dropped", "queue", call.param(0));
    return Answer.noContent();
  }

  private Answer changed(Call call, String what, Predicate<String> move) {
    call.noFields();
    if (!move.test(call.param(0))) {
      throw new Refusal(Problem.queueNotFound());
    }
    audit.tell(call, what, "queue", call.param(0));
    return Answer.ok(json(existing(call.param(0))));
  }

  private Queue existing(String name) {
    return queues.get(name).orElseThrow(() -> new Refusal(Problem.queueNotFound()));
  }

  private static byte[] json(Queue queue) {
    return JsonOut.object(out -> write(out, queue));
  }

  private static void write(JsonOut out, Queue queue) throws IOException {
    out.text("name", queue.name());
    out.number("weight", queue.settings().weight());
    out.flag("paused", queue.paused());
    writeFurther(out, queue.settings());
    Queue.Stats stats = queue.stats();
    out.object(
        "stats",
        to -> {
          to.number("scheduled", stats.scheduled());
          to.number("ready", stats.ready());
          to.number("active", stats.active());
          to.number("retry", stats.retry());
          to.number("dead", stats.dead());
          to.number("succeeded", stats.succeeded());
          to.number("cancelled", stats.cancelled());
          to.number("oldest_ready_age_sec", (Double) stats.oldestReadyAgeSec());
        });
  }

  /** All settings but the weight. */
  private static void writeFurther(JsonOut out, QueueSettings settings) throws IOException {
    out.number("max_dispatches_per_sec", settings.maxDispatchesPerSec());
    out.number("max_burst", burst(settings));
    out.number("max_concurrent", settings.maxConcurrent());
    RetryFields.write(out, settings.retry());
    out.number("timeout_sec", seconds(settings.timeout()));
    out.number("dead_retention_sec", seconds(settings.deadRetention()));
    out.number("dead_max", settings.deadMax());
    out.number("dead_max_bytes", settings.deadMaxBytes());
    out.number("done_max", settings.doneMax());
  }

  private static @Nullable Integer burst(QueueSettings settings) {
    return settings.maxBurst() == null && settings.maxDispatchesPerSec() != null
        ? (Integer) QueueSettings.defaultBurst(settings.maxDispatchesPerSec())
        : settings.maxBurst();
  }

  private static @Nullable Double seconds(@Nullable Duration duration) {
    return duration == null ? null : (Double) (duration.toMillis() / 1000.0);
  }
}
