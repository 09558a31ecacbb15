package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.taskrunner.store.CloudStore.NewTask;
import io.taskrunner.store.CloudStore.TaskMade;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.redis.link.Answers;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Line;
import io.taskrunner.store.redis.link.Link;
import io.taskrunner.store.redis.link.Moves;
import io.taskrunner.store.redis.link.Obstacles;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.record.CreateCall;
import io.taskrunner.store.redis.record.EnqueueCall;
import io.taskrunner.store.redis.record.EnqueueScriptCall;
import io.taskrunner.store.redis.record.TaskIds;
import io.taskrunner.task.TaskId;
import io.taskrunner.telemetry.Tracing;
import io.taskrunner.telemetry.Tracing.Place;
import io.taskrunner.telemetry.Tracing.Trace;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Batches enqueues: while one script is in flight, new calls wait, and are sent together when it
 * returns. So a single call is sent at once, and under load calls share a round trip. More scripts
 * in flight would make smaller groups, which cost Redis and this process more, and leave less of
 * both to the worker.
 *
 * <p>It yields to the worker of its process, if there is one: calls that arrive while the worker
 * waits for Redis are sent after the worker's reply. So the two alternate, and under full load
 * tasks are delivered as fast as they are accepted. A single call loses nothing that matters: Redis
 * runs one script after the other anyway.
 *
 * <p>A group whose script failed because Redis is unavailable is sent again unchanged, until the
 * timeout of its callers: a task's id is generated before it is first sent, and the script returns
 * the same result for an id that it knows. The number of held calls is bounded: beyond the bound a
 * call is rejected at once.
 *
 * <p>Where replicas must have a task before its call returns, the group waits for them on its
 * connection after the script's reply, while the next group uses another connection. Too few
 * replicas in time means an unknown result: the tasks exist, and may be lost with their master.
 *
 * <p>Any thread may call {@link #enqueue}. The thread that increments {@code inFlight} forms the
 * group; a thread that adds a task, returns a group or a line, or resumes checks again afterwards.
 */
final class Enqueuer {

  private static final int GROUP_MAX = 100;
  private static final int GROUP_BYTES_MAX = 4 * 1024 * 1024;
  private static final int ARGS = 6;
  private static final long LATE_MILLIS = 200;
  private static final Duration RETRY_PAUSE = Duration.ofMillis(50);

  private final Link link;
  private final Moves moves;
  private final Obstacles obstacles;
  private final QueueNames names;
  private final TaskIds ids;
  private final HeldEnqueues held;
  private final Durability durability;
  private final byte[] open;
  private final byte[] strangersMax;
  private final byte[] keyTtlMillis;
  private final long patienceNanos;
  private final ScheduledExecutorService timer;
  private final Executor lookUps;
  private final Optional<Tracing> tracing;

  /** The indices of lines without a group of this shard. */
  private final Deque<Integer> free;

  private final Queue<Pending<?>> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean inFlight = new AtomicBoolean();
  private final AtomicInteger givingWay = new AtomicInteger();

  /** One call in flight. */
  private static final class Pending<R> {
    final EnqueueScriptCall<R> call;
    final TaskId id;
    final byte[] tail;
    final long deadline;
    final CompletableFuture<R> result = new CompletableFuture<>();
    int queue;
    boolean lookedUp;
    @Nullable Throwable failure;

    Pending(EnqueueScriptCall<R> call, TaskId id, long deadline, int queue) {
      this.call = call;
      this.id = id;
      this.tail = call.tail();
      this.deadline = deadline;
      this.queue = queue;
    }

    void put(Args args) {
      call.put(args, id, queue);
      args.add(tail);
    }

    void answer(byte[] reply, int replicas) {
      result.complete(call.read(id, reply, replicas));
    }
  }

  Enqueuer(
      Shard shard,
      QueueNames names,
      HeldEnqueues held,
      Durability durability,
      StoreOptions options,
      ScheduledExecutorService timer,
      Executor lookUps,
      Optional<Tracing> tracing) {
    this.link = shard.link();
    this.moves = shard.moves();
    this.obstacles = shard.obstacles();
    this.names = names;
    this.ids = new TaskIds(options.clock(), shard.number());
    this.held = held;
    this.durability = durability;
    this.free =
        new ConcurrentLinkedDeque<>(IntStream.range(0, durability.lines()).boxed().toList());
    this.open = Keys.bytes(options.openClients() ? 1 : 0);
    this.strangersMax = Keys.bytes(options.maxOpenClients());
    this.keyTtlMillis = Keys.bytes(options.idempotencyTtl().toMillis());
    this.patienceNanos = link.patience().toNanos();
    this.timer = timer;
    this.lookUps = lookUps;
    this.tracing = tracing;
  }

  CompletableFuture<EnqueueResult> enqueue(Enqueue command) {
    return begin(EnqueueCall.of(command, obstacles));
  }

  CompletableFuture<TaskMade> create(NewTask task) {
    return begin(CreateCall.of(task));
  }

  private <R> CompletableFuture<R> begin(EnqueueScriptCall<R> call) {
    int bytes = call.tail().length;
    if (!hasRoom(bytes)) {
      held.storeFull();
      return CompletableFuture.completedFuture(call.full());
    }
    if (!held.take(bytes)) {
      return CompletableFuture.failedFuture(
          new StoreUnavailable(
              "too many calls wait for Redis", new IllegalStateException("bound reached")));
    }
    Pending<R> pending =
        new Pending<>(
            call,
            ids.next(),
            System.nanoTime() + patienceNanos,
            names.known(call.queue()).orElse(-1));
    waiting.add(pending);
    form();
    return pending.result;
  }

  private boolean hasRoom(int bytes) {
    try {
      return link.node().headroom().take(bytes);
    } catch (RedisException nowhere) {
      return true; // it waits until a node is known
    }
  }

  /** Stops sending until {@link #goOn} was called as often as this. */
  void giveWay() {
    givingWay.incrementAndGet();
  }

  void goOn() {
    if (givingWay.decrementAndGet() == 0) {
      form();
    }
  }

  private void form() {
    while (!waiting.isEmpty() && givingWay.get() == 0 && inFlight.compareAndSet(false, true)) {
      Integer index = free.poll();
      if (index != null) {
        List<Pending<?>> group = nextGroup();
        if (!group.isEmpty()) {
          send(group, index);
          return;
        }
        free.push(index);
      }
      inFlight.set(false);
      if (free.isEmpty()) {
        return; // the thread that returns a line checks again
      }
    }
  }

  private List<Pending<?>> nextGroup() {
    List<Pending<?>> group = new ArrayList<>();
    long bytes = 0;
    while (group.size() < GROUP_MAX && bytes < GROUP_BYTES_MAX) {
      Pending<?> next = waiting.poll();
      if (next == null) {
        break;
      }
      if (next.deadline - System.nanoTime() <= 0) {
        end(next, new StoreUnavailable("Redis did not take the task in time", next.failure));
        continue;
      }
      group.add(next);
      bytes += next.tail.length;
    }
    return group;
  }

  private void send(List<Pending<?>> group, int index) {
    Args args = new Args(3 + group.size() * ARGS);
    args.add(open).add(strangersMax).add(keyTtlMillis);
    for (Pending<?> pending : group) {
      pending.put(args);
    }
    List<Trace> traces = traces(group);
    try {
      Line line = link.node().line(index);
      int losses = line.losses();
      moves
          .begin(line.commands(), Script.ENQUEUE, args)
          .toCompletableFuture()
          .orTimeout(nanosLeft(group), TimeUnit.NANOSECONDS)
          .whenComplete((replies, failure) -> {
            traces.forEach(failure == null ? Trace::end : Enqueuer::failed);
            if (failure == null) {
              taken(group, replies, index, line, losses);
            } else {
              failed(group, index, Answers.cause(failure));
            }
          });
    } catch (RedisException notSent) {
      traces.forEach(Enqueuer::failed);
      failed(group, index, notSent);
    }
  }

  /** A span for each call that is traced. */
  private List<Trace> traces(List<Pending<?>> group) {
    if (tracing.isEmpty()) {
      return List.of();
    }
    List<Trace> traces = new ArrayList<>();
    for (Pending<?> pending : group) {
      Place place = pending.call.spec().trace();
      if (place != null && place.traceparent() != null) {
        traces.add(tracing.get().script("enqueue", group.size(), place));
      }
    }
    return traces;
  }

  private static void failed(Trace trace) {
    trace.failed("not_stored").end();
  }

  private static long nanosLeft(List<Pending<?>> group) {
    return Math.max(1, group.getFirst().deadline - System.nanoTime());
  }

  private void landed() {
    inFlight.set(false);
    form();
  }

  /** The tasks are on the master. */
  private void taken(List<Pending<?>> group, Reply replies, int index, Line line, int losses) {
    int replicas = durability.replicas();
    if (replicas > 0) {
      landed();
      await(replicas, group, replies, index, line, losses);
    } else {
      free.push(index);
      landed();
      complete(group, replies, 0);
    }
  }

  private void await(
      int replicas, List<Pending<?>> group, Reply replies, int index, Line line, int losses) {
    long millis = Math.max(1, TimeUnit.NANOSECONDS.toMillis(nanosLeft(group)));
    line.awaitReplicas(replicas, millis)
        .orTimeout(millis + LATE_MILLIS, TimeUnit.MILLISECONDS)
        .whenComplete((reached, failure) -> {
          boolean told = failure == null && line.losses() == losses;
          free.push(index);
          if (told && reached >= replicas) {
            complete(group, replies, Math.toIntExact(reached));
          } else if (told || nanosLeft(group) < RETRY_PAUSE.toNanos()) {
            group.forEach(pending -> end(pending, tooFew(replicas)));
          } else {
            sendAgain(group, failure, this::form);
          }
          form();
        });
  }

  private static StoreUnavailable tooFew(int replicas) {
    return new StoreUnavailable(
        "fewer than " + replicas + " replicas confirmed the task in time; it may run", null);
  }

  private void complete(List<Pending<?>> group, Reply replies, int replicas) {
    for (Pending<?> pending : group) {
      byte[] reply = replies.bytes();
      if (reply[0] == 'q' && !pending.lookedUp) {
        pending.lookedUp = true;
        lookUps.execute(() -> lookUp(pending));
      } else {
        held.letGo(pending.tail.length);
        pending.answer(reply, replicas);
      }
    }
  }

  /** A queue that this process does not know may have been created, or recreated, by another. */
  private void lookUp(Pending<?> pending) {
    try {
      int found = names.look(pending.call.queue()).orElse(-1);
      if (found < 0 || found == pending.queue) {
        end(pending, EnqueueScriptCall::noQueue);
      } else {
        pending.queue = found;
        waiting.add(pending);
        form();
      }
    } catch (RuntimeException failure) {
      end(pending, failure);
    }
  }

  private void failed(List<Pending<?>> group, int index, Throwable failure) {
    free.push(index);
    if (Answers.isOutage(failure)) {
      link.doubt();
      // Nothing else is sent meanwhile: it would fail as well.
      sendAgain(group, failure, this::landed);
      return;
    }
    landed();
    for (Pending<?> pending : group) {
      if (Answers.isFull(failure)) {
        held.storeFull();
        end(pending, EnqueueScriptCall::full);
      } else {
        end(pending, new StoreUnavailable("Redis did not take the task", failure));
      }
    }
  }

  /** The script returns the same result for an id that it knows. */
  private void sendAgain(List<Pending<?>> group, @Nullable Throwable failure, Runnable then) {
    group.forEach(pending -> pending.failure = failure);
    timer.schedule(
        () -> {
          waiting.addAll(group);
          then.run();
        },
        RETRY_PAUSE.toMillis(),
        TimeUnit.MILLISECONDS);
  }

  private <R> void end(Pending<R> pending, Function<EnqueueScriptCall<R>, R> answer) {
    held.letGo(pending.tail.length);
    pending.result.complete(answer.apply(pending.call));
  }

  private void end(Pending<?> pending, Throwable failure) {
    held.letGo(pending.tail.length);
    pending.result.completeExceptionally(
        failure instanceof StoreUnavailable
            ? failure
            : new StoreUnavailable("Redis is not reachable", failure));
  }
}
