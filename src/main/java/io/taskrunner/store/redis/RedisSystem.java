package io.taskrunner.store.redis;

import io.lettuce.core.RedisException;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.SystemStore;
import io.taskrunner.store.redis.link.Answers;
import io.taskrunner.store.redis.link.Node;
import io.taskrunner.store.redis.link.Nodes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The state of Redis itself: its health, its memory, and settings that endanger a guarantee. */
final class RedisSystem implements SystemStore {

  private static final Logger LOG = LoggerFactory.getLogger(RedisSystem.class);
  private static final Duration HEALTH_PATIENCE = Duration.ofSeconds(1);
  private static final int MAJOR_MIN = 6;
  private static final int MINOR_MIN = 2;

  private final Nodes nodes;
  private final RedisSettings settings;
  private final Durability durability;
  private volatile List<String> warnings = List.of();
  private volatile String role = "master";

  RedisSystem(Nodes nodes, RedisSettings settings, Durability durability) {
    this.nodes = nodes;
    this.settings = settings;
    this.durability = durability;
  }

  /**
   * Succeeds when any node responds: a cluster with one unavailable node still serves the others'
   * shards.
   */
  @Override
  public Health health() {
    long start = System.nanoTime();
    List<CompletableFuture<String>> pings =
        nodes.masters().stream().map(RedisSystem::ping).toList();
    try {
      Answers.await(firstOf(pings), start + HEALTH_PATIENCE.toNanos());
    } catch (StoreUnavailable away) {
      throw away;
    } catch (RuntimeException away) {
      throw new StoreUnavailable("Redis does not answer", away);
    }
    Duration latency = Duration.ofNanos(System.nanoTime() - start);
    String topology =
        switch (settings.target()) {
          case RedisSettings.Target.Node _ -> "standalone";
          case RedisSettings.Target.Sentinel _ -> "sentinel";
          case RedisSettings.Target.Cluster _ -> "cluster";
        };
    return new Health(role, topology, latency, warnings);
  }

  private static CompletableFuture<String> ping(Node node) {
    try {
      return node.pulse().ping().toCompletableFuture();
    } catch (RedisException notSent) {
      return CompletableFuture.failedFuture(notSent);
    }
  }

  /** Completes when the first has responded, or all have failed. */
  private static CompletableFuture<String> firstOf(List<CompletableFuture<String>> pings) {
    if (pings.isEmpty()) {
      return CompletableFuture.failedFuture(new RedisException("no Redis node is known"));
    }
    CompletableFuture<String> first = new CompletableFuture<>();
    AtomicInteger failed = new AtomicInteger();
    for (CompletableFuture<String> ping : pings) {
      ping.whenComplete((answer, failure) -> {
        if (failure == null) {
          first.complete(answer);
        } else if (failed.incrementAndGet() == pings.size()) {
          first.completeExceptionally(failure);
        }
      });
    }
    return first;
  }

  /**
   * Reads the configuration of Redis; values that it withholds and unavailable nodes are left out.
   */
  void check() {
    Set<String> found = new LinkedHashSet<>();
    for (Node node : nodes.masters()) {
      try {
        check(info(node, "server", "memory", "persistence", "replication"), found);
      } catch (StoreUnavailable | RedisException away) {
        LOG.atDebug()
            .addKeyValue("reason", away.getMessage())
            .log("a Redis node could not be checked");
      }
    }
    warnings = List.copyOf(found);
  }

  private static void check(Map<String, String> info, Set<String> found) {
    if (info.isEmpty()) {
      found.add(
          "Redis does not permit INFO: its version, eviction policy, persistence and replicas cannot be"
              + " checked, STORE_MAX_BYTES has no effect, and REDIS_WAIT_REPLICAS does not notice"
              + " replicas.");
      return;
    }
    String[] version = info.getOrDefault("redis_version", "0.0").split("\\.", -1);
    int major = Integer.parseInt(version[0]);
    if (major < MAJOR_MIN || (major == MAJOR_MIN && Integer.parseInt(version[1]) < MINOR_MIN)) {
      found.add("Redis is " + info.get("redis_version") + ": 6.2 or newer is required.");
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
  }

  List<String> warnings() {
    return warnings;
  }

  /**
   * Reads the memory in use of a node, which bounds admissions until the next reading, and whether
   * it has replicas.
   *
   * @return whether it is full
   * @throws StoreUnavailable it does not respond
   */
  boolean read(Node node) {
    Map<String, String> info = info(node, "memory", "replication");
    role = info.getOrDefault("role", "master");
    if (hasReplicas(info)) {
      durability.replicated();
    }
    long used = Long.parseLong(info.getOrDefault("used_memory", "0"));
    long most =
        settings.storeMaxBytes().orElse(Long.parseLong(info.getOrDefault("maxmemory", "0")));
    long bound = (long) (most * settings.storeFullRatio());
    node.headroom().read(used, bound);
    return most > 0 && used >= bound;
  }

  private static boolean hasReplicas(Map<String, String> replication) {
    return !"0".equals(replication.getOrDefault("connected_slaves", "0"));
  }

  private static Map<String, String> info(Node node, String... sections) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
    List<CompletionStage<String>> asked = new ArrayList<>();
    for (String section : sections) {
      asked.add(node.pulse().info(section));
    }
    Map<String, String> fields = new HashMap<>();
    for (CompletionStage<String> one : asked) {
      String text;
      try {
        text = Answers.await(one, deadline);
      } catch (RedisException failed) {
        if (Answers.refusal(failed).isEmpty()) {
          throw failed;
        }
        return Map.of(); // managed Redis services may not permit INFO
      }
      text.lines()
          .map(line -> line.split(":", 2))
          .filter(parts -> parts.length == 2)
          .forEach(parts -> fields.put(parts[0], parts[1].strip()));
    }
    return fields;
  }
}
