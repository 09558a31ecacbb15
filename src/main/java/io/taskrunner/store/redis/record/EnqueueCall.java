package io.taskrunner.store.redis.record;

import io.taskrunner.client.Limits;
import io.taskrunner.store.Enqueue;
import io.taskrunner.store.EnqueueResult;
import io.taskrunner.store.EnqueueResult.Wait;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Obstacles;
import io.taskrunner.task.Task.TaskSpec;
import io.taskrunner.task.TaskId;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A client's task.
 *
 * @param obstacles what was read of its shard
 */
public record EnqueueCall(Enqueue command, byte[] tail, Obstacles obstacles)
    implements EnqueueScriptCall<EnqueueResult> {

  private static final int FACTS_BYTES = 36;
  private static final int KEY_BYTES = 16;
  private static final int NOT_SAID = -1;
  private static final byte[] EMPTY = new byte[0];

  /** What {@code enqueue.lua} replies in place of a wait for a new task. */
  private static final int PAUSED = 1;

  private static final int CLIENT_FULL = 2;
  private static final int QUEUE_FULL = 3;
  private static final int NOT_DUE = 4;

  public static EnqueueCall of(Enqueue command, Obstacles obstacles) {
    String client = command.clientId();
    boolean atOnce = command.when() instanceof Enqueue.When.In(Duration delay) && delay.isZero();
    return new EnqueueCall(
        command,
        atOnce ? TaskTail.of(client, command.spec()) : TaskTail.ofPlanned(client, command.spec()),
        obstacles);
  }

  @Override
  public String queue() {
    return command.queue();
  }

  @Override
  public TaskSpec spec() {
    return command.spec();
  }

  @Override
  public void put(Args args, TaskId id, int queue) {
    Enqueue.Idempotency idempotency = command.idempotency();
    args.add(facts(id, queue)).add(command.clientId()).add(command.queue());
    if (idempotency == null) {
      args.add(EMPTY).add(EMPTY);
    } else {
      args.add(Arrays.copyOf(Digests.sha256(idempotency.key()), KEY_BYTES));
      args.add(idempotency.payload());
    }
  }

  private byte[] facts(TaskId id, int queue) {
    Packed facts = new Packed(FACTS_BYTES).put(id);
    facts.put(
        switch (command.proof()) {
          case OPEN -> 'o';
          case KEY -> 'k';
          case ADMIN -> 'a';
        },
        1);
    facts.put(queue, 4);
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

  @Override
  public EnqueueResult noQueue() {
    return new EnqueueResult.QueueNotFound();
  }

  @Override
  public EnqueueResult full() {
    return new EnqueueResult.StoreFull();
  }

  @Override
  public EnqueueResult read(TaskId asked, byte[] reply, int replicas) {
    ByteBuffer in = ByteBuffer.wrap(reply);
    char word = (char) in.get();
    TaskId id = new TaskId(in.getLong(), in.getLong());
    Instant due = Packed.time(in);
    Limits limits = new Limits((int) Packed.number(in, 4), (int) Packed.number(in, 4));
    int remaining = (int) Packed.number(in, 4);
    Instant fullAgain = Packed.time(in);
    long wait = Packed.number(in, 6);
    var quota = new EnqueueResult.Quota(limits, remaining, fullAgain);
    return switch (word) {
      case 'e' -> new EnqueueResult.Enqueued(id, due, quota, replicas, waits((int) wait));
      case 'd' -> new EnqueueResult.Duplicate(id, due, quota, replicas);
      case 'r' -> new EnqueueResult.RateLimited(quota, Duration.ofMillis(wait));
      case 'b' ->
          new EnqueueResult.BacklogFull(
              due.toEpochMilli(), fullAgain.toEpochMilli(), limits.maxConcurrent() == 2);
      case 'u' -> new EnqueueResult.KeyReused();
      case 'q' -> noQueue();
      case 'n' -> new EnqueueResult.QueueNotAllowed();
      case 'x' -> new EnqueueResult.ClientDisabled();
      case 'k' -> new EnqueueResult.KeyRequired();
      case 'w' -> new EnqueueResult.ClientUnknown();
      case 'm' -> new EnqueueResult.TooManyClients();
      default -> throw new IllegalStateException("enqueue of " + asked + " replied " + word);
    };
  }

  private Optional<Wait> waits(int held) {
    if (obstacles.allPaused()) {
      return Optional.of(Wait.DISPATCH_PAUSED);
    }
    return switch (held) {
      case PAUSED -> Optional.of(Wait.QUEUE_PAUSED);
      case NOT_DUE -> Optional.empty();
      case QUEUE_FULL -> Optional.of(Wait.QUEUE_MAX_CONCURRENT);
      default -> {
        if (obstacles.isOpen(command.spec().request().url().hostAndPort())) {
          yield Optional.of(Wait.CIRCUIT_BREAKER);
        }
        yield held == CLIENT_FULL ? Optional.of(Wait.CLIENT_MAX_CONCURRENT) : Optional.empty();
      }
    };
  }
}
