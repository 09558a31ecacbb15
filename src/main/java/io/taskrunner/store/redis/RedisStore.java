package io.taskrunner.store.redis;

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
import io.taskrunner.store.redis.doctor.Doctor;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Link;
import io.taskrunner.store.redis.link.Moves;
import io.taskrunner.store.redis.link.Nodes;
import io.taskrunner.store.redis.link.Permissions;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.link.Shared;
import io.taskrunner.telemetry.Tracing;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.stream.IntStream;

/** The store on Redis: opens the connections, and gives out the moves by whom they are for. */
public final class RedisStore implements AutoCloseable {

  /** A change of a queue, client or tier waits at most so many times for Redis. */
  private static final int COMMANDS_OF_A_CHANGE = 6;

  /** Groups of enqueues that may wait for replicas at once. */
  private static final int LINES = 4;

  private final Nodes nodes;
  private final Keys config;
  private final Link configLink;
  private final Shards shards;
  private final QueueNames names;
  private final List<WorkStore> works;
  private final RedisTasks tasks;
  private final RedisQueues queues;
  private final Changes changes;
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
  private final Preparation preparation;
  private final Housekeeping housekeeping;
  private final HeldEnqueues held = new HeldEnqueues();
  private final Trimmed trimmed = new Trimmed();
  private final ScheduledExecutorService timer;
  private final ExecutorService lookUps =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("look-up-", 0).factory());

  private RedisStore(
      Nodes nodes,
      int lines,
      Durability durability,
      StoreOptions options,
      Optional<Tracing> tracing) {
    this.nodes = nodes;
    this.timer =
        Executors.newScheduledThreadPool(
            2, Thread.ofPlatform().daemon().name("store-", 0).factory());
    this.config = Keys.config(options.redis().keyPrefix());
    this.configLink = nodes.link(config);
    this.names = new QueueNames(configLink, config);
    this.shards =
        new Shards(
            IntStream.range(0, options.redis().shards())
                .mapToObj(number -> shard(number, options))
                .toList());
    List<Enqueuer> enqueuers =
        shards.all().stream()
            .map(shard ->
                new Enqueuer(
                    shard, lines, names, held, durability, options, timer, lookUps, tracing))
            .toList();
    this.works =
        shards.all().stream()
            .<WorkStore>map(shard ->
                new RedisWork(
                    shard,
                    enqueuers.get(shard.number()),
                    tend -> new Gates(shard.number(), shards::ofGate, timer, tend),
                    trimmed,
                    options))
            .toList();
    this.tasks = new RedisTasks(shards, names, shard -> enqueuers.get(shard.number()));
    Moves configMoves = new Moves(configLink, config, options.injectedTime());
    Revisions revisions =
        new Revisions(
            configLink,
            config,
            configMoves,
            options.redis().commandTimeout().multipliedBy(COMMANDS_OF_A_CHANGE));
    this.changes = new Changes(shards, configMoves);
    this.configuration = new RedisConfig(revisions);
    this.queues = new RedisQueues(shards, configMoves, names, revisions, changes);
    this.cloud = new RedisCloud(shards, configMoves, names, shard -> enqueuers.get(shard.number()));
    this.clients = new RedisClients(shards, configLink, config, names, revisions, changes);
    this.hosts = new RedisHosts(shards, revisions, changes);
    this.adminKeys = new RedisAdminKeys(configLink, config, configMoves);
    this.audits = new RedisAudits(configLink, config, configMoves);
    this.workers = new RedisWorkers(configMoves);
    this.schedules =
        new RedisSchedules(
            shards, new ScheduleIndex(configLink, config, configMoves), names, options, revisions);
    this.tokens = new RedisTokens(configLink, config, configMoves);
    this.signing = new RedisSigning(shards, configMoves, configLink, config);
    this.operations = new RedisOperations(shards, configLink, config, configMoves, names, queues);
    this.system = new RedisSystem(nodes, options.redis(), durability);
    this.doctor = new Doctor(shards, names, signing::prove, schedules::prove);
    this.preparation = new Preparation(options.redis().commandTimeout());
    this.housekeeping =
        new Housekeeping(
            nodes, configLink, config, shards, names, system, trimmed, preparation, changes);
  }

  private Shard shard(int number, StoreOptions options) {
    Keys keys = Keys.shard(options.redis().keyPrefix(), number);
    Link link = nodes.link(keys);
    return new Shard(number, keys, link, new Moves(link, keys, options.injectedTime()));
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
    store.housekeeping.start(store.timer);
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
    boolean first = keepShardCount(options.redis().shards());
    boolean whole = preparation.begin(shards, first);
    names.reload();
    if (whole) {
      queues.makeBuiltIn();
    }
    system.check();
    nodes.masters().forEach(system::read);
  }

  /**
   * A client's home follows from how many shards there are, so the first start fixes it.
   *
   * @return whether this is the first
   */
  private boolean keepShardCount(int wanted) {
    byte[] key = config.key("shards");
    byte[] kept = configLink.patiently(redis -> redis.get(key));
    boolean first = kept == null;
    if (first) {
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
    return first;
  }

  /** Does what is done once a second, and waits for it: for tests. */
  void everySecond() {
    housekeeping.run();
  }

  /** Does what no caller waits for, now: for tests. */
  void tidy() {
    housekeeping.tidy();
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
    return works;
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
    housekeeping.close();
    lookUps.shutdownNow();
    nodes.close();
  }
}
