package io.taskrunner.store.redis;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.taskrunner.client.Limits;
import io.taskrunner.client.Tier;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ClientStore.TierDeleted;
import io.taskrunner.store.Expected;
import io.taskrunner.store.redis.Changes.Step;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.Function;

/** Tiers, which are in each shard with the same limits. */
final class RedisTiers {

  private static final int UNPARK_ROUNDS_MAX = 100;

  /** Number of clients processed at a time. */
  private static final int PAGE = 100;

  private final Shards shards;
  private final Revisions revisions;
  private final Changes changes;

  RedisTiers(Shards shards, Revisions revisions, Changes changes) {
    this.shards = shards;
    this.revisions = revisions;
    this.changes = changes;
  }

  /** The built-in ones first, then the others by name. */
  List<Tier> list() {
    Map<String, Long> revisionsOf = revisions();
    Map<String, Limits> limits = limits();
    List<Tier> tiers = new ArrayList<>();
    for (Tier tier : Tier.BUILT_IN) {
      Limits now = limits.getOrDefault(tier.name(), tier.limits());
      tiers.add(new Tier(tier.name(), now, revisionsOf.getOrDefault(tier.name(), 0L)));
      limits.remove(tier.name());
    }
    new TreeMap<>(limits)
        .forEach((name, now) -> tiers.add(new Tier(name, now, revisionsOf.getOrDefault(name, 0L))));
    return tiers;
  }

  private Map<String, Long> revisions() {
    return read("tiers:rev", Long::valueOf);
  }

  /** The limits of each. */
  Map<String, Limits> limits() {
    return read(
        "tiers",
        text -> {
          String[] parts = text.split(":", -1);
          return new Limits(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
        });
  }

  private <T> Map<String, T> read(String key, Function<String, T> value) {
    Shard first = shards.first();
    Map<byte[], byte[]> raw = first.hash(key);
    Map<String, T> values = HashMap.newHashMap(raw.size());
    raw.forEach((name, text) -> values.put(Keys.text(name), value.apply(Keys.text(text))));
    return values;
  }

  private OptionalLong seen(String name) {
    return limits().containsKey(name)
        ? OptionalLong.of(revisions().getOrDefault(name, 0L))
        : OptionalLong.empty();
  }

  private static String field(String name) {
    return "tier:" + name;
  }

  void put(Tier tier, Expected expected) throws ChangedMeanwhile {
    String name = tier.name();
    Limits limits = tier.limits();
    long revision = revisions.decide(field(name), expected, () -> seen(name));
    changes.carryOut(
        field(name),
        revision,
        Step.everywhere(
            Script.PUT_TIER, name, limits.maxConcurrent(), limits.requestsPerMin(), revision));
    // Its parked clients may have room; `tidy` does the rest.
    shards.forEach(RedisTiers::unpark);
  }

  private static void unpark(Shard shard) {
    for (int round = 0; round < UNPARK_ROUNDS_MAX; round++) {
      if (!shard.moves().run(Script.UNPARK).flag()) {
        return;
      }
    }
  }

  TierDeleted delete(String name, Expected expected) throws ChangedMeanwhile {
    if (Tier.isBuiltIn(name)) {
      return TierDeleted.BUILT_IN;
    }
    if (shards.all().stream().anyMatch(shard -> isUsed(shard, name))) {
      return TierDeleted.IN_USE;
    }
    if (seen(name).isEmpty()) {
      return TierDeleted.NOT_FOUND;
    }
    long revision = revisions.decide(field(name), expected, () -> seen(name));
    List<Reply> answers =
        changes.carryOut(
            field(name), revision, Step.everywhere(Script.DELETE_TIER, name, revision));
    revisions.forget(field(name), revision);
    return answers.stream().allMatch(answer -> answer.word(Done.class) == Done.MISSING)
        ? TierDeleted.NOT_FOUND
        : TierDeleted.DONE;
  }

  /** Whether a client of a shard is of a tier. */
  private static boolean isUsed(Shard shard, String name) {
    byte[] field = Keys.bytes("tier");
    Range<byte[]> rest = Range.unbounded();
    while (true) {
      Range<byte[]> range = rest;
      List<byte[]> ids =
          shard
              .link()
              .patiently(
                  redis -> redis.zrangebylex(shard.key("clients"), range, Limit.create(0, PAGE)));
      if (ids.isEmpty()) {
        return false;
      }
      List<Boolean> have =
          shard
              .link()
              .each(
                  ids,
                  (redis, id) ->
                      redis
                          .hget(shard.key("client:" + Keys.text(id)), field)
                          .thenApply(tier -> tier != null && name.equals(Keys.text(tier))));
      if (have.contains(true)) {
        return true;
      }
      rest = Range.from(Range.Boundary.excluding(ids.getLast()), Range.Boundary.unbounded());
    }
  }
}
