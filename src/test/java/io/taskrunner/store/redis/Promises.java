package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Model.require;

import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.task.TaskId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The guarantees of the store over all shards and processes, in plain Java: which tasks run for
 * certain, and which limits hold for them. Where an answer was lost it assumes the case that allows
 * the store most, so that every complaint is a bug.
 */
final class Promises {

  final Map<TaskId, Known> tasks = new LinkedHashMap<>();
  private final Map<TaskId, Run> running = new HashMap<>();
  private final Map<String, Limit> hosts = new HashMap<>();
  private final Map<String, Limit> queues = new HashMap<>();
  private final Map<String, Limit> clients = new HashMap<>();
  private final Map<String, Integer> waiting = new HashMap<>();
  private final Map<String, Bucket> buckets = new HashMap<>();
  private long now;
  private long begun;

  /** An accepted task. */
  static final class Known {
    final String client;
    final String queue;
    final String host;
    final @Nullable String color;
    final @Nullable String callback;

    /** Whether it may be deleted, or have ended, without having been given to a worker. */
    boolean mayBeGone;

    boolean given;

    Known(
        String client,
        String queue,
        String host,
        @Nullable String color,
        @Nullable String callback) {
      this.client = client;
      this.queue = queue;
      this.host = host;
      this.color = color;
      this.callback = callback;
    }
  }

  /** A running attempt. */
  private record Run(
      Object process,
      long claim,
      long number,
      long leaseEnd,
      String queue,
      String client,
      String host) {
    Run until(long end) {
      return new Run(process, claim, number, end, queue, client, host);
    }
  }

  /**
   * The most at once.
   *
   * @param since the number of the first attempt that it binds
   */
  private record Limit(int most, long since) {}

  /**
   * The maximum number of starts by a rate: a token may be promised for a while before it is used.
   */
  private static final class Bucket {
    static final long PROMISE_MILLIS = 2000;

    final double perMillis;
    final double most;
    double tokens;
    long at;

    Bucket(double perSec, int burst, long at) {
      this.perMillis = perSec / 1000;
      this.most = burst + Math.max(burst, PROMISE_MILLIS * perMillis);
      this.tokens = most;
      this.at = at;
    }

    void refill(long now) {
      if (now > at) {
        tokens = Math.min(most, tokens + (now - at) * perMillis);
      }
      at = now;
    }
  }

  Promises(long now) {
    this.now = now;
  }

  // -- time and limits

  void time(long millis, long lease) {
    if (millis < now) {
      // A worker that stops renewing has a lease from the current time, at most.
      running.replaceAll((_, run) -> run.until(Math.min(run.leaseEnd, millis + lease)));
    }
    now = millis;
    buckets.values().forEach(bucket -> bucket.refill(millis));
  }

  /** Sets a limit that binds the attempts that begin from now on; null when it is not certain. */
  void limitHost(String host, @Nullable Integer most) {
    Limit before = hosts.get(host);
    set(hosts, host, most, before == null ? begun : before.since);
  }

  void limitQueue(String queue, @Nullable Integer most) {
    set(queues, queue, most, 0);
  }

  void limitClient(String client, int most) {
    set(clients, client, most, 0);
  }

  void limitRate(String queue, double perSec, int burst) {
    buckets.put(queue, new Bucket(perSec, burst, now));
  }

  private static void set(
      Map<String, Limit> limits, String name, @Nullable Integer most, long since) {
    if (most == null) {
      limits.remove(name);
    } else {
      limits.put(name, new Limit(most, since));
    }
  }

  // -- attempts

  /** A worker was given a task. */
  void started(Object process, Claim given, long lease) {
    TaskId id = given.id();
    long claim = given.number();
    String queue = given.queue();
    String client = given.clientId();
    String host = given.spec().request().url().host();
    Run before = running.get(id);
    if (before != null && before.process == process && before.claim == claim) {
      return; // the same answer once more
    }
    require(
        before == null || before.leaseEnd <= now,
        "%s runs already, under claim %s",
        id,
        before == null ? 0 : before.claim);
    running.put(id, new Run(process, claim, begun++, now + lease, queue, client, host));
    Known known = tasks.get(id);
    if (known != null) {
      known.given = true;
    }
    atMost(hosts.get(host), running().filter(run -> run.host.equals(host)), "host " + host, id);
    atMost(
        queues.get(queue), running().filter(run -> run.queue.equals(queue)), "queue " + queue, id);
    atMost(
        clients.get(client),
        running().filter(run -> run.client.equals(client)),
        "client " + client,
        id);
    Bucket bucket = buckets.get(queue);
    if (bucket != null) {
      bucket.tokens -= 1;
      require(bucket.tokens > -1e-6, "%s started faster than the rate of its queue %s", id, queue);
    }
  }

  private Stream<Run> running() {
    return running.values().stream().filter(run -> run.leaseEnd > now);
  }

  private static void atMost(@Nullable Limit limit, Stream<Run> runs, String what, TaskId id) {
    if (limit != null) {
      List<Run> bound = runs.filter(run -> run.number >= limit.since).toList();
      require(
          bound.size() <= limit.most,
          "%s runs, the %dth of %s, which has a limit of %d",
          id,
          bound.size(),
          what,
          limit.most);
    }
  }

  void renewed(TaskId id, long claim, long lease) {
    running.computeIfPresent(id, (_, run) -> run.claim == claim ? run.until(now + lease) : run);
  }

  /** A verdict was sent, or the worker learned that the task is not its own any more. */
  void ended(TaskId id, long claim) {
    running.computeIfPresent(id, (_, run) -> run.claim == claim ? null : run);
  }

  /** A process died with all its running tasks. */
  void died(Object process) {
    running.values().removeIf(run -> run.process == process);
  }

  // -- tasks

  void accepted(TaskId id, Known known) {
    tasks.put(id, known);
    Integer most = waiting.get(known.client);
    if (most != null) {
      long wait =
          tasks.values().stream()
              .filter(one -> one.client.equals(known.client) && !one.given && !one.mayBeGone)
              .count();
      require(wait <= most, "%s of %s is the %dth that waits", id, known.client, wait);
    }
  }

  /** Sets the maximum number of unfinished tasks of a client. */
  void limitWaiting(String client, int most) {
    waiting.put(client, most);
  }

  /** These may be deleted from now on without having been given to a worker. */
  void mayBeGone(Predicate<Known> which) {
    tasks.values().stream().filter(which).forEach(known -> known.mayBeGone = true);
  }

  /** How many tasks have this label. */
  long labeled(String color) {
    return tasks.values().stream().filter(known -> color.equals(known.color)).count();
  }

  /** At the end: each task was given to a worker, or may be deleted. */
  void nothingIsLost() {
    List<String> lost = new ArrayList<>();
    tasks.forEach((id, known) -> {
      if (!known.given && !known.mayBeGone) {
        lost.add("%s of %s in %s to %s".formatted(id, known.client, known.queue, known.host));
      }
    });
    require(lost.isEmpty(), "never given to a worker: %s", lost);
  }
}
