package io.taskrunner.store.redis;

import io.lettuce.core.KeyScanCursor;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.ScanCursor;
import io.lettuce.core.ScoredValueScanCursor;
import io.lettuce.core.ValueScanCursor;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.taskrunner.task.TaskId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Proves what must always hold of the keys in Redis, and mends it. Writers go on meanwhile.
 *
 * <p>The keys and the members of their sets are walked in steps. What a step finds is handed to
 * {@code check.lua}, which looks at it at one moment: each task is in exactly the set that its
 * state names, once; an owner is in {@code turns} exactly when it has ready tasks, and parked only
 * at a limit; a queue is in {@code busy} exactly when {@code serve} says so; nothing points to
 * nothing; a task is found by its labels; what must expire will. A client whose requests are signed
 * has secrets, and its claims name the last version of them.
 *
 * <p>Counters take a whole walk to be proven. What the walk counted differs from a counter whenever
 * something moved meanwhile; so such a counter is only suspected, and counted again at one moment
 * in a script of bounded work. What is too large for that (some 50,000 tasks) is left, and the log
 * says so.
 *
 * <p>No call may change the sets in another way than the scripts do while {@link #repair} runs.
 */
public final class Doctor {

  private static final Logger LOG = LoggerFactory.getLogger(Doctor.class);
  private static final int PAGE = 500;
  private static final int STEP = 100;
  private static final int ROUNDS_MAX = 5;
  private static final int TASK = "task:".length();
  private static final byte[] NONE = new byte[0];
  private static final byte[] LOOK = Keys.bytes("0");
  private static final byte[] MEND = Keys.bytes("1");
  private static final byte[] ANY_GENERATION = Keys.bytes("-1");

  private final Shards shards;
  private final QueueNames names;
  private final RedisSigning signing;
  private final RedisSchedules schedules;

  /**
   * Something that does not hold.
   *
   * @param kind a word for what is wrong, such as {@code task_in_no_set}
   * @param key the key that it is about, without its prefix, but with its shard where there are
   *     several; ids of tasks in their canonical form
   * @param detail what was found
   */
  public record Finding(String kind, String key, String detail) {
    Finding in(Shard shard) {
      return new Finding(kind, "{" + shard.number() + "}:" + key, detail);
    }
  }

  Doctor(Shards shards, QueueNames names, RedisSigning signing, RedisSchedules schedules) {
    this.shards = shards;
    this.names = names;
    this.signing = signing;
    this.schedules = schedules;
  }

  /**
   * Proves, and changes nothing.
   *
   * @return what does not hold; empty when all does
   * @throws io.taskrunner.store.StoreUnavailable Redis is away
   */
  public List<Finding> examine() {
    return walk(LOOK);
  }

  private List<Finding> walk(byte[] mend) {
    List<Finding> found = new ArrayList<>();
    Map<String, Long> signed = new HashMap<>();
    Map<Shard, Map<String, String>> scheduled = new HashMap<>();
    for (Shard shard : shards) {
      Walk walk = new Walk(shard, mend);
      walk.walk().forEach(one -> found.add(shards.count() == 1 ? one : one.in(shard)));
      signed.putAll(walk.signed);
      scheduled.put(shard, walk.scheduled);
    }
    found.addAll(signing.prove(signed, mend == MEND));
    found.addAll(schedules.prove(scheduled, mend == MEND));
    return found;
  }

  /**
   * Proves, and mends what does not hold, until all does.
   *
   * @return what did not hold
   * @throws io.taskrunner.store.StoreUnavailable Redis is away; what was mended stays mended
   */
  public List<Finding> repair() {
    Set<Finding> found = new LinkedHashSet<>();
    for (int round = 0; round < ROUNDS_MAX; round++) {
      List<Finding> more = walk(MEND);
      if (more.isEmpty()) {
        break;
      }
      found.addAll(more);
    }
    return List.copyOf(found);
  }

  /** What a walk counted of a queue or a client. */
  private static final class Tally {
    long ready;
    long retry;
    long running;
    long live;
    long bytes;
    long deadBytes;
    long cancelled;
  }

  /** A generation of a queue. */
  private record Generation(int n, long gen) {
    static Generation of(String text) {
      int dot = text.indexOf('.');
      return new Generation(
          Integer.parseInt(text.substring(0, dot)), Long.parseLong(text.substring(dot + 1)));
    }

    @Override
    public String toString() {
      return n + "." + gen;
    }
  }

  /** One way through all keys. */
  private final class Walk {
    private final Link link;
    private final Moves moves;
    private final Keys shard;
    private final byte[] mend;
    private final List<Finding> found = new ArrayList<>();
    private final List<byte[]> tasks = new ArrayList<>();
    private final List<byte[]> logs = new ArrayList<>();
    private final List<byte[]> expiring = new ArrayList<>();
    private final List<byte[]> over = new ArrayList<>();
    private final Set<String> indexes = new TreeSet<>();
    private final Set<String> labels = new TreeSet<>();
    private final Set<Generation> generations = new LinkedHashSet<>();
    private final Set<Generation> due = new HashSet<>();
    private final Set<Generation> all = new HashSet<>();
    private final Map<Generation, Set<String>> owners = new LinkedHashMap<>();
    private final Set<String> parked = new LinkedHashSet<>();
    private final Set<Integer> queues = new TreeSet<>();
    private final Set<String> clients = new LinkedHashSet<>();
    private final Map<Integer, Tally> ofQueue = new HashMap<>();
    private final Map<String, Tally> ofClient = new HashMap<>();

    /** The clients whose requests are signed, and by which version of their secrets. */
    private final Map<String, Long> signed = new HashMap<>();

    /** The schedules that are there, and whose they are. */
    private final Map<String, String> scheduled = new HashMap<>();

    private final Set<String> schedules = new TreeSet<>();

    Walk(Shard shard, byte[] mend) {
      this.link = shard.link();
      this.moves = shard.moves();
      this.shard = shard.keys();
      this.mend = mend;
    }

    List<Finding> walk() {
      keys();
      proveTasks(tasks);
      proveEach("logs", logs);
      members("leases", NONE, ANY_GENERATION, NONE, "leases");
      members("retire", NONE, ANY_GENERATION, NONE, "retire");
      proveEach("over", over);
      over.forEach(this::over);
      indexes.stream().filter(name -> !name.endsWith(":dead:sums")).forEach(this::index);
      labels.forEach(this::label);
      proveEach("generations", bytes(generations));
      generations.forEach(this::generation);
      owners.forEach(this::owners);
      parked.forEach(this::places);
      numbersIn("busy");
      numbersIn("timers");
      proveEach("queues", bytes(queues));
      proveEach("dead_sums", bytes(queues));
      membersOf("clients", id -> clients.add(text(id)));
      membersOf("strangers", id -> clients.add(text(id)));
      proveEach("clients", bytes(clients));
      proveEach("expiring", expiring);
      membersOf("schedules", name -> schedules.add(text(name)));
      steps(bytes(schedules), this::proveSchedules);
      counters();
      prove("shard");
      return List.copyOf(found);
    }

    // -- the walk

    private void keys() {
      int base = shard.base().length();
      ScanArgs all = ScanArgs.Builder.matches(shard.base() + "*").limit(PAGE);
      ScanCursor cursor = ScanCursor.INITIAL;
      do {
        ScanCursor at = cursor;
        KeyScanCursor<byte[]> page = link.patiently(redis -> redis.scan(at, all));
        for (byte[] key : page.getKeys()) {
          take(Arrays.copyOfRange(key, base, key.length));
        }
        if (tasks.size() >= STEP) {
          proveTasks(tasks);
          tasks.clear();
        }
        cursor = page;
      } while (!cursor.isFinished());
    }

    private void take(byte[] key) {
      String name = text(key);
      if (name.startsWith("task:")) {
        if (key.length == TASK + TaskId.BYTES) {
          tasks.add(Arrays.copyOfRange(key, TASK, key.length));
        } else {
          logs.add(Arrays.copyOfRange(key, TASK, TASK + TaskId.BYTES));
        }
      } else if (name.startsWith("label:")) {
        labels.add(name);
      } else if (name.startsWith("queue:")) {
        takeQueue(name.substring("queue:".length()));
      } else if (name.startsWith("client:")) {
        String[] parts = name.split(":", -1);
        if (parts.length == 2) {
          clients.add(parts[1]);
        } else if (parts[2].equals("parked")) {
          parked.add(parts[1]);
        } else {
          expiring.add(key);
        }
      } else if (name.startsWith("schedule:")) {
        schedules.add(name.split(":", -1)[1]);
      } else if (name.startsWith("worker:")
          || name.startsWith("key:")
          || name.startsWith("operation:")) {
        expiring.add(key);
      }
    }

    private void takeQueue(String name) {
      String[] parts = name.split(":", 3);
      if (parts[0].indexOf('.') < 0) {
        if (parts[1].equals("flow")) {
          queues.add(Integer.valueOf(parts[0]));
        } else if (parts.length == 3) {
          indexes.add(name); // of the dead
        } else {
          over.add(Keys.bytes(name));
        }
        return;
      }
      Generation generation = Generation.of(parts[0]);
      generations.add(generation);
      if (parts[1].equals("ready")) {
        owners.computeIfAbsent(generation, _ -> new HashSet<>()).add(parts[2]);
      } else if (parts[1].equals("due")) {
        due.add(generation);
      } else if (parts[1].equals("all")) {
        all.add(generation);
      }
    }

    private void generation(Generation generation) {
      byte[] n = Keys.bytes(generation.n());
      byte[] gen = Keys.bytes(generation.gen());
      String base = "queue:" + generation + ":";
      membersOf(
          base + "turns",
          owner -> owners.computeIfAbsent(generation, _ -> new HashSet<>()).add(text(owner)));
      if (due.contains(generation)) {
        members("due", n, gen, NONE, base + "due");
      }
      if (all.contains(generation)) {
        members("all", n, gen, NONE, base + "all");
      }
      for (String owner : owners.getOrDefault(generation, Set.of())) {
        members("ready", n, gen, Keys.bytes(owner), base + "ready:" + owner);
      }
    }

    /** What is over in a queue: {@code <n>:dead} or {@code <n>:done}. */
    private void over(byte[] name) {
      String[] parts = text(name).split(":", -1);
      String key = "queue:" + text(name);
      members(parts[1], Keys.bytes(parts[0]), ANY_GENERATION, NONE, key);
      if (parts[1].equals("dead")) {
        pages(key, page -> steps(page, step -> prove("dead", step, Keys.bytes(parts[0]))));
      }
    }

    /** An index of the dead: {@code <n>:dead:<kind>:<value>}. */
    private void index(String name) {
      byte[] n = Keys.bytes(name.substring(0, name.indexOf(':')));
      byte[] key = ("queue:" + name).getBytes(StandardCharsets.ISO_8859_1);
      pages("queue:" + name, page -> steps(page, step -> prove("dead_index", step, key, n)));
    }

    /** The tasks with a label: {@code label:<digest>}. */
    private void label(String name) {
      pages(name, page -> steps(page, step -> prove("label", step, Keys.bytes(name))));
    }

    private void owners(Generation generation, Set<String> all) {
      steps(
          bytes(all),
          step -> prove("owners", step, Keys.bytes(generation.n()), Keys.bytes(generation.gen())));
    }

    private void places(String owner) {
      String key = "client:" + owner + ":parked";
      ScanCursor cursor = ScanCursor.INITIAL;
      do {
        ScanCursor at = cursor;
        ValueScanCursor<byte[]> page =
            link.patiently(redis -> redis.sscan(shard.key(key), at, ScanArgs.Builder.limit(PAGE)));
        steps(page.getValues(), step -> prove("parked", step, Keys.bytes(owner)));
        cursor = page;
      } while (!cursor.isFinished());
    }

    private void numbersIn(String set) {
      membersOf(set, n -> queues.add(Integer.valueOf(text(n))));
    }

    private void membersOf(String set, Consumer<byte[]> each) {
      pages(set, page -> page.forEach(each));
    }

    private void members(String set, byte[] n, byte[] gen, byte[] owner, String key) {
      pages(
          key, page -> steps(page, step -> prove("members", step, Keys.bytes(set), n, gen, owner)));
    }

    private void pages(String set, Consumer<List<byte[]>> each) {
      ScanCursor cursor = ScanCursor.INITIAL;
      do {
        ScanCursor at = cursor;
        ScoredValueScanCursor<byte[]> page =
            link.patiently(redis -> redis.zscan(shard.key(set), at, ScanArgs.Builder.limit(PAGE)));
        each.accept(page.getValues().stream().map(member -> member.getValue()).toList());
        cursor = page;
      } while (!cursor.isFinished());
    }

    // -- the proofs

    private void proveTasks(List<byte[]> ids) {
      steps(
          ids,
          step -> {
            for (Object fact : prove("tasks", step)) {
              count(ByteBuffer.wrap((byte[]) fact));
            }
          });
    }

    private void count(ByteBuffer fact) {
      char state = (char) fact.get();
      int n = fact.getInt();
      int bytes = fact.getInt();
      int body = fact.getInt();
      byte[] owner = new byte[fact.remaining()];
      fact.get(owner);
      Tally queue = ofQueue.computeIfAbsent(n, _ -> new Tally());
      Tally client = ofClient.computeIfAbsent(text(owner), _ -> new Tally());
      switch (state) {
        case 'r' -> queue.ready++;
        case 't' -> queue.retry++;
        case 'a' -> queue.running++;
        case 'c' -> queue.cancelled += bytes;
        default -> queue.deadBytes += bytes;
      }
      if (state == 'a') {
        client.running++;
      }
      if ("rtas".indexOf(state) >= 0) {
        client.live++;
        client.bytes += body;
      }
    }

    private void proveSchedules(List<byte[]> step) {
      List<Object> clients = prove("schedules", step);
      for (int i = 0; i < step.size(); i++) {
        String client = text((byte[]) clients.get(i));
        if (!client.isEmpty()) {
          scheduled.put(text(step.get(i)), client);
        }
      }
    }

    private void proveEach(String what, List<byte[]> all) {
      steps(all, step -> prove(what, step));
    }

    private void steps(List<byte[]> all, Consumer<List<byte[]>> each) {
      for (int from = 0; from < all.size(); from += STEP) {
        each.accept(all.subList(from, Math.min(all.size(), from + STEP)));
      }
    }

    private List<Object> prove(String what) {
      return prove(what, List.of());
    }

    private List<Object> prove(String what, List<byte[]> all, byte[]... first) {
      List<byte[]> args = new ArrayList<>(2 + first.length + all.size());
      args.add(mend);
      args.add(Keys.bytes(what));
      args.addAll(List.of(first));
      args.addAll(all);
      return read(moves.run(Script.CHECK, args.toArray(byte[][]::new)));
    }

    @SuppressWarnings("unchecked")
    private List<Object> read(List<Object> reply) {
      List<Object> findings = (List<Object>) reply.get(0);
      for (int i = 0; i < findings.size(); i += 3) {
        found.add(
            new Finding(
                text((byte[]) findings.get(i)),
                readable((byte[]) findings.get(i + 1)),
                text((byte[]) findings.get(i + 2))));
      }
      return (List<Object>) reply.get(1);
    }

    // -- the counters

    private void counters() {
      List<byte[]> queuesSuspected = new ArrayList<>();
      steps(
          bytes(queues),
          step -> {
            List<Map<String, String>> flows = hashes(step, n -> "queue:" + n + ":flow");
            for (int i = 0; i < step.size(); i++) {
              if (suspect(Integer.parseInt(text(step.get(i))), flows.get(i))) {
                queuesSuspected.add(step.get(i));
              }
            }
          });
      steps(queuesSuspected, step -> told("queues", prove("count_queues", step)));
      List<byte[]> clientsSuspected = new ArrayList<>();
      steps(
          bytes(clients),
          step -> {
            List<Map<String, String>> hashes = hashes(step, id -> "client:" + id);
            List<List<byte[]>> minutes =
                together(step, (redis, id) -> redis.lrange(minute(id), 0, -1));
            for (int i = 0; i < step.size(); i++) {
              String version = hashes.get(i).get("signing");
              if (version != null) {
                signed.put(text(step.get(i)), Long.valueOf(version));
              }
              if (suspect(text(step.get(i)), hashes.get(i), minutes.get(i))) {
                clientsSuspected.add(step.get(i));
              }
            }
          });
      steps(clientsSuspected, this::countClients);
    }

    private byte[] minute(byte[] client) {
      return shard.key("client:" + text(client) + ":minute");
    }

    private boolean suspect(int n, Map<String, String> flow) {
      Tally tally = ofQueue.getOrDefault(n, new Tally());
      return !flow.isEmpty()
          && (differs(flow, "ready", tally.ready)
              || differs(flow, "retry", tally.retry)
              || differs(flow, "running", tally.running)
              || differs(flow, "cancelled", tally.cancelled)
              || differs(flow, "dead_bytes", tally.deadBytes));
    }

    private boolean suspect(String client, Map<String, String> hash, List<byte[]> minute) {
      Tally tally = ofClient.getOrDefault(client, new Tally());
      long accepted = 0;
      for (byte[] entry : minute) {
        String text = text(entry);
        accepted += Long.parseLong(text.substring(text.indexOf(':') + 1));
      }
      return !hash.isEmpty()
          && (differs(hash, "running", tally.running)
              || differs(hash, "live", tally.live)
              || differs(hash, "bytes", tally.bytes)
              || (!minute.isEmpty() && differs(hash, "sum", accepted)));
    }

    /**
     * Counts again at one moment. A queue that was made meanwhile is not counted: so a client that
     * differs is counted twice, with the queues as they are known then.
     */
    private void countClients(List<byte[]> ids) {
      List<Finding> before = List.copyOf(found);
      byte[] look = LOOK;
      for (int i = 0; i < 2; i++) {
        found.clear();
        found.addAll(before);
        names.reload();
        Set<Integer> numbers = new TreeSet<>(names.numbers());
        numbers.addAll(queues);
        List<byte[]> args = new ArrayList<>();
        args.add(look);
        args.add(Keys.bytes("count_clients"));
        args.add(Keys.bytes(ids.size()));
        args.addAll(ids);
        args.addAll(bytes(numbers));
        told("clients", read(moves.run(Script.CHECK, args.toArray(byte[][]::new))));
        if (found.size() == before.size()) {
          return;
        }
        look = mend;
      }
    }

    private void told(String what, List<Object> facts) {
      if (!facts.isEmpty()) {
        LOG.info("the counters of {} are not proven: there is too much to count", what);
      }
    }

    private List<Map<String, String>> hashes(List<byte[]> names, UnaryOperator<String> key) {
      List<Map<byte[], byte[]>> raw =
          together(names, (redis, name) -> redis.hgetall(shard.key(key.apply(text(name)))));
      return raw.stream()
          .map(hash -> {
            Map<String, String> fields = HashMap.newHashMap(hash.size());
            hash.forEach((name, value) -> fields.put(text(name), text(value)));
            return fields;
          })
          .toList();
    }

    /** The same read for each of these, in one round trip. */
    private <T> List<T> together(
        List<byte[]> all,
        BiFunction<RedisAsyncCommands<byte[], byte[]>, byte[], CompletionStage<T>> read) {
      return link.patiently(redis -> {
        List<CompletableFuture<T>> replies =
            all.stream().map(one -> read.apply(redis, one).toCompletableFuture()).toList();
        return CompletableFuture.allOf(replies.toArray(CompletableFuture[]::new))
            .thenApply(_ -> replies.stream().map(CompletableFuture::join).toList());
      });
    }

    private static boolean differs(Map<String, String> fields, String field, long counted) {
      return Double.parseDouble(fields.getOrDefault(field, "0")) != counted;
    }

    private static List<byte[]> bytes(Set<?> all) {
      return all.stream().map(one -> Keys.bytes(one.toString())).toList();
    }
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static String readable(byte[] key) {
    return text(key).startsWith("task:") && key.length == TASK + TaskId.BYTES
        ? "task:" + TaskId.of(Arrays.copyOfRange(key, TASK, key.length))
        : text(key);
  }
}
