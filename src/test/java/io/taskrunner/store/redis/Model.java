package io.taskrunner.store.redis;

import io.taskrunner.client.Limits;
import io.taskrunner.client.Tier;
import io.taskrunner.config.DispatchSettings;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.record.LabelsJson;
import io.taskrunner.task.AttemptError;
import io.taskrunner.task.Callback;
import io.taskrunner.task.Retry;
import io.taskrunner.task.RetryPolicy;
import io.taskrunner.task.TaskId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The guarantees of the engine, as plain objects: every rule of the contract, none of Redis' sets
 * and scores. Choices that the contract leaves open (which of several clients is next when both may
 * be, when a task that has expired is dropped) are taken from the real engine and checked against
 * the rules.
 */
final class Model {

  static final long MINUTE = 60_000;
  static final int MAX_RETRIES = 5;

  /** After this time a half-open breaker may close though tasks wait for it. */
  private static final long RAMP = 3000;

  static final int LEASE_LOST = 7;
  static final int EXPIRED = 8;

  final Map<String, Limits> tiers = new HashMap<>();
  final Map<String, Client> clients = new TreeMap<>();
  final Map<String, Queue> queues = new TreeMap<>();
  final Map<TaskId, Item> tasks = new LinkedHashMap<>();
  final Map<String, Keyed> keys = new HashMap<>();
  final Map<String, Breaker> breakers = new TreeMap<>();

  /** Tasks that Redis keeps for each host whose breaker is not closed, before a move. */
  final Map<String, Long> held = new TreeMap<>();

  final long lease;
  final long hide;
  final long longestWait;
  final int probesMax;
  long now;
  boolean allPaused;
  private final List<Item> ended = new ArrayList<>();
  private long beat;
  private long grace;

  /** Parked clients with room that a tend has yet to unpark: they keep no turn until then. */
  Predicate<String> unparking = _ -> false;

  private long turns;

  /** A client; {@code on} is 'x' once deleted. */
  static final class Client {
    final String id;
    char on = '1';
    int gen;
    String tier = Tier.DEFAULT;
    @Nullable Integer ownConcurrent;
    @Nullable Integer ownPerMin;
    @Nullable Integer maxWaiting;
    @Nullable Long maxWaitingBytes;
    @Nullable List<String> allowed;
    final List<Long> accepted = new ArrayList<>();

    Client(String id) {
      this.id = id;
    }
  }

  /** A queue, from its creation to its deletion. */
  static final class Queue {
    final String name;
    final int n;
    QueueSettings settings;
    int gen;
    boolean paused;
    boolean deleted;
    double tokensMost;
    long tokensAt;

    /**
     * Clients with ready tasks, by the time of their turn; equal when their order was left open.
     */
    final Map<String, Long> turnOf = new HashMap<>();

    Queue(String name, int n, QueueSettings settings) {
      this.name = name;
      this.n = n;
      this.settings = settings;
    }
  }

  /** A task. States as in the record; 'p' is purged: it may remain in Redis, invisible to all. */
  static final class Item {
    final TaskId id;
    final Client client;
    final Queue queue;
    int gen;
    char state;
    long due;
    long claim;
    String worker = "";
    int attempts;
    int answers;
    int status;
    int error;
    long first;
    long ended;
    long keptMillis;
    long leaseEnd;
    boolean cancelling;
    boolean probe;

    /** Whether it waits for its host's breaker, and not for its due time. */
    boolean held;

    /**
     * Whether it counts among its client's unfinished tasks; a purged task does until it is
     * deleted.
     */
    boolean counted = true;

    final int body;
    final long created;
    final @Nullable Callback callback;
    final Map<String, String> labels;

    /** Whether it reports the end of another. */
    final boolean tells;

    final String host;
    final Retry retry;
    final long retentionMillis;
    final @Nullable Long expires;
    final @Nullable Integer ownConcurrent;

    /** A retried task belongs to the current version of its client. */
    int generationOfClient;

    Item(
        TaskId id,
        Client client,
        Queue queue,
        Stage.Wish wish,
        String host,
        long created,
        boolean tells) {
      this.id = id;
      this.client = client;
      this.generationOfClient = client.gen;
      this.queue = queue;
      this.gen = queue.gen;
      this.host = host;
      this.body = wish.body.length();
      this.created = created;
      this.callback = wish.callback;
      this.labels = wish.labels;
      this.tells = tells;
      this.retry = wish.retry;
      this.retentionMillis = wish.retention.toMillis();
      this.expires = wish.expires == null ? null : wish.expires.toEpochMilli();
      this.ownConcurrent = wish.maxConcurrent;
    }

    boolean waits() {
      return state == 'r' || state == 's' || state == 't';
    }

    boolean over() {
      return state == 'k' || state == 'c' || state == 'd';
    }

    boolean outdated() {
      return queue.deleted || queue.gen != gen;
    }

    boolean clientGone() {
      return client.gen != generationOfClient;
    }

    @Override
    public String toString() {
      return "task "
          + id
          + " of "
          + client.id
          + " in "
          + queue.name
          + " ("
          + state
          + ", due "
          + due
          + ", claim "
          + claim
          + ", attempts "
          + attempts
          + ")";
    }
  }

  /** The payload of an idempotency key. */
  record Keyed(TaskId id, long due, String payload) {}

  /** A breaker that is not closed. */
  static final class Breaker {
    long at;
    int out;
    int allowed;
    long goodAt;
    long wait;

    @Override
    public String toString() {
      return "from %d, %d out of %d, good at %d, waits %d"
          .formatted(at, out, allowed, goodAt, wait);
    }
  }

  /** The expected answer of an enqueue. */
  record Answer(
      char word,
      TaskId id,
      long due,
      int concurrent,
      int perMin,
      int remaining,
      long full,
      long retryAfter) {
    static Answer refused(char word) {
      return new Answer(word, new TaskId(0, 0), 0, 0, 0, 0, 0, 0);
    }
  }

  /** A violation of a rule. */
  static final class Broken extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Broken(String message) {
      super(message);
    }
  }

  Model(long now, Duration lease, Duration hide, DispatchSettings.Breaker breaker) {
    this.now = now;
    this.lease = lease.toMillis();
    this.hide = hide.toMillis();
    this.longestWait = breaker.timeout().toMillis();
    this.probesMax = breaker.maxRequests();
    Tier.BUILT_IN.forEach(tier -> tiers.put(tier.name(), tier.limits()));
  }

  static void require(boolean holds, String message, @Nullable Object... values) {
    if (!holds) {
      throw new Broken(message.formatted(values));
    }
  }

  void time(long millis) {
    now = millis;
    queues.values().forEach(this::refill);
  }

  // -- clients and queues

  Limits limits(Client client) {
    Limits tier = Objects.requireNonNull(tiers.get(client.tier));
    return new Limits(
        client.ownConcurrent != null ? client.ownConcurrent : tier.maxConcurrent(),
        client.ownPerMin != null ? client.ownPerMin : tier.requestsPerMin());
  }

  Client setClient(String id) {
    Client client = clients.computeIfAbsent(id, Client::new);
    if (client.on == 'x') {
      client.on = '1';
      client.tier = Tier.DEFAULT;
      client.ownConcurrent = null;
      client.ownPerMin = null;
      client.maxWaiting = null;
      client.maxWaitingBytes = null;
      client.allowed = null;
    }
    return client;
  }

  boolean deleteClient(String id) {
    Client client = clients.get(id);
    if (client == null || client.on == 'x') {
      return false;
    }
    client.on = 'x';
    client.gen++;
    return true;
  }

  void putQueue(String name, int n, QueueSettings settings) {
    Queue old = queues.get(name);
    Queue queue = old == null ? new Queue(name, n, settings) : old;
    Double rateBefore = old == null ? null : old.settings.maxDispatchesPerSec();
    queue.settings = settings;
    queues.put(name, queue);
    if (settings.maxDispatchesPerSec() != null) {
      queue.tokensMost =
          rateBefore == null ? burst(queue) : Math.min(queue.tokensMost, burst(queue));
      queue.tokensAt = now;
    }
  }

  private static int burst(Queue queue) {
    Double rate = queue.settings.maxDispatchesPerSec();
    Integer burst = queue.settings.maxBurst();
    return burst != null ? burst : rate == null ? 0 : QueueSettings.defaultBurst(rate);
  }

  private void refill(Queue queue) {
    Double rate = queue.settings.maxDispatchesPerSec();
    if (rate != null && now > queue.tokensAt) {
      queue.tokensMost =
          Math.min(burst(queue), queue.tokensMost + (now - queue.tokensAt) * rate / 1000);
    }
    queue.tokensAt = now;
  }

  long running(Client client) {
    return tasks.values().stream().filter(t -> t.state == 'a' && t.client == client).count();
  }

  long running(Queue queue) {
    return tasks.values().stream().filter(t -> t.state == 'a' && t.queue == queue).count();
  }

  List<Item> ready(Queue queue, Client client) {
    return tasks.values().stream()
        .filter(t -> t.state == 'r' && t.queue == queue && t.client == client && !t.outdated())
        .sorted(Comparator.comparingLong((Item t) -> t.due).thenComparing(t -> t.id))
        .toList();
  }

  boolean purge(String name) {
    Queue queue = queues.get(name);
    if (queue == null) {
      return false;
    }
    queue.gen++;
    queue.turnOf.clear();
    tasks
        .values()
        .forEach(t -> {
          if (t.queue == queue && t.waits()) {
            t.state = 'p';
          }
        });
    return true;
  }

  /** 'done', 'missing' or 'full'. */
  String deleteQueue(String name, boolean force) {
    Queue queue = queues.get(name);
    if (queue == null) {
      return "missing";
    }
    boolean empty =
        tasks.values().stream()
            .noneMatch(t -> t.queue == queue && (t.waits() || t.state == 'a' || t.state == 'd'));
    if (!force && !empty) {
      return "full";
    }
    queue.deleted = true;
    queues.remove(name);
    tasks
        .values()
        .forEach(t -> {
          boolean hidden = t.state != 'd' && t.over() && t.retentionMillis == 0;
          if (t.queue == queue && t.state != 'a' && !hidden) {
            t.state = 'p';
          }
        });
    return "done";
  }

  // -- enqueue

  /** The expected answer of a call; {@code epoch} is the same for all claims of one group. */
  Answer enqueue(
      TaskId id, Stage.Wish wish, long delay, @Nullable Long at, String host, long epoch) {
    Client client = clients.get(wish.client);
    Item again = tasks.get(id);
    char refused = refusal(client, wish);
    if (refused != 0 && (again == null || client == null)) {
      return Answer.refused(refused);
    }
    long due = at == null ? now + delay : Math.max(now, at);
    Client caller = client == null ? new Client(wish.client) : client;
    Limits own = limits(caller);
    Limits limits =
        new Limits(
            wish.maxConcurrent == null
                ? own.maxConcurrent()
                : Math.min(own.maxConcurrent(), wish.maxConcurrent),
            wish.perMin == null
                ? own.requestsPerMin()
                : Math.min(own.requestsPerMin(), wish.perMin));
    if (refused != 0) {
      forget(caller);
      return answer('e', id, again.due, caller, limits, 0);
    }
    Keyed keyed =
        client == null || wish.key == null ? null : keys.get(wish.client + " " + wish.key);
    if (keyed != null) {
      if (!keyed.payload().equals(wish.payload)) {
        return Answer.refused('u');
      }
      forget(caller);
      return answer(keyed.id().equals(id) ? 'e' : 'd', keyed.id(), keyed.due(), caller, limits, 0);
    }
    forget(caller);
    Answer full = backlogFull(caller, wish.body.length());
    if (full != null) {
      return again == null ? full : answer('e', id, again.due, caller, limits, 0);
    }
    if (caller.accepted.size() + 1 > limits.requestsPerMin()) {
      if (again != null) {
        return answer('e', id, again.due, caller, limits, 0);
      }
      long waitsFor = caller.accepted.get(caller.accepted.size() - limits.requestsPerMin());
      return answer('r', new TaskId(0, 0), 0, caller, limits, waitsFor + MINUTE - now);
    }
    clients.put(caller.id, caller);
    if (again != null) {
      return answer('e', id, again.due, caller, limits, 0);
    }
    caller.accepted.add(label());
    Queue queue = Objects.requireNonNull(queues.get(wish.queue));
    Item item = new Item(id, caller, queue, wish, host, now, false);
    item.due = due;
    item.state = due <= now ? 'r' : 's';
    tasks.put(id, item);
    if (item.state == 'r') {
      seat(item, epoch);
    }
    if (wish.key != null) {
      keys.put(wish.client + " " + wish.key, new Keyed(id, due, wish.payload));
    }
    return answer('e', id, due, caller, limits, held(queue, caller, limits, due));
  }

  /** What keeps a new task from starting, as a number of the reply. */
  private long held(Queue queue, Client client, Limits limits, long due) {
    Integer most = queue.settings.maxConcurrent();
    if (queue.paused) {
      return 1;
    } else if (due > now) {
      return 4;
    } else if (running(client) >= limits.maxConcurrent()) {
      return 2;
    }
    return most != null && running(queue) >= most ? 3 : 0;
  }

  private @Nullable Answer backlogFull(Client client, int body) {
    long tasks = counted(client).count();
    if (client.maxWaiting != null && tasks >= client.maxWaiting) {
      return new Answer('b', new TaskId(0, 0), client.maxWaiting, 1, 0, 0, tasks, 0);
    }
    long bytes = counted(client).mapToLong(t -> t.body).sum();
    return client.maxWaitingBytes != null && bytes + body > client.maxWaitingBytes
        ? new Answer('b', new TaskId(0, 0), client.maxWaitingBytes, 2, 0, 0, bytes, 0)
        : null;
  }

  /** The unfinished tasks of a client, as its quota counts them. */
  Stream<Item> counted(Client client) {
    return tasks.values().stream().filter(t -> t.counted && t.client == client);
  }

  private char refusal(@Nullable Client client, Stage.Wish wish) {
    if (client != null && client.on != '1') {
      return 'x';
    }
    if (!queues.containsKey(wish.queue)) {
      return 'q';
    }
    if (client != null && client.allowed != null && !client.allowed.contains(wish.queue)) {
      return 'n';
    }
    return 0;
  }

  private Answer answer(char word, TaskId id, long due, Client client, Limits limits, long wait) {
    long last = client.accepted.isEmpty() ? 0 : client.accepted.getLast() + MINUTE;
    return new Answer(
        word,
        id,
        due,
        limits.maxConcurrent(),
        limits.requestsPerMin(),
        Math.max(0, limits.requestsPerMin() - client.accepted.size()),
        client.accepted.isEmpty() ? now : last,
        Math.max(0, wait));
  }

  /** Acceptances count to the end of their 10 ms, and 60 s from there. */
  private long label() {
    return Math.floorDiv(now, 10) * 10 + 10;
  }

  private void forget(Client client) {
    client.accepted.replaceAll(at -> Math.min(at, label()));
    client.accepted.removeIf(at -> at + MINUTE <= now);
  }

  long epoch() {
    return ++turns;
  }

  private void seat(Item task, long epoch) {
    task.queue.turnOf.putIfAbsent(task.client.id, epoch);
  }

  /** After ready tasks left: a client without any has no turn. */
  void unseat(Queue queue) {
    queue
        .turnOf
        .keySet()
        .removeIf(id -> ready(queue, Objects.requireNonNull(clients.get(id))).isEmpty());
  }

  // -- the moves of a task

  char visible(Item t) {
    return switch (t.state) {
      case 'p' -> '-';
      case 'k', 'c' -> t.retentionMillis > 0 && now < t.ended + t.retentionMillis ? t.state : '-';
      case 'd' -> 'd';
      case 'a' -> t.outdated() ? '-' : t.cancelling ? 'c' : 'a';
      default -> t.clientGone() ? 'c' : t.state;
    };
  }

  String cancel(@Nullable Item t) {
    char state = t == null ? '-' : visible(t);
    if (t == null || state == '-') {
      return "missing";
    }
    if (state == 'a') {
      t.cancelling = true;
    } else if ("kdc".indexOf(state) >= 0) {
      return String.valueOf(state);
    } else {
      end(t, 'c');
      unseat(t.queue);
    }
    return "done";
  }

  String runNow(@Nullable Item t) {
    char state = t == null ? '-' : visible(t);
    if (t == null || state == '-') {
      return "missing";
    }
    if (state != 's' && state != 't') {
      return String.valueOf(state);
    }
    t.state = 'r';
    t.held = false;
    t.due = now;
    seat(t, epoch());
    return "done";
  }

  String retry(@Nullable Item t) {
    char state = t == null ? '-' : visible(t);
    if (t == null || state == '-') {
      return "missing";
    }
    return state != 'd' ? String.valueOf(state) : startAgain(t) ? "done" : "missing";
  }

  private boolean startAgain(Item t) {
    if (t.client.on == 'x') {
      return false;
    }
    t.state = 'r';
    t.due = now;
    t.attempts = 0;
    t.answers = 0;
    t.first = 0;
    t.ended = 0;
    t.status = 0;
    t.error = 0;
    t.worker = "";
    t.cancelling = false;
    t.probe = false;
    t.gen = t.queue.gen;
    t.generationOfClient = t.client.gen;
    t.counted = true;
    t.claim += t.callback != null || t.tells ? 1 : 0;
    seat(t, epoch());
    return true;
  }

  long replay(String name, long most, @Nullable String client) {
    Queue queue = Objects.requireNonNull(queues.get(name));
    List<Item> dead =
        tasks.values().stream()
            .filter(t -> t.state == 'd' && t.queue == queue && t.ended <= now)
            .filter(t -> client == null || t.client.id.equals(client))
            .sorted(Comparator.comparingLong((Item t) -> t.ended).thenComparing(t -> t.id))
            .toList();
    long started = 0;
    for (Item t : dead) {
      if (started < most && startAgain(t)) {
        started++;
      }
    }
    return started;
  }

  /** The life of a task that is neither pending nor running is over. */
  void end(Item t, char state) {
    t.state = state;
    t.counted = false;
    t.ended = now;
    t.cancelling = false;
    if (t.callback != null && t.callback.on().contains(end(state)) && !t.clientGone()) {
      ended.add(t);
    }
    t.keptMillis = state == 'd' ? t.queue.settings.deadRetention().toMillis() : t.retentionMillis;
  }

  /** A script ends: the ends of tasks are reported, by tasks that are ready from then on. */
  void close() {
    long epoch = epoch();
    for (Item t : ended) {
      String body = told(t);
      Stage.Wish wish = Stage.wish().body(body).retention(Duration.ofMillis(t.retentionMillis));
      Callback callback = Objects.requireNonNull(t.callback);
      TaskId id = callbackId(t);
      Item made = new Item(id, t.client, t.queue, wish, callback.url().hostAndPort(), now, true);
      made.state = 'r';
      made.due = now;
      tasks.put(id, made);
      seat(made, epoch);
    }
    ended.clear();
  }

  private static Callback.End end(char state) {
    return state == 'k'
        ? Callback.End.SUCCEEDED
        : state == 'd' ? Callback.End.DEAD : Callback.End.CANCELLED;
  }

  private static String told(Item t) {
    return "{\"task_id\":\"%s\",\"client_id\":\"%s\",\"queue\":\"%s\",\"state\":\"%s\",\"attempts\":%d,\"last_status\":%s,\"last_error\":%s,\"last_excerpt\":null,\"created_time\":\"%s\",\"finished_time\":\"%s\",\"labels\":%s}"
        .formatted(
            t.id,
            t.client.id,
            t.queue.name,
            end(t.state).word(),
            t.attempts,
            t.status > 0 ? t.status : "null",
            cause(t),
            time(t.created, t),
            time(t.ended, t),
            new String(LabelsJson.of(t.labels), StandardCharsets.UTF_8));
  }

  private static String cause(Item t) {
    if (t.error > 0) {
      return '"' + AttemptError.ofCode(t.error).word() + '"';
    }
    return t.status > 0 && t.status / 100 != 2 ? "\"http_" + t.status + '"' : "null";
  }

  /** Only its length counts here. */
  private static String time(long millis, Item t) {
    require(millis > 0, "%s has no time", t);
    return "2023-11-14T22:13:20.000Z";
  }

  private static TaskId callbackId(Item t) {
    try {
      MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
      sha1.update(Keys.bytes("callback"));
      sha1.update(t.id.bytes());
      ByteBuffer hash = ByteBuffer.wrap(sha1.digest(Keys.bytes(t.claim)));
      long high = Math.max(t.claim, t.created) << 16 | 0x7000 | hash.getShort() & 0xFFF;
      long low = hash.getLong() & 0x3FFF_FFFF_FFFF_C000L | Long.MIN_VALUE;
      return new TaskId(high, low | t.id.shard());
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }

  void drop(Item t) {
    t.state = 'p';
    t.counted = false;
  }

  /**
   * The work of every second: removes tasks that have been over for long enough, and purged ones.
   */
  void tidy() {
    tasks
        .values()
        .forEach(t -> {
          if (t.waits() && t.clientGone()) {
            end(t, 'c');
          }
        });
    queues.values().forEach(this::unseat);
    tasks.values().removeIf(t -> t.state == 'p' || (t.over() && retireAt(t) <= now));
  }

  private long retireAt(Item t) {
    if (t.state == 'd') {
      return t.ended + t.keptMillis;
    }
    return t.retentionMillis == 0 ? Long.MAX_VALUE : t.ended + Math.max(t.keptMillis, hide);
  }

  // -- claim

  /**
   * The work of a tend before the claim: takes back ended leases, makes due tasks ready.
   *
   * @param notYet tasks left for the next claim
   */
  void beforeClaim(Predicate<Item> notYet) {
    if (Math.abs(now - beat) > Math.max(lease / 2, 1500)) {
      grace = now + lease;
    }
    grace = Math.min(grace, now + lease);
    beat = now;
    tasks.values().forEach(t -> t.leaseEnd = Math.min(t.leaseEnd, now + lease));
    if (now >= grace) {
      tasks.values().stream()
          .filter(t -> t.state == 'a' && t.leaseEnd <= now && !notYet.test(t))
          .toList()
          .forEach(this::lose);
    }
    for (Queue queue : queues.values()) {
      long epoch = epoch();
      for (Item t : List.copyOf(tasks.values())) {
        boolean due = (t.state == 's' || t.state == 't') && t.due <= now && !t.held;
        if (t.queue == queue && due && !notYet.test(t)) {
          if (t.clientGone()) {
            end(t, 'c');
          } else {
            t.state = 'r';
            seat(t, epoch);
          }
        }
      }
    }
  }

  private void lose(Item t) {
    probeEnded(t, 'b');
    t.probe = false;
    if (t.outdated()) {
      drop(t);
      return;
    }
    if (t.cancelling) {
      end(t, 'c');
      return;
    }
    t.worker = "";
    t.error = LEASE_LOST;
    t.status = 0;
    RetryPolicy policy = t.retry.over(t.queue.settings.retry()).policy(MAX_RETRIES);
    Duration most = policy.maxDuration();
    if (t.attempts > policy.maxRetries() || (most != null && now - t.first >= most.toMillis())) {
      end(t, 'd');
    } else if (t.clientGone()) {
      end(t, 'c');
    } else {
      t.state = 't';
      t.due = now + Math.min(1000, policy.backoff(t.attempts).toMillis());
    }
  }

  /** A task that a claim returned: each rule, then its changes. */
  void claimed(TaskId id, long number, boolean probe, String worker) {
    Item t = tasks.get(id);
    require(t != null && t.state == 'r', "%s was given to a worker", t == null ? id : t);
    Queue queue = t.queue;
    require(!allPaused && !queue.paused && !t.outdated(), "%s was held", t);
    require(!t.clientGone(), "%s is of a client that is gone", t);
    require(t.expires == null || now < t.expires, "%s had expired", t);
    long runs = running(t.client);
    require(runs < limits(t.client).maxConcurrent(), "%s, though its client runs %d", t, runs);
    require(
        t.ownConcurrent == null || runs < t.ownConcurrent,
        "%s lowers its limit to %s, and %d run",
        t,
        t.ownConcurrent,
        runs);
    Integer most = queue.settings.maxConcurrent();
    require(most == null || running(queue) < most, "%s, though its queue is full", t);
    if (queue.settings.maxDispatchesPerSec() != null) {
      require(queue.tokensMost > 1 - 1e-6, "%s, though its queue has no token", t);
      queue.tokensMost -= 1;
    }
    breakerLets(t, probe);
    inDueOrder(t);
    inTurn(t);
    t.state = 'a';
    t.worker = worker;
    t.claim = Math.max(t.claim + 1, now);
    require(t.claim == number, "claim %d of %s, not %d", number, t, t.claim);
    t.attempts++;
    t.first = t.first == 0 ? now : t.first;
    t.leaseEnd = now + lease;
    t.probe = probe;
    t.cancelling = false;
    queue.turnOf.put(t.client.id, epoch());
  }

  private void breakerLets(Item t, boolean probe) {
    Breaker breaker = breakers.get(t.host);
    if (breaker == null) {
      require(!probe, "%s is a probe of a closed breaker", t);
      return;
    }
    require(probe, "%s goes to a host whose breaker is not closed", t);
    require(now >= breaker.at && breaker.out < breaker.allowed, "%s is one probe too many", t);
    breaker.out++;
  }

  /**
   * Whether a ready task may have been passed over: it is dropped, or put off, when its turn comes.
   */
  private boolean plain(Item t) {
    return !t.clientGone()
        && (t.expires == null || now < t.expires)
        && !breakers.containsKey(t.host);
  }

  private void inDueOrder(Item t) {
    for (Item other : ready(t.queue, t.client)) {
      if (other == t) {
        return;
      }
      require(!plain(other), "%s overtook %s", t, other);
    }
  }

  private boolean startable(Item t) {
    long runs = running(t.client);
    return runs < limits(t.client).maxConcurrent()
        && (t.ownConcurrent == null || runs < t.ownConcurrent);
  }

  /**
   * The first that would have been given; null when there is none, or an earlier one holds it up.
   */
  private @Nullable Item firstPlain(Queue queue, String client) {
    for (Item t : ready(queue, Objects.requireNonNull(clients.get(client)))) {
      if (plain(t)) {
        return t;
      }
      // One that holds the others up until fewer run does so too when it has expired meanwhile:
      // expiry is checked when it would start.
      if (!t.clientGone() && !startable(t)) {
        return null;
      }
    }
    return null;
  }

  private void inTurn(Item t) {
    long mine = Objects.requireNonNull(t.queue.turnOf.get(t.client.id));
    t.queue.turnOf.forEach((client, turn) -> {
      if (turn < mine && !unparking.test(client)) {
        Item other = firstPlain(t.queue, client);
        require(
            other == null || !startable(other),
            "%s came before its turn, which was %s's",
            t,
            other);
      }
    });
  }

  /** After a claim that returned fewer than asked: no task that could have been given is left. */
  void nothingLeft() {
    Item left = givable();
    require(left == null, "%s was left lying", left);
  }

  /** A ready task that a claim would return now; those of queues with a rate are never reported. */
  @Nullable Item givable() {
    if (allPaused) {
      return null;
    }
    for (Queue queue : queues.values()) {
      Integer most = queue.settings.maxConcurrent();
      boolean open =
          !queue.paused
              && queue.settings.maxDispatchesPerSec() == null
              && (most == null || running(queue) < most);
      for (String client : open ? List.copyOf(queue.turnOf.keySet()) : List.<String>of()) {
        Item first = firstPlain(queue, client);
        if (first != null && startable(first)) {
          return first;
        }
      }
    }
    return null;
  }

  /**
   * A ready task that a claim moved without giving it: its new state, and whether it may have it.
   */
  void passedOver(Item t, char became, List<TaskId> given) {
    for (Item before : ready(t.queue, t.client)) {
      if (before == t) {
        break;
      }
      require(given.contains(before.id), "%s was passed over, not %s", t, before);
    }
    long probesGiven =
        given.stream()
            .map(tasks::get)
            .filter(other -> other != null && other.host.equals(t.host))
            .count();
    require(!allPaused && !t.queue.paused, "%s was held, and became %s", t, became);
    if (t.clientGone()) {
      require(became == 'c', "%s became %s", t, became);
      end(t, 'c');
    } else if (t.expires != null && now >= t.expires) {
      require(became == 'd', "%s became %s", t, became);
      t.error = EXPIRED;
      t.status = 0;
      end(t, 'd');
    } else {
      Breaker breaker = breakers.get(t.host);
      require(breaker != null, "%s became %s", t, became);
      require(
          now < breaker.at || breaker.out + probesGiven >= breaker.allowed,
          "%s was put off, though it may probe: %s, %s given",
          t,
          breaker,
          probesGiven);
      require(became == (t.attempts > 0 ? 't' : 's'), "%s became %s", t, became);
      t.state = became;
      t.held = true;
    }
  }

  // -- settle and renew

  /** The expected letter of the answer to a verdict; '?' when either r or l will do. */
  char settle(
      TaskId id,
      long claim,
      String worker,
      char kind,
      long delay,
      int status,
      int error,
      char report) {
    Item t = tasks.get(id);
    if (t == null) {
      return 'l';
    }
    if (t.state == 'p') {
      t.counted &= claim <= t.claim; // one that a failover forgot ends here
      return '?';
    }
    boolean ours = t.claim == claim && t.worker.equals(worker);
    if (ours && t.state == 'a') {
      tellBreaker(t, report);
    } else if (ours) {
      return t.over() && t.retentionMillis == 0 ? '?' : 'r';
    } else if (claim > t.claim && t.waits()) {
      t.claim = claim;
      t.worker = worker;
      t.attempts++;
      t.first = t.first == 0 ? Math.min(claim, now) : t.first;
    } else {
      return 'l';
    }
    boolean wasReady = t.state == 'r';
    if (t.held) {
      held.computeIfPresent(t.host, (_, count) -> count - 1);
      t.held = false;
    }
    apply(t, kind, delay, status, error, wasReady);
    return 'd';
  }

  private void apply(Item t, char kind, long delay, int status, int error, boolean wasReady) {
    if (wasReady) {
      t.state = 'a';
      unseat(t.queue);
    }
    if (kind != 'b') {
      t.status = status;
      t.error = error;
      t.answers += status > 0 && status < 500 ? 1 : 0;
    }
    if (t.outdated()) {
      drop(t);
      return;
    }
    boolean calledOff = t.cancelling || ((kind == 'r' || kind == 'b') && t.clientGone());
    t.probe = false;
    switch (calledOff ? 'c' : kind) {
      case 's' -> end(t, 'k');
      case 'c' -> end(t, 'c');
      case 'd' -> end(t, 'd');
      case 'r' -> {
        t.state = 't';
        t.due = now + delay;
      }
      default -> {
        t.attempts = Math.max(0, t.attempts - 1);
        t.first = t.attempts == 0 ? 0 : t.first;
        if (delay > 0) {
          t.state = t.attempts > 0 ? 't' : 's';
          t.due = now + delay;
        } else {
          t.state = 'r';
          seat(t, epoch());
        }
      }
    }
  }

  private void tellBreaker(Item t, char report) {
    if (t.probe) {
      probeEnded(t, report);
    } else if (report == 't') {
      Breaker breaker = breakers.get(t.host);
      if (breaker == null) {
        open(t.host, 1000);
      } else {
        clamp(breaker);
      }
    }
  }

  private void open(String host, long wait) {
    Breaker breaker = breakers.computeIfAbsent(host, _ -> new Breaker());
    breaker.wait = Math.min(wait, longestWait);
    breaker.at =
        now
            + (breaker.wait < longestWait
                ? (long) (breaker.wait * (1 - now % 100 / 1000.0))
                : breaker.wait);
    breaker.out = 0;
    breaker.allowed = probesMax;
    breaker.goodAt = 0;
  }

  private void clamp(Breaker breaker) {
    breaker.at = Math.min(breaker.at, now + breaker.wait);
    breaker.goodAt = Math.min(breaker.goodAt, now);
  }

  private void probeEnded(Item t, char report) {
    Breaker breaker = breakers.get(t.host);
    if (!t.probe || breaker == null) {
      return;
    }
    clamp(breaker);
    if (t.claim < breaker.at) {
      return;
    }
    breaker.out = Math.max(0, breaker.out - 1);
    if (report == 'g') {
      breaker.allowed++;
      breaker.goodAt = breaker.goodAt == 0 ? now : breaker.goodAt;
    } else if (report != '-') {
      breaker.allowed--;
    }
    if (breaker.allowed == 0) {
      open(t.host, 2 * breaker.wait);
    } else if (mayClose(t.host)) {
      breakers.remove(t.host);
    }
  }

  private boolean mayClose(String host) {
    Breaker breaker = Objects.requireNonNull(breakers.get(host));
    return breaker.allowed >= 2 * probesMax
        && (now - breaker.goodAt >= RAMP || held.getOrDefault(host, 0L) == 0);
  }

  /**
   * A tend checked some breakers: it may have closed those that are not in Redis any more, and
   * noticed that the clock was set back.
   */
  void lookedAt(Map<String, Breaker> open) {
    for (String host : List.copyOf(breakers.keySet())) {
      Breaker real = open.get(host);
      if (real == null) {
        require(mayClose(host), "the breaker of %s closed too soon", host);
        breakers.remove(host);
      } else if (real.at == now + real.wait || real.goodAt == now) {
        clamp(Objects.requireNonNull(breakers.get(host)));
      }
    }
  }

  /** A tend made tasks ready again that waited for a breaker. */
  void letBack(List<Item> tasks) {
    Map<String, Integer> counts = new TreeMap<>();
    long epoch = epoch();
    for (Item t : tasks) {
      Breaker breaker = breakers.get(t.host);
      int count = counts.merge(t.host, 1, Integer::sum);
      require(
          breaker == null || (now >= breaker.at && count <= breaker.allowed - breaker.out),
          "%s was let back, though it may not probe",
          t);
      t.state = 'r';
      t.held = false;
      seat(t, epoch);
    }
  }

  /** The expected answer to a renewal of this claim: "", "lost" or "cancelled". */
  String renew(TaskId id, long claim, String worker) {
    Item t = tasks.get(id);
    if (t != null && t.state == 'a' && t.claim == claim && t.worker.equals(worker)) {
      t.leaseEnd = now + lease;
      return t.cancelling ? "cancelled" : "";
    }
    if (t != null && t.waits() && claim > t.claim) {
      t.state = 'a';
      t.held = false;
      t.claim = claim;
      t.worker = worker;
      t.attempts++;
      t.first = t.first == 0 ? Math.min(claim, now) : t.first;
      t.leaseEnd = now + lease;
      t.cancelling = false;
      unseat(t.queue);
      return "";
    }
    return "lost";
  }

  // -- counts

  /** Scheduled, ready, active, retrying, dead and done tasks of a queue. */
  long[] counts(Queue queue) {
    String states = "sratdkc";
    long[] counts = new long[states.length()];
    tasks.values().stream()
        .filter(t -> t.queue == queue)
        .forEach(t -> {
          boolean over = t.state == 'k' || t.state == 'c';
          int at = states.indexOf(t.state);
          if (at >= 0 && (!over || t.retentionMillis > 0)) {
            counts[at]++;
          }
        });
    return counts;
  }

  static String text(long[] counts) {
    return Arrays.toString(counts);
  }
}
