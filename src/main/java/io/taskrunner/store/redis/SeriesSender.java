package io.taskrunner.store.redis;

import io.taskrunner.store.Queue;
import io.taskrunner.store.SeriesStore.Sample;
import io.taskrunner.store.redis.link.Answers;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.record.SeriesRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Sends what this process counted to the rings, every 5 s; and once a minute one process looks at
 * all queues.
 *
 * <p>A call that gets no answer is not repeated, because it may have been carried out: so nothing
 * is counted twice, and at most 5 s are lost. While Redis is unavailable, nothing is counted.
 *
 * <p>All state is guarded by {@code this}.
 */
final class SeriesSender {

  static final Duration EVERY = Duration.ofSeconds(5);

  /** Queues of one call, and those of all processes that have rings. */
  private static final int OF_A_CALL = 20;

  private static final int QUEUES_MAX = 100;

  private static final String ALL = "*";
  private static final String OTHERS = "+";

  /** The pause after a look is this many times as long as the look took, at most an hour. */
  private static final int TIMES = 1000;

  private static final Duration LOOK_EVERY = Duration.ofMinutes(1);
  private static final Duration LOOK_EVERY_MAX = Duration.ofHours(1);

  private static final Duration LAST_PATIENCE = Duration.ofSeconds(1);

  /** How long a queue without rings is not tried again. */
  private static final Duration WITHOUT = Duration.ofMinutes(10);

  private final Shard config;
  private final QueueNames names;
  private final Supplier<List<Queue>> queues;
  private final SeriesCounts counts;
  private final Map<String, Long> without = new HashMap<>();
  private Duration patience;
  private SeriesRecord others = new SeriesRecord();
  private long sent = System.nanoTime();
  private long asked = sent - LOOK_EVERY.toNanos();

  SeriesSender(Shard config, QueueNames names, Supplier<List<Queue>> queues, SeriesCounts counts) {
    this.config = config;
    this.names = names;
    this.queues = queues;
    this.counts = counts;
    this.patience = config.link().patience();
  }

  /** Sends what was counted, if it is time to. */
  synchronized void sendWhenDue() {
    if (System.nanoTime() - sent >= EVERY.toNanos()) {
      send();
    }
  }

  /** Sends what was counted, and takes the sample of this minute if it is missing. */
  synchronized void send() {
    sent = System.nanoTime();
    if (sendCounts()) {
      sendSample();
    }
  }

  /** Sends what was counted, before the connection is closed. */
  synchronized void sendLast() {
    patience = LAST_PATIENCE;
    asked = System.nanoTime();
    sendCounts();
  }

  /** Returns whether a sample is missing. */
  private boolean sendCounts() {
    long now = System.nanoTime();
    without.values().removeIf(until -> now - until >= 0);
    Map<String, SeriesRecord> taken = counts.take();
    List<String> failures = counts.takeFailures().stream().map(RedisSeries::line).toList();
    SeriesRecord rest = others;
    if (taken.isEmpty() && rest.isEmpty() && now - asked < LOOK_EVERY.toNanos() / 2) {
      return false;
    }
    others = new SeriesRecord();
    asked = now;
    SeriesRecord all = new SeriesRecord();
    List<Map.Entry<String, SeriesRecord>> records = new ArrayList<>();
    taken.forEach((queue, record) -> {
      all.add(record);
      if (without.containsKey(queue) || records.size() >= QUEUES_MAX) {
        rest.add(record);
      } else {
        records.add(Map.entry(queue, record));
      }
    });
    records.addFirst(Map.entry(ALL, all));
    if (!rest.isEmpty()) {
      records.add(Map.entry(OTHERS, rest));
    }
    return send(records, failures, Duration.ZERO);
  }

  private boolean send(
      List<Map.Entry<String, SeriesRecord>> records, List<String> failures, Duration wait) {
    boolean sampleMissing = false;
    for (int from = 0; from < records.size(); from += OF_A_CALL) {
      List<Map.Entry<String, SeriesRecord>> some =
          records.subList(from, Math.min(from + OF_A_CALL, records.size()));
      List<String> lines = from == 0 ? failures : List.of();
      Args args = Args.of(wait.toMillis(), lines.size());
      lines.forEach(args::add);
      some.forEach(one -> args.add(one.getKey()).add(one.getValue().bytes()));
      Reply reply = once(args);
      sampleMissing |= reply.number() == 1;
      for (Map.Entry<String, SeriesRecord> one : some) {
        if (reply.number() == 0) {
          without.put(one.getKey(), System.nanoTime() + WITHOUT.toNanos());
          others.addCounts(one.getValue());
        }
      }
    }
    return sampleMissing;
  }

  /** Not repeated when the result is unknown. */
  private Reply once(Args args) {
    long deadline = System.nanoTime() + patience.toNanos();
    return Answers.await(
        config.link().begin(redis -> config.moves().begin(redis, Script.SERIES, args)), deadline);
  }

  private void sendSample() {
    long began = System.nanoTime();
    Set<Integer> ringed = new HashSet<>();
    config
        .link()
        .patiently(redis -> redis.zrange(config.key("series"), 0, -1))
        .forEach(number -> ringed.add(Integer.valueOf(Keys.text(number))));
    SampleSum all = new SampleSum();
    SampleSum others = new SampleSum();
    List<Map.Entry<String, SeriesRecord>> records = new ArrayList<>();
    for (Queue queue : queues.get()) {
      Queue.Stats stats = queue.stats();
      all.add(stats);
      int number = names.known(queue.name()).orElse(-1);
      if (ringed.contains(number)) {
        records.add(Map.entry(queue.name(), new SampleSum().add(stats).record()));
      } else if (SampleSum.isSomething(stats) && ringed.size() < QUEUES_MAX) {
        ringed.add(number);
        records.add(Map.entry(queue.name(), new SampleSum().add(stats).record()));
      } else {
        others.add(stats);
      }
    }
    records.addFirst(Map.entry(ALL, all.record()));
    records.add(Map.entry(OTHERS, others.record()));
    long rest = TIMES * (System.nanoTime() - began);
    boolean inAMinute = rest <= LOOK_EVERY.toNanos();
    long most = LOOK_EVERY_MAX.toNanos();
    Duration wait = inAMinute ? Duration.ZERO : Duration.ofNanos(Math.min(rest, most));
    send(records, List.of(), wait);
  }

  /** The tasks of some queues. */
  private static final class SampleSum {
    private long ready;
    private long active;
    private long waiting;
    private long dead;
    private double oldestSeconds;

    SampleSum add(Queue.Stats stats) {
      ready += stats.ready();
      active += stats.active();
      waiting += stats.scheduled() + stats.retry();
      dead += stats.dead();
      oldestSeconds = Math.max(oldestSeconds, stats.oldestReadyAgeSec());
      return this;
    }

    static boolean isSomething(Queue.Stats stats) {
      return stats.ready() + stats.active() + stats.scheduled() + stats.retry() + stats.dead() > 0;
    }

    SeriesRecord record() {
      Duration oldest = Duration.ofMillis((long) (oldestSeconds * 1000));
      return new SeriesRecord().sample(new Sample(ready, active, waiting, dead, oldest));
    }
  }
}
