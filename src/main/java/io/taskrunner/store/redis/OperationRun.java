package io.taskrunner.store.redis;

import io.taskrunner.store.Operation;
import io.taskrunner.store.Operation.Action;
import io.taskrunner.store.Operation.Counts;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.OperationStore.Run;
import io.taskrunner.store.OperationStore.Step;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.record.FlowFields;
import io.taskrunner.task.TaskId;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Carries out one operation: a chunk of one shard at a time, in round-robin order. */
final class OperationRun implements Run {

  /** While an operation runs, the state in its shards outlives every possible delay. */
  private static final Duration KEPT_RUNNING = Duration.ofDays(366);

  private static final int SAMPLE_MAX = 10;
  private static final byte[] NONE = new byte[0];

  /** The result of a chunk. */
  enum Chunk {
    WENT,
    /** Others did it. */
    PASSED,
    STOPPED,
    /** The destination queue was deleted. */
    NO_QUEUE
  }

  private final Operation operation;
  private final QueueNames names;
  private final Ending ending;
  private final List<Progress> all = new ArrayList<>();
  private int turn;

  /** Ends an operation. */
  interface Ending {
    void end(String id, Operation.State state, String reason);
  }

  /**
   * The progress in a shard.
   *
   * @param round from 1; the number of passes over the shard
   * @param moved the number of tasks that it was applied to in this round
   * @param splitAt state of the script between two calls
   * @param text where the walk continues; empty before the first chunk
   */
  private record Place(String round, String moved, String splitAt, byte[] text) {
    static final Place START = new Place("1", "0", "", NONE);

    static Place read(byte[] kept) {
      if (kept.length == 0) {
        return START;
      }
      String[] parts = new String(kept, StandardCharsets.ISO_8859_1).split("\n", 4);
      return new Place(parts[0], parts[1], parts[2], bytes(parts[3]));
    }
  }

  /** The progress and counts in a shard; unknown until the shard has replied. */
  private static final class Progress {
    final Shard shard;
    volatile boolean known; // and read for reports: see OperationStore.lease
    long chunks;
    volatile Counts counts = Counts.NONE;
    Place place = Place.START;
    boolean over;
    volatile byte[] sample = NONE;

    Progress(Shard shard) {
      this.shard = shard;
    }
  }

  OperationRun(Operation operation, Shards shards, QueueNames names, Ending ending) {
    this.operation = operation;
    this.names = names;
    this.ending = ending;
    for (Shard shard : homes(shards, operation.order().filter())) {
      all.add(new Progress(shard));
    }
  }

  @Override
  public Operation operation() {
    return operation;
  }

  @Override
  public Step step(int most) {
    Progress next = next();
    if (next == null) {
      ending.end(operation.id(), Operation.State.DONE, "");
      return new Step.Over(Operation.State.DONE);
    }
    if (!next.known) {
      learn(next);
      return new Step.Went(0);
    }
    Order order = operation.order();
    Integer to = null;
    if (order.toQueue() != null) {
      OptionalInt n = names.look(order.toQueue());
      if (n.isEmpty()) {
        return gone(order.toQueue());
      }
      to = n.getAsInt();
    }
    Reply reply = next.shard.moves().run(Script.BULK, chunk(next, to, most));
    Chunk chunk = reply.word(Chunk.class);
    int tasks = reply.count();
    keep(next, reply);
    return switch (chunk) {
      case WENT, PASSED -> new Step.Went(tasks);
      case STOPPED -> {
        ending.end(operation.id(), Operation.State.STOPPED, "");
        yield new Step.Over(Operation.State.STOPPED);
      }
      case NO_QUEUE -> gone(String.valueOf(order.toQueue()));
    };
  }

  private Args chunk(Progress next, @Nullable Integer to, int most) {
    Order order = operation.order();
    boolean fresh = next.place.text().length == 0;
    TaskWalk.Place at = fresh ? TaskWalk.Place.START : TaskWalk.Place.read(next.place.text());
    boolean byLabel =
        fresh
            ? TaskWalk.byLabel(new Shards(List.of(next.shard)), order.filter(), true)
            : at.isByLabel();
    return Args.of(
        operation.id(),
        next.chunks,
        order.action().word(),
        order.dryRun() ? 1 : null,
        operation.begun().toEpochMilli(),
        to,
        KEPT_RUNNING.toMillis(),
        most,
        goesRoundAgain(order) ? 1 : null,
        next.place.round(),
        next.place.moved(),
        next.place.splitAt(),
        TaskWalk.of(order, operation.begun(), names, byLabel).args(at));
  }

  /** Whether matching tasks may move from one set to another, and must be visited all the same. */
  private static boolean goesRoundAgain(Order order) {
    return !order.dryRun()
        && order.filter().ids().isEmpty()
        && (order.action() == Action.CANCEL || order.action() == Action.MOVE)
        && !Collections.disjoint(TaskWalk.states(order), Action.CANCEL.states());
  }

  /** The shards that may hold matching tasks. */
  static List<Shard> homes(Shards shards, Filter filter) {
    if (!filter.ids().isEmpty()) {
      return filter.ids().stream().map(shards::of).flatMap(Optional::stream).distinct().toList();
    }
    if (filter.clientId() != null) {
      return List.of(shards.of(filter.clientId()));
    }
    return filter.queue() == null ? shards.all() : shards.allOfQueue(filter.queue()).all();
  }

  private Step gone(String queue) {
    fail("Queue \"" + queue + "\" was deleted.");
    return new Step.Over(Operation.State.FAILED);
  }

  @Override
  public void fail(String reason) {
    ending.end(operation.id(), Operation.State.FAILED, reason);
  }

  /** The next shard that is not at its end; null when all are. */
  private @Nullable Progress next() {
    for (int i = 0; i < all.size(); i++) {
      Progress one = all.get(turn++ % all.size());
      if (!one.over) {
        return one;
      }
    }
    return null;
  }

  /** Reads the progress of a shard: another runner may have started. */
  private void learn(Progress progress) {
    Map<String, String> fields =
        FlowFields.read(progress.shard.hash("operation:" + operation.id()));
    progress.chunks = Long.parseLong(fields.getOrDefault("chunks", "0"));
    progress.counts =
        new Counts(
            Long.parseLong(fields.getOrDefault("done", "0")),
            Long.parseLong(fields.getOrDefault("failed", "0")),
            Long.parseLong(fields.getOrDefault("skipped", "0")));
    progress.place = Place.read(bytes(fields.getOrDefault("place", "")));
    progress.over = "1".equals(fields.get("over"));
    progress.sample = bytes(fields.getOrDefault("sample", ""));
    progress.known = true;
  }

  private static byte[] bytes(String characters) {
    return characters.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void keep(Progress progress, Reply kept) {
    progress.chunks = kept.number();
    progress.counts = new Counts(kept.number(), kept.number(), kept.number());
    progress.place = Place.read(kept.bytes());
    progress.over = kept.flag();
    progress.sample = kept.bytes();
  }

  /** Adds its values to the report, once every shard has replied. */
  void report(Args args) {
    if (!all.stream().allMatch(one -> one.known)) {
      return;
    }
    Counts counts = Counts.NONE;
    ByteArrayOutputStream sample = new ByteArrayOutputStream();
    for (Progress one : all) {
      counts = counts.plus(one.counts);
      sample.writeBytes(one.sample);
    }
    args.addAll(
        Args.of(
            operation.id(),
            counts.done(),
            counts.failed(),
            counts.skipped(),
            cut(sample.toByteArray())));
  }

  /** The first of the ids that all shards returned. */
  static byte[] cut(byte[] ids) {
    return Arrays.copyOf(ids, Math.min(ids.length, SAMPLE_MAX * TaskId.BYTES));
  }
}
