package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.taskrunner.schedule.CatchUp;
import io.taskrunner.schedule.Cron;
import io.taskrunner.schedule.Due;
import io.taskrunner.schedule.Jitter;
import io.taskrunner.schedule.Overlap;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.schedule.Schedule.Result;
import io.taskrunner.schedule.Schedule.Run;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.Expected;
import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.task.TaskId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Schedules. One lies in the home of its client, where its tasks are, so that a tick makes its task
 * and goes on to the next in one script; the configuration tells whose each is. When the next tick
 * is follows from rules that are Java's: so whoever finds a schedule due says which tick it found
 * it waiting for, and the script refuses who comes second.
 */
final class RedisSchedules implements ScheduleStore {

  private static final Logger LOG = LoggerFactory.getLogger(RedisSchedules.class);

  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);
  private static final String INDEX = "schedules";
  private static final String CRON = "cron";
  private static final String EVERY = "every";
  private static final byte[] NONE = new byte[0];

  private final Shards shards;
  private final Link configLink;
  private final Keys config;
  private final QueueNames names;
  private final StoreOptions options;
  private final Revisions revisions;

  RedisSchedules(
      Shards shards,
      Link configLink,
      Keys config,
      QueueNames names,
      StoreOptions options,
      Revisions revisions) {
    this.revisions = revisions;
    this.shards = shards;
    this.configLink = configLink;
    this.config = config;
    this.names = names;
    this.options = options;
  }

  // -- looking

  @Override
  public Page list(int limit, @Nullable String cursor) throws BadCursor {
    TreeMap<String, String> clients = index();
    List<String> rest =
        List.copyOf(
            cursor == null ? clients.keySet() : clients.tailMap(read(cursor), false).keySet());
    List<String> page = rest.subList(0, Math.min(limit, rest.size()));
    Map<Shard, List<byte[]>> byShard = new LinkedHashMap<>();
    for (String name : page) {
      Shard home = shards.of(clients.getOrDefault(name, ""));
      byShard.computeIfAbsent(home, _ -> new ArrayList<>()).add(Keys.bytes(name));
    }
    Map<String, Schedule> found = new HashMap<>();
    byShard.forEach((shard, some) ->
        schedules(shard, some).forEach(schedule -> found.put(schedule.name(), schedule)));
    return new Page(
        page.stream().filter(found::containsKey).map(found::get).toList(),
        clients.size(),
        page.size() < rest.size() ? text(page.getLast()) : null);
  }

  private TreeMap<String, String> index() {
    TreeMap<String, String> clients = new TreeMap<>();
    configLink
        .patiently(redis -> redis.hgetall(config.key(INDEX)))
        .forEach((name, client) -> clients.put(Keys.text(name), Keys.text(client)));
    return clients;
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
      // Told below.
    }
    throw new BadCursor();
  }

  @Override
  public Optional<Schedule> get(String name) {
    return home(name)
        .flatMap(home -> schedules(home, List.of(Keys.bytes(name))).stream().findFirst());
  }

  /** Where a schedule is. */
  private Optional<Shard> home(String name) {
    byte[] client = configLink.patiently(redis -> redis.hget(config.key(INDEX), Keys.bytes(name)));
    return client == null ? Optional.empty() : Optional.of(shards.of(Keys.text(client)));
  }

  private static List<Schedule> schedules(Shard shard, List<byte[]> some) {
    List<Object> reply = shard.moves().run(Script.SCHEDULES, some.toArray(byte[][]::new));
    List<Schedule> schedules = new ArrayList<>();
    for (int i = 1; i < reply.size(); i += 3) {
      schedules.add(schedule((byte[]) reply.get(i), reply.get(i + 1), reply.get(i + 2)));
    }
    return schedules;
  }

  // -- setting

  @Override
  public boolean put(String name, Schedule.Settings settings, Expected expected)
      throws ChangedMeanwhile {
    long revision = revisions.decide(field(name), expected, () -> seen(name));
    Shard home = shards.of(settings.clientId());
    Optional<Shard> before = home(name);
    if (before.isPresent() && !before.get().equals(home)) {
      before.get().moves().run(Script.DELETE_SCHEDULE, Keys.bytes(name));
    }
    byte[] key = Keys.bytes(name);
    byte[] client = Keys.bytes(settings.clientId());
    configLink.patiently(redis -> redis.hset(config.key(INDEX), key, client));
    Instant now = Instant.ofEpochMilli(home.moves().millis());
    Optional<Instant> next =
        settings.paused() ? Optional.empty() : Optional.of(settings.rhythm().next(now));
    List<byte[]> args = new ArrayList<>();
    args.add(key);
    args.addAll(times(next, new Jitter(name, settings.jitter()), settings.rhythm()));
    args.add(Keys.bytes(settings.paused() ? 0 : 1));
    args.addAll(fields(settings));
    put(args, "rev", Long.toString(revision));
    Long made = home.moves().run(Script.PUT_SCHEDULE, args.toArray(byte[][]::new));
    return made == 1 && before.isEmpty();
  }

  private static String field(String name) {
    return "schedule:" + name;
  }

  private OptionalLong seen(String name) {
    return get(name)
        .map(schedule -> OptionalLong.of(schedule.revision()))
        .orElseGet(OptionalLong::empty);
  }

  /** A tick and when it comes; both empty for none. */
  private static List<byte[]> times(Optional<Instant> tick, Jitter jitter, Rhythm rhythm) {
    return tick.isEmpty()
        ? List.of(NONE, NONE)
        : List.of(
            Keys.bytes(tick.get().toEpochMilli()),
            Keys.bytes(jitter.of(tick.get(), rhythm).toEpochMilli()));
  }

  private static List<byte[]> fields(Schedule.Settings settings) {
    String rhythm =
        switch (settings.rhythm()) {
          case Rhythm.Every(Duration interval) -> EVERY + " " + interval.toMillis();
          case Rhythm.ByCron(Cron cron, ZoneId zone) -> CRON + " " + zone.getId() + " " + cron;
        };
    List<byte[]> fields = new ArrayList<>();
    put(fields, "client", settings.clientId());
    put(fields, "queue", settings.queue());
    put(fields, "rhythm", settings.jitter().toMillis() + " " + rhythm);
    put(fields, "overlap", settings.overlap().word());
    put(fields, "catch_up", settings.catchUp().word());
    fields.add(Keys.bytes("tail"));
    fields.add(TaskCodec.tail(settings.clientId(), settings.spec()));
    return fields;
  }

  private static void put(List<byte[]> fields, String name, String value) {
    fields.add(Keys.bytes(name));
    fields.add(Keys.bytes(value));
  }

  @Override
  public boolean delete(String name, Expected expected) throws ChangedMeanwhile {
    Optional<Shard> home = home(name);
    if (home.isEmpty()) {
      return false;
    }
    long revision = revisions.decide(field(name), expected, () -> seen(name));
    byte[] word = home.get().moves().run(Script.DELETE_SCHEDULE, Keys.bytes(name));
    configLink.patiently(redis -> redis.hdel(config.key(INDEX), Keys.bytes(name)));
    revisions.forget(field(name), revision);
    return Keys.text(word).equals("done");
  }

  @Override
  public Optional<Schedule> pause(String name, boolean paused) {
    Optional<Shard> home = home(name);
    Optional<Schedule> schedule = home.isEmpty() ? Optional.empty() : get(name);
    if (schedule.isEmpty()) {
      return Optional.empty();
    }
    Rhythm rhythm = schedule.get().settings().rhythm();
    Instant now = Instant.ofEpochMilli(home.get().moves().millis());
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(name));
    args.addAll(
        times(
            paused ? Optional.empty() : Optional.of(rhythm.next(now)),
            schedule.get().jitter(),
            rhythm));
    home.get().moves().run(Script.PAUSE_SCHEDULE, args.toArray(byte[][]::new));
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
    try {
      List<byte[]> args = tickArgs(schedule.get(), Optional.empty());
      task(args, id, now, now);
      byte[] letters = home.get().moves().run(Script.TICK, args.toArray(byte[][]::new));
      if (Keys.text(letters).equals("missing")) {
        return new Ran.NotFound();
      }
      Result result = Result.ofLetter((char) letters[0]);
      return result == Result.ASKED
          ? new Ran.Done(id, schedule.get(), now)
          : new Ran.Failed(result);
    } catch (RedisException failure) {
      if (Link.isFull(failure)) {
        return new Ran.Full();
      }
      throw failure;
    }
  }

  @Override
  public Duration tick() {
    List<List<Object>> looks = shards.run(Script.DUE_SCHEDULES);
    long wait = LOOK_AGAIN.toMillis();
    boolean wentOn = false;
    for (int i = 0; i < looks.size(); i++) {
      List<Object> look = looks.get(i);
      Instant now = Instant.ofEpochMilli((Long) look.get(0));
      long following = (Long) look.get(1);
      if (following >= 0) {
        wait = Math.min(wait, following - now.toEpochMilli());
      }
      for (int at = 2; at < look.size(); at += 2) {
        Optional<Instant> next =
            tick(shards.all().get(i), (byte[]) look.get(at), look.get(at + 1), now);
        if (next.isPresent()) {
          wait = Math.min(wait, Duration.between(now, next.get()).toMillis());
          wentOn = true;
        }
      }
    }
    // More are due than a look holds: at once, but not over and over where none can go on.
    return wait > 0 ? Duration.ofMillis(wait) : wentOn ? Duration.ZERO : LOOK_AGAIN;
  }

  /**
   * Does what is due of one schedule.
   *
   * @return when it comes next; empty when that is not known, and to be looked at later
   */
  private Optional<Instant> tick(Shard shard, byte[] name, Object hash, Instant now) {
    try {
      Schedule schedule = schedule(name, hash, List.of());
      if (schedule.next().isEmpty()) {
        return Optional.empty();
      }
      Due due =
          Due.of(
              schedule.settings().rhythm(),
              schedule.settings().catchUp(),
              schedule.jitter(),
              schedule.next().get(),
              now);
      tick(shard, schedule, due, now);
      return Optional.of(schedule.jitter().of(due.next(), schedule.settings().rhythm()));
    } catch (StoreUnavailable away) {
      throw away;
    } catch (RedisException failure) {
      if (!Link.isFull(failure)) {
        throw failure;
      }
      LOG.atWarn()
          .addKeyValue("schedule", Keys.text(name))
          .log("Redis is full: the schedule's task is made once there is room");
    } catch (RuntimeException fault) {
      LOG.atError()
          .addKeyValue("schedule", Keys.text(name))
          .setCause(fault)
          .log("a schedule's tick failed; it is tried again");
    }
    return Optional.empty();
  }

  private void tick(Shard shard, Schedule schedule, Due due, Instant now) {
    List<byte[]> args = tickArgs(schedule, Optional.of(due));
    for (Instant tick : due.ticks()) {
      Instant comes = schedule.jitter().of(tick, schedule.settings().rhythm());
      task(args, id(shard, schedule, tick), tick, Due.isLate(comes, now) ? now : comes);
    }
    String letters = Keys.text(shard.moves().run(Script.TICK, args.toArray(byte[][]::new)));
    if (letters.equals("stale") || letters.equals("missing")) {
      return; // another process was first, or it was changed meanwhile
    }
    if (due.missed() > 0) {
      LOG.atWarn()
          .addKeyValue("schedule", schedule.name())
          .addKeyValue("missed", due.missed())
          .log("a schedule's ticks came while nobody could make their tasks");
    }
    for (char letter : letters.toCharArray()) {
      Result result = Result.ofLetter(letter);
      if (result != Result.STARTED) {
        LOG.atInfo()
            .addKeyValue("schedule", schedule.name())
            .addKeyValue("reason", result.word())
            .log("a schedule's tick made no task");
      }
    }
  }

  /** All but the tasks; without what is due, for a run that was asked for. */
  private List<byte[]> tickArgs(Schedule schedule, Optional<Due> due) {
    OptionalInt n = names.look(schedule.settings().queue());
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(schedule.name()));
    args.add(
        due.isEmpty() ? NONE : Keys.bytes(schedule.next().map(Instant::toEpochMilli).orElse(0L)));
    args.addAll(times(due.map(Due::next), schedule.jitter(), schedule.settings().rhythm()));
    args.add(Keys.bytes(due.map(Due::missed).orElse(0L)));
    args.add(
        due.flatMap(Due::lastMissed).map(tick -> Keys.bytes(tick.toEpochMilli())).orElse(NONE));
    args.add(Keys.bytes(n.orElse(0)));
    args.add(Keys.bytes(options.openClients() ? 1 : 0));
    args.add(Keys.bytes(options.maxOpenClients()));
    return args;
  }

  private static void task(List<byte[]> args, TaskId id, Instant tick, Instant due) {
    args.add(id.bytes());
    args.add(Keys.bytes(tick.toEpochMilli()));
    args.add(Keys.bytes(due.toEpochMilli()));
  }

  /** The same in every process: one tick of one schedule is one task. */
  private static TaskId id(Shard shard, Schedule schedule, Instant tick) {
    byte[] digest =
        Digests.sha256(
            schedule.name()
                + '\n'
                + schedule.created().toEpochMilli()
                + '\n'
                + tick.toEpochMilli());
    ByteBuffer bits = ByteBuffer.wrap(digest);
    return TaskId.make(tick.toEpochMilli(), bits.getInt(), bits::getLong, shard.number());
  }

  // -- proving

  /**
   * Proves that the configuration names each schedule that is there, with its client, and no other;
   * and mends it. Of one that is in two shards, since it was given to another client, the one that
   * is named stays.
   *
   * @param there the schedules of each shard and their clients, as they were read a moment ago
   */
  List<Doctor.Finding> prove(Map<Shard, Map<String, String>> there, boolean mend) {
    List<Doctor.Finding> found = new ArrayList<>();
    TreeMap<String, String> index = index();
    index.forEach((name, client) -> {
      if (!there.getOrDefault(shards.of(client), Map.of()).containsKey(name)
          && get(name).isEmpty()
          && home(name).isPresent()) {
        found.add(finding("schedule_missing", name, "is named, and is not there"));
        if (mend) {
          configLink.patiently(redis -> redis.hdel(config.key(INDEX), Keys.bytes(name)));
        }
      }
    });
    there.forEach((shard, schedules) ->
        schedules.forEach((name, client) -> {
          if (shards.of(index.getOrDefault(name, client)).equals(shard)
              && index.containsKey(name)) {
            return;
          }
          Optional<Shard> home = home(name);
          if (home.equals(Optional.of(shard))
              || schedules(shard, List.of(Keys.bytes(name))).isEmpty()) {
            return; // set or deleted meanwhile
          }
          found.add(finding("schedule_not_named", name, "is of " + client + ", and not named so"));
          if (mend && home.isPresent()) {
            shard.moves().run(Script.DELETE_SCHEDULE, Keys.bytes(name));
          } else if (mend) {
            configLink.patiently(
                redis -> redis.hset(config.key(INDEX), Keys.bytes(name), Keys.bytes(client)));
          }
        }));
    return found;
  }

  private static Doctor.Finding finding(String kind, String name, String detail) {
    return new Doctor.Finding(kind, "schedules:" + name, detail);
  }

  // -- reading

  @SuppressWarnings("unchecked")
  private static Schedule schedule(byte[] name, Object hash, Object runs) {
    Map<String, byte[]> fields = new HashMap<>();
    List<Object> pairs = (List<Object>) hash;
    for (int i = 0; i < pairs.size(); i += 2) {
      fields.put(Keys.text((byte[]) pairs.get(i)), (byte[]) pairs.get(i + 1));
    }
    String[] rhythm = text(fields, "rhythm").split(" ", 3);
    return new Schedule(
        Keys.text(name),
        new Schedule.Settings(
            text(fields, "client"),
            text(fields, "queue"),
            rhythm(rhythm[1], rhythm[2]),
            Overlap.valueOf(upper(fields, "overlap")),
            CatchUp.valueOf(upper(fields, "catch_up")),
            Duration.ofMillis(Long.parseLong(rhythm[0])),
            !fields.containsKey("next"),
            TaskCodec.decode(record(fields)).spec()),
        time(fields, "next"),
        Optional.ofNullable(fields.get("last_task")).map(TaskId::of),
        time(fields, "last_tick"),
        fields.containsKey("missed") ? Long.parseLong(text(fields, "missed")) : 0,
        ((List<Object>) runs).stream().map(RedisSchedules::ran).toList(),
        time(fields, "created").orElseThrow(),
        time(fields, "updated").orElseThrow(),
        fields.containsKey("rev") ? Long.parseLong(text(fields, "rev")) : 0);
  }

  /** What is kept is what a task is made of, behind its head. */
  private static byte[] record(Map<String, byte[]> fields) {
    byte[] tail = fields.getOrDefault("tail", NONE);
    return ByteBuffer.allocate(TaskCodec.TAIL + tail.length).put(TaskCodec.TAIL, tail).array();
  }

  private static Rhythm rhythm(String kind, String text) {
    if (kind.equals(EVERY)) {
      return new Rhythm.Every(Duration.ofMillis(Long.parseLong(text)));
    }
    int space = text.indexOf(' ');
    try {
      return new Rhythm.ByCron(
          Cron.parse(text.substring(space + 1)), ZoneId.of(text.substring(0, space)));
    } catch (Cron.BadCron wasChecked) {
      throw new IllegalStateException(wasChecked);
    }
  }

  private static Run ran(Object entry) {
    ByteBuffer in = ByteBuffer.wrap((byte[]) entry);
    Instant tick = Instant.ofEpochMilli(TaskCodec.number(in, 6));
    Instant at = Instant.ofEpochMilli(TaskCodec.number(in, 6));
    Result result = Result.ofLetter((char) in.get());
    Optional<TaskId> task =
        in.hasRemaining() ? Optional.of(new TaskId(in.getLong(), in.getLong())) : Optional.empty();
    return new Run(tick, at, result, task);
  }

  private static String text(Map<String, byte[]> fields, String name) {
    return new String(fields.getOrDefault(name, NONE), StandardCharsets.UTF_8);
  }

  private static String upper(Map<String, byte[]> fields, String name) {
    return text(fields, name).toUpperCase(Locale.ROOT);
  }

  private static Optional<Instant> time(Map<String, byte[]> fields, String name) {
    return fields.containsKey(name)
        ? Optional.of(Instant.ofEpochMilli(Long.parseLong(text(fields, name))))
        : Optional.empty();
  }
}
