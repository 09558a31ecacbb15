package io.taskrunner.store.redis;

import io.taskrunner.store.WorkStore.BreakerChange;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.WorkStore.ClaimRequest;
import io.taskrunner.store.WorkStore.Cloud;
import io.taskrunner.store.WorkStore.QueueRules;
import io.taskrunner.store.WorkStore.Start;
import io.taskrunner.store.redis.Gates.AtGate;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.record.Policy;
import io.taskrunner.store.redis.record.TaskCodec;
import io.taskrunner.store.redis.record.TaskNumber;
import io.taskrunner.store.redis.record.TaskRecord;
import io.taskrunner.task.TaskId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The reply of {@code claim.lua}.
 *
 * @param lookAgainIn ms until this worker should look again; -1 for about a second
 * @param tendIn ms until the next {@code tend} is due; -1 when unknown
 * @param again whether more may be available immediately
 * @param weight sum of the weights of queues that can be served
 * @param claims tasks without gates
 * @param atGates tasks that must pass gates first
 * @param waiting the number of tasks that wait for each gate
 * @param breakers the breakers that the claim changed
 */
record ClaimReply(
    long lookAgainIn,
    long tendIn,
    boolean again,
    long weight,
    List<Claim> claims,
    List<AtGate> atGates,
    Map<String, Integer> waiting,
    List<BreakerChange> breakers) {

  /** The flags of a head, and the flag for an attempt that probes a half-open breaker. */
  private static final int FLAGS = 2;

  private static final int PROBE = 2;

  /** Whether a request was accepted. */
  enum Word {
    CLAIMS,
    /** Its number is older than an accepted one. */
    REFUSED
  }

  /** Reads it, and counts the tasks that were trimmed. */
  static ClaimReply read(ClaimRequest claim, Reply reply, Trimmed trimmed) {
    if (reply.word(Word.class) == Word.REFUSED) {
      throw new IllegalStateException(
          "claim request " + claim.request() + " is older than one that was answered");
    }
    Instant now = reply.time();
    long lookAgainIn = reply.number();
    long tendIn = reply.number();
    boolean again = reply.flag();
    Map<Integer, QueueRules> queues = queues(reply.apart());
    Reply tasks = reply.apart();
    long weight = reply.number();
    Map<String, Long> signed = signed(reply.apart());
    Map<TaskId, List<String>> gated = gated(reply.apart());
    List<Claim> claims = new ArrayList<>(tasks.left() / 2);
    List<AtGate> atGates = new ArrayList<>(gated.size());
    while (tasks.more()) {
      TaskId id = tasks.id();
      byte[] record = tasks.bytes();
      TaskRecord task = TaskCodec.read(record).orElse(null);
      if (task == null) {
        continue; // unreadable: its lease ends, and with its last attempt it is dead
      }
      Claim one = claim(id, task, (record[FLAGS] & PROBE) != 0, queues, signed, now);
      List<String> before = gated.get(id);
      if (before == null) {
        claims.add(one);
      } else {
        atGates.add(new AtGate(one, before));
      }
    }
    Map<String, Integer> waiting = waiting(reply.apart());
    trimmed.count(reply);
    return new ClaimReply(
        lookAgainIn,
        tendIn,
        again,
        weight,
        claims,
        atGates,
        waiting,
        reply.list(RedisWork::change));
  }

  /** The number of tasks that wait for each gate. */
  static Map<String, Integer> waiting(Reply gates) {
    if (!gates.more()) {
      return Map.of();
    }
    Map<String, Integer> waiting = HashMap.newHashMap(gates.left() / 2);
    gates.each(gate -> waiting.put(gate.text(), gate.count()));
    return waiting;
  }

  private static Map<Integer, QueueRules> queues(Reply facts) {
    Map<Integer, QueueRules> queues = HashMap.newHashMap(facts.left() / 3);
    facts.each(queue -> queues.put(queue.count(), rules(queue.text(), Policy.of(queue.bytes()))));
    return queues;
  }

  private static QueueRules rules(String name, Policy policy) {
    return new QueueRules(name, policy.retry(), policy.timeout(), policy.cloud());
  }

  private static Claim claim(
      TaskId id,
      TaskRecord task,
      boolean probe,
      Map<Integer, QueueRules> queues,
      Map<String, Long> signed,
      Instant now) {
    QueueRules queue = queues.get(task.queue());
    if (queue == null) {
      throw new IllegalStateException("claim of " + id + " does not name its queue");
    }
    return new Claim(
        id,
        task.claim(),
        task.cloud() == null ? task.clientId() : queue.name(),
        queue,
        new Start(
            task.attempts(),
            task.answers(),
            task.previousStatus(),
            task.due(),
            task.attempts() == 1 ? Optional.empty() : task.first(),
            now,
            probe),
        task.spec(),
        cloud(id, task.cloud(), queue),
        signed.isEmpty() ? 0 : signed.getOrDefault(task.clientId(), 0L));
  }

  /** The gates of each task that has some, in the order in which it passes them. */
  private static Map<TaskId, List<String>> gated(Reply facts) {
    if (!facts.more()) {
      return Map.of();
    }
    Map<TaskId, List<String>> gates = HashMap.newHashMap(facts.left() / 2);
    facts.each(one -> gates.computeIfAbsent(one.id(), _ -> new ArrayList<>(2)).add(one.text()));
    return gates;
  }

  private static Map<String, Long> signed(Reply facts) {
    if (!facts.more()) {
      return Map.of();
    }
    Map<String, Long> versions = HashMap.newHashMap(facts.left() / 2);
    facts.each(client -> versions.put(client.text(), Long.parseLong(client.text())));
    return versions;
  }

  private static @Nullable Cloud cloud(
      TaskId id, TaskRecord.@Nullable Cloud task, QueueRules queue) {
    return task == null || queue.cloud() == null
        ? null
        : new Cloud(
            queue.name().substring(queue.name().lastIndexOf('/') + 1),
            task.name() == null ? TaskNumber.of(id) : task.name(),
            task.echoed(),
            task.calledFor());
  }
}
