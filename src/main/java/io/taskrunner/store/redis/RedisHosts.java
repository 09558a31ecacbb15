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
import io.taskrunner.task.TaskId;
import java.time.Duration;
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
 * lua/lib/trip} apply. All shards store them; one shard grants places and tokens. Each shard has a
 * breaker of its own for a host.
 */
final class RedisHosts implements HostStore {

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

  /** The combined replies of the available shards. */
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
        for (Reply reply : shards.run(Script.CLOSE_BREAKER, open.host())) {
          closed |= reply.number() == 1;
        }
      }
    }
    return closed;
  }

  private static boolean waits(Shard home, TaskId task, String hostAndPort) {
    byte[] held = home.keys().key("held:" + hostAndPort);
    return home.link().patiently(redis -> redis.zscore(held, task.bytes())) != null;
  }

  private static Map<String, TargetHost.Open> breakers(Shard shard, String which) {
    return pages(
        place -> shard.moves().run(Script.BREAKERS, which, place),
        RedisHosts::open,
        TargetHost.Open::host);
  }

  /** All rows of a script that replies with the next place and some rows, by their names. */
  private static <T> Map<String, T> pages(
      Function<String, Reply> page, Function<Reply, T> row, Function<T, String> name) {
    Map<String, T> found = new TreeMap<>();
    String place = "0";
    do {
      Reply reply = page.apply(place);
      place = reply.text();
      reply.rest(row).forEach(one -> found.put(name.apply(one), one));
    } while (!place.equals("0"));
    return found;
  }

  private static TargetHost.Open open(Reply breaker) {
    return new TargetHost.Open(
        breaker.text(),
        breaker.time(),
        breaker.time(),
        breaker.number() == 1,
        breaker.number(),
        breaker.number(),
        breaker.number());
  }

  private static Map<String, TargetHost.Load> read(Shard shard, String which) {
    Map<String, TargetHost.Load> hosts = new TreeMap<>();
    for (String set : which.equals(ALL) ? SETS : List.of(ALL)) {
      hosts.putAll(
          pages(
              place -> shard.moves().run(Script.HOSTS, which, set, place),
              RedisHosts::load,
              load -> load.host().name()));
    }
    return hosts;
  }

  private static TargetHost.Load load(Reply fields) {
    TargetHost host =
        new TargetHost(
            fields.text(),
            given(fields, Integer::valueOf),
            given(fields, Double::valueOf),
            new TargetHost.Breaker(
                given(fields, Integer::valueOf),
                given(fields, millis -> Duration.ofMillis(Long.parseLong(millis))),
                given(fields, Integer::valueOf)),
            Long.parseLong(fields.text()));
    return new TargetHost.Load(host, fields.number(), fields.number());
  }

  /** The value of a field; null when it is unset. */
  private static <T> @Nullable T given(Reply fields, Function<String, T> read) {
    String text = fields.text();
    return text.isEmpty() ? null : read.apply(text);
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

  /** Returns whether it had settings before. */
  private boolean set(TargetHost host, long revision) {
    Double rate = host.maxDispatchesPerSec();
    TargetHost.Breaker breaker = host.breaker();
    Step step =
        Step.everywhere(
            Script.PUT_HOST,
            host.name(),
            host.maxConcurrent(),
            rate,
            rate == null ? null : QueueSettings.defaultBurst(rate),
            breaker.failureThreshold(),
            breaker.timeout() == null ? null : breaker.timeout().toMillis(),
            breaker.maxRequests(),
            revision);
    return changes.carryOut(field(host.name()), revision, step).stream()
        .anyMatch(reply -> reply.number() == 1);
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
