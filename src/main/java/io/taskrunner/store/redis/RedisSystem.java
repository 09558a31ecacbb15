package io.taskrunner.store.redis;

import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.SystemStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The state of Redis itself: its health, its memory, and what about its set-up endangers a promise.
 */
final class RedisSystem implements SystemStore {

  private static final Duration HEALTH_PATIENCE = Duration.ofSeconds(1);
  private static final int MAJOR_MIN = 6;
  private static final int MINOR_MIN = 2;

  private final Link link;
  private final RedisSettings settings;
  private final Room room;
  private final Durability durability;
  private volatile List<String> warnings = List.of();
  private volatile String role = "master";

  RedisSystem(Link link, RedisSettings settings, Room room, Durability durability) {
    this.link = link;
    this.settings = settings;
    this.room = room;
    this.durability = durability;
  }

  @Override
  public Health health() {
    long start = System.nanoTime();
    try {
      Link.await(link.calls().ping(), start + HEALTH_PATIENCE.toNanos());
    } catch (StoreUnavailable away) {
      throw away;
    } catch (RuntimeException away) {
      throw new StoreUnavailable("Redis does not answer", away);
    }
    Duration latency = Duration.ofNanos(System.nanoTime() - start);
    String topology =
        settings.target() instanceof RedisSettings.Target.Sentinel ? "sentinel" : "standalone";
    return new Health(role, topology, latency, warnings);
  }

  /** Reads how Redis is set up; what it will not tell is left out. */
  void check() {
    Map<String, String> info = info("server", "memory", "persistence", "replication");
    List<String> found = new ArrayList<>();
    String[] version = info.getOrDefault("redis_version", "0.0").split("\\.", -1);
    int major = Integer.parseInt(version[0]);
    if (major < MAJOR_MIN || (major == MAJOR_MIN && Integer.parseInt(version[1]) < MINOR_MIN)) {
      found.add("Redis is " + info.get("redis_version") + ": 6.2 or newer is needed.");
    }
    String policy = info.getOrDefault("maxmemory_policy", "noeviction");
    if (!policy.equals("noeviction")) {
      found.add(
          "Redis' maxmemory-policy is "
              + policy
              + ": set noeviction, or accepted tasks may be evicted.");
    }
    boolean appends = "1".equals(info.get("aof_enabled"));
    if (!appends && !hasReplicas(info)) {
      found.add(
          "Redis has neither an append-only file nor replicas: a restart of Redis loses tasks.");
    }
    warnings = List.copyOf(found);
  }

  List<String> warnings() {
    return warnings;
  }

  /**
   * Reads the memory in use, which bounds what is admitted until the next reading, and whether
   * there are replicas.
   *
   * @return whether it is full
   */
  boolean read() {
    Map<String, String> info = info("memory", "replication");
    role = info.getOrDefault("role", "master");
    if (hasReplicas(info)) {
      durability.replicated();
    }
    long used = Long.parseLong(info.getOrDefault("used_memory", "0"));
    long most =
        settings.storeMaxBytes().orElse(Long.parseLong(info.getOrDefault("maxmemory", "0")));
    long bound = (long) (most * settings.storeFullRatio());
    room.read(used, bound);
    return most > 0 && used >= bound;
  }

  private static boolean hasReplicas(Map<String, String> replication) {
    return !"0".equals(replication.getOrDefault("connected_slaves", "0"));
  }

  private Map<String, String> info(String... sections) {
    Map<String, String> fields = new HashMap<>();
    for (String section : sections) {
      String text =
          Link.await(link.calls().info(section), System.nanoTime() + TimeUnit.SECONDS.toNanos(2));
      text.lines()
          .map(line -> line.split(":", 2))
          .filter(parts -> parts.length == 2)
          .forEach(parts -> fields.put(parts[0], parts[1].strip()));
    }
    return fields;
  }
}
