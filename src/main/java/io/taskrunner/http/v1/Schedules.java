package io.taskrunner.http.v1;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
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
import io.taskrunner.http.call.Times;
import io.taskrunner.schedule.CatchUp;
import io.taskrunner.schedule.Cron;
import io.taskrunner.schedule.Cron.BadCron;
import io.taskrunner.schedule.Jitter;
import io.taskrunner.schedule.Overlap;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.schedule.Schedule.Run;
import io.taskrunner.schedule.Schedule.Settings;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.ClientStore.Standing;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.ScheduleStore.Page;
import io.taskrunner.store.ScheduleStore.Ran;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.task.Task;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** The calls under {@code /v1/schedules}, which are the admin's. */
public final class Schedules {

  private static final String NAME_FORM = "1 to 64 of A-Z a-z 0-9 _ -";

  private static final int LIMIT = 50;

  private static final int LIMIT_MAX = 1000;

  private static final long INTERVAL_MAX_SECONDS = 366L * 86_400;

  private static final int NEXT_TIMES = 5;

  /** What an enqueue may say, and the task of a schedule may not. */
  private static final List<String> NOT_OF_A_SCHEDULE =
      List.of("delay", "schedule_time", "expires_time", "idempotency_key", "rate_limit");

  private final ScheduleStore schedules;
  private final TaskStore tasks;
  private final QueueStore queues;
  private final ClientStore clients;
  private final boolean open;
  private final Duration retention;
  private final Audit audit;

  /**
   * Over stores; changes are told to the log.
   *
   * @param open whether a client that nobody set up may have schedules
   * @param retention of tasks whose schedule does not say
   */
  public Schedules(
      ScheduleStore schedules,
      TaskStore tasks,
      QueueStore queues,
      ClientStore clients,
      boolean open,
      Duration retention,
      Audit audit) {
    this.schedules = schedules;
    this.tasks = tasks;
    this.queues = queues;
    this.clients = clients;
    this.open = open;
    this.retention = retention;
    this.audit = audit;
  }

  /** The routes. */
  public List<Route> routes() {
    String one = "/v1/schedules/{name}";
    return List.of(
        Route.of(HttpMethod.GET, "/v1/schedules", Access.ADMIN, this::list)
            .taking("limit", "cursor"),
        Route.of(HttpMethod.GET, one, Access.ADMIN, this::get),
        Route.of(HttpMethod.PUT, one, Access.ADMIN, Route.Body.REQUIRED, this::put),
        Route.of(HttpMethod.DELETE, one, Access.ADMIN, this::delete),
        Route.of(HttpMethod.POST, one + "/run", Access.ADMIN, Route.Body.OPTIONAL, this::run),
        Route.of(HttpMethod.POST, one + "/pause", Access.ADMIN, Route.Body.OPTIONAL, this::pause),
        Route.of(
            HttpMethod.POST, one + "/resume", Access.ADMIN, Route.Body.OPTIONAL, this::resume));
  }

  private Answer list(Call call) {
    Faults faults = new Faults();
    Call.Query query = call.query(faults);
    int limit = query.integer("limit", LIMIT, 1, LIMIT_MAX);
    String cursor = query.cursor();
    faults.raise();
    try {
      Page page = schedules.list(limit, cursor);
      return Answer.ok(
          JsonOut.object(out -> {
            out.array(
                "schedules",
                items -> {
                  for (Schedule schedule : page.schedules()) {
                    items.item(item -> write(item, schedule));
                  }
                });
            out.texts("unavailable", page.unavailable());
            out.number("count", page.count());
            out.text("next_cursor", query.nextCursor(page.nextCursor()));
          }));
    } catch (BadCursor badCursor) {
      throw query.badCursor();
    }
  }

  private Answer get(Call call) {
    Schedule schedule = existing(call.param(0));
    return Answer.ok(json(schedule)).tagged(current(schedule));
  }

  /** As {@code ETag} and {@code If-Match} see it: its name and settings, not what it did. */
  private static Precondition.Current current(Schedule schedule) {
    return Precondition.Current.of(
        schedule.revision(),
        JsonOut.object(out -> {
          out.text("name", schedule.name());
          ScheduleKind.write(out, schedule.settings(), false);
        }));
  }

  /** Schedules in the document of the whole configuration. */
  public ConfigKind kind() {
    return new ScheduleKind(schedules, this::settings, clients, open);
  }

  private Answer put(Call call) {
    Faults faults = new Faults();
    String name = call.param(0);
    if (!Schedule.NAME.matcher(name).matches()) {
      faults.add(Fault.parameter("name", "name: \"" + name + "\" (expected: " + NAME_FORM + ")"));
    }
    Settings settings = whole(name, settings(call.fields(faults)), faults);
    Precondition precondition = Precondition.of(call.headers(), faults);
    faults.raise();
    if (settings == null) {
      throw new IllegalStateException("no settings, and no fault");
    }
    if (!open && clients.standing(settings.clientId()) == Standing.UNKNOWN) {
      throw new Refusal(Problem.clientNotFound());
    }
    if (queues.get(settings.queue()).isEmpty()) {
      throw new Refusal(Problem.queueNotFound());
    }
    Optional<Changes.Version> before =
        schedules.get(name).map(schedule -> version(schedule.settings()));
    boolean made =
        precondition.change(
            () -> schedules.get(name).map(Schedules::current),
            expected -> schedules.put(name, settings, expected));
    audit.tell(
        call,
        made ? "schedule made" : "schedule changed",
        "schedule",
        name,
        Changes.between(before, version(settings)));
    Schedule schedule = existing(name);
    Answer answer = made ? Answer.created(json(schedule)) : Answer.ok(json(schedule));
    return answer.tagged(current(schedule));
  }

  private static Changes.Version version(Settings settings) {
    return new Changes.Version(
        out -> ScheduleKind.write(out, settings, false),
        out -> ScheduleKind.write(out, settings, true));
  }

  /** What was read here is masked, and may be given back so. */
  private @Nullable Settings whole(String name, @Nullable Settings read, Faults faults) {
    if (read == null || !faults.isEmpty()) {
      return read;
    }
    Optional<Settings> whole = Unmasking.of(read, schedules.get(name).map(Schedule::settings));
    if (whole.isEmpty()) {
      faults.add(Fault.body("/task", "task: " + Unmasking.REFUSAL));
    }
    return whole.orElse(read);
  }

  private @Nullable Settings settings(Fields fields) {
    fields.nullIsAbsent("cron", "interval_sec", "time_zone", "retry", "timeout_sec", "jitter_sec");
    final Rhythm rhythm = rhythm(fields);
    final Overlap overlap = choice(fields, "overlap", Overlap.values(), Overlap.ALLOW);
    final CatchUp catchUp = choice(fields, "catch_up", CatchUp.values(), CatchUp.NONE);
    final Duration jitter = fields.seconds("jitter_sec", false, Jitter.LIMIT.toSeconds());
    final Boolean paused = fields.flag("paused");
    for (String other : NOT_OF_A_SCHEDULE) {
      if (fields.has(other)) {
        fields.fault(other, "not for the task of a schedule");
      }
    }
    Enqueue task =
        EnqueueFields.read(
            fields,
            new EnqueueFields.Around(Enqueue.Proof.ADMIN, null, null, null, null, null, retention));
    if (task == null || rhythm == null) {
      return null;
    }
    return new Settings(
        task.clientId(),
        task.queue(),
        rhythm,
        overlap,
        catchUp,
        jitter == null ? Duration.ZERO : jitter,
        paused != null && paused,
        task.spec());
  }

  private static @Nullable Rhythm rhythm(Fields fields) {
    boolean both = fields.has("cron") && fields.has("interval_sec");
    boolean neither = !fields.has("cron") && !fields.has("interval_sec");
    final Integer interval = fields.integer("interval_sec", 1, (int) INTERVAL_MAX_SECONDS);
    final boolean zoneGiven = fields.has("time_zone");
    final ZoneId zone = zone(fields);
    final String expression = fields.text("cron");
    if (both) {
      fields.fault("interval_sec", "given together with cron (expected: one of them)");
    } else if (neither) {
      fields.missing("cron", "an expression such as */5 * * * *, or else interval_sec");
    } else if (interval != null && zoneGiven) {
      fields.fault("time_zone", "given together with interval_sec, which no clock bears on");
    }
    if (interval != null) {
      return new Rhythm.Every(Duration.ofSeconds(interval));
    }
    if (expression == null) {
      return null;
    }
    try {
      return new Rhythm.ByCron(Cron.parse(expression), zone);
    } catch (BadCron bad) {
      fields.fault("cron", String.valueOf(bad.getMessage()));
      return null;
    }
  }

  private static ZoneId zone(Fields fields) {
    String name = fields.text("time_zone");
    if (name == null) {
      return ZoneOffset.UTC;
    }
    try {
      return ZoneId.of(name);
    } catch (DateTimeException unknown) {
      fields.fault(
          "time_zone", name, "a time zone of IANA by its place, such as Europe/Berlin, or UTC");
      return ZoneOffset.UTC;
    }
  }

  private static <E extends Enum<E>> E choice(Fields fields, String name, E[] all, E otherwise) {
    String given = fields.text(name);
    if (given == null) {
      return otherwise;
    }
    List<String> words =
        Arrays.stream(all).map(one -> one.name().toLowerCase(Locale.ROOT)).toList();
    int at = words.indexOf(given);
    if (at < 0) {
      fields.fault(name, given, "one of " + String.join(" ", words));
      return otherwise;
    }
    return all[at];
  }

  private Answer delete(Call call) {
    Faults faults = new Faults();
    Precondition precondition = Precondition.of(call.headers(), faults);
    faults.raise();
    String name = existing(call.param(0)).name();
    if (!precondition.change(
        () -> schedules.get(name).map(Schedules::current),
        expected -> schedules.delete(name, expected))) {
      throw new Refusal(Problem.scheduleNotFound());
    }
    audit.tell(call, "schedule deleted", "schedule", call.param(0));
    return Answer.noContent();
  }

  private Answer run(Call call) {
    call.noFields();
    return switch (schedules.run(call.param(0))) {
      case Ran.Done done -> {
        audit.tell(
            call, "schedule run", "schedule", call.param(0), "task_id", done.id().toString());
        Task task = tasks.get(done.id()).orElseGet(() -> asMade(done));
        yield Answer.ok(JsonOut.object(out -> TaskJson.write(out, task)));
      }
      case Ran.NotFound _ -> throw new Refusal(Problem.scheduleNotFound());
      case Ran.Full _ -> throw new Refusal(Problem.storeFull());
      case Ran.Failed(Schedule.Result why) -> throw new Refusal(problem(why));
    };
  }

  /** A task that keeps nothing may be over, and gone, by now. */
  private static Task asMade(Ran.Done done) {
    Settings settings = done.schedule().settings();
    return new Task(
        done.id(),
        settings.clientId(),
        settings.queue(),
        TaskState.READY,
        settings.spec(),
        false,
        done.at(),
        done.at(),
        List.of(),
        Optional.empty(),
        OptionalInt.empty());
  }

  private static Problem problem(Schedule.Result why) {
    return switch (why) {
      case QUEUE_NOT_FOUND -> Problem.queueNotFound();
      case QUEUE_NOT_ALLOWED -> Problem.queueNotAllowed();
      case CLIENT_DISABLED -> Problem.clientDisabled();
      case CLIENT_UNKNOWN -> Problem.clientNotFound();
      case STARTED, ASKED, OVERLAPPED, MISSED ->
          throw new IllegalStateException("a run that was asked for came to " + why);
    };
  }

  private Answer pause(Call call) {
    return pause(call, true);
  }

  private Answer resume(Call call) {
    return pause(call, false);
  }

  private Answer pause(Call call, boolean paused) {
    call.noFields();
    Schedule schedule =
        schedules
            .pause(call.param(0), paused)
            .orElseThrow(() -> new Refusal(Problem.scheduleNotFound()));
    audit.tell(call, paused ? "schedule paused" : "schedule resumed", "schedule", schedule.name());
    return Answer.ok(json(schedule));
  }

  private Schedule existing(String name) {
    return schedules.get(name).orElseThrow(() -> new Refusal(Problem.scheduleNotFound()));
  }

  private static byte[] json(Schedule schedule) {
    return JsonOut.object(out -> write(out, schedule));
  }

  private static void write(JsonOut out, Schedule schedule) throws IOException {
    Settings settings = schedule.settings();
    TaskSpec spec = settings.spec();
    out.text("name", schedule.name());
    out.text("client_id", settings.clientId());
    out.text("queue", settings.queue());
    ScheduleKind.rhythm(out, settings.rhythm());
    out.object("task", task -> TaskJson.request(task, spec.request(), false));
    RetryFields.write(out, spec.retry());
    Duration timeout = spec.timeout();
    out.number("timeout_sec", timeout == null ? null : (Double) (timeout.toMillis() / 1000.0));
    out.number("retention_sec", spec.retention().toSeconds());
    TaskJson.labels(out, spec.labels());
    TaskJson.callback(out, spec.callback());
    out.flag("paused", settings.paused());
    out.text("overlap", settings.overlap().word());
    out.text("catch_up", settings.catchUp().word());
    out.number("jitter_sec", (Double) (settings.jitter().toMillis() / 1000.0));
    List<Instant> next = schedule.nextTimes(NEXT_TIMES);
    time(out, "next_time", next.stream().findFirst());
    out.texts("next_times", next.stream().map(Times::text).toList());
    out.text("last_task_id", schedule.lastTask().map(TaskId::toString).orElse(null));
    time(out, "last_time", schedule.lastTick());
    out.number("missed", schedule.missed());
    out.array(
        "runs",
        runs -> {
          for (Run run : schedule.runs()) {
            runs.item(item -> {
              item.time("time", run.tick());
              item.text("result", run.result().word());
              item.text("task_id", run.task().map(TaskId::toString).orElse(null));
            });
          }
        });
    List<String> warnings = warnings(settings);
    if (!warnings.isEmpty()) {
      out.texts("warnings", warnings);
    }
    out.time("created_time", schedule.created());
    out.time("updated_time", schedule.updated());
  }

  /** Sentences on what in the settings is likely not as their author meant it. */
  static List<String> warnings(Settings settings) {
    return settings.rhythm() instanceof Rhythm.ByCron(Cron cron, _) ? cron.warnings() : List.of();
  }

  private static void time(JsonOut out, String name, Optional<Instant> time) throws IOException {
    if (time.isPresent()) {
      out.time(name, time.get());
    } else {
      out.text(name, null);
    }
  }
}
