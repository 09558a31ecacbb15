package io.taskrunner.store.redis;

import io.taskrunner.store.Operation;
import io.taskrunner.store.Operation.Counts;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.OperationStore.Run;
import io.taskrunner.store.OperationStore.Step;
import io.taskrunner.task.TaskId;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Carries out one operation: a chunk of one shard at a time, the shards in turn. */
final class OperationRun implements Run {

  private static final int SAMPLE_MAX = 10;
  private static final byte[] NONE = new byte[0];
  private static final byte[] COUNT_ALONE = Keys.bytes("1");

  private final Operation operation;
  private final QueueNames names;
  private final RedisOperations operations;
  private final OperationWalk walk;
  private final byte[] states;
  private final List<Progress> all = new ArrayList<>();
  private int turn;

  /** How far it is in a shard; not known until a shard has told. */
  private static final class Progress {
    final Shard shard;
    volatile boolean known; // and what is reported: see OperationStore.lease
    long chunks;
    volatile Counts counts = Counts.NONE;
    byte[] place = NONE;
    boolean over;
    volatile byte[] sample = NONE;

    Progress(Shard shard) {
      this.shard = shard;
    }
  }

  OperationRun(
      Operation operation,
      Shards shards,
      QueueNames names,
      RedisOperations operations,
      OperationWalk walk) {
    this.operation = operation;
    this.names = names;
    this.operations = operations;
    this.walk = walk;
    StringBuilder letters = new StringBuilder();
    RedisOperations.states(operation.order()).forEach(state -> letters.append(state.code()));
    this.states = Keys.bytes(letters.toString());
    for (Shard shard : OperationWalk.homes(shards, operation.order().filter())) {
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
      operations.end(operation.id(), Operation.State.DONE, "");
      return new Step.Over(Operation.State.DONE);
    }
    if (!next.known) {
      learn(next);
      return new Step.Went(0);
    }
    Order order = operation.order();
    OperationWalk.Found found =
        walk.look(next.shard, order, operation.begun(), Keys.text(next.place), most);
    byte[] to = NONE;
    if (order.toQueue() != null) {
      OptionalInt n = names.look(order.toQueue());
      if (n.isEmpty()) {
        return gone(order.toQueue());
      }
      to = Keys.bytes(n.getAsInt());
    }
    List<Object> reply =
        next.shard.moves().run(Script.BULK, chunk(next, found, to).toArray(byte[][]::new));
    keep(next, reply);
    return switch (Keys.text((byte[]) reply.getFirst())) {
      case "stopped" -> {
        operations.end(operation.id(), Operation.State.STOPPED, "");
        yield new Step.Over(Operation.State.STOPPED);
      }
      case "no_queue" -> gone(String.valueOf(order.toQueue()));
      default -> new Step.Went(found.ids().size());
    };
  }

  private List<byte[]> chunk(Progress next, OperationWalk.Found found, byte[] to) {
    Order order = operation.order();
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(operation.id()));
    args.add(Keys.bytes(next.chunks));
    args.add(Keys.bytes(order.action().word()));
    args.add(order.dryRun() ? COUNT_ALONE : NONE);
    args.add(states);
    args.add(Keys.bytes(operation.begun().toEpochMilli()));
    args.add(Keys.bytes(found.queue()));
    args.add(to);
    args.add(Keys.bytes(RedisOperations.KEPT_RUNNING.toMillis()));
    args.add(Keys.bytes(found.place()));
    args.addAll(found.ids());
    return args;
  }

  private Step gone(String queue) {
    fail("The queue " + queue + " is no more.");
    return new Step.Over(Operation.State.FAILED);
  }

  @Override
  public void fail(String reason) {
    operations.end(operation.id(), Operation.State.FAILED, reason);
  }

  /** The next shard in turn that is not at its end; null when all are. */
  private @Nullable Progress next() {
    for (int i = 0; i < all.size(); i++) {
      Progress one = all.get(turn++ % all.size());
      if (!one.over) {
        return one;
      }
    }
    return null;
  }

  /** Asks a shard how far it is: another runner may have begun. */
  private void learn(Progress progress) {
    byte[] key = progress.shard.keys().key("operation:" + operation.id());
    Map<String, String> fields =
        FlowFields.read(progress.shard.link().patiently(redis -> redis.hgetall(key)));
    progress.chunks = Long.parseLong(fields.getOrDefault("chunks", "0"));
    progress.counts =
        new Counts(
            Long.parseLong(fields.getOrDefault("done", "0")),
            Long.parseLong(fields.getOrDefault("failed", "0")),
            Long.parseLong(fields.getOrDefault("skipped", "0")));
    progress.place = bytes(fields.getOrDefault("place", ""));
    progress.over = "1".equals(fields.get("over"));
    progress.sample = bytes(fields.getOrDefault("sample", ""));
    progress.known = true;
  }

  private static byte[] bytes(String characters) {
    return characters.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void keep(Progress progress, List<Object> reply) {
    progress.chunks = (Long) reply.get(1);
    progress.counts = new Counts((Long) reply.get(2), (Long) reply.get(3), (Long) reply.get(4));
    progress.place = (byte[]) reply.get(5);
    progress.over = Keys.text((byte[]) reply.get(6)).equals("1");
    progress.sample = (byte[]) reply.get(7);
  }

  /** Adds what the list is told of it, once every shard has told. */
  void report(List<byte[]> args) {
    if (!all.stream().allMatch(one -> one.known)) {
      return;
    }
    Counts counts = Counts.NONE;
    ByteArrayOutputStream sample = new ByteArrayOutputStream();
    for (Progress one : all) {
      counts = counts.plus(one.counts);
      sample.writeBytes(one.sample);
    }
    args.add(Keys.bytes(operation.id()));
    args.add(Keys.bytes(counts.done()));
    args.add(Keys.bytes(counts.failed()));
    args.add(Keys.bytes(counts.skipped()));
    args.add(cut(sample.toByteArray()));
  }

  /** The first of the ids that all shards gave. */
  static byte[] cut(byte[] ids) {
    return Arrays.copyOf(ids, Math.min(ids.length, SAMPLE_MAX * TaskId.BYTES));
  }
}
