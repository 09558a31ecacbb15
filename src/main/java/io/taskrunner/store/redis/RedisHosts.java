package io.taskrunner.store.redis;

import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.Expected;
import io.taskrunner.store.HostStore;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.TargetHost;
import io.taskrunner.store.redis.Changes.Step;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * Hosts with limits of their own, which {@code lua/lib/hosts} and {@code lua/gates} obey. All
 * shards know them; places and tokens are given out by one.
 */
final class RedisHosts implements HostStore {

  private static final int FIELDS = 6;
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
    byte[] place = Keys.bytes(0);
    do {
      List<Object> reply = shard.moves().run(Script.HOSTS, Keys.bytes(which), place);
      for (int at = 1; at < reply.size(); at += FIELDS) {
        TargetHost.Load load = load(reply.subList(at, at + FIELDS));
        hosts.put(load.host().name(), load);
      }
      place = (byte[]) reply.getFirst();
    } while (!Keys.text(place).equals("0"));
    return hosts;
  }

  private static TargetHost.Load load(List<Object> fields) {
    String maxConcurrent = Keys.text((byte[]) fields.get(1));
    String rate = Keys.text((byte[]) fields.get(2));
    TargetHost host =
        new TargetHost(
            Keys.text((byte[]) fields.get(0)),
            maxConcurrent.isEmpty() ? null : Integer.valueOf(maxConcurrent),
            rate.isEmpty() ? null : Double.valueOf(rate),
            Long.parseLong(Keys.text((byte[]) fields.get(3))));
    return new TargetHost.Load(host, (Long) fields.get(4), (Long) fields.get(5));
  }

  @Override
  public void put(TargetHost host, Expected expected) throws ChangedMeanwhile {
    Double rate = host.maxDispatchesPerSec();
    set(
        host.name(),
        host.maxConcurrent() == null ? "" : host.maxConcurrent().toString(),
        rate == null ? "" : rate.toString(),
        rate == null ? "" : Integer.toString(QueueSettings.defaultBurst(rate)),
        revisions.decide(field(host.name()), expected, () -> seen(host.name())));
  }

  @Override
  public boolean delete(String name, Expected expected) throws ChangedMeanwhile {
    if (get(name).isEmpty()) {
      return false;
    }
    long revision = revisions.decide(field(name), expected, () -> seen(name));
    boolean had = set(name, "", "", "", revision);
    revisions.forget(field(name), revision);
    return had;
  }

  /** Says whether it had limits before. */
  private boolean set(String name, String maxConcurrent, String rate, String burst, long revision) {
    List<Long> had =
        changes.carryOut(
            field(name),
            revision,
            Step.everywhere(
                Script.PUT_HOST,
                Keys.bytes(name),
                Keys.bytes(maxConcurrent),
                Keys.bytes(rate),
                Keys.bytes(burst),
                Keys.bytes(revision)));
    return had.contains(1L);
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
