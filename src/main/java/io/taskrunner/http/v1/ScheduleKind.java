package io.taskrunner.http.v1;

import io.taskrunner.http.call.ConfigKind;
import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.schedule.Cron;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.schedule.Schedule.Settings;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.ClientStore.Standing;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.ConfigStore.Thing;
import io.taskrunner.store.Expected;
import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.task.Callback;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetRequest.Header;
import io.taskrunner.task.Task.TaskSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Schedules in the document of the whole configuration. Likely secrets of their tasks are masked in
 * it, as wherever a task is shown; see {@link Unmasking}.
 */
final class ScheduleKind implements ConfigKind {

  private final ScheduleStore schedules;
  private final Function<Fields, @Nullable Settings> reader;
  private final ClientStore clients;
  private final boolean open;

  /**
   * Over stores.
   *
   * @param reader of the fields of a schedule
   * @param open whether a client that nobody set up may have schedules
   */
  ScheduleKind(
      ScheduleStore schedules,
      Function<Fields, @Nullable Settings> reader,
      ClientStore clients,
      boolean open) {
    this.schedules = schedules;
    this.reader = reader;
    this.clients = clients;
    this.open = open;
  }

  @Override
  public String section() {
    return "schedules";
  }

  @Override
  public Page items(int most, @Nullable String cursor) throws BadCursor {
    ScheduleStore.Page page = schedules.list(most, cursor);
    if (!page.unavailable().isEmpty()) {
      throw new StoreUnavailable("some schedules cannot be read now", null);
    }
    SortedMap<String, Item> items = new TreeMap<>();
    for (Schedule schedule : page.schedules()) {
      Settings settings = schedule.settings();
      items.put(
          schedule.name(),
          new Item(
              out -> write(out, settings, false),
              schedule.revision(),
              true,
              out -> write(out, settings, true)));
    }
    return new Page(items, page.nextCursor());
  }

  @Override
  public @Nullable Wanted read(String name, Fields entry) {
    int faults = entry.faults().list().size();
    if (!Schedule.NAME.matcher(name).matches()) {
      entry.wrongName("1 to 64 of A-Z a-z 0-9 _ -");
    }
    Settings read = reader.apply(entry);
    if (read == null || entry.faults().list().size() > faults) {
      return null;
    }
    Optional<Settings> whole = Unmasking.of(read, schedules.get(name).map(Schedule::settings));
    if (whole.isEmpty()) {
      entry.fault("task", Unmasking.REFUSAL);
      return null;
    }
    return new WantedSchedule(name, whole.get());
  }

  /** A schedule as a document wants it. */
  private final class WantedSchedule implements Wanted {
    private final String name;
    private final Settings settings;

    private WantedSchedule(String name, Settings settings) {
      this.name = name;
      this.settings = settings;
    }

    @Override
    public JsonOut.Members settings() {
      return out -> write(out, settings, false);
    }

    @Override
    public JsonOut.Members exact() {
      return out -> write(out, settings, true);
    }

    @Override
    public List<String> warnings() {
      return Schedules.warnings(settings);
    }

    @Override
    public void check(Map<String, Set<String>> names, Fields entry) {
      if (!names.getOrDefault("queues", Set.of()).contains(settings.queue())) {
        entry.fault("queue", settings.queue(), "a queue that there is then");
      }
      String client = settings.clientId();
      if (!open
          && !names.getOrDefault("clients", Set.of()).contains(client)
          && clients.standing(client) == Standing.UNKNOWN) {
        entry.fault("client_id", client, "a client that there is then");
      }
    }

    @Override
    public void apply(Expected expected) throws ChangedMeanwhile {
      schedules.put(name, settings, expected);
    }
  }

  @Override
  public Thing thing(String name) {
    return new Thing(ConfigStore.Kind.SCHEDULE, name);
  }

  @Override
  public boolean isBuiltIn(String name) {
    return false;
  }

  @Override
  public boolean delete(String name, Expected expected) throws ChangedMeanwhile {
    schedules.delete(name, expected);
    return true;
  }

  /**
   * What is set, in the form in which it is given.
   *
   * @param exact whether likely secrets are shown
   */
  static void write(JsonOut out, Settings settings, boolean exact) throws IOException {
    TaskSpec spec = settings.spec();
    out.text("client_id", settings.clientId());
    out.text("queue", settings.queue());
    rhythm(out, settings.rhythm());
    out.flag("paused", settings.paused());
    out.text("overlap", settings.overlap().word());
    out.text("catch_up", settings.catchUp().word());
    out.number("jitter_sec", (Double) (settings.jitter().toMillis() / 1000.0));
    out.object("task", task -> request(task, spec.request(), exact));
    if (!spec.retry().equals(Retry.UNSET)) {
      RetryFields.write(out, spec.retry());
    }
    if (spec.timeout() != null) {
      out.number("timeout_sec", (Double) (spec.timeout().toMillis() / 1000.0));
    }
    out.number("retention_sec", (Double) (spec.retention().toMillis() / 1000.0));
    if (!spec.labels().isEmpty()) {
      TaskJson.labels(out, spec.labels());
    }
    Callback callback = spec.callback();
    if (callback != null) {
      out.object("callback", told -> callback(told, callback, exact));
    }
  }

  /** When its ticks are, in the form in which it is given. */
  static void rhythm(JsonOut out, Rhythm rhythm) throws IOException {
    switch (rhythm) {
      case Rhythm.Every(Duration interval) -> out.number("interval_sec", interval.toSeconds());
      case Rhythm.ByCron(Cron cron, ZoneId zone) -> {
        out.text("cron", cron.toString());
        out.text("time_zone", zone.equals(ZoneOffset.UTC) ? "UTC" : zone.getId());
      }
    }
  }

  private static void callback(JsonOut out, Callback callback, boolean exact) throws IOException {
    String url = callback.url().value();
    out.text("url", exact ? url : Masking.url(url));
    headers(out, callback.headers(), exact);
    out.texts("on", callback.ends().stream().map(Callback.End::word).sorted().toList());
  }

  private static void headers(JsonOut out, List<Header> all, boolean exact) throws IOException {
    if (!all.isEmpty()) {
      out.object(
          "headers",
          headers -> {
            for (Header header : all) {
              headers.text(
                  header.name(),
                  exact ? header.value() : Masking.header(header.name(), header.value()));
            }
          });
    }
  }

  private static void request(JsonOut out, TargetRequest request, boolean exact)
      throws IOException {
    String url = request.url().value();
    out.text("url", exact ? url : Masking.url(url));
    out.text("method", request.method());
    headers(out, request.headers(), exact);
    if (request.body().length > 0 && request.text()) {
      out.text("body", new String(request.body(), StandardCharsets.UTF_8));
    } else if (request.body().length > 0) {
      out.text("body_base64", Base64.getEncoder().encodeToString(request.body()));
    }
  }
}
