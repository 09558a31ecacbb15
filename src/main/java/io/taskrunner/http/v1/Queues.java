package io.taskrunner.http.v1;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.client.Client;
import io.taskrunner.client.Limits;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Caller;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Kind;
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Things;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ConfigStore;
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
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Queues, and the calls under {@code /v1/queues}. Only the admin may change them. The pause of a
 * queue is not one of its settings.
 */
public final class Queues implements Kind<Queue, QueueSettings> {

  private static final int WEIGHT_MAX = 100;

  private static final int KEPT_MAX = 10_000_000;

  private static final long BYTES_MAX = 1L << 40;

  private final QueueStore queues;
  private final Audit audit;
  private final Things<Queue, QueueSettings> things;

  /** Over a store; logs changes. */
  public Queues(QueueStore queues, Audit audit) {
    this.queues = queues;
    this.audit = audit;
    this.things = new Things<>(this, audit);
  }

  /** The routes. */
  public List<Route> routes() {
    return List.of(
        Route.of(HttpMethod.GET, "/v1/queues", Access.READ, this::list),
        Route.of(HttpMethod.GET, "/v1/queues/{name}", Access.READ, this::get),
        Route.of(
            HttpMethod.PUT, "/v1/queues/{name}", Access.ADMIN, Route.Body.OPTIONAL, things::put),
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

  private Answer list(Call call) {
    List<Queue> seen =
        queues.list().stream().filter(queue -> maySee(call.caller(), queue.name())).toList();
    return Answer.ok(
        JsonOut.object(out ->
            out.array(
                "queues",
                items -> {
                  for (Queue queue : seen) {
                    items.item(item -> show(item, queue));
                  }
                })));
  }

  private Answer get(Call call) {
    Queue queue = things.existing(call.param(0));
    if (call.caller() instanceof Caller.Known(Client client, _)
        && !client.settings().mayUse(queue.name())) {
      throw new Refusal(Problem.queueNotAllowed(client.id(), queue.name()));
    }
    return things.answer(queue);
  }

  private static boolean maySee(Caller caller, String queue) {
    return !(caller instanceof Caller.Known(Client client, _)) || client.settings().mayUse(queue);
  }

  @Override
  public ConfigStore.Kind stored() {
    return ConfigStore.Kind.QUEUE;
  }

  @Override
  public Problem notFound(String name) {
    return Missing.queue(name);
  }

  @Override
  public boolean isBuiltIn(String name) {
    return QueueSettings.BUILT_IN.containsKey(name);
  }

  @Override
  public QueueSettings read(String name, Fields fields) {
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
    return things.delete(
        call, call.param(0), faults, (name, expected) -> delete(name, force, expected));
  }

  @Override
  public Optional<Problem> delete(String name, Expected expected) throws ChangedMeanwhile {
    return delete(name, false, expected);
  }

  private Optional<Problem> delete(String name, boolean force, Expected expected)
      throws ChangedMeanwhile {
    return switch (queues.delete(name, force, expected)) {
      case DONE -> Optional.empty();
      case NOT_FOUND -> Optional.of(notFound(name));
      case NOT_EMPTY -> Optional.of(Problem.queueNotEmpty(name));
    };
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
            .orElseThrow(() -> new Refusal(Missing.queue(name)));
    audit.tell(call, "dead tasks replayed", "queue", name, "replayed", Long.toString(replayed));
    Queue queue = things.existing(name);
    return Answer.ok(
        JsonOut.object(out -> {
          show(out, queue);
          out.number("replayed", replayed);
        }));
  }

  private Answer deadSummary(Call call) {
    DeadSummary summary =
        queues
            .deadSummary(call.param(0))
            .orElseThrow(() -> new Refusal(Missing.queue(call.param(0))));
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
      throw new Refusal(Missing.queue(call.param(0)));
    }
    audit.tell(call, "dead tasks dropped", "queue", call.param(0));
    return Answer.noContent();
  }

  private Answer changed(Call call, String what, Predicate<String> move) {
    call.noFields();
    if (!move.test(call.param(0))) {
      throw new Refusal(Missing.queue(call.param(0)));
    }
    audit.tell(call, what, "queue", call.param(0));
    return Answer.ok(things.json(things.existing(call.param(0))));
  }

  @Override
  public void write(JsonOut out, QueueSettings settings) throws IOException {
    write(out, settings, settings.maxBurst());
  }

  private static void write(JsonOut out, QueueSettings settings, @Nullable Integer burst)
      throws IOException {
    out.number("weight", settings.weight());
    writeFurther(out, settings, burst);
  }

  /** All settings except the weight. */
  private static void writeFurther(JsonOut out, QueueSettings settings, @Nullable Integer burst)
      throws IOException {
    out.number("max_dispatches_per_sec", settings.maxDispatchesPerSec());
    out.number("max_burst", burst);
    out.number("max_concurrent", settings.maxConcurrent());
    RetryFields.write(out, settings.retry());
    out.seconds("timeout_sec", settings.timeout());
    out.seconds("dead_retention_sec", settings.deadRetention());
    out.number("dead_max", settings.deadMax());
    out.number("dead_max_bytes", settings.deadMaxBytes());
    out.number("done_max", settings.doneMax());
  }

  /** The burst in force. */
  private static @Nullable Integer burst(QueueSettings settings) {
    return settings.maxBurst() == null && settings.maxDispatchesPerSec() != null
        ? (Integer) QueueSettings.defaultBurst(settings.maxDispatchesPerSec())
        : settings.maxBurst();
  }

  @Override
  public void writeTag(JsonOut out, Queue queue) throws IOException {
    out.text("name", queue.name());
    write(out, queue.settings(), burst(queue.settings()));
  }

  @Override
  public void show(JsonOut out, Queue queue) throws IOException {
    out.text("name", queue.name());
    out.number("weight", queue.settings().weight());
    out.flag("paused", queue.paused());
    writeFurther(out, queue.settings(), burst(queue.settings()));
    out.object("stats", stats -> stats(stats, queue.stats()));
  }

  /** The number of tasks by state. */
  static void stats(JsonOut out, Queue.Stats stats) throws IOException {
    out.number("scheduled", stats.scheduled());
    out.number("ready", stats.ready());
    out.number("active", stats.active());
    out.number("retry", stats.retry());
    out.number("dead", stats.dead());
    out.number("succeeded", stats.succeeded());
    out.number("cancelled", stats.cancelled());
    out.number("oldest_ready_age_sec", (Double) stats.oldestReadyAgeSec());
  }

  @Override
  public State<QueueSettings> state(Queue queue) {
    Queue.Stats stats = queue.stats();
    long unfinished = stats.scheduled() + stats.ready() + stats.active() + stats.retry();
    boolean isEmpty = unfinished + stats.dead() == 0;
    return new State<>(queue.name(), queue.settings(), queue.revision(), isEmpty);
  }

  @Override
  public Optional<Queue> find(String name) {
    return queues.get(name);
  }

  /** Without those of Cloud Tasks. */
  @Override
  public Page<Queue> page(int most, @Nullable String cursor) {
    List<Queue> own = queues.list().stream().filter(queue -> isName(queue.name())).toList();
    return page(own, most, cursor);
  }

  @Override
  public Put put(String name, QueueSettings settings, Expected expected) throws ChangedMeanwhile {
    return Put.of(queues.put(name, settings, expected));
  }
}
