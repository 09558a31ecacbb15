package io.taskrunner.worker;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.taskrunner.config.DispatchSettings;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.CloudStore;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.HostStore;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.TaskStore;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.store.redis.doctor.Doctor;
import io.taskrunner.task.Retry;
import io.taskrunner.task.TargetRequest;
import io.taskrunner.task.TargetUrl;
import io.taskrunner.task.Task;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import io.taskrunner.testkit.ClientChange;
import io.taskrunner.testkit.QuickRetry;
import io.taskrunner.testkit.Unconditional;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Enqueues, and starts workers, on a real Redis. */
final class Rig implements AutoCloseable {

  /** No breaker ever opens. */
  static final DispatchSettings.Breaker OFF =
      new DispatchSettings.Breaker(0, Duration.ofSeconds(30), 3, Duration.ofSeconds(60));

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final RedisSettings redis;
  private final int redisPort;
  private final RedisStore store;
  private final List<AutoCloseable> started = new ArrayList<>();
  private final Set<String> clients = new HashSet<>();
  private DispatchSettings.Breaker breaker = OFF;

  Rig(RedisSettings redis, int redisPort) {
    this.redis = redis;
    this.redisPort = redisPort;
    store = RedisStore.open(StoreOptions.defaults(redis));
  }

  TaskStore tasks() {
    return store.tasks();
  }

  QueueStore queues() {
    return store.queues();
  }

  HostStore hosts() {
    return store.hosts();
  }

  CloudStore cloud() {
    return store.cloud();
  }

  Doctor doctor() {
    return store.doctor();
  }

  static StoreOptions options(RedisSettings redis, DispatchSettings.Breaker breaker) {
    return new StoreOptions(
        redis,
        true,
        10_000,
        Duration.ofHours(24),
        breaker,
        InstantSource.system(),
        Optional.empty());
  }

  /** Switches breakers on for the workers that are created from now on. */
  void breaker(int failures, Duration open, int halfOpenProbes) {
    breaker = new DispatchSettings.Breaker(failures, open, halfOpenProbes, Duration.ofSeconds(60));
  }

  /** A worker with connections of its own, in this process; not started. */
  Worker worker(int slots, Duration lease) {
    WorkerProcess made = new WorkerProcess(options(redis, breaker), slots, lease);
    started.add(made);
    return made.worker();
  }

  /** A worker in a process of its own; started. */
  WorkerProcess.Child process(int slots, Duration lease) throws IOException {
    WorkerProcess.Child child = new WorkerProcess.Child(redisPort, slots, lease, redis.shards());
    started.add(child);
    return child;
  }

  /** Registers a client that may enqueue without limits, and run this many tasks at once. */
  void client(String id, int maxConcurrent) {
    Unconditional.set(
        store.clients(), id, ClientChange.of().limits(maxConcurrent, 1_000_000).done());
    clients.add(id);
  }

  TaskId enqueue(String client, String queue, String url) {
    return enqueue(client, queue, url, QuickRetry.SOON);
  }

  TaskId enqueue(String client, String queue, String url, Retry retry) {
    return accepted(send(client, queue, url, retry));
  }

  List<TaskId> enqueue(int count, String client, String queue, String url) {
    List<CompletableFuture<EnqueueResult>> sent = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      sent.add(send(client, queue, url, QuickRetry.SOON));
    }
    List<TaskId> ids = new ArrayList<>();
    for (CompletableFuture<EnqueueResult> one : sent) {
      ids.add(accepted(one));
    }
    return ids;
  }

  private static TaskId accepted(CompletableFuture<EnqueueResult> result) {
    return assertInstanceOf(EnqueueResult.Enqueued.class, result.join()).id();
  }

  private CompletableFuture<EnqueueResult> send(
      String client, String queue, String url, Retry retry) {
    if (!clients.contains(client)) {
      client(client, 1000);
    }
    TargetUrl target = assertInstanceOf(TargetUrl.Parsed.Good.class, TargetUrl.parse(url)).url();
    TaskSpec spec =
        new TaskSpec(
            new TargetRequest("POST", target, List.of(), new byte[0], true),
            retry,
            null,
            null,
            null,
            Duration.ofHours(1),
            Map.of(),
            null,
            null);
    Enqueue.When now = new Enqueue.When.In(Duration.ZERO);
    return tasks()
        .enqueue(new Enqueue(client, Enqueue.Proof.OPEN, queue, now, spec, null, null, null));
  }

  /** A task once it is over. */
  Task finished(TaskId id) {
    long until = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      Task task = tasks().get(id).orElseThrow();
      if (task.state().finished()) {
        return task;
      }
      if (System.nanoTime() > until) {
        throw new AssertionError(id + " is " + task.state() + " after " + PATIENCE);
      }
    }
  }

  /** Waits until this many breakers are not closed. */
  void awaitBreakers(int count) {
    long until = System.nanoTime() + PATIENCE.toNanos();
    while (store.works().getFirst().breakers().size() != count) {
      if (System.nanoTime() > until) {
        throw new AssertionError(
            store.works().getFirst().breakers() + " (expected: " + count + ")");
      }
    }
  }

  @Override
  public void close() throws Exception {
    for (AutoCloseable one : started) {
      one.close();
    }
    store.close();
  }
}
