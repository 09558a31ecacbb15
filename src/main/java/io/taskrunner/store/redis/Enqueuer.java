package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.taskrunner.client.Limits;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import io.taskrunner.telemetry.Tracing;
import io.taskrunner.telemetry.Tracing.Place;
import io.taskrunner.telemetry.Tracing.Trace;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
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
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Sends enqueues that arrive together in one script: while one script is on its way, what arrives
 * waits, and goes together when it is back. So a lone call goes at once, and under load a round
 * trip is shared. More scripts on their way at once would make smaller groups, which cost Redis and
 * this process more, and give the worker less of both.
 *
 * <p>It gives way to the worker of its process, if that has one: what arrives while the worker
 * waits for Redis goes when the worker was answered. So the two take turns, and under full load
 * tasks are delivered as fast as they are taken in. A lone call loses nothing that counts: Redis
 * does one script after the other anyway.
 *
 * <p>A group whose script failed since Redis is away is sent again as it is, until its callers'
 * patience is over: a task's id is made before it is first sent, and the script gives the same
 * answer for an id that it knows. What is held meanwhile is bounded: beyond the bound a call is
 * refused at once.
 *
 * <p>Where replicas must have a task before its call is answered, the group waits for them on its
 * line after the script was answered, while the next group goes on another line. Too few in time
 * means that nobody knows: the tasks are there, and may be lost with their master.
 *
 * <p>Any thread may call {@link #enqueue}. Whoever raises {@code inFlight} forms the group; whoever
 * adds a task, brings a group or a line back or lets go on looks again afterwards.
 */
final class Enqueuer {

  private static final int GROUP_MAX = 100;
  private static final int GROUP_BYTES_MAX = 4 * 1024 * 1024;
  private static final int ARGS = 6;
  private static final int FACTS_BYTES = 36;
  private static final int KEY_BYTES = 16;
  private static final int NOT_SAID = -1;
  private static final long LATE_MILLIS = 200;
  private static final Duration RETRY_PAUSE = Duration.ofMillis(50);
  private static final byte[] EMPTY = new byte[0];

  private final Link link;
  private final Moves moves;
  private final QueueNames names;
  private final TaskIds ids;
  private final Held held;
  private final Durability durability;
  private final byte[] open;
  private final byte[] strangersMax;
  private final byte[] keyTtlMillis;
  private final long patienceNanos;
  private final ScheduledExecutorService timer;
  private final Executor lookUps;
  private final Optional<Tracing> tracing;

  /** The indices of lines that no group of this shard is on. */
  private final Deque<Integer> free;

  private final Queue<Pending> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean inFlight = new AtomicBoolean();
  private final AtomicInteger givingWay = new AtomicInteger();

  /** One call on its way. */
  private static final class Pending {
    final Enqueue command;
    final TaskId id;
    final byte[] tail;
    final long deadline;
    final CompletableFuture<EnqueueResult> result = new CompletableFuture<>();
    int queue;
    boolean lookedUp;
    @Nullable Throwable failure;

    Pending(Enqueue command, TaskId id, byte[] tail, long deadline, int queue) {
      this.command = command;
      this.id = id;
      this.tail = tail;
      this.deadline = deadline;
      this.queue = queue;
    }
  }

  Enqueuer(
      Link link,
      int lines,
      Moves moves,
      QueueNames names,
      TaskIds ids,
      Held held,
      Durability durability,
      StoreOptions options,
      ScheduledExecutorService timer,
      Executor lookUps,
      Optional<Tracing> tracing) {
    this.link = link;
    this.moves = moves;
    this.names = names;
    this.ids = ids;
    this.held = held;
    this.durability = durability;
    this.free = new ConcurrentLinkedDeque<>(IntStream.range(0, lines).boxed().toList());
    this.open = Keys.bytes(options.openClients() ? 1 : 0);
    this.strangersMax = Keys.bytes(options.maxOpenClients());
    this.keyTtlMillis = Keys.bytes(options.idempotencyTtl().toMillis());
    this.patienceNanos = link.patience().toNanos();
    this.timer = timer;
    this.lookUps = lookUps;
    this.tracing = tracing;
  }

  CompletableFuture<EnqueueResult> enqueue(Enqueue command) {
    byte[] tail = TaskCodec.tail(command.clientId(), command.spec());
    if (!hasRoom(tail.length)) {
      return CompletableFuture.completedFuture(new EnqueueResult.StoreFull());
    }
    if (!held.take(tail.length)) {
      return CompletableFuture.failedFuture(
          new StoreUnavailable(
              "too many calls wait for Redis", new IllegalStateException("bound reached")));
    }
    Pending pending =
        new Pending(
            command,
            ids.next(),
            tail,
            System.nanoTime() + patienceNanos,
            names.known(command.queue()).orElse(-1));
    waiting.add(pending);
    form();
    return pending.result;
  }

  private boolean hasRoom(int bytes) {
    try {
      return link.node().room().take(bytes);
    } catch (RedisException nowhere) {
      return true; // it waits until a node is known
    }
  }

  /** Sends no more until {@link #goOn} was called as often as this. */
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
        List<Pending> group = nextGroup();
        if (!group.isEmpty()) {
          send(group, index);
          return;
        }
        free.push(index);
      }
      inFlight.set(false);
      if (free.isEmpty()) {
        return; // whoever brings a line back looks again
      }
    }
  }

  private List<Pending> nextGroup() {
    List<Pending> group = new ArrayList<>();
    long bytes = 0;
    while (group.size() < GROUP_MAX && bytes < GROUP_BYTES_MAX) {
      Pending next = waiting.poll();
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

  private void send(List<Pending> group, int index) {
    byte[][] args = new byte[4 + group.size() * ARGS][];
    args[0] = moves.now();
    args[1] = open;
    args[2] = strangersMax;
    args[3] = keyTtlMillis;
    int at = 4;
    for (Pending pending : group) {
      at = put(args, at, pending);
    }
    List<Trace> traces = traces(group);
    try {
      Line line = link.node().line(index);
      int losses = line.losses();
      Link.<List<Object>>run(line.commands(), Script.ENQUEUE, moves.keys(), args)
          .toCompletableFuture()
          .orTimeout(nanosLeft(group), TimeUnit.NANOSECONDS)
          .whenComplete((replies, failure) -> {
            traces.forEach(failure == null ? Trace::end : Enqueuer::failed);
            if (failure == null) {
              taken(group, replies, index, line, losses);
            } else {
              failed(group, index, Link.cause(failure));
            }
          });
    } catch (RedisException notSent) {
      traces.forEach(Enqueuer::failed);
      failed(group, index, notSent);
    }
  }

  /** A span for each call that is traced. */
  private List<Trace> traces(List<Pending> group) {
    if (tracing.isEmpty()) {
      return List.of();
    }
    List<Trace> traces = new ArrayList<>();
    for (Pending pending : group) {
      TaskSpec spec = pending.command.spec();
      if (spec.traceparent() != null) {
        Place place = new Place(spec.traceparent(), spec.tracestate());
        traces.add(tracing.get().script("enqueue", group.size(), place));
      }
    }
    return traces;
  }

  private static void failed(Trace trace) {
    trace.failed("not_stored").end();
  }

  private static long nanosLeft(List<Pending> group) {
    return Math.max(1, group.getFirst().deadline - System.nanoTime());
  }

  private void landed() {
    inFlight.set(false);
    form();
  }

  /** The master has them. */
  private void taken(List<Pending> group, List<Object> replies, int index, Line line, int losses) {
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
      int replicas, List<Pending> group, List<Object> replies, int index, Line line, int losses) {
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

  private static int put(byte[][] args, int from, Pending pending) {
    Enqueue command = pending.command;
    Enqueue.Idempotency idempotency = command.idempotency();
    int at = from;
    args[at++] = facts(pending);
    args[at++] = Keys.bytes(command.clientId());
    args[at++] = Keys.bytes(command.queue());
    args[at++] = idempotency == null ? EMPTY : Arrays.copyOf(sha256(idempotency.key()), KEY_BYTES);
    args[at++] = idempotency == null ? EMPTY : idempotency.payload();
    args[at++] = pending.tail;
    return at;
  }

  private static byte[] facts(Pending pending) {
    Enqueue command = pending.command;
    Packed facts = new Packed(FACTS_BYTES).put(pending.id);
    facts.put(
        switch (command.proof()) {
          case OPEN -> 'o';
          case KEY -> 'k';
          case ADMIN -> 'a';
        },
        1);
    facts.put(pending.queue, 4);
    switch (command.when()) {
      case Enqueue.When.In(Duration delay) -> facts.put('d', 1).put(delay.toMillis(), 6);
      case Enqueue.When.At(Instant time) ->
          facts.put('a', 1).put(Math.max(0, time.toEpochMilli()), 6);
    }
    return facts
        .put(optional(command.maxConcurrent()), 4)
        .put(optional(command.requestsPerMin()), 4)
        .toByteArray();
  }

  private static int optional(@Nullable Integer number) {
    return number == null ? NOT_SAID : number;
  }

  private void complete(List<Pending> group, List<Object> replies, int replicas) {
    for (int i = 0; i < group.size(); i++) {
      Pending pending = group.get(i);
      byte[] reply = (byte[]) replies.get(i);
      if (reply[0] == 'q' && !pending.lookedUp) {
        pending.lookedUp = true;
        lookUps.execute(() -> lookUp(pending));
      } else {
        end(pending, () -> result(pending, reply, replicas));
      }
    }
  }

  /** A queue that this process does not know may have been made, or made anew, by another. */
  private void lookUp(Pending pending) {
    try {
      int found = names.look(pending.command.queue()).orElse(-1);
      if (found < 0 || found == pending.queue) {
        end(pending, EnqueueResult.QueueNotFound::new);
      } else {
        pending.queue = found;
        waiting.add(pending);
        form();
      }
    } catch (RuntimeException failure) {
      end(pending, failure);
    }
  }

  private void failed(List<Pending> group, int index, Throwable failure) {
    free.push(index);
    if (Link.isOutage(failure)) {
      link.doubt();
      // Nothing else goes meanwhile: it would fail as well.
      sendAgain(group, failure, this::landed);
      return;
    }
    landed();
    for (Pending pending : group) {
      if (Link.isFull(failure)) {
        end(pending, EnqueueResult.StoreFull::new);
      } else {
        end(pending, new StoreUnavailable("Redis did not take the task", failure));
      }
    }
  }

  /** The script gives the same answer for an id that it knows. */
  private void sendAgain(List<Pending> group, @Nullable Throwable failure, Runnable then) {
    group.forEach(pending -> pending.failure = failure);
    timer.schedule(
        () -> {
          waiting.addAll(group);
          then.run();
        },
        RETRY_PAUSE.toMillis(),
        TimeUnit.MILLISECONDS);
  }

  private void end(Pending pending, java.util.function.Supplier<EnqueueResult> result) {
    held.letGo(pending.tail.length);
    pending.result.complete(result.get());
  }

  private void end(Pending pending, Throwable failure) {
    held.letGo(pending.tail.length);
    pending.result.completeExceptionally(
        failure instanceof StoreUnavailable
            ? failure
            : new StoreUnavailable("Redis is away", failure));
  }

  private static EnqueueResult result(Pending pending, byte[] reply, int replicas) {
    ByteBuffer in = ByteBuffer.wrap(reply);
    char word = (char) in.get();
    TaskId id = new TaskId(in.getLong(), in.getLong());
    Instant due = Instant.ofEpochMilli(TaskCodec.number(in, 6));
    Limits limits = new Limits((int) TaskCodec.number(in, 4), (int) TaskCodec.number(in, 4));
    int remaining = (int) TaskCodec.number(in, 4);
    Instant fullAgain = Instant.ofEpochMilli(TaskCodec.number(in, 6));
    Duration retryAfter = Duration.ofMillis(TaskCodec.number(in, 6));
    var quota = new EnqueueResult.Quota(limits, remaining, fullAgain);
    return switch (word) {
      case 'e' -> new EnqueueResult.Enqueued(id, due, quota, replicas);
      case 'd' -> new EnqueueResult.Duplicate(id, due, quota, replicas);
      case 'r' -> new EnqueueResult.RateLimited(quota, retryAfter);
      case 'u' -> new EnqueueResult.KeyReused();
      case 'q' -> new EnqueueResult.QueueNotFound();
      case 'n' -> new EnqueueResult.QueueNotAllowed();
      case 'x' -> new EnqueueResult.ClientDisabled();
      case 'k' -> new EnqueueResult.KeyRequired();
      case 'w' -> new EnqueueResult.ClientUnknown();
      case 'm' -> new EnqueueResult.TooManyClients();
      default -> throw new IllegalStateException("enqueue of " + pending.id + " answered " + word);
    };
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(Keys.bytes(text));
    } catch (NoSuchAlgorithmException everyJdkHasIt) {
      throw new IllegalStateException(everyJdkHasIt);
    }
  }
}
