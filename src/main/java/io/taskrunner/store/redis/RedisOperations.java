package io.taskrunner.store.redis;

import io.taskrunner.store.Operation;
import io.taskrunner.store.Operation.Counts;
import io.taskrunner.store.Operation.Order;
import io.taskrunner.store.OperationStore;
import io.taskrunner.store.Queue;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.TaskStore.Filter;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
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
 * <p>The request is stored in the configuration, with the lease of the runner that carries it out.
 * Its progress and counts are in each shard: one script applies a chunk, counts it and stores the
 * next place. So a chunk is done and counted once, however often it is sent; a lease only keeps two
 * runners from duplicating work.
 */
final class RedisOperations implements OperationStore {

  /** The reply of {@code begin_operation}. */
  enum Entry {
    BEGUN,
    /** The limit of running operations is reached. */
    FULL
  }

  /** Number of entries read from the list at a time. */
  private static final int PAGE = 100;

  private final Shards shards;
  private final Shard config;
  private final QueueNames names;
  private final RedisQueues queues;

  RedisOperations(Shards shards, Shard config, QueueNames names, RedisQueues queues) {
    this.shards = shards;
    this.config = config;
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
    Reply reply =
        config
            .moves()
            .run(
                Script.BEGIN_OPERATION,
                id,
                order.owner(),
                RUNNING_MAX,
                OWN_MAX,
                KEPT_MAX,
                KEPT.toMillis(),
                OperationFields.write(order, total(order)));
    if (reply.word(Entry.class) == Entry.FULL) {
      return new Begun.TooMany();
    }
    return new Begun.Entered(get(id).orElseThrow());
  }

  /** The number of matches, if the sizes of the sets give it and all can be read. */
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
          total += queue.stats().of(state);
        }
      }
    }
    return total;
  }

  @Override
  public Optional<Operation> get(String id) {
    Map<byte[], byte[]> hash = config.hash("operation:" + id);
    return hash.isEmpty() ? Optional.empty() : Optional.of(OperationFields.read(id, hash));
  }

  /** Those of these that are still kept, in one round trip. */
  private List<Operation> get(List<String> ids) {
    List<Map<byte[], byte[]>> hashes =
        config.link().each(ids, (redis, id) -> redis.hgetall(key(id)));
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
          config
              .link()
              .patiently(
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

  /** In its shards first, so that nothing more is done once the list shows it as ended. */
  private void end(String id, Operation.State state, String reason) {
    Counts counts = Counts.NONE;
    ByteArrayOutputStream sample = new ByteArrayOutputStream();
    Shards homes =
        get(id)
            .map(one -> new Shards(OperationRun.homes(shards, one.order().filter())))
            .orElse(shards);
    for (Reply kept : homes.run(Script.END_OPERATION, id, KEPT.toMillis())) {
      counts = counts.plus(new Counts(kept.number(), kept.number(), kept.number()));
      sample.writeBytes(kept.bytes());
    }
    config
        .moves()
        .run(
            Script.CLOSE_OPERATION,
            id,
            state.word(),
            counts.done(),
            counts.failed(),
            counts.skipped(),
            OperationRun.cut(sample.toByteArray()),
            reason);
  }

  @Override
  public List<Run> lease(String runner, Duration lease, Collection<Run> had) {
    Map<String, OperationRun> mine = new HashMap<>();
    Args args = Args.of(runner, lease.toMillis());
    for (Run one : had) {
      OperationRun run = (OperationRun) one;
      mine.put(run.operation().id(), run);
      run.report(args);
    }
    List<String> found = config.moves().run(Script.LEASE_OPERATIONS, args).rest(Reply::text);
    List<String> fresh = found.stream().filter(id -> !mine.containsKey(id)).toList();
    if (!fresh.isEmpty()) {
      names.reload(); // include a queue that was created just before
    }
    get(fresh).forEach(one -> mine.put(one.id(), new OperationRun(one, shards, names, this::end)));
    return found.stream().filter(mine::containsKey).<Run>map(mine::get).toList();
  }
}
