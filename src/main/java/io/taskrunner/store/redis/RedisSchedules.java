package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.taskrunner.schedule.Jitter;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.schedule.Schedule.Result;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.Expected;
import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.redis.ScheduleIndex.Entry;
import io.taskrunner.store.redis.link.Answers;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.record.ScheduleFields;
import io.taskrunner.store.redis.record.SeriesRecord.Event;
import io.taskrunner.store.redis.record.TaskIds;
import io.taskrunner.store.redis.record.TickCall;
import io.taskrunner.task.TaskId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Schedules. Each is stored in the home shard of its client, where its tasks are, so that one
 * script creates the task of a tick and advances to the next; the configuration maps each to its
 * client: see {@link ScheduleIndex}. Java computes the next tick: so a process that finds a
 * schedule due passes the tick that it expects, and the script rejects the second process.
 */
final class RedisSchedules implements ScheduleStore {

  /** Schedules that are read at the same time. */
  private static final int CHUNK = 250;

  /** A page ends after this many bytes of bodies. */
  private static final long PAGE_BYTES = 4_000_000;

  private final Shards shards;
  private final ScheduleIndex index;
  private final QueueNames names;
  private final StoreOptions options;
  private final Revisions revisions;
  private final SeriesCounts counts;

  RedisSchedules(
      Shards shards,
      ScheduleIndex index,
      QueueNames names,
      StoreOptions options,
      Revisions revisions,
      SeriesCounts counts) {
    this.revisions = revisions;
    this.counts = counts;
    this.shards = shards;
    this.index = index;
    this.names = names;
    this.options = options;
  }

  // -- looking

  @Override
  public Page list(int limit, @Nullable String cursor) throws BadCursor {
    String after = cursor == null ? null : read(cursor);
    List<Schedule> found = new ArrayList<>();
    List<String> unavailable = new ArrayList<>();
    int taken = 0;
    long bytes = 0;
    boolean more = true;
    while (more && taken < limit && bytes < PAGE_BYTES) {
      int most = Math.min(CHUNK, limit - taken);
      List<Entry> entries = index.page(after, most + 1);
      more = entries.size() > most;
      Chunk chunk = read(entries.subList(0, Math.min(most, entries.size())));
      found.addAll(chunk.schedules());
      unavailable.addAll(chunk.unavailable());
      bytes += chunk.bytes();
      taken += chunk.looked();
      if (chunk.looked() > 0) {
        after = entries.get(chunk.looked() - 1).name();
      }
      more |= chunk.looked() < entries.size();
    }
    return new Page(found, unavailable, index.count(), more && after != null ? text(after) : null);
  }

  /**
   * A run of consecutive schedules.
   *
   * @param looked the number of entries covered
   */
  private record Chunk(
      List<Schedule> schedules, List<String> unavailable, int looked, long bytes) {}

  /** Asks all shards of these at once; each examines as many as the budget of its script allows. */
  private Chunk read(List<Entry> entries) {
    Map<Shard, List<String>> names = new LinkedHashMap<>();
    for (Entry entry : entries) {
      names.computeIfAbsent(shards.of(entry.client()), _ -> new ArrayList<>()).add(entry.name());
    }
    Map<Shard, Optional<Looked>> answers =
        Shards.eachReached(
            names.keySet(), shard -> look(shard, names.getOrDefault(shard, List.of())));
    List<Schedule> found = new ArrayList<>();
    List<String> unavailable = new ArrayList<>();
    int looked = 0;
    for (Entry entry : entries) {
      Optional<Looked> answer = answers.getOrDefault(shards.of(entry.client()), Optional.empty());
      if (answer.isEmpty()) {
        unavailable.add(entry.name());
      } else if (answer.get().names().contains(entry.name())) {
        Optional.ofNullable(answer.get().schedules().get(entry.name())).ifPresent(found::add);
      } else {
        break;
      }
      looked++;
    }
    long bytes = answers.values().stream().flatMap(Optional::stream).mapToLong(Looked::bytes).sum();
    return new Chunk(found, unavailable, looked, bytes);
  }

  /** A shard's reply about the first of some names. */
  private record Looked(Set<String> names, Map<String, Schedule> schedules, long bytes) {}

  private static Looked look(Shard shard, List<String> names) {
    Args args = new Args(names.size());
    names.forEach(args::add);
    Reply reply = shard.moves().run(Script.SCHEDULES, args);
    reply.number(); // the time
    int looked = reply.count();
    Map<String, Schedule> schedules = new HashMap<>();
    long bytes = 0;
    for (Schedule schedule : reply.rest(ScheduleFields::read)) {
      schedules.put(schedule.name(), schedule);
      bytes += schedule.settings().spec().request().body().length;
    }
    return new Looked(Set.copyOf(names.subList(0, looked)), schedules, bytes);
  }

  private static String text(String name) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(Keys.bytes(name));
  }

  private static String read(String cursor) throws BadCursor {
    try {
      String name = Keys.text(Base64.getUrlDecoder().decode(cursor));
      if (Schedule.NAME.matcher(name).matches()) {
        return name;
      }
    } catch (IllegalArgumentException notBase64) {
      // Handled below.
    }
    throw new BadCursor();
  }

  @Override
  public Optional<Schedule> get(String name) {
    return home(name).flatMap(home -> get(home, name));
  }

  static Optional<Schedule> get(Shard home, String name) {
    return Optional.ofNullable(look(home, List.of(name)).schedules().get(name));
  }

  /** The shard of a schedule. */
  private Optional<Shard> home(String name) {
    return index.client(name).map(shards::of);
  }

  // -- setting

  @Override
  public boolean put(String name, Schedule.Settings settings, Expected expected)
      throws ChangedMeanwhile {
    long revision = revisions.decide(field(name), expected, () -> seen(name));
    Shard home = shards.of(settings.clientId());
    Optional<Shard> before = home(name);
    if (before.isPresent() && !before.get().equals(home)) {
      before.get().moves().run(Script.DELETE_SCHEDULE, name);
    }
    index.put(name, settings.clientId());
    Instant from = after(before.flatMap(shard -> get(shard, name)), home);
    Optional<Instant> next =
        settings.paused() ? Optional.empty() : Optional.of(settings.rhythm().next(from));
    boolean made =
        home.moves()
                .run(
                    Script.PUT_SCHEDULE,
                    name,
                    ScheduleFields.times(
                        next, new Jitter(name, settings.jitter()), settings.rhythm()),
                    !settings.paused(),
                    ScheduleFields.write(settings).field("rev", revision))
                .number()
            == 1;
    return made && before.isEmpty();
  }

  /** Now, or after the last tick when Redis' clock was set back: no tick occurs twice. */
  private static Instant after(Optional<Schedule> schedule, Shard home) {
    Instant now = Instant.ofEpochMilli(home.moves().millis());
    return schedule.flatMap(Schedule::lastTick).filter(last -> last.isAfter(now)).orElse(now);
  }

  private static String field(String name) {
    return "schedule:" + name;
  }

  private OptionalLong seen(String name) {
    return get(name)
        .map(schedule -> OptionalLong.of(schedule.revision()))
        .orElseGet(OptionalLong::empty);
  }

  @Override
  public boolean delete(String name, Expected expected) throws ChangedMeanwhile {
    Optional<Shard> home = home(name);
    if (home.isEmpty()) {
      return false;
    }
    long revision = revisions.decide(field(name), expected, () -> seen(name));
    Reply reply = home.get().moves().run(Script.DELETE_SCHEDULE, name);
    index.remove(name);
    revisions.forget(field(name), revision);
    return reply.word(Done.class) == Done.DONE;
  }

  @Override
  public Optional<Schedule> pause(String name, boolean paused) {
    Optional<Shard> home = home(name);
    Optional<Schedule> schedule = home.isEmpty() ? Optional.empty() : get(name);
    if (schedule.isEmpty()) {
      return Optional.empty();
    }
    Rhythm rhythm = schedule.get().settings().rhythm();
    Instant from = after(schedule, home.get());
    Optional<Instant> next = paused ? Optional.empty() : Optional.of(rhythm.next(from));
    home.get()
        .moves()
        .run(
            Script.PAUSE_SCHEDULE,
            name,
            ScheduleFields.times(next, schedule.get().jitter(), rhythm));
    return get(name);
  }

  // -- ticking

  @Override
  public Ran run(String name) {
    Optional<Shard> home = home(name);
    Optional<Schedule> schedule = home.isEmpty() ? Optional.empty() : get(name);
    if (schedule.isEmpty()) {
      return new Ran.NotFound();
    }
    TaskId id = new TaskIds(options.clock(), home.get().number()).next();
    Instant now = Instant.ofEpochMilli(home.get().moves().millis());
    TickCall call =
        new TickCall(
            name,
            null,
            null,
            TickCall.NONE_MISSED,
            names.look(schedule.get().settings().queue()),
            true,
            List.of(new TickCall.Task(id, now, now)));
    try {
      Reply reply =
          home.get()
              .moves()
              .run(Script.TICK, call.args(options.openClients(), options.maxOpenClients()));
      TickCall.Passed passed = reply.ifWord(TickCall.Passed.class).orElse(null);
      if (passed == TickCall.Passed.MISSING) {
        return new Ran.NotFound();
      } else if (passed != null) {
        throw reply.unknown(passed.name(), "missing or a letter");
      }
      Result result = Result.ofLetter(reply.text().charAt(0));
      if (result != Result.ASKED) {
        return new Ran.Failed(result, schedule.get());
      }
      counts.count(schedule.get().settings().queue(), Event.ENQUEUED, 1);
      return new Ran.Done(id, schedule.get(), now);
    } catch (RedisException failure) {
      if (Answers.isFull(failure)) {
        return new Ran.Full();
      }
      throw failure;
    }
  }

  @Override
  public List<Part> parts() {
    return shards.all().stream()
        .<Part>map(shard -> new ScheduleTicks(shard, names, options, counts))
        .toList();
  }
}
