package io.taskrunner.http.v1;

import com.linecorp.armeria.common.HttpMethod;
import io.taskrunner.http.call.Access;
import io.taskrunner.http.call.Answer;
import io.taskrunner.http.call.Audit;
import io.taskrunner.http.call.Call;
import io.taskrunner.http.call.Faults;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Kind;
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.http.call.Route;
import io.taskrunner.http.call.Things;
import io.taskrunner.http.call.Times;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.schedule.Schedule.Settings;
import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.ScheduleStore.Page;
import io.taskrunner.store.ScheduleStore.Ran;
import io.taskrunner.store.Stores;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** The calls under {@code /v1/schedules}, only for the admin. */
public final class Schedules {

  private static final int PREVIEW = 5;

  private static final int PREVIEW_MAX = 100;

  private static final int LIMIT = 50;

  private static final int LIMIT_MAX = 1000;

  private final ScheduleStore schedules;
  private final TaskStore tasks;
  private final Audit audit;
  private final int maxRetry;
  private final ScheduleKind kind;
  private final Things<Schedule, Settings> things;

  /**
   * Over the stores; logs changes.
   *
   * @param open whether auto-registered clients may have schedules
   * @param retention of tasks whose schedule sets none
   * @param maxRetry default number of retries, which is shown
   */
  public Schedules(Stores stores, boolean open, Duration retention, int maxRetry, Audit audit) {
    this.maxRetry = maxRetry;
    this.schedules = stores.schedules();
    this.tasks = stores.tasks();
    this.audit = audit;
    this.kind = new ScheduleKind(stores, open, retention);
    this.things = new Things<>(kind, audit);
  }

  /** The routes. */
  public List<Route> routes() {
    String one = "/v1/schedules/{name}";
    return List.of(
        Route.of(HttpMethod.GET, "/v1/schedules", Access.ADMIN, this::list)
            .taking("limit", "cursor"),
        Route.of(
            HttpMethod.POST,
            "/v1/schedules/preview",
            Access.READ,
            Route.Body.REQUIRED,
            this::preview),
        Route.of(HttpMethod.GET, one, Access.ADMIN, things::get),
        Route.of(HttpMethod.PUT, one, Access.ADMIN, Route.Body.REQUIRED, things::put),
        Route.of(HttpMethod.DELETE, one, Access.ADMIN, things::delete),
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
                    items.item(item -> ScheduleFields.show(item, schedule));
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

  /** Schedules in the document of the entire configuration. */
  public Kind<Schedule, Settings> kind() {
    return kind;
  }

  /** The next ticks of a rhythm that no schedule has yet. */
  private Answer preview(Call call) {
    Faults faults = new Faults();
    Fields fields = call.fields(faults);
    fields.nullIsAbsent("cron", "interval_sec", "time_zone", "count");
    Rhythm rhythm = ScheduleFields.rhythm(fields);
    Integer count = fields.integer("count", 1, PREVIEW_MAX);
    fields.done();
    faults.raise();
    if (rhythm == null) {
      throw new IllegalStateException("no rhythm and no error");
    }
    List<Instant> ticks = new ArrayList<>();
    Instant tick = tasks.now();
    for (int i = 0; i < (count == null ? PREVIEW : count); i++) {
      tick = rhythm.next(tick);
      ticks.add(tick);
    }
    return Answer.ok(
        JsonOut.object(out -> {
          out.texts("next_times", ticks.stream().map(Times::text).toList());
          out.texts("warnings", ScheduleFields.warnings(rhythm));
        }));
  }

  private Answer run(Call call) {
    call.noFields();
    return switch (schedules.run(call.param(0))) {
      case Ran.Done done -> {
        audit.tell(
            call, "schedule run", "schedule", call.param(0), "task_id", done.id().toString());
        Task task = tasks.get(done.id()).orElseGet(() -> asMade(done));
        yield Answer.ok(JsonOut.object(out -> TaskJson.write(out, task, maxRetry)));
      }
      case Ran.NotFound _ -> throw new Refusal(Missing.schedule(call.param(0)));
      case Ran.Full _ -> throw new Refusal(Problem.storeFull());
      case Ran.Failed(Schedule.Result why, Schedule schedule) ->
          throw new Refusal(problem(why, schedule.settings()));
    };
  }

  /** A task with a retention of 0 may be over and deleted by now. */
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
        done.at(),
        List.of(),
        Optional.empty(),
        OptionalInt.empty(),
        0,
        Optional.empty(),
        settings.spec().retry());
  }

  private static Problem problem(Schedule.Result why, Settings settings) {
    return switch (why) {
      case QUEUE_NOT_FOUND -> Missing.queue(settings.queue());
      case QUEUE_NOT_ALLOWED -> Problem.queueNotAllowed(settings.clientId(), settings.queue());
      case CLIENT_DISABLED -> Problem.clientDisabled(settings.clientId());
      case CLIENT_UNKNOWN -> Missing.client(settings.clientId());
      case STARTED, ASKED, OVERLAPPED, MISSED ->
          throw new IllegalStateException("a requested run ended with " + why);
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
            .orElseThrow(() -> new Refusal(Missing.schedule(call.param(0))));
    audit.tell(call, paused ? "schedule paused" : "schedule resumed", "schedule", schedule.name());
    return Answer.ok(things.json(schedule));
  }
}
