package io.taskrunner.store.redis.doctor;

import static io.taskrunner.store.redis.doctor.Finding.text;

import io.lettuce.core.KeyValue;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Link;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.record.ClientCounts;
import io.taskrunner.store.redis.record.QueueCounts;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares a walk's counts of a shard's queues and clients with the counters. A counter that
 * differs is suspected, and counted again atomically.
 */
final class DoctorCounts {

  private static final Logger LOG = LoggerFactory.getLogger(DoctorCounts.class);
  private static final String OTHER = "other";

  private final DoctorWalk walk;
  private final Link link;
  private final Keys shard;
  private final QueueNames names;
  private final Manner manner;
  private final Map<Integer, Tally> ofQueue = new HashMap<>();
  private final Map<String, Tally> ofClient = new HashMap<>();
  private final Map<Integer, Map<String, Long>> dead = new HashMap<>();
  private final Map<String, Long> signed = new HashMap<>();

  /** The counts of a queue or a client. */
  private static final class Tally {
    long ready;
    long retry;
    long running;
    long live;
    long bytes;
    long deadBytes;
    long cancelled;
  }

  DoctorCounts(DoctorWalk walk, Link link, Keys shard, QueueNames names, Manner manner) {
    this.walk = walk;
    this.link = link;
    this.shard = shard;
    this.names = names;
    this.manner = manner;
  }

  Map<String, Long> signed() {
    return signed;
  }

  /** A task, as {@code check} describes it. */
  void count(Reply fact) {
    ByteBuffer in = ByteBuffer.wrap(fact.bytes());
    char state = (char) in.get();
    Tally queue = ofQueue.computeIfAbsent(in.getInt(), _ -> new Tally());
    int kept = in.getInt();
    int body = in.getInt();
    byte[] owner = new byte[in.remaining()];
    in.get(owner);
    Tally client = ofClient.computeIfAbsent(text(owner), _ -> new Tally());
    switch (state) {
      case 'r' -> queue.ready++;
      case 't' -> queue.retry++;
      case 'a' -> queue.running++;
      case 'c' -> queue.cancelled += kept;
      default -> queue.deadBytes += kept;
    }
    if (state == 'a') {
      client.running++;
    }
    if ("rtas".indexOf(state) >= 0) {
      client.live++;
      client.bytes += body;
    }
  }

  /** A dead task of a queue, by its host and cause. */
  void countDead(int n, Reply pair) {
    dead.computeIfAbsent(n, _ -> new HashMap<>()).merge(text(pair.bytes()), 1L, Long::sum);
  }

  /** After all tasks were counted: checks the counters of some queues. */
  void proveQueues(List<byte[]> step) {
    List<List<KeyValue<byte[], byte[]>>> flows =
        link.each(
            step,
            (redis, n) ->
                redis.hmget(
                    shard.key("queue:" + text(n) + ":flow"),
                    Keys.bytes("gen"),
                    Keys.bytes("counts"),
                    Keys.bytes("cancelled"),
                    Keys.bytes("dead_bytes")));
    List<Map<String, String>> sums = hashes(step, n -> "queue:" + n + ":dead:sums");
    for (int i = 0; i < step.size(); i++) {
      int n = Integer.parseInt(text(step.get(i)));
      if (suspect(n, flows.get(i))) {
        walk.found(again("count_queues", "queue " + n, Args.of(step.get(i)), manner));
      }
      if (suspectDead(n, sums.get(i))) {
        walk.found(again("dead_sums", "the dead of queue " + n, Args.of(step.get(i)), manner));
      }
    }
  }

  /** Likewise for some clients. */
  void proveClients(List<byte[]> step) {
    List<List<KeyValue<byte[], byte[]>>> hashes =
        link.each(
            step,
            (redis, id) ->
                redis.hmget(
                    shard.key("client:" + text(id)),
                    Keys.bytes("on"),
                    Keys.bytes("signing"),
                    Keys.bytes("counts")));
    List<List<byte[]>> minutes =
        link.each(
            step, (redis, id) -> redis.lrange(shard.key("client:" + text(id) + ":minute"), 0, -1));
    for (int i = 0; i < step.size(); i++) {
      String id = text(step.get(i));
      List<KeyValue<byte[], byte[]>> hash = hashes.get(i);
      hash.get(1).ifHasValue(version -> signed.put(id, Long.valueOf(text(version))));
      ClientCounts counts = ClientCounts.of(hash.get(2).getValueOrElse(null));
      if (hash.get(0).hasValue() && suspect(id, counts, minutes.get(i))) {
        countClient(id);
      }
    }
  }

  private boolean suspect(int n, List<KeyValue<byte[], byte[]>> flow) {
    Tally tally = ofQueue.getOrDefault(n, new Tally());
    QueueCounts counts = QueueCounts.of(flow.get(1).getValueOrElse(null));
    return flow.get(0).hasValue()
        && (counts.ready() != tally.ready
            || counts.retry() != tally.retry
            || counts.running() != tally.running
            || number(flow.get(2)) != tally.cancelled
            || number(flow.get(3)) != tally.deadBytes);
  }

  private static double number(KeyValue<byte[], byte[]> field) {
    return field.hasValue() ? Double.parseDouble(text(field.getValue())) : 0;
  }

  private boolean suspectDead(int n, Map<String, String> sums) {
    Map<String, Long> there = dead.getOrDefault(n, Map.of());
    return !sums.containsKey(OTHER)
        && (sums.size() != there.size()
            || there.entrySet().stream()
                .anyMatch(pair -> differs(sums, pair.getKey(), pair.getValue())));
  }

  private boolean suspect(String client, ClientCounts counts, List<byte[]> minute) {
    Tally tally = ofClient.getOrDefault(client, new Tally());
    long accepted = 0;
    for (byte[] entry : minute) {
      String text = text(entry);
      accepted += Long.parseLong(text.substring(text.indexOf(':') + 1));
    }
    return counts.running() != tally.running
        || counts.live() != tally.live
        || counts.bytes() != tally.bytes
        || (!minute.isEmpty() && counts.accepted() != accepted);
  }

  private static boolean differs(Map<String, String> fields, String field, long counted) {
    return Double.parseDouble(fields.getOrDefault(field, "0")) != counted;
  }

  /** Counts atomically; skips sets that are too large for that. */
  private List<Finding> again(String what, String whose, Args args, Manner how) {
    List<Finding> found = new ArrayList<>();
    if (walk.prove(how.argument(), what, args, found).more()) {
      LOG.info(
          "the counters of {} are not checked, because there are too many entries; use --exact",
          whose);
    }
    return found;
  }

  /**
   * A queue that was created meanwhile is not counted: so a client that differs is counted a second
   * time, with the queues known then.
   */
  private void countClient(String id) {
    if (!countClient(id, manner.looking()).isEmpty()) {
      walk.found(countClient(id, manner));
    }
  }

  private List<Finding> countClient(String id, Manner how) {
    names.reload();
    Set<Integer> numbers = new TreeSet<>(names.numbers());
    numbers.addAll(walk.queues());
    Args args = Args.of(1, id);
    numbers.forEach(args::add);
    return again("count_clients", "client " + id, args, how);
  }

  private List<Map<String, String>> hashes(List<byte[]> names, UnaryOperator<String> key) {
    List<Map<byte[], byte[]>> raw =
        link.each(names, (redis, name) -> redis.hgetall(shard.key(key.apply(text(name)))));
    return raw.stream()
        .map(hash -> {
          Map<String, String> fields = HashMap.newHashMap(hash.size());
          hash.forEach((name, value) -> fields.put(text(name), text(value)));
          return fields;
        })
        .toList();
  }
}
