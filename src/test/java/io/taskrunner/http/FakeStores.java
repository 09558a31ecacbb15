package io.taskrunner.http;

import io.taskrunner.client.AdminKey;
import io.taskrunner.client.ApiKey;
import io.taskrunner.client.Client;
import io.taskrunner.client.ClientSettings;
import io.taskrunner.client.Limits;
import io.taskrunner.client.Scope;
import io.taskrunner.client.SigningSecret;
import io.taskrunner.client.Tier;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.store.AdminKeyStore;
import io.taskrunner.store.AnswerStore;
import io.taskrunner.store.AuditStore;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.ConfigStore;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.Expected;
import io.taskrunner.store.HostStore;
import io.taskrunner.store.Operation;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.Queue;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.SeriesStore;
import io.taskrunner.store.SessionStore;
import io.taskrunner.store.SigningStore;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.Stores;
import io.taskrunner.store.SystemStore;
import io.taskrunner.store.TargetHost;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.WorkersStore;
import io.taskrunner.task.Attempt;
import io.taskrunner.task.Task;
import io.taskrunner.task.TaskId;
import io.taskrunner.task.TaskState;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;

/**
 * Stores with configured results, for things that a real one cannot do on demand: to be
 * unavailable, to hold an answer back, to reject for each of its reasons.
 */
final class FakeStores implements Stores, TaskStore, QueueStore, SystemStore {

  static final Instant NOW = Instant.parse("2026-01-31T12:00:00.250Z");

  static final EnqueueResult.Quota QUOTA =
      new EnqueueResult.Quota(new Limits(3, 50), 49, NOW.plusSeconds(60));

  final Map<TaskId, Task> tasks = new ConcurrentHashMap<>();
  final Map<String, Queue> queues = new TreeMap<>();
  final Map<String, Client> clients = new TreeMap<>();
  final Map<String, ClientStore.KeyOwner> keys = new ConcurrentHashMap<>();
  final Map<String, AdminKey> adminKeys = new ConcurrentHashMap<>();
  final Deque<AuditStore.Entry> trail = new ConcurrentLinkedDeque<>();

  /** Whether only the trail fails. */
  volatile boolean trailAway;

  final List<Enqueue> enqueued = new CopyOnWriteArrayList<>();

  /** The result of an enqueue. */
  volatile Function<Enqueue, CompletableFuture<EnqueueResult>> onEnqueue = this::take;

  /** Whether every blocking call fails. */
  volatile boolean away;

  /** Whether a queue has got a task by the time it is deleted. */
  volatile boolean filling;

  private final SessionStore sessions = new SessionSide();
  private final Random random = new Random(1);

  @Override
  public TaskStore tasks() {
    return this;
  }

  @Override
  public QueueStore queues() {
    return this;
  }

  @Override
  public AnswerStore answers() {
    return new AnswerStore() {
      @Override
      public Optional<byte[]> get(String name) {
        return Optional.empty();
      }

      @Override
      public boolean promise(String name, Duration within) {
        return true;
      }

      @Override
      public void put(String name, byte[] answer, Duration kept) {}
    };
  }

  @Override
  public SeriesStore series() {
    return new SeriesStore() {
      @Override
      public Optional<List<Point>> read(Of of, Instant from, int count, Duration step) {
        return Optional.of(Collections.nCopies(count, null));
      }

      @Override
      public Map<String, List<Long>> ended(List<String> names, int minutes) {
        return Map.of();
      }

      @Override
      public List<Failure> failures() {
        return List.of();
      }
    };
  }

  @Override
  public SystemStore system() {
    return this;
  }

  FakeStores() {
    QueueSettings.BUILT_IN.forEach((name, weight) ->
        queues.put(
            name,
            new Queue(
                name,
                QueueSettings.defaults(weight),
                false,
                new Queue.Stats(1, 2, 3, 4, 5, 6, 7, 7.5),
                0)));
  }

  /** A client with a key. */
  String keyOf(String clientId, List<String> allowedQueues) {
    return keyOf(clientId, allowedQueues, Scope.ALL);
  }

  /** A client with a key that has only this scope. */
  String keyOf(String clientId, List<String> allowedQueues, Set<Scope> scopes) {
    clients.put(clientId, client(clientId, true, allowedQueues));
    String key = ApiKey.make(new SecureRandom());
    keys.put(ApiKey.digest(key), new ClientStore.KeyOwner(clientId, "k1", NOW, "", scopes));
    return key;
  }

  static Client client(String id, boolean enabled, List<String> allowedQueues) {
    ClientSettings settings =
        new ClientSettings(Tier.DEFAULT, enabled, null, null, allowedQueues, List.of(), null, null);
    return client(id, settings);
  }

  private static Client client(String id, ClientSettings settings) {
    return new Client(id, settings, settings.limits(new Limits(3, 50)), NOW, NOW, 0);
  }

  private CompletableFuture<EnqueueResult> take(Enqueue command) {
    enqueued.add(command);
    TaskId id = TaskId.make(NOW.toEpochMilli(), 0, random, 0);
    tasks.put(
        id,
        new Task(
            id,
            command.clientId(),
            command.queue(),
            TaskState.READY,
            command.spec(),
            false,
            NOW,
            NOW,
            NOW,
            List.<Attempt>of(),
            Optional.empty(),
            OptionalInt.empty(),
            0,
            Optional.empty(),
            command.spec().retry()));
    return CompletableFuture.completedFuture(
        new EnqueueResult.Enqueued(id, NOW, QUOTA, 0, Optional.empty()));
  }

  private void answer() {
    if (away) {
      throw new StoreUnavailable(
          "away", new IllegalStateException("io.lettuce.core.RedisException: gone"));
    }
  }

  @Override
  public CompletableFuture<EnqueueResult> enqueue(Enqueue command) {
    return onEnqueue.apply(command);
  }

  @Override
  public Optional<Task> get(TaskId id) {
    answer();
    return Optional.ofNullable(tasks.get(id));
  }

  @Override
  public TaskStore.Count count(Filter filter, String cursor) throws BadCursor {
    return new TaskStore.Count(list(filter, Integer.MAX_VALUE, cursor).tasks().size(), 0, null);
  }

  @Override
  public TaskStore.Page list(Filter filter, int limit, String cursor, View view) throws BadCursor {
    answer();
    if (cursor != null) {
      throw new BadCursor();
    }
    return new TaskStore.Page(
        tasks.values().stream()
            .filter(task -> filter.clientId() == null || task.clientId().equals(filter.clientId()))
            .limit(limit)
            .toList(),
        null,
        0);
  }

  @Override
  public Instant now() {
    return NOW;
  }

  @Override
  public Moved cancel(TaskId id) {
    return new Moved.WrongState(TaskState.SUCCEEDED);
  }

  @Override
  public Moved runNow(TaskId id) {
    return new Moved.WrongState(TaskState.READY);
  }

  @Override
  public Moved retry(TaskId id) {
    return new Moved.WrongState(TaskState.READY);
  }

  @Override
  public List<Queue> list() {
    answer();
    return new ArrayList<>(queues.values());
  }

  @Override
  public Optional<Queue> get(String name) {
    answer();
    return Optional.ofNullable(queues.get(name));
  }

  @Override
  public boolean put(String name, QueueSettings settings, Expected expected) {
    return queues.put(
            name, new Queue(name, settings, false, new Queue.Stats(0, 0, 0, 0, 0, 0, 0, 0), 0))
        == null;
  }

  @Override
  public QueueStore.Deleted delete(String name, boolean force, Expected expected) {
    if (filling) {
      return QueueStore.Deleted.NOT_EMPTY;
    }
    return queues.remove(name) == null ? QueueStore.Deleted.NOT_FOUND : QueueStore.Deleted.DONE;
  }

  @Override
  public boolean pause(String name, boolean paused) {
    return queues.computeIfPresent(
            name, (_, queue) -> new Queue(name, queue.settings(), paused, queue.stats(), 0))
        != null;
  }

  @Override
  public boolean purge(String name) {
    return queues.containsKey(name);
  }

  @Override
  public Optional<Long> replayDead(String name, Long limit, String clientId) {
    return queues.containsKey(name) ? Optional.of(5L) : Optional.empty();
  }

  @Override
  public boolean dropDead(String name) {
    return queues.containsKey(name);
  }

  @Override
  public void pauseAll(boolean paused) {}

  @Override
  public boolean allPaused() {
    return false;
  }

  /** The clients; separate, because two stores have a {@code get} of a text. */
  @Override
  public ClientStore clients() {
    return new ClientSide();
  }

  /** Named keys of admins. */
  @Override
  public AdminKeyStore adminKeys() {
    return new AdminKeySide();
  }

  /** A named key of an admin. */
  String adminKey(String name, boolean readOnly) {
    String key = AdminKey.make(new SecureRandom());
    adminKeys.put(ApiKey.digest(key), new AdminKey(name, readOnly, NOW, Optional.empty()));
    return key;
  }

  private final class AdminKeySide implements AdminKeyStore {
    @Override
    public Put put(String name, String digest, Boolean readOnly, boolean replace, Duration keep) {
      adminKeys.put(
          digest, new AdminKey(name, Boolean.TRUE.equals(readOnly), NOW, Optional.empty()));
      return Put.MADE;
    }

    @Override
    public List<AdminKey> list() {
      answer();
      return List.copyOf(adminKeys.values());
    }

    @Override
    public boolean delete(String name) {
      return adminKeys.values().removeIf(key -> key.name().equals(name));
    }

    @Override
    public Optional<AdminKey> find(String digest) {
      answer();
      return Optional.ofNullable(adminKeys.get(digest));
    }

    @Override
    public Optional<AdminKey> known(String digest) {
      return Optional.empty();
    }
  }

  /** The trail; it can be unavailable while everything else is available. */
  @Override
  public SessionStore sessions() {
    return sessions;
  }

  private final class SessionSide implements SessionStore {
    private final Map<String, Session> open = new ConcurrentHashMap<>();

    @Override
    public void begin(String digest, Holder holder) {
      open.put(digest, new Session(digest.substring(0, ID_LENGTH), holder, NOW, NOW));
    }

    @Override
    public Optional<Holder> find(String digest) {
      answer();
      return known(digest);
    }

    @Override
    public Optional<Holder> known(String digest) {
      return Optional.ofNullable(open.get(digest)).map(Session::holder);
    }

    @Override
    public void end(String digest) {
      open.remove(digest);
    }

    @Override
    public List<Session> list() {
      return List.copyOf(open.values());
    }

    @Override
    public boolean endById(String id) {
      return open.values().removeIf(session -> session.id().equals(id));
    }
  }

  @Override
  public AuditStore audits() {
    return new AuditSide();
  }

  private final class AuditSide implements AuditStore {
    @Override
    public void add(Change change) {
      if (trailAway) {
        throw new StoreUnavailable("away", new IllegalStateException("gone"));
      }
      trail.addFirst(new Entry(NOW, change));
    }

    @Override
    public Page list(String who, String what, int limit, String cursor) {
      answer();
      return new Page(trail.stream().limit(limit).toList(), null);
    }
  }

  /** Changes of many things; no two at once. */
  @Override
  public ConfigStore configuration() {
    return new ConfigStore() {
      @Override
      public long lastRevision() {
        answer();
        return 0;
      }

      @Override
      public long decide(List<Thing> things, OptionalLong last) {
        return 1;
      }
    };
  }

  /** Two workers of 10 slots, of which one has not sent a heartbeat for long. */
  @Override
  public WorkersStore workers() {
    return new WorkerSide();
  }

  /** No client signs. */
  @Override
  public Optional<DeadSummary> deadSummary(String name) {
    answer();
    return Optional.ofNullable(queues.get(name)).map(_ -> new DeadSummary(0, List.of()));
  }

  /** Has no schedule. */
  @Override
  public ScheduleStore schedules() {
    return new ScheduleStore() {
      @Override
      public Page list(int limit, String cursor) {
        return new Page(List.of(), List.of(), 0, null);
      }

      @Override
      public Optional<Schedule> get(String name) {
        return Optional.empty();
      }

      @Override
      public boolean put(String name, Schedule.Settings settings, Expected expected) {
        throw new StoreUnavailable("it takes none", null);
      }

      @Override
      public boolean delete(String name, Expected expected) {
        return false;
      }

      @Override
      public Optional<Schedule> pause(String name, boolean paused) {
        return Optional.empty();
      }

      @Override
      public Ran run(String name) {
        return new Ran.NotFound();
      }

      @Override
      public List<Part> parts() {
        return List.of();
      }
    };
  }

  @Override
  public HostStore hosts() {
    return new HostSide();
  }

  private final class HostSide implements HostStore {
    private final Map<String, TargetHost> hosts = new TreeMap<>();

    @Override
    public List<TargetHost.Load> list() {
      answer();
      return hosts.values().stream().map(host -> new TargetHost.Load(host, 0, 0)).toList();
    }

    @Override
    public Optional<TargetHost.Load> get(String name) {
      return list().stream().filter(load -> load.host().name().equals(name)).findAny();
    }

    @Override
    public List<TargetHost.Open> open() {
      answer();
      return List.of();
    }

    @Override
    public Optional<TargetHost.Open> openFor(TaskId task, String hostAndPort) {
      return Optional.empty();
    }

    @Override
    public boolean close(String name) {
      return false;
    }

    @Override
    public void put(TargetHost host, Expected expected) {
      hosts.put(host.name(), host);
    }

    @Override
    public boolean delete(String name, Expected expected) {
      return hosts.remove(name) != null;
    }
  }

  @Override
  public SigningStore signing() {
    return new SigningSide();
  }

  private final class SigningSide implements SigningStore {
    @Override
    public Put put(String clientId, SigningSecret secret) {
      answer();
      return clients.containsKey(clientId)
          ? new Put.Done(Optional.empty())
          : new Put.ClientNotFound();
    }

    @Override
    public Ended end(String clientId) {
      answer();
      return clients.containsKey(clientId) ? Ended.NOT_FOUND : Ended.CLIENT_NOT_FOUND;
    }

    @Override
    public Optional<Held> held(String clientId) {
      answer();
      return Optional.empty();
    }
  }

  /** Operations that run until they are stopped, and count nothing. */
  @Override
  public OperationStore operations() {
    return new OperationSide();
  }

  private final class OperationSide implements OperationStore {
    private final Map<String, Operation> operations = new TreeMap<>();

    @Override
    public Begun begin(Operation.Order order) {
      answer();
      String id = new UUID(0, operations.size() + 1).toString();
      Operation begun =
          new Operation(
              id,
              order,
              NOW,
              Operation.State.RUNNING,
              Operation.Counts.NONE,
              null,
              List.of(),
              NOW,
              null,
              null);
      operations.put(id, begun);
      return new Begun.Entered(begun);
    }

    @Override
    public Optional<Operation> get(String id) {
      answer();
      return Optional.ofNullable(operations.get(id));
    }

    @Override
    public List<Operation> list(String owner, int most) {
      answer();
      return operations.values().stream()
          .filter(one -> owner == null || owner.equals(one.order().owner()))
          .limit(most)
          .toList();
    }

    @Override
    public Stopped stop(String id) {
      answer();
      return operations.remove(id) == null ? new Stopped.NotFound() : new Stopped.Done();
    }

    @Override
    public List<Run> lease(String runner, Duration lease, Collection<Run> had) {
      throw new UnsupportedOperationException("runners do this, and servers do not");
    }
  }

  private final class WorkerSide implements WorkersStore {
    @Override
    public void beat(Facts facts) {
      throw new UnsupportedOperationException("workers beat, and servers do not");
    }

    @Override
    public void gone(String id) {
      throw new UnsupportedOperationException("workers go, and servers do not");
    }

    @Override
    public List<Present> list() {
      answer();
      return List.of(
          new Present(new Facts("00000000000000aa", "one", "1.2.3", 10, 4, false, NOW), NOW, true),
          new Present(
              new Facts("00000000000000bb", "two", "1.2.3", 10, 0, false, NOW),
              NOW.minusSeconds(30),
              false));
    }
  }

  @Override
  public Health health() {
    answer();
    return new Health(
        "master", "standalone", Duration.ofNanos(123_000), List.of("no append-only file"));
  }

  private final class ClientSide implements ClientStore {
    @Override
    public Optional<Usage> usage(String clientId) {
      return Optional.of(new Usage(0, 0, 0));
    }

    @Override
    public Page list(int limit, String cursor) {
      answer();
      return new Page(List.copyOf(clients.values()), clients.size(), null);
    }

    @Override
    public List<Client> configured(int most, String after) {
      return clients.values().stream()
          .filter(client -> client.id().compareTo(after) > 0)
          .sorted(Comparator.comparing(Client::id))
          .limit(most)
          .toList();
    }

    @Override
    public Optional<Client> get(String id) {
      answer();
      return Optional.ofNullable(clients.get(id));
    }

    @Override
    public Optional<Client> set(String id, Change change, Expected expected) {
      answer();
      String tier = change.tier().value();
      if (tier != null && !Tier.isBuiltIn(tier)) {
        return Optional.empty();
      }
      Optional<Client> was = Optional.ofNullable(clients.get(id));
      Client client =
          client(id, change.of(was.map(Client::settings).orElse(ClientSettings.DEFAULT)));
      clients.put(id, client);
      return Optional.of(client);
    }

    @Override
    public boolean delete(String id, Expected expected) {
      return clients.remove(id) != null;
    }

    @Override
    public List<Tier> tiers() {
      answer();
      return Tier.BUILT_IN;
    }

    @Override
    public void putTier(Tier tier, Expected expected) {}

    @Override
    public TierDeleted deleteTier(String name, Expected expected) {
      return Tier.isBuiltIn(name) ? TierDeleted.BUILT_IN : TierDeleted.NOT_FOUND;
    }

    @Override
    public Optional<String> addKey(String clientId, String digest, String name, Set<Scope> scopes) {
      if (!clients.containsKey(clientId)) {
        return Optional.empty();
      }
      keys.put(digest, new KeyOwner(clientId, "k2", NOW, name, scopes));
      return Optional.of("k2");
    }

    @Override
    public Optional<List<KeyOwner>> keys(String clientId) {
      return clients.containsKey(clientId)
          ? Optional.of(
              keys.values().stream().filter(key -> key.clientId().equals(clientId)).toList())
          : Optional.empty();
    }

    @Override
    public KeyRevoked revokeKey(String clientId, String keyId) {
      return clients.containsKey(clientId) ? KeyRevoked.KEY_NOT_FOUND : KeyRevoked.CLIENT_NOT_FOUND;
    }

    @Override
    public Optional<KeyOwner> keyOwner(String digest) {
      answer();
      return Optional.ofNullable(keys.get(digest));
    }

    @Override
    public Optional<KeyOwner> knownKeyOwner(String digest) {
      return Optional.empty();
    }

    @Override
    public Standing standing(String id) {
      answer();
      Client client = clients.get(id);
      if (client == null) {
        return Standing.UNKNOWN;
      }
      if (!client.settings().enabled()) {
        return Standing.DISABLED;
      }
      boolean keyed = keys.values().stream().anyMatch(owner -> owner.clientId().equals(id));
      return keyed ? Standing.KEYED : Standing.OPEN;
    }
  }
}
