package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.taskrunner.store.WorkStore.Claim;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.record.Packed;
import io.taskrunner.task.TaskId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The calls of one shard to the home shards of gates, by {@code gates.lua}. */
final class GateCalls {

  private static final Logger LOG = LoggerFactory.getLogger(GateCalls.class);
  private static final long ANSWER_WITHIN_MILLIS = 2000;
  private static final int OPS_OF_A_CALL = 100;
  static final char ENTER = 'e';
  static final char KEEP = 'k';
  static final char FREE = 'f';
  static final char FREE_UNUSED = 'u';
  static final char NOT_NEEDED = 'n';
  static final char WANT = 'w';

  private final int shard;
  private final Function<String, Shard> homes;
  private final ScheduledExecutorService timer;

  /** A message or a question to one gate. */
  record Op(char what, String gate, byte[] about) {
    static Op of(char what, String gate, Claim claim) {
      return of(what, gate, claim.id(), claim.number());
    }

    static Op of(char what, String gate, TaskId task, long claim) {
      return new Op(what, gate, new Packed(22).put(task).put(claim, 6).toByteArray());
    }
  }

  /** The asking worker, and the length of its leases. */
  record Asker(String worker, Duration lease) {}

  /**
   * Calls for a shard.
   *
   * @param homes the home of a gate
   */
  GateCalls(int shard, Function<String, Shard> homes, ScheduledExecutorService timer) {
    this.shard = shard;
    this.homes = homes;
    this.timer = timer;
  }

  /** The home of a gate. */
  Shard home(String gate) {
    return homes.apply(gate);
  }

  /** Does something after a delay, unless the store is closed by then. */
  void later(long millis, Runnable what) {
    if (millis == 0) {
      what.run();
      return;
    }
    try {
      timer.schedule(what, millis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException closed) {
      LOG.debug("the store is closed; its gates are not updated");
    }
  }

  /** Sends messages and questions to a home; the replies, one for each. */
  CompletableFuture<List<Long>> call(Shard home, Asker asker, List<Op> ops) {
    List<CompletableFuture<List<Long>>> calls = new ArrayList<>();
    for (int from = 0; from < ops.size(); from += OPS_OF_A_CALL) {
      calls.add(begin(home, asker, ops.subList(from, Math.min(ops.size(), from + OPS_OF_A_CALL))));
    }
    return CompletableFuture.allOf(calls.toArray(CompletableFuture[]::new))
        .thenApply(_ -> calls.stream().flatMap(one -> one.join().stream()).toList());
  }

  private CompletableFuture<List<Long>> begin(Shard home, Asker asker, List<Op> ops) {
    Args args = new Args(3 + 3 * ops.size());
    args.add(shard).add(asker.worker()).add(asker.lease().toMillis());
    for (Op op : ops) {
      args.add(String.valueOf(op.what())).add(op.gate()).add(op.about());
    }
    try {
      return home.moves()
          .begin(home.link().node().calls(), Script.GATES, args)
          .toCompletableFuture()
          .thenApply(reply -> reply.rest(Reply::number))
          .orTimeout(ANSWER_WITHIN_MILLIS, TimeUnit.MILLISECONDS);
    } catch (RedisException away) {
      home.link().doubt();
      return CompletableFuture.failedFuture(away);
    }
  }
}
