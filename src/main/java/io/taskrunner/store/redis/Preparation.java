package io.taskrunner.store.redis;

import io.taskrunner.client.Tier;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.redis.link.Args;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Creates the data that each shard must have before it is used: its format, and the built-in tiers.
 * A shard that is unavailable when a process starts is prepared when it is back, so that one node
 * that is down does not keep processes from starting; only the very first start needs every shard.
 */
final class Preparation {

  /** The version of records and keys that this program writes. */
  static final int FORMAT = 3;

  private static final Logger LOG = LoggerFactory.getLogger(Preparation.class);

  private final Args args;
  private final Set<Shard> left = ConcurrentHashMap.newKeySet();

  Preparation(Duration commandTimeout) {
    this.args = Args.of(FORMAT, 2 * commandTimeout.toMillis());
    for (Tier tier : Tier.BUILT_IN) {
      args.field(tier.name(), tier.limits().maxConcurrent() + ":" + tier.limits().requestsPerMin());
    }
  }

  /**
   * Prepares all shards.
   *
   * @param whole whether all must be available
   * @return whether each was available
   * @throws StoreUnavailable all are unavailable, or a required one is
   * @throws IllegalStateException the data is of a newer version of this program
   */
  boolean begin(Shards shards, boolean whole) {
    List<Optional<Reply>> replies =
        shards.reached(shard -> shard.moves().run(Script.PUT_SHARD, args));
    for (int i = 0; i < replies.size(); i++) {
      if (replies.get(i).isPresent()) {
        check(replies.get(i).get());
      } else {
        left.add(shards.all().get(i));
      }
    }
    if (!left.isEmpty()) {
      if (whole || left.size() == shards.count()) {
        throw new StoreUnavailable(
            left.size() + " of " + shards.count() + " shards do not answer", null);
      }
      LOG.atWarn()
          .addKeyValue("shards", left.stream().map(Shard::number).sorted().toList())
          .log("shards are not reachable; tasks of their clients wait until they are back");
    }
    return left.isEmpty();
  }

  private static void check(Reply reply) {
    if (!reply.isNext(Done.DONE)) {
      throw new IllegalStateException(
          "The data in this Redis is of a newer format than "
              + FORMAT
              + ", which this program writes: run a newer one.");
    }
  }

  /** Prepares a shard that was unavailable. */
  void finish(Shard shard) {
    if (left.contains(shard)) {
      check(shard.moves().run(Script.PUT_SHARD, args));
      left.remove(shard);
    }
  }
}
