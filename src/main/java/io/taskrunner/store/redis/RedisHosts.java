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
import io.taskrunner.task.TaskId;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Hosts with settings of their own, which {@code lua/lib/hosts}, {@code lua/gates} and {@code
 * lua/lib/trip} obey. All shards know them; places and tokens are given out by one. Each shard has
 * a breaker of its own for a host.
 */
final class RedisHosts implements HostStore {

  private static final int FIELDS = 9;
  private static final int BREAKER_FIELDS = 7;
  private static final String ALL = "";
  private static final List<String> SETS = List.of("hosts", "hosts:own");

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
    return merged(shard -> read(shard, which), TargetHost.Load::plus);
  }

  /** What the shards that answer say, together. */
  private <T> Map<String, T> merged(
      Function<Shard, Map<String, T>> read, BinaryOperator<T> together) {
    Map<String, T> hosts = new TreeMap<>();
    List<Optional<Map<String, T>>> all = shards.reached(read);
    if (all.stream().noneMatch(Optional::isPresent)) {
      throw new StoreUnavailable("no shard answers", null);
    }
    all.forEach(one ->
        one.ifPresent(some -> some.forEach((name, said) -> hosts.merge(name, said, together))));
    return hosts;
  }

  @Override
  public List<TargetHost.Open> open() {
    return List.copyOf(merged(shard -> breakers(shard, ALL), TargetHost.Open::plus).values());
  }

  @Override
  public Optional<TargetHost.Open> openFor(TaskId task, String hostAndPort) {
    return shards
        .of(task)
        .filter(home -> waits(home, task, hostAndPort))
        .map(home -> breakers(home, hostAndPort).get(hostAndPort));
  }

  @Override
  public boolean close(String name) {
    boolean closed = false;
    for (TargetHost.Open open : open()) {
      if (open.isOf(name)) {
        closed |= shards.<Long>run(Script.CLOSE_BREAKER, Keys.bytes(open.host())).contains(1L);
      }
    }
    return closed;
  }

  private static boolean waits(Shard home, TaskId task, String hostAndPort) {
    byte[] held = home.keys().key("held:" + hostAndPort);
    return home.link().patiently(redis -> redis.zscore(held, task.bytes())) != null;
  }

  private static Map<String, TargetHost.Open> breakers(Shard shard, String which) {
    Map<String, TargetHost.Open> found = new TreeMap<>();
    byte[] place = Keys.bytes(0);
    do {
      List<Object> reply = shard.moves().run(Script.BREAKERS, Keys.bytes(which), place);
      for (int at = 1; at < reply.size(); at += BREAKER_FIELDS) {
        String host = Keys.text((byte[]) reply.get(at));
        found.put(
            host,
            new TargetHost.Open(
                host,
                Instant.ofEpochMilli((Long) reply.get(at + 1)),
                Instant.ofEpochMilli((Long) reply.get(at + 2)),
                (Long) reply.get(at + 3) == 1,
                (Long) reply.get(at + 4),
                (Long) reply.get(at + 5),
                (Long) reply.get(at + 6)));
      }
      place = (byte[]) reply.getFirst();
    } while (!Keys.text(place).equals("0"));
    return found;
  }

  private static Map<String, TargetHost.Load> read(Shard shard, String which) {
    Map<String, TargetHost.Load> hosts = new TreeMap<>();
    for (String set : which.equals(ALL) ? SETS : List.of(ALL)) {
      byte[] place = Keys.bytes(0);
      do {
        List<Object> reply =
            shard.moves().run(Script.HOSTS, Keys.bytes(which), Keys.bytes(set), place);
        for (int at = 1; at < reply.size(); at += FIELDS) {
          TargetHost.Load load = load(reply.subList(at, at + FIELDS));
          hosts.put(load.host().name(), load);
        }
        place = (byte[]) reply.getFirst();
      } while (!Keys.text(place).equals("0"));
    }
    return hosts;
  }

  private static TargetHost.Load load(List<Object> fields) {
    String rate = Keys.text((byte[]) fields.get(2));
    Integer longestMillis = number(fields.get(4));
    TargetHost host =
        new TargetHost(
            Keys.text((byte[]) fields.get(0)),
            number(fields.get(1)),
            rate.isEmpty() ? null : Double.valueOf(rate),
            new TargetHost.Breaker(
                number(fields.get(3)),
                longestMillis == null ? null : Duration.ofMillis(longestMillis),
                number(fields.get(5))),
            Long.parseLong(Keys.text((byte[]) fields.get(6))));
    return new TargetHost.Load(host, (Long) fields.get(7), (Long) fields.get(8));
  }

  private static @Nullable Integer number(Object field) {
    String text = Keys.text((byte[]) field);
    return text.isEmpty() ? null : Integer.valueOf(text);
  }

  private static String text(@Nullable Number value) {
    return value == null ? "" : value.toString();
  }

  @Override
  public void put(TargetHost host, Expected expected) throws ChangedMeanwhile {
    set(host, revisions.decide(field(host.name()), expected, () -> seen(host.name())));
    if (Integer.valueOf(0).equals(host.breaker().failureThreshold())) {
      close(host.name());
    }
  }

  @Override
  public boolean delete(String name, Expected expected) throws ChangedMeanwhile {
    if (get(name).isEmpty()) {
      return false;
    }
    long revision = revisions.decide(field(name), expected, () -> seen(name));
    boolean had = set(new TargetHost(name, null, null, 0), revision);
    revisions.forget(field(name), revision);
    return had;
  }

  /** Says whether it said anything before. */
  private boolean set(TargetHost host, long revision) {
    Double rate = host.maxDispatchesPerSec();
    Duration timeout = host.breaker().timeout();
    List<Long> had =
        changes.carryOut(
            field(host.name()),
            revision,
            Step.everywhere(
                Script.PUT_HOST,
                Keys.bytes(host.name()),
                Keys.bytes(text(host.maxConcurrent())),
                Keys.bytes(text(rate)),
                Keys.bytes(rate == null ? "" : text(QueueSettings.defaultBurst(rate))),
                Keys.bytes(text(host.breaker().failureThreshold())),
                Keys.bytes(text(timeout == null ? null : timeout.toMillis())),
                Keys.bytes(text(host.breaker().maxRequests())),
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
