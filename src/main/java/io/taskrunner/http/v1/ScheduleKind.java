package io.taskrunner.http.v1;

import io.taskrunner.http.call.Fields;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.http.call.Kind;
import io.taskrunner.http.call.Missing;
import io.taskrunner.http.call.Problem;
import io.taskrunner.http.call.Refusal;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.schedule.Schedule.Settings;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.ClientStore.Standing;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.Expected;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.Stores;
import io.taskrunner.store.TaskStore.BadCursor;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Schedules, as things that admins set. Likely secrets of their tasks are masked, as wherever a
 * task is shown, and may be sent back masked; see {@link Unmasking}.
 */
final class ScheduleKind implements Kind<Schedule, Settings> {

  private final ScheduleStore schedules;
  private final QueueStore queues;
  private final ClientStore clients;
  private final boolean open;
  private final Duration retention;

  /**
   * Over the stores.
   *
   * @param open whether auto-registered clients may have schedules
   * @param retention of tasks whose schedule sets none
   */
  ScheduleKind(Stores stores, boolean open, Duration retention) {
    this.schedules = stores.schedules();
    this.queues = stores.queues();
    this.clients = stores.clients();
    this.open = open;
    this.retention = retention;
  }

  @Override
  public ConfigStore.Kind stored() {
    return ConfigStore.Kind.SCHEDULE;
  }

  @Override
  public Problem notFound(String name) {
    return Missing.schedule(name);
  }

  @Override
  public @Nullable Settings read(String name, Fields fields) {
    int faults = fields.faults().count();
    Settings read = ScheduleFields.read(fields, retention);
    if (read == null || fields.faults().count() > faults) {
      return null;
    }
    Optional<Settings> whole = Unmasking.of(read, schedules.get(name).map(Schedule::settings));
    if (whole.isEmpty()) {
      fields.fault("task", Unmasking.REFUSAL);
    }
    return whole.orElse(null);
  }

  @Override
  public void write(JsonOut out, Settings settings) throws IOException {
    ScheduleFields.write(out, settings, false);
  }

  @Override
  public void writeExact(JsonOut out, Settings settings) throws IOException {
    ScheduleFields.write(out, settings, true);
  }

  @Override
  public void show(JsonOut out, Schedule schedule) throws IOException {
    ScheduleFields.show(out, schedule);
  }

  @Override
  public State<Settings> state(Schedule schedule) {
    return new State<>(schedule.name(), schedule.settings(), schedule.revision());
  }

  @Override
  public Optional<Schedule> find(String name) {
    return schedules.get(name);
  }

  @Override
  public Page<Schedule> page(int most, @Nullable String cursor) throws BadCursor {
    ScheduleStore.Page page = schedules.list(most, cursor);
    if (!page.unavailable().isEmpty()) {
      throw new StoreUnavailable(
          "some schedules cannot be read now; their shards do not answer", null);
    }
    return new Page<>(page.schedules(), page.nextCursor());
  }

  @Override
  public Put put(String name, Settings settings, Expected expected) throws ChangedMeanwhile {
    return Put.of(schedules.put(name, settings, expected));
  }

  @Override
  public Optional<Problem> delete(String name, Expected expected) throws ChangedMeanwhile {
    return schedules.delete(name, expected) ? Optional.empty() : Optional.of(notFound(name));
  }

  @Override
  public void check(String name, Settings settings) {
    if (!mayHaveSchedules(settings.clientId())) {
      throw new Refusal(Missing.client(settings.clientId()));
    }
    if (queues.get(settings.queue()).isEmpty()) {
      throw new Refusal(Missing.queue(settings.queue()));
    }
  }

  @Override
  public void check(String name, Settings settings, Map<String, Set<String>> names, Fields entry) {
    if (!names.getOrDefault("queues", Set.of()).contains(settings.queue())) {
      entry.fault("queue", settings.queue(), "a queue that exists or is in the document");
    }
    String client = settings.clientId();
    if (!names.getOrDefault("clients", Set.of()).contains(client) && !mayHaveSchedules(client)) {
      entry.fault("client_id", client, "a client that exists or is in the document");
    }
  }

  @Override
  public List<String> warnings(Settings settings) {
    return ScheduleFields.warnings(settings);
  }

  private boolean mayHaveSchedules(String clientId) {
    return open || clients.standing(clientId) != Standing.UNKNOWN;
  }
}
