package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Node;
import io.taskrunner.store.redis.link.Nodes;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Background work, once a second: reads the configuration's version and each node's memory, tidies
 * each shard, and sends the series. Each of these is a separate job, and is started again only
 * after it has ended: an unavailable node delays only its own jobs.
 */
final class Housekeeping implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Housekeeping.class);
  private static final long STRANGER_MILLIS = Duration.ofDays(1).toMillis();
  private static final long EVERY_MILLIS = 1000;
  private static final int TIDY_ROUNDS_MAX = 100;

  /** Maximum number of trims of a queue in a row when memory is low, some 100 tasks each. */
  private static final int TRIM_ROUNDS_MAX = 10;

  /** Queues that are trimmed in one round trip. */
  private static final int TRIMMED_AT_ONCE = 50;

  private final Nodes nodes;
  private final Shards shards;
  private final QueueNames names;
  private final RedisSystem system;
  private final Trimmed trimmed;
  private final Preparation preparation;
  private final Changes changes;
  private final SeriesSender series;
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("housekeeping-", 0).factory());
  private final Set<Object> underWay = ConcurrentHashMap.newKeySet();
  private volatile boolean started;

  Housekeeping(
      Nodes nodes,
      Shards shards,
      QueueNames names,
      RedisSystem system,
      Trimmed trimmed,
      Preparation preparation,
      Changes changes,
      SeriesSender series) {
    this.nodes = nodes;
    this.shards = shards;
    this.names = names;
    this.system = system;
    this.trimmed = trimmed;
    this.preparation = preparation;
    this.changes = changes;
    this.series = series;
  }

  /** Runs all jobs once a second from now on. */
  void start(ScheduledExecutorService timer) {
    started = true;
    timer.scheduleWithFixedDelay(this::begin, EVERY_MILLIS, EVERY_MILLIS, TimeUnit.MILLISECONDS);
  }

  /** Runs all jobs now, and waits for them. */
  void run() {
    begin().forEach(CompletableFuture::join);
  }

  private List<CompletableFuture<Void>> begin() {
    List<CompletableFuture<Void>> jobs = new ArrayList<>();
    begin(names, names::reloadIfChanged, jobs);
    begin(changes, changes::finish, jobs);
    begin(series, series::sendWhenDue, jobs);
    nodes.masters().forEach(node -> begin(node, () -> look(node), jobs));
    for (Shard shard : shards) {
      begin(shard, () -> keep(shard), jobs);
    }
    return jobs;
  }

  private void begin(Object what, Runnable job, List<CompletableFuture<Void>> jobs) {
    if (underWay.add(what)) {
      try {
        jobs.add(CompletableFuture.runAsync(() -> attempt(what, job), threads));
      } catch (RejectedExecutionException closed) {
        underWay.remove(what);
      }
    }
  }

  private void attempt(Object what, Runnable job) {
    try {
      job.run();
    } catch (StoreUnavailable | RedisException away) {
      LOG.atDebug()
          .addKeyValue("reason", String.valueOf(away.getMessage()))
          .log("Redis is not reachable; trying again in a second");
    } catch (RuntimeException fault) {
      LOG.error(
          "unexpected error in the background work of the store; trying again in a second", fault);
    } finally {
      underWay.remove(what);
    }
  }

  /** Reads a node's memory, and makes room where it is full. */
  private void look(Node node) {
    if (system.read(node)) {
      for (Shard shard : shards) {
        if (shard.link().node() == node) {
          trim(shard);
        }
      }
      system.read(node);
    }
  }

  private void trim(Shard shard) {
    List<Integer> numbers = List.copyOf(names.numbers());
    for (int from = 0; from < numbers.size(); from += TRIMMED_AT_ONCE) {
      List<Integer> some = numbers.subList(from, Math.min(from + TRIMMED_AT_ONCE, numbers.size()));
      long dropped;
      int rounds = 0;
      do {
        dropped =
            shard
                .link()
                .each(some, (redis, n) -> shard.moves().begin(redis, Script.TRIM_DONE, Args.of(n)))
                .stream()
                .mapToLong(Reply::number)
                .sum();
        trimmed.count(dropped, 0);
      } while (dropped > 0 && ++rounds < TRIM_ROUNDS_MAX);
    }
  }

  private void keep(Shard shard) {
    preparation.finish(shard);
    tidy(shard);
  }

  /** Tidies all shards now. */
  void tidy() {
    shards.forEach(this::tidy);
    changes.finish();
  }

  private void tidy(Shard shard) {
    for (int round = 0; round < TIDY_ROUNDS_MAX; round++) {
      Reply tidied = shard.moves().run(Script.TIDY, STRANGER_MILLIS);
      boolean again = tidied.number() == 1;
      trimmed.count(tidied);
      shard.obstacles().read(tidied.number() == 1, tidied.rest(Reply::text));
      if (!again) {
        return;
      }
    }
  }

  /** Stops all jobs; what was counted until then is sent. */
  @Override
  public void close() {
    threads.shutdownNow();
    if (started) {
      attempt(series, series::sendLast);
    }
  }
}
