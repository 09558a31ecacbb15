package io.taskrunner.store.redis;

import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.EventLoopGroup;
import io.taskrunner.client.Tier;
import io.taskrunner.store.AdminKeyStore;
import io.taskrunner.store.AuditStore;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.CloudStore;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.HostStore;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.PageSecretStore;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.SigningStore;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.SystemStore;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.TokenStore;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkersStore;
import io.taskrunner.telemetry.Tracing;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The store on Redis: opens the connections, gives out the moves by whom they are for, and once a
 * second does what nobody waits for: reads Redis' memory and the configuration's version, and
 * tidies up.
 */
public final class RedisStore implements AutoCloseable {

  /** The version of records and keys that this program writes. */
  static final int FORMAT = 1;

  private static final Logger LOG = LoggerFactory.getLogger(RedisStore.class);
  private static final byte[] STRANGER_MILLIS = Keys.bytes(Duration.ofDays(1).toMillis());
  private static final int TIDY_ROUNDS_MAX = 50;

  /** A change of a queue, client or tier waits at most so many times for Redis. */
  private static final int COMMANDS_OF_A_CHANGE = 6;

  /** Groups of enqueues that may wait for replicas at once. */
  private static final int LINES = 4;

  private final Nodes nodes;
  private final Optional<Tracing> tracing;
  private final Keys config;
  private final Link configLink;
  private final Shards shards;
  private final QueueNames names;
  private final RedisTasks tasks;
  private final RedisQueues queues;
  private final RedisClients clients;
  private final RedisHosts hosts;
  private final RedisAdminKeys adminKeys;
  private final RedisAudits audits;
  private final RedisConfig configuration;
  private final RedisCloud cloud;
  private final RedisWorkers workers;
  private final RedisSchedules schedules;
  private final RedisTokens tokens;
  private final RedisSigning signing;
  private final RedisOperations operations;
  private final RedisSystem system;
  private final Doctor doctor;
  private final Held held = new Held();
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
   * @param tracing where spans of enqueues go; empty for none
   */
  public record Shared(EventLoopGroup loops, MeterRegistry registry, Optional<Tracing> tracing) {}

  private RedisStore(
      Nodes nodes,
      int lines,
      Durability durability,
      StoreOptions options,
      Optional<Tracing> tracing) {
    this.nodes = nodes;
    this.tracing = tracing;
    this.timer =
        Executors.newScheduledThreadPool(
            2, Thread.ofPlatform().daemon().name("store-", 0).factory());
    this.config = Keys.config(options.redis().keyPrefix());
    this.configLink = nodes.link(config);
    this.names = new QueueNames(configLink, config);
    this.shards =
        new Shards(
            IntStream.range(0, options.redis().shards())
                .mapToObj(number -> shard(number, lines, durability, options))
                .toList());
    this.tasks = new RedisTasks(shards, names);
    Moves configMoves = new Moves(configLink, config, options.injectedTime());
    Revisions revisions =
        new Revisions(
            configLink,
            config,
            configMoves,
            options.redis().commandTimeout().multipliedBy(COMMANDS_OF_A_CHANGE));
    this.configuration = new RedisConfig(revisions);
    this.queues = new RedisQueues(shards, configMoves, names, revisions);
    this.cloud = new RedisCloud(shards, configMoves, names);
    this.clients = new RedisClients(shards, configLink, config, names, revisions);
    this.hosts = new RedisHosts(shards, revisions);
    this.adminKeys = new RedisAdminKeys(configLink, config, configMoves);
    this.audits = new RedisAudits(configLink, config, configMoves);
    this.workers = new RedisWorkers(configMoves);
    this.schedules = new RedisSchedules(shards, configLink, config, names, options, revisions);
    this.tokens = new RedisTokens(configLink, config, configMoves);
    this.signing = new RedisSigning(shards, configMoves, configLink, config);
    this.operations =
        new RedisOperations(
            shards,
            configLink,
            config,
            configMoves,
            names,
            queues,
            new OperationWalk(tasks, names));
    this.system = new RedisSystem(nodes, options.redis(), durability);
    this.doctor = new Doctor(shards, names, signing, schedules);
  }

  private Shard shard(int number, int lines, Durability durability, StoreOptions options) {
    Keys keys = Keys.shard(options.redis().keyPrefix(), number);
    Link link = nodes.link(keys);
    Moves moves = new Moves(link, keys, options.injectedTime());
    TaskIds ids = new TaskIds(options.clock(), number);
    Enqueuer enqueuer =
        new Enqueuer(
            link, lines, moves, names, ids, held, durability, options, timer, lookUps, tracing);
    Permits permits = new Permits(number, this::home, timer);
    RedisWork work = new RedisWork(link, moves, enqueuer, keys, permits, trimmed, options);
    return new Shard(number, keys, link, moves, enqueuer, work);
  }

  /**
   * Connects, and makes what must exist: the built-in queues and tiers.
   *
   * @param shared to run on and to count in; empty for loops of its own, and no count
   * @throws StoreUnavailable Redis does not answer
   * @throws io.taskrunner.store.NotPermitted Redis refuses something that is needed
   * @throws IllegalStateException what is stored there is of a newer version of this program
   */
  public static RedisStore open(StoreOptions options, Optional<Shared> shared) {
    RedisStore store;
    try {
      store = openUntended(options, shared);
    } catch (RuntimeException failed) {
      throw Permissions.named(failed, options.redis());
    }
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
    int lines = durability.never() ? 1 : LINES;
    String prefix = options.redis().keyPrefix();
    List<Keys> keys = new ArrayList<>(List.of(Keys.config(prefix)));
    for (int shard = 0; shard < options.redis().shards(); shard++) {
      keys.add(Keys.shard(prefix, shard));
    }
    Nodes nodes = Nodes.open(options.redis(), lines, shared, keys);
    RedisStore store =
        new RedisStore(nodes, lines, durability, options, shared.flatMap(Shared::tracing));
    try {
      Permissions.check(nodes, store.config);
      store.prepare(options);
      return store;
    } catch (RuntimeException failed) {
      store.close();
      throw failed;
    }
  }

  private void prepare(StoreOptions options) {
    long deadline = System.nanoTime() + options.redis().commandTimeout().toNanos();
    for (Script script : Script.values()) {
      for (Node node : nodes.masters()) {
        Link.await(node.calls().scriptLoad(script.text()), deadline);
      }
    }
    keepShardCount(options.redis().shards());
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(FORMAT));
    args.add(Keys.bytes(2 * options.redis().commandTimeout().toMillis()));
    for (Tier tier : Tier.BUILT_IN) {
      args.add(Keys.bytes(tier.name()));
      args.add(Keys.bytes(tier.limits().maxConcurrent() + ":" + tier.limits().requestsPerMin()));
    }
    List<Object> there = shards.run(Script.PUT_SHARD, args.toArray(byte[][]::new));
    if (!there.stream().allMatch(RedisStore::isDone)) {
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

  /** Where the limits of a queue, or of a host, are held for all shards. */
  private Shard home(String what) {
    return Permits.hostOf(what)
        .map(shards::of)
        .orElseGet(() -> shards.all().get(Integer.parseInt(what) % shards.count()));
  }

  private static boolean isDone(Object reply) {
    return reply instanceof byte[] word && Keys.text(word).equals("done");
  }

  /** A client's home follows from how many shards there are, so the first start fixes it. */
  private void keepShardCount(int wanted) {
    byte[] key = config.key("shards");
    byte[] kept = configLink.patiently(redis -> redis.get(key));
    Shard first = shards.first();
    if (kept == null
        && first.link().patiently(redis -> redis.exists(first.keys().key("shard"))) > 0) {
      kept = Keys.bytes(1); // of a version that knew no more
    } else if (kept == null) {
      configLink.patiently(redis -> redis.setnx(key, Keys.bytes(wanted)));
      kept = configLink.patiently(redis -> redis.get(key));
    }
    String there = Keys.text(kept);
    if (!there.equals(Integer.toString(wanted))) {
      throw new IllegalStateException(
          "The data in this Redis is spread over "
              + there
              + " shards since its first start, and REDIS_SHARDS is "
              + wanted
              + ": set REDIS_SHARDS to "
              + there
              + ".");
    }
  }

  /** What is done once a second. */
  void everySecond() {
    try {
      byte[] fresh = configLink.patiently(redis -> redis.get(config.key("version")));
      String read = fresh == null ? "" : Keys.text(fresh);
      if (!read.equals(version)) {
        names.reload();
        version = read;
      }
      if (system.read()) {
        for (Integer n : names.numbers()) {
          shards.<Long>run(Script.TRIM_DONE, Keys.bytes(n)).forEach(done -> trimmed.count(done, 0));
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
    List<Shard> untidy = shards.all();
    for (int round = 0; round < TIDY_ROUNDS_MAX && !untidy.isEmpty(); round++) {
      List<byte[]> more = new Shards(untidy).run(Script.TIDY, STRANGER_MILLIS);
      List<Shard> before = untidy;
      untidy =
          IntStream.range(0, before.size())
              .filter(i -> Keys.text(more.get(i)).equals("1"))
              .mapToObj(before::get)
              .toList();
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

  /** The moves of Cloud Tasks. */
  public CloudStore cloud() {
    return cloud;
  }

  /** Clients, keys and tiers. */
  public ClientStore clients() {
    return clients;
  }

  /** Hosts with limits of their own. */
  public HostStore hosts() {
    return hosts;
  }

  /** Named keys of admins. */
  public AdminKeyStore adminKeys() {
    return adminKeys;
  }

  /** What admins changed. */
  public AuditStore audits() {
    return audits;
  }

  /** Changes of many things at once. */
  public ConfigStore configuration() {
    return configuration;
  }

  /** The moves of a worker, for each shard. */
  public List<WorkStore> works() {
    return shards.all().stream().<WorkStore>map(Shard::work).toList();
  }

  /** Schedules and their ticks. */
  public ScheduleStore schedules() {
    return schedules;
  }

  /** What tokens are made with. */
  public TokenStore tokens() {
    return tokens;
  }

  /** What page tokens are signed with. */
  public PageSecretStore pageSecrets() {
    return tokens;
  }

  /** What the requests of clients' tasks are signed with. */
  public SigningStore signing() {
    return signing;
  }

  /** Operations on many tasks. */
  public OperationStore operations() {
    return operations;
  }

  /** Which workers there are. */
  public WorkersStore workers() {
    return workers;
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
    nodes.close();
  }
}
