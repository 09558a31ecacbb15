package io.taskrunner.store.redis;

import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.EventLoopGroup;
import io.taskrunner.client.Tier;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.SystemStore;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.WorkStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The store on one Redis: opens the connections, gives out the moves by whom they are for, and once
 * a second does what nobody waits for: reads Redis' memory and the configuration's version, and
 * tidies up.
 */
public final class RedisStore implements AutoCloseable {

  /** The version of records and keys that this program writes. */
  static final int FORMAT = 1;

  private static final Logger LOG = LoggerFactory.getLogger(RedisStore.class);
  private static final byte[] STRANGER_MILLIS = Keys.bytes(Duration.ofDays(1).toMillis());
  private static final int TIDY_ROUNDS_MAX = 50;

  /** Groups of enqueues that may wait for replicas at once. */
  private static final int LINES = 4;

  private final Link link;
  private final Moves moves;
  private final Keys config;
  private final QueueNames names;
  private final RedisTasks tasks;
  private final RedisQueues queues;
  private final RedisClients clients;
  private final RedisWork work;
  private final RedisSystem system;
  private final Doctor doctor;
  private final Trimmed trimmed = new Trimmed();
  private final ScheduledExecutorService timer;
  private final ExecutorService lookUps =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("look-up-", 0).factory());
  private volatile String version = "";

  /**
   * What the store shares with the rest of the program.
   *
   * @param loops to run on
   * @param registry where the time of each command is counted
   */
  public record Shared(EventLoopGroup loops, MeterRegistry registry) {}

  private RedisStore(Link link, Durability durability, StoreOptions options) {
    this.link = link;
    this.timer =
        Executors.newScheduledThreadPool(
            2, Thread.ofPlatform().daemon().name("store-", 0).factory());
    Keys shard = Keys.shard(options.redis().keyPrefix(), 0);
    this.config = Keys.config(options.redis().keyPrefix());
    this.moves = new Moves(link, shard, options.injectedTime());
    this.names = new QueueNames(link, config);
    Room room = new Room();
    Enqueuer enqueuer =
        new Enqueuer(
            link,
            moves,
            names,
            new TaskIds(options.clock(), 0),
            room,
            durability,
            options,
            timer,
            lookUps);
    this.tasks = new RedisTasks(moves, enqueuer, names);
    Moves configMoves = new Moves(link, config, options.injectedTime());
    this.queues = new RedisQueues(link, moves, configMoves, shard, names);
    this.clients = new RedisClients(link, moves, shard, config, names);
    this.work = new RedisWork(link, moves, enqueuer, shard, trimmed, options);
    this.system = new RedisSystem(link, options.redis(), room, durability);
    this.doctor = new Doctor(link, moves, shard, names);
  }

  /**
   * Connects, and makes what must exist: the built-in queues and tiers.
   *
   * @param shared to run on and to count in; empty for loops of its own, and no count
   * @throws StoreUnavailable Redis does not answer
   * @throws IllegalStateException what is stored there is of a newer version of this program
   */
  public static RedisStore open(StoreOptions options, Optional<Shared> shared) {
    RedisStore store = openUntended(options, shared);
    store.timer.scheduleWithFixedDelay(store::everySecond, 1000, 1000, TimeUnit.MILLISECONDS);
    return store;
  }

  /** As {@link #open(StoreOptions, Optional)}, on loops of its own. */
  public static RedisStore open(StoreOptions options) {
    return open(options, Optional.empty());
  }

  /**
   * As {@link #open(StoreOptions)}, but what is done once a second is left to the caller: for
   * tests.
   */
  static RedisStore openUntended(StoreOptions options) {
    return openUntended(options, Optional.empty());
  }

  private static RedisStore openUntended(StoreOptions options, Optional<Shared> shared) {
    Durability durability = new Durability(options.redis());
    Link link = Link.open(options.redis(), durability.never() ? 1 : LINES, shared);
    RedisStore store = new RedisStore(link, durability, options);
    try {
      store.prepare(options);
      return store;
    } catch (RuntimeException failed) {
      store.close();
      throw failed;
    }
  }

  private void prepare(StoreOptions options) {
    for (Script script : Script.values()) {
      link.patiently(redis -> redis.scriptLoad(script.text()));
    }
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(FORMAT));
    args.add(Keys.bytes(2 * options.redis().commandTimeout().toMillis()));
    for (Tier tier : Tier.BUILT_IN) {
      args.add(Keys.bytes(tier.name()));
      args.add(Keys.bytes(tier.limits().maxConcurrent() + ":" + tier.limits().requestsPerMin()));
    }
    Object there = moves.run(Script.PUT_SHARD, args.toArray(byte[][]::new));
    if (!(there instanceof byte[] word && Keys.text(word).equals("done"))) {
      throw new IllegalStateException(
          "The data in this Redis is of a newer format than "
              + FORMAT
              + ", which this program writes: run a newer one.");
    }
    names.reload();
    queues.makeBuiltIn();
    system.check();
    system.read();
  }

  /** What is done once a second. */
  void everySecond() {
    try {
      byte[] fresh = link.patiently(redis -> redis.get(config.key("version")));
      String read = fresh == null ? "" : Keys.text(fresh);
      if (!read.equals(version)) {
        names.reload();
        version = read;
      }
      if (system.read()) {
        for (Integer n : names.numbers()) {
          trimmed.count(moves.<Long>run(Script.TRIM_DONE, Keys.bytes(n)), 0);
        }
        system.read();
      }
      tidy();
    } catch (StoreUnavailable away) {
      LOG.debug("Redis is away; looking again in a second");
    } catch (RuntimeException fault) {
      LOG.error("the store's housekeeping failed", fault);
    }
  }

  /** Does what nobody waits for, now. */
  void tidy() {
    for (int round = 0; round < TIDY_ROUNDS_MAX; round++) {
      if (Keys.text(moves.run(Script.TIDY, STRANGER_MILLIS)).equals("0")) {
        return;
      }
    }
  }

  /** The moves of tasks. */
  public TaskStore tasks() {
    return tasks;
  }

  /** The moves of queues. */
  public QueueStore queues() {
    return queues;
  }

  /** Clients, keys and tiers. */
  public ClientStore clients() {
    return clients;
  }

  /** The moves of a worker. */
  public WorkStore work() {
    return work;
  }

  /** The state of Redis itself. */
  public SystemStore system() {
    return system;
  }

  /** Proves the invariants, and mends. */
  public Doctor doctor() {
    return doctor;
  }

  /** Sentences on how Redis is set up, for the log at start. */
  public List<String> warnings() {
    return system.warnings();
  }

  /**
   * Succeeded and cancelled tasks that were dropped before their time since this process started.
   */
  public long trimmedDone() {
    return trimmed.done();
  }

  /** Dead tasks that were dropped before their time since this process started. */
  public long trimmedDead() {
    return trimmed.dead();
  }

  @Override
  public void close() {
    timer.shutdownNow();
    lookUps.shutdownNow();
    link.close();
  }
}
