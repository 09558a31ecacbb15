package io.taskrunner.store.redis;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.taskrunner.store.redis.link.Keys;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The index of schedules and their clients: a sorted set of the configuration, ordered by name. A
 * member is the name, a zero byte and the client, so that one structure serves both listing by name
 * and looking up the client.
 */
final class ScheduleIndex {

  private static final char BETWEEN = 0;

  /** Names are looked up in one round trip, this many at a time. */
  private static final int AT_ONCE = 500;

  private final Shard config;
  private final byte[] key;

  /** A schedule's name, and its client. */
  record Entry(String name, String client) {}

  ScheduleIndex(Shard config) {
    this.config = config;
    this.key = config.key("schedules");
  }

  /** The client of a schedule. */
  Optional<String> client(String name) {
    return Optional.ofNullable(clients(List.of(name)).get(name));
  }

  /** The clients of these, by name; schedules that do not exist are left out. */
  Map<String, String> clients(List<String> names) {
    Map<String, String> clients = new TreeMap<>();
    for (int from = 0; from < names.size(); from += AT_ONCE) {
      config
          .link()
          .<String, List<byte[]>>each(
              names.subList(from, Math.min(from + AT_ONCE, names.size())),
              (redis, name) -> redis.zrangebylex(key, of(name), Limit.from(1)))
          .forEach(found ->
              found.stream()
                  .map(ScheduleIndex::entry)
                  .forEach(entry -> clients.put(entry.name(), entry.client())));
    }
    return clients;
  }

  /**
   * The next ones, by name.
   *
   * @param after a name; null to begin with the first
   */
  List<Entry> page(@Nullable String after, int most) {
    Range<byte[]> behind =
        after == null
            ? Range.unbounded()
            : Range.from(Range.Boundary.excluding(end(after)), Range.Boundary.unbounded());
    return config
        .link()
        .patiently(redis -> redis.zrangebylex(key, behind, Limit.from(most)))
        .stream()
        .map(ScheduleIndex::entry)
        .toList();
  }

  /** The number of schedules. */
  long count() {
    return config.link().patiently(redis -> redis.zcard(key));
  }

  /** Stores the client of a schedule. */
  void put(String name, String client) {
    config.moves().run(Script.NAME_SCHEDULE, name, client);
  }

  /** Removes a schedule. */
  void remove(String name) {
    put(name, "");
  }

  /** All entries, by name; read a page at a time. */
  Stream<Entry> all() {
    return Stream.iterate(
            page(null, AT_ONCE),
            page -> !page.isEmpty(),
            page -> page(page.getLast().name(), AT_ONCE))
        .flatMap(List::stream);
  }

  private static Range<byte[]> of(String name) {
    return Range.from(
        Range.Boundary.including(Keys.bytes(name + BETWEEN)), Range.Boundary.excluding(end(name)));
  }

  /** A bound after all members of a name. */
  private static byte[] end(String name) {
    return Keys.bytes(name + (char) (BETWEEN + 1));
  }

  private static Entry entry(byte[] member) {
    String text = Keys.text(member);
    int at = text.indexOf(BETWEEN);
    return new Entry(text.substring(0, at), text.substring(at + 1));
  }
}
