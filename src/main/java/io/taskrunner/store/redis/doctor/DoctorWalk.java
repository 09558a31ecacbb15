package io.taskrunner.store.redis.doctor;

import static io.taskrunner.store.redis.doctor.Finding.text;

import io.lettuce.core.KeyScanCursor;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.ScanCursor;
import io.lettuce.core.ScoredValueScanCursor;
import io.lettuce.core.ValueScanCursor;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Link;
import io.taskrunner.store.redis.link.Moves;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.task.TaskId;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * One walk through all keys of a shard, a page at a time. It keeps the findings of each page, and
 * the counts by queue and client.
 */
final class DoctorWalk {

  private static final int PAGE = 500;
  private static final int STEP = 50;
  private static final int TASK = "task:".length();
  private static final byte[] NONE = new byte[0];
  private static final byte[] ANY_GENERATION = Keys.bytes("-1");

  private final Link link;
  private final Moves moves;
  private final Keys shard;
  private final String manner;
  private final DoctorCounts counts;
  private final List<Finding> found = new ArrayList<>();
  private final Set<String> generations = new LinkedHashSet<>();
  private final Set<Integer> queues = new TreeSet<>();
  private final Map<String, String> scheduled = new HashMap<>();
  private long tasks;
  private long clients;

  DoctorWalk(Shard shard, QueueNames names, Manner manner) {
    this.link = shard.link();
    this.moves = shard.moves();
    this.shard = shard.keys();
    this.manner = manner.argument();
    this.counts = new DoctorCounts(this, link, this.shard, names, manner);
  }

  /** The clients whose requests are signed, and the version of their secrets. */
  Map<String, Long> signed() {
    return counts.signed();
  }

  /** The existing schedules and their clients. */
  Map<String, String> scheduled() {
    return scheduled;
  }

  /** The numbers of the existing queues. */
  Set<Integer> queues() {
    return queues;
  }

  /** How many tasks it has met. */
  long tasks() {
    return tasks;
  }

  /** How many clients it has met. */
  long clients() {
    return clients;
  }

  List<Finding> walk() {
    keys("", this::take);
    members("leases", NONE, ANY_GENERATION, NONE, "leases");
    members("retire", NONE, ANY_GENERATION, NONE, "retire");
    proveEach("generations", bytes(generations));
    numbersIn("busy");
    numbersIn("timers");
    proveEach("queues", bytes(queues));
    pages("clients", page -> proveEach("clients", page));
    pages("strangers", page -> proveEach("clients", page));
    pages("schedules", page -> steps(page, this::proveSchedules));
    steps(bytes(queues), counts::proveQueues);
    keys("client:", this::clients); // after the turns, which contain where they are parked
    prove("shard", List.of());
    return List.copyOf(found);
  }

  // -- the walk

  /** Visits the keys with a prefix, a page at a time, without the common prefix. */
  private void keys(String prefix, Consumer<List<byte[]>> each) {
    int base = shard.base().length();
    ScanArgs all = ScanArgs.Builder.matches(shard.base() + prefix + "*").limit(PAGE);
    ScanCursor cursor = ScanCursor.INITIAL;
    do {
      ScanCursor at = cursor;
      KeyScanCursor<byte[]> page = link.patiently(redis -> redis.scan(at, all));
      each.accept(
          page.getKeys().stream().map(key -> Arrays.copyOfRange(key, base, key.length)).toList());
      cursor = page;
    } while (!cursor.isFinished());
  }

  /** Checks a page of keys, grouped by kind. */
  private void take(List<byte[]> page) {
    Map<String, List<byte[]>> kinds = new LinkedHashMap<>();
    page.forEach(key -> take(key, kinds));
    kinds.forEach((what, names) -> {
      switch (what) {
        case "tasks" -> {
          tasks += names.size();
          steps(names, step -> prove("tasks", step).each(counts::count));
        }
        case "schedules" -> steps(names, this::proveSchedules);
        case "over" -> {
          proveEach("over", names);
          names.forEach(this::over);
        }
        case "index" -> names.forEach(name -> index(text(name)));
        case "label" -> names.forEach(name -> label(text(name)));
        case "generation" -> names.forEach(name -> generation(text(name)));
        default -> proveEach(what, names);
      }
    });
  }

  private void take(byte[] key, Map<String, List<byte[]>> kinds) {
    String name = text(key);
    String[] parts = name.split(":", -1);
    switch (parts[0]) {
      case "task" -> {
        int end = TASK + TaskId.BYTES;
        put(kinds, key.length == end ? "tasks" : "logs", Arrays.copyOfRange(key, TASK, end));
      }
      case "label" -> put(kinds, "label", key);
      case "queue" -> takeQueue(name.substring("queue:".length()), kinds);
      case "client" -> {
        if (parts.length == 2) {
          put(kinds, "clients", Keys.bytes(parts[1]));
        } else if (parts[2].equals("minute")) {
          put(kinds, "expiring", key);
        }
      }
      case "schedule" -> put(kinds, "schedules", Keys.bytes(parts[1]));
      case "worker", "key", "operation" -> put(kinds, "expiring", key);
      default -> {} // checked elsewhere
    }
  }

  private void takeQueue(String name, Map<String, List<byte[]>> kinds) {
    String[] parts = name.split(":", 3);
    byte[] key = name.getBytes(StandardCharsets.ISO_8859_1);
    if (parts[0].indexOf('.') >= 0) {
      generations.add(parts[0]);
      put(kinds, "generation", key);
    } else if (parts[1].equals("flow")) {
      queues.add(Integer.valueOf(parts[0]));
    } else if (parts.length < 3) {
      put(kinds, "over", key);
    } else if (!parts[2].equals("sums")) {
      put(kinds, "index", key);
    }
  }

  private static void put(Map<String, List<byte[]>> kinds, String kind, byte[] name) {
    kinds.computeIfAbsent(kind, _ -> new ArrayList<>()).add(name);
  }

  /** A set of a generation of a queue: {@code <n>.<gen>:<set>} or {@code …:ready:<owner>}. */
  private void generation(String name) {
    String[] parts = name.split(":", 3);
    int dot = parts[0].indexOf('.');
    byte[] n = Keys.bytes(parts[0].substring(0, dot));
    byte[] gen = Keys.bytes(parts[0].substring(dot + 1));
    String key = "queue:" + name;
    if (parts[1].equals("turns")) {
      pages(key, page -> steps(page, step -> prove("owners", step, n, gen)));
    } else if (parts[1].equals("ready")) {
      byte[] owner = Keys.bytes(parts[2]);
      prove("owners", List.of(owner), n, gen);
      members("ready", n, gen, owner, key);
    } else {
      members(parts[1], n, gen, NONE, key);
    }
  }

  /** The finished tasks of a queue: {@code <n>:dead} or {@code <n>:done}. */
  private void over(byte[] name) {
    String[] parts = text(name).split(":", -1);
    byte[] n = Keys.bytes(parts[0]);
    String key = "queue:" + text(name);
    members(parts[1], n, ANY_GENERATION, NONE, key);
    if (parts[1].equals("dead")) {
      int queue = Integer.parseInt(parts[0]);
      pages(
          key,
          page ->
              steps(
                  page,
                  step -> prove("dead", step, n).each(pair -> counts.countDead(queue, pair))));
    }
  }

  /** An index of dead tasks: {@code <n>:dead:<kind>:<value>}. */
  private void index(String name) {
    byte[] n = Keys.bytes(name.substring(0, name.indexOf(':')));
    byte[] key = ("queue:" + name).getBytes(StandardCharsets.ISO_8859_1);
    pages("queue:" + name, page -> steps(page, step -> prove("dead_index", step, key, n)));
  }

  /** The tasks with a label: {@code label:<digest>}. */
  private void label(String name) {
    pages(name, page -> steps(page, step -> prove("label", step, Keys.bytes(name))));
  }

  /** The places where clients are parked, and their counters. */
  private void clients(List<byte[]> page) {
    List<byte[]> ids = new ArrayList<>();
    for (byte[] key : page) {
      String[] parts = text(key).split(":", -1);
      if (parts.length == 2) {
        ids.add(Keys.bytes(parts[1]));
      } else if (parts[2].equals("parked")) {
        places(parts[1]);
      }
    }
    clients += ids.size();
    steps(ids, counts::proveClients);
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
    pages(set, page -> page.forEach(n -> queues.add(Integer.valueOf(text(n)))));
  }

  private void members(String set, byte[] n, byte[] gen, byte[] owner, String key) {
    pages(key, page -> steps(page, step -> prove("members", step, Keys.bytes(set), n, gen, owner)));
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

  private void proveSchedules(List<byte[]> step) {
    Reply clients = prove("schedules", step);
    for (byte[] name : step) {
      String client = text(clients.bytes());
      if (!client.isEmpty()) {
        scheduled.put(text(name), client);
      }
    }
  }

  private void proveEach(String what, List<byte[]> all) {
    steps(all, step -> prove(what, step));
  }

  static void steps(List<byte[]> all, Consumer<List<byte[]>> each) {
    for (int from = 0; from < all.size(); from += STEP) {
      each.accept(all.subList(from, Math.min(all.size(), from + STEP)));
    }
  }

  /** Checks; returns the facts. */
  private Reply prove(String what, List<byte[]> all, Object... first) {
    Args args = Args.of(first);
    all.forEach(args::add);
    return prove(manner, what, args, found);
  }

  /** Checks, and adds the violations to a list. */
  Reply prove(String how, String what, Args args, List<Finding> findings) {
    Reply reply = moves.run(Script.CHECK, how, what, args);
    findings.addAll(reply.list(one -> Finding.of(one.bytes(), one.bytes(), one.bytes())));
    return reply.apart();
  }

  void found(List<Finding> more) {
    found.addAll(more);
  }

  public static List<byte[]> bytes(Set<?> all) {
    return all.stream().map(one -> Keys.bytes(one.toString())).toList();
  }
}
