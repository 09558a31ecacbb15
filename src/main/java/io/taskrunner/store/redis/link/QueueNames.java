package io.taskrunner.store.redis.link;

import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The numbers of queues by their names: a cache of the data in Redis, reloaded at most a second
 * after the configuration's version has changed. A number is never reused; a name that is missing
 * here is looked up in Redis before it counts as unknown.
 */
public final class QueueNames {

  private final Shard config;
  private volatile Map<String, Integer> numbers = Map.of();
  private volatile SortedMap<Integer, String> byNumber = Collections.emptySortedMap();
  private volatile String version = "";

  public QueueNames(Shard config) {
    this.config = config;
  }

  /** Reads all names if the configuration's version has changed. */
  public void reloadIfChanged() {
    byte[] fresh = config.value("version");
    String read = fresh == null ? "" : Keys.text(fresh);
    if (!read.equals(version)) {
      reload();
      version = read;
    }
  }

  /** Reads all names. */
  public synchronized void reload() {
    Map<byte[], byte[]> all = config.hash("queues");
    Map<String, Integer> fresh = HashMap.newHashMap(all.size());
    all.forEach((name, n) -> fresh.put(Keys.text(name), Integer.valueOf(Keys.text(n))));
    TreeMap<Integer, String> inverse = new TreeMap<>();
    fresh.forEach((name, n) -> inverse.put(n, name));
    numbers = Map.copyOf(fresh);
    byNumber = Collections.unmodifiableSortedMap(inverse);
  }

  /** Adds a name that just got its number, without reading all. */
  public synchronized void learn(String name, int n) {
    if (known(name).orElse(-1) == n) {
      return;
    }
    Map<String, Integer> more = new HashMap<>(numbers);
    TreeMap<Integer, String> inverse = new TreeMap<>(byNumber);
    more.put(name, n);
    inverse.put(n, name);
    numbers = more;
    byNumber = Collections.unmodifiableSortedMap(inverse);
  }

  /** The number of a name, from the cache only. */
  public OptionalInt known(String name) {
    Integer n = numbers.get(name);
    return n == null ? OptionalInt.empty() : OptionalInt.of(n);
  }

  /** The number of a name, from Redis. */
  public OptionalInt look(String name) {
    byte[] n = config.field("queues", name);
    if (n == null) {
      return OptionalInt.empty();
    }
    int number = Integer.parseInt(Keys.text(n));
    if (known(name).orElse(-1) != number) {
      reload();
    }
    return OptionalInt.of(number);
  }

  /** All names, sorted. */
  public List<String> names() {
    return numbers.keySet().stream().sorted().toList();
  }

  /** All names, by number. */
  public SortedMap<Integer, String> byNumber() {
    return byNumber;
  }

  /** All numbers. */
  public Collection<Integer> numbers() {
    return numbers.values();
  }
}
