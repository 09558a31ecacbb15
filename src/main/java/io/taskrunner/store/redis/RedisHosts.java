package io.taskrunner.store.redis;

import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.Expected;
import io.taskrunner.store.HostStore;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.TargetHost;
import io.taskrunner.store.redis.Changes.Step;
import io.taskrunner.store.redis.link.Reply;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Hosts with limits of their own, which {@code lua/lib/hosts} and {@code lua/gates} obey. All
 * shards know them; places and tokens are given out by one.
 */
final class RedisHosts implements HostStore {

  private static final String ALL = "";

  private final Shards shards;
  private final Revisions revisions;
  private final Changes changes;

  RedisHosts(Shards shards, Revisions revisions, Changes changes) {
    this.changes = changes;
    this.shards = shards;
    this.revisions = revisions;
  }

  @Override
  public List<TargetHost.Load> list() {
    return List.copyOf(read(ALL).values());
  }

  @Override
  public Optional<TargetHost.Load> get(String name) {
    return Optional.ofNullable(read(name).get(name));
  }

  private Map<String, TargetHost.Load> read(String which) {
    Map<String, TargetHost.Load> hosts = new TreeMap<>();
    List<Optional<Map<String, TargetHost.Load>>> all = shards.reached(shard -> read(shard, which));
    if (all.stream().noneMatch(Optional::isPresent)) {
      throw new StoreUnavailable("no shard answers", null);
    }
    all.forEach(one ->
        one.ifPresent(
            some -> some.forEach((name, load) -> hosts.merge(name, load, TargetHost.Load::plus))));
    return hosts;
  }

  private static Map<String, TargetHost.Load> read(Shard shard, String which) {
    Map<String, TargetHost.Load> hosts = new TreeMap<>();
    String place = "0";
    do {
      Reply reply = shard.moves().run(Script.HOSTS, which, place);
      place = reply.text();
      reply.rest(RedisHosts::load).forEach(load -> hosts.put(load.host().name(), load));
    } while (!place.equals("0"));
    return hosts;
  }

  private static TargetHost.Load load(Reply fields) {
    String name = fields.text();
    String maxConcurrent = fields.text();
    String rate = fields.text();
    TargetHost host =
        new TargetHost(
            name,
            maxConcurrent.isEmpty() ? null : Integer.valueOf(maxConcurrent),
            rate.isEmpty() ? null : Double.valueOf(rate),
            Long.parseLong(fields.text()));
    return new TargetHost.Load(host, fields.number(), fields.number());
  }

  @Override
  public void put(TargetHost host, Expected expected) throws ChangedMeanwhile {
    Double rate = host.maxDispatchesPerSec();
    set(
        host.name(),
        host.maxConcurrent(),
        rate,
        rate == null ? null : QueueSettings.defaultBurst(rate),
        revisions.decide(field(host.name()), expected, () -> seen(host.name())));
  }

  @Override
  public boolean delete(String name, Expected expected) throws ChangedMeanwhile {
    if (get(name).isEmpty()) {
      return false;
    }
    long revision = revisions.decide(field(name), expected, () -> seen(name));
    boolean had = set(name, null, null, null, revision);
    revisions.forget(field(name), revision);
    return had;
  }

  /** Says whether it had limits before. */
  private boolean set(
      String name,
      @Nullable Integer maxConcurrent,
      @Nullable Double rate,
      @Nullable Integer burst,
      long revision) {
    return changes
            .carryOut(
                field(name),
                revision,
                Step.everywhere(Script.PUT_HOST, name, maxConcurrent, rate, burst, revision))
            .stream()
            .mapToLong(Reply::number)
            .max()
            .orElse(0)
        == 1;
  }

  private static String field(String name) {
    return "host:" + name;
  }

  private OptionalLong seen(String name) {
    return get(name)
        .map(load -> OptionalLong.of(load.host().revision()))
        .orElseGet(OptionalLong::empty);
  }
}
