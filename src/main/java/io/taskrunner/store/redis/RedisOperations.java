package io.taskrunner.store.redis;

import io.taskrunner.store.Operation;
import io.taskrunner.store.Operation.Counts;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.Queue;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Link;
import io.taskrunner.store.redis.link.Moves;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shards;
import io.taskrunner.store.redis.record.OperationFields;
import io.taskrunner.task.TaskState;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Operations on many tasks.
 *
 * <p>What was asked for is in the configuration, with the lease of the runner that carries it out.
 * How far it came, and what it counted, is in each shard: a chunk's moves, its counts and the place
 * behind it are one script. So a chunk is done and counted once, whoever sends it how often; a
 * lease only keeps two runners from doing the same work in vain.
 */
final class RedisOperations implements OperationStore {

  private static final byte[] NONE = new byte[0];

  /** What is read of the list at a time. */
  private static final int PAGE = 100;

  private final Shards shards;
  private final Link configLink;
  private final Keys config;
  private final Moves configMoves;
  private final QueueNames names;
  private final RedisQueues queues;

  RedisOperations(
      Shards shards,
      Link configLink,
      Keys config,
      Moves configMoves,
      QueueNames names,
      RedisQueues queues) {
    this.shards = shards;
    this.configLink = configLink;
    this.config = config;
    this.configMoves = configMoves;
    this.names = names;
    this.queues = queues;
  }

  @Override
  public Begun begin(Order order) {
    for (String queue : new String[] {order.filter().queue(), order.toQueue()}) {
      if (queue != null && names.look(queue).isEmpty()) {
        return new Begun.QueueNotFound(queue);
      }
    }
    String id = UUID.randomUUID().toString();
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(id));
    args.add(order.owner() == null ? NONE : Keys.bytes(order.owner()));
    args.add(Keys.bytes(RUNNING_MAX));
    args.add(Keys.bytes(OWN_MAX));
    args.add(Keys.bytes(KEPT_MAX));
    args.add(Keys.bytes(KEPT.toMillis()));
    args.addAll(OperationFields.write(order, total(order)));
    byte[] word = configMoves.run(Script.BEGIN_OPERATION, args.toArray(byte[][]::new));
    if (Keys.text(word).equals("full")) {
      return new Begun.TooMany();
    }
    return new Begun.Entered(get(id).orElseThrow());
  }

  /** How many match, where the sets themselves say so, and all can be read. */
  private @Nullable Long total(Order order) {
    try {
      return sum(order);
    } catch (StoreUnavailable away) {
      return null;
    }
  }

  private @Nullable Long sum(Order order) {
    Filter filter = order.filter();
    if (!filter.plain()) {
      return null;
    }
    Set<TaskState> states = TaskWalk.states(order);
    List<Queue> counted =
        filter.queue() == null ? queues.list() : queues.get(filter.queue()).stream().toList();
    long total = 0;
    for (Queue queue : counted) {
      if (TaskWalk.isMeant(order, queue.name())) {
        for (TaskState state : states) {
          total += count(queue.stats(), state);
        }
      }
    }
    return total;
  }

  private static long count(Queue.Stats stats, TaskState state) {
    return switch (state) {
      case SCHEDULED -> stats.scheduled();
      case READY -> stats.ready();
      case ACTIVE -> stats.active();
      case RETRY -> stats.retry();
      case DEAD -> stats.dead();
      case SUCCEEDED -> stats.succeeded();
      case CANCELLED -> stats.cancelled();
    };
  }

  @Override
  public Optional<Operation> get(String id) {
    Map<byte[], byte[]> hash = configLink.patiently(redis -> redis.hgetall(key(id)));
    return hash.isEmpty() ? Optional.empty() : Optional.of(OperationFields.read(id, hash));
  }

  /** These, as far as they are kept, in one round trip. */
  private List<Operation> get(List<String> ids) {
    List<Map<byte[], byte[]>> hashes = configLink.each(ids, (redis, id) -> redis.hgetall(key(id)));
    List<Operation> found = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      if (!hashes.get(i).isEmpty()) {
        found.add(OperationFields.read(ids.get(i), hashes.get(i)));
      }
    }
    return found;
  }

  private byte[] key(String id) {
    return config.key("operation:" + id);
  }

  @Override
  public List<Operation> list(@Nullable String owner, int most) {
    List<Operation> found = new ArrayList<>();
    for (int from = 0; from < KEPT_MAX + RUNNING_MAX; from += PAGE) {
      long first = from;
      List<byte[]> ids =
          configLink.patiently(
              redis -> redis.zrevrange(config.key("operations"), first, first + PAGE - 1));
      for (Operation one : get(ids.stream().map(Keys::text).toList())) {
        if (owner == null || owner.equals(one.order().owner())) {
          found.add(one);
          if (found.size() == most) {
            return found;
          }
        }
      }
      if (ids.size() < PAGE) {
        break;
      }
    }
    return found;
  }

  @Override
  public Stopped stop(String id) {
    Optional<Operation> there = get(id);
    if (there.isEmpty()) {
      return new Stopped.NotFound();
    }
    if (there.get().state() == Operation.State.RUNNING) {
      end(id, Operation.State.STOPPED, "");
    }
    Operation.State state = get(id).map(Operation::state).orElse(Operation.State.STOPPED);
    return state == Operation.State.STOPPED ? new Stopped.Done() : new Stopped.Ended(state);
  }

  /** In its shards first, so that nothing is done any more once the list says so. */
  private void end(String id, Operation.State state, String reason) {
    Counts counts = Counts.NONE;
    ByteArrayOutputStream sample = new ByteArrayOutputStream();
    Shards homes =
        get(id)
            .map(one -> new Shards(OperationRun.homes(shards, one.order().filter())))
            .orElse(shards);
    List<List<Object>> kept =
        homes.run(Script.END_OPERATION, Keys.bytes(id), Keys.bytes(KEPT.toMillis()));
    for (List<Object> ofShard : kept) {
      counts = counts.plus(new Counts(number(ofShard, 0), number(ofShard, 1), number(ofShard, 2)));
      sample.writeBytes((byte[]) ofShard.get(3));
    }
    configMoves.run(
        Script.CLOSE_OPERATION,
        Keys.bytes(id),
        Keys.bytes(state.word()),
        Keys.bytes(counts.done()),
        Keys.bytes(counts.failed()),
        Keys.bytes(counts.skipped()),
        OperationRun.cut(sample.toByteArray()),
        Keys.bytes(reason));
  }

  private static long number(List<Object> reply, int at) {
    return (Long) reply.get(at);
  }

  @Override
  public List<Run> lease(String runner, Duration lease, Collection<Run> had) {
    Map<String, OperationRun> mine = new HashMap<>();
    List<byte[]> args = new ArrayList<>();
    args.add(Keys.bytes(runner));
    args.add(Keys.bytes(lease.toMillis()));
    for (Run one : had) {
      OperationRun run = (OperationRun) one;
      mine.put(run.operation().id(), run);
      run.report(args);
    }
    List<byte[]> ids = configMoves.run(Script.LEASE_OPERATIONS, args.toArray(byte[][]::new));
    List<String> found = ids.stream().map(Keys::text).toList();
    List<String> fresh = found.stream().filter(id -> !mine.containsKey(id)).toList();
    if (!fresh.isEmpty()) {
      names.reload(); // a queue that was created just before is meant too
    }
    get(fresh).forEach(one -> mine.put(one.id(), new OperationRun(one, shards, names, this::end)));
    return found.stream().filter(mine::containsKey).<Run>map(mine::get).toList();
  }
}
