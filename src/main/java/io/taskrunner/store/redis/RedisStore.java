package io.taskrunner.store.redis;

import io.taskrunner.store.AdminKeyStore;
import io.taskrunner.store.AnswerStore;
import io.taskrunner.store.AuditStore;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.CloudStore;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.HostStore;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.PageSecretStore;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.SeriesStore;
import io.taskrunner.store.SessionStore;
import io.taskrunner.store.SigningStore;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.Stores;
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
import io.taskrunner.store.redis.link.Obstacles;
import io.taskrunner.store.redis.link.Permissions;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.link.Shared;
import io.taskrunner.telemetry.Tracing;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.stream.IntStream;

/** The store on Redis: opens the connections, and provides the operations by topic. */
public final class RedisStore implements Stores, AutoCloseable {

  /** How many Redis timeouts a change of a queue, client or tier may wait at most. */
  private static final int COMMANDS_OF_A_CHANGE = 6;

  private final Nodes nodes;
  private final Shard config;
  private final Shards shards;
  private final QueueNames names;
  private final List<WorkStore> works;
  private final RedisTasks tasks;
  private final RedisQueues queues;
  private final Changes changes;
  private final RedisClients clients;
  private final RedisHosts hosts;
  private final RedisAdminKeys adminKeys;
  private final RedisSessions sessions;
  private final RedisAudits audits;
  private final Revisions revisions;
  private final RedisCloud cloud;
  private final RedisWorkers workers;
  private final RedisSchedules schedules;
  private final RedisTokens tokens;
  private final RedisSigning signing;
  private final RedisOperations operations;
  private final RedisAnswers answers;
  private final RedisSeries series;
  private final SeriesSender seriesSender;
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
      Nodes nodes, Durability durability, StoreOptions options, Optional<Tracing> tracing) {
    this.nodes = nodes;
    this.timer =
        Executors.newScheduledThreadPool(
            2, Thread.ofPlatform().daemon().name("store-", 0).factory());
    this.config =
        shard(
            Shard.CONFIGURATION, Keys.config(options.redis().keyPrefix()), options.injectedTime());
    this.names = new QueueNames(config);
    this.shards =
        new Shards(
            IntStream.range(0, options.redis().shards())
                .mapToObj(number ->
                    shard(
                        number,
                        Keys.shard(options.redis().keyPrefix(), number),
                        options.injectedTime()))
                .toList());
    SeriesCounts counts = new SeriesCounts();
    List<Enqueuer> enqueuers =
        shards.all().stream()
            .map(shard ->
                new Enqueuer(shard, names, held, durability, options, timer, lookUps, tracing))
            .toList();
    this.works =
        shards.all().stream()
            .<WorkStore>map(shard ->
                new CountedWork(
                    new RedisWork(
                        shard,
                        enqueuers.get(shard.number()),
                        tend -> new Gates(shard.number(), shards::ofGate, timer, tend),
                        trimmed,
                        options),
                    counts,
                    options.clock()))
            .toList();
    this.tasks = new RedisTasks(shards, names, shard -> enqueuers.get(shard.number()), counts);
    this.revisions =
        new Revisions(config, options.redis().commandTimeout().multipliedBy(COMMANDS_OF_A_CHANGE));
    this.changes = new Changes(shards, config);
    this.queues = new RedisQueues(shards, config, names, revisions, changes);
    this.cloud =
        new RedisCloud(shards, config, names, shard -> enqueuers.get(shard.number()), counts);
    this.clients = new RedisClients(shards, config, names, revisions, changes);
    this.hosts = new RedisHosts(shards, revisions, changes);
    this.adminKeys = new RedisAdminKeys(config);
    this.sessions = new RedisSessions(config);
    this.audits = new RedisAudits(config);
    this.workers = new RedisWorkers(config);
    ScheduleIndex index = new ScheduleIndex(config);
    this.schedules = new RedisSchedules(shards, index, names, options, revisions, counts);
    this.tokens = new RedisTokens(config);
    this.signing = new RedisSigning(shards, config);
    this.operations = new RedisOperations(shards, config, names, queues);
    this.answers = new RedisAnswers(config);
    this.series = new RedisSeries(config, names);
    this.seriesSender = new SeriesSender(config, names, queues::list, counts);
    this.system = new RedisSystem(nodes, options.redis(), durability);
    this.doctor =
        new Doctor(shards, names, signing::prove, new ScheduleProof(shards, index)::prove);
    this.preparation = new Preparation(options.redis().commandTimeout());
    this.housekeeping =
        new Housekeeping(nodes, shards, names, system, trimmed, preparation, changes, seriesSender);
  }

  private Shard shard(int number, Keys keys, Optional<InstantSource> injectedTime) {
    Link link = nodes.link(keys);
    return new Shard(number, keys, link, new Moves(link, keys, injectedTime), new Obstacles());
  }

  /**
   * Connects, and creates the built-in queues and tiers.
   *
   * @param shared event loops and meters to use; empty for loops of its own, and no meters
   * @throws StoreUnavailable Redis does not respond
   * @throws io.taskrunner.store.NotPermitted Redis denies a required permission
   * @throws IllegalStateException the stored data was written by a newer version of this program
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

  /** As {@link #open(StoreOptions)}, but background work is left to the caller: for tests. */
  static RedisStore openUntended(StoreOptions options) {
    return openUntended(options, Optional.empty());
  }

  private static RedisStore openUntended(StoreOptions options, Optional<Shared> shared) {
    Durability durability = new Durability(options.redis());
    String prefix = options.redis().keyPrefix();
    List<Keys> keys = new ArrayList<>(List.of(Keys.config(prefix)));
    for (int shard = 0; shard < options.redis().shards(); shard++) {
      keys.add(Keys.shard(prefix, shard));
    }
    Nodes nodes = Nodes.open(options.redis(), durability.lines(), shared, keys);
    RedisStore store = new RedisStore(nodes, durability, options, shared.flatMap(Shared::tracing));
    try {
      Permissions.check(nodes, store.config.keys());
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
   * A client's home depends on the number of shards, so the first start fixes it.
   *
   * @return whether this is the first
   */
  private boolean keepShardCount(int wanted) {
    byte[] key = config.key("shards");
    byte[] kept = config.link().patiently(redis -> redis.get(key));
    boolean first = kept == null;
    if (first) {
      config.link().patiently(redis -> redis.setnx(key, Keys.bytes(wanted)));
      kept = config.link().patiently(redis -> redis.get(key));
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

  /** Runs the background work once, and waits for it: for tests. */
  void everySecond() {
    housekeeping.run();
  }

  /** Sends what was counted for the series now: for tests. */
  void sendSeries() {
    seriesSender.send();
  }

  /** Runs the background work now: for tests. */
  void tidy() {
    housekeeping.tidy();
  }

  @Override
  public TaskStore tasks() {
    return tasks;
  }

  @Override
  public QueueStore queues() {
    return queues;
  }

  /** Operations of Cloud Tasks. */
  public CloudStore cloud() {
    return cloud;
  }

  @Override
  public ClientStore clients() {
    return clients;
  }

  @Override
  public HostStore hosts() {
    return hosts;
  }

  @Override
  public AdminKeyStore adminKeys() {
    return adminKeys;
  }

  @Override
  public SessionStore sessions() {
    return sessions;
  }

  @Override
  public AuditStore audits() {
    return audits;
  }

  @Override
  public ConfigStore configuration() {
    return revisions;
  }

  /** Operations of a worker, for each shard. */
  public List<WorkStore> works() {
    return works;
  }

  @Override
  public ScheduleStore schedules() {
    return schedules;
  }

  /** The keys of tokens. */
  public TokenStore tokens() {
    return tokens;
  }

  /** The secret of page tokens. */
  public PageSecretStore pageSecrets() {
    return tokens;
  }

  @Override
  public SigningStore signing() {
    return signing;
  }

  @Override
  public OperationStore operations() {
    return operations;
  }

  @Override
  public WorkersStore workers() {
    return workers;
  }

  @Override
  public AnswerStore answers() {
    return answers;
  }

  @Override
  public SeriesStore series() {
    return series;
  }

  @Override
  public SystemStore system() {
    return system;
  }

  /** Checks and repairs the data. */
  public Doctor doctor() {
    return doctor;
  }

  /** Sentences on the configuration of Redis, for the log at startup. */
  public List<String> warnings() {
    return system.warnings();
  }

  /**
   * Memory in use of the fullest node, as a share of the amount from which tasks are rejected; NaN
   * while no limit is known.
   */
  public double usedRatio() {
    return nodes.masters().stream()
        .mapToDouble(node -> node.headroom().usedRatio())
        .filter(ratio -> !Double.isNaN(ratio))
        .max()
        .orElse(Double.NaN);
  }

  /** Tasks that were rejected because Redis was full, since this process started. */
  public long fullRefusals() {
    return held.refusals();
  }

  /**
   * Succeeded and cancelled tasks that were trimmed before their retention ended, since this
   * process started.
   */
  public long trimmedDone() {
    return trimmed.done();
  }

  /** Dead tasks that were trimmed before their retention ended, since this process started. */
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
