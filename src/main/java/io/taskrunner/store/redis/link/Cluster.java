package io.taskrunner.store.redis.link;

import io.lettuce.core.RedisException;
import io.lettuce.core.cluster.SlotHash;
import io.taskrunner.config.HostPort;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.config.RedisSettings.Target;
import io.taskrunner.store.StoreUnavailable;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The masters of a Redis Cluster that hold our slots, and the slots of each. Each is used like a
 * standalone server; so nothing else here differs from one Redis.
 *
 * <p>The owner of a slot is queried once a second, and immediately when a command failed: a node
 * that has handed the slot over replies {@code MOVED}, and a lost one does not reply. While a slot
 * moves, scripts get {@code TRYAGAIN} before they write, because the second of their keys never
 * exists; {@code ASK} leads to a node that would reply the same. All of these are retried like an
 * outage.
 */
final class Cluster implements Nodes {

  private static final Logger LOG = LoggerFactory.getLogger(Cluster.class);
  private static final long EVERY_MILLIS = 1000;
  private static final long AFTER_DOUBT_MILLIS = 20;

  private final RedisSettings settings;
  private final int lines;
  private final Optional<Shared> shared;
  private final Set<Integer> slots = new TreeSet<>();
  private final Topology topology;
  private final Map<HostPort, Node> nodes = new ConcurrentHashMap<>();
  private final Map<HostPort, Future<?>> connecting = new ConcurrentHashMap<>();
  private final ExecutorService connects =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("redis-connect-", 0).factory());
  private volatile Map<Integer, HostPort> owners = Map.of();
  private final AtomicBoolean doubted = new AtomicBoolean();
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("redis-cluster").factory());

  private Cluster(
      RedisSettings settings, Target.Cluster seeds, int lines, Optional<Shared> shared) {
    this.settings = settings;
    this.lines = lines;
    this.shared = shared;
    this.topology = new Topology(settings, seeds.nodes());
  }

  static Cluster open(
      RedisSettings settings,
      Target.Cluster seeds,
      int lines,
      Optional<Shared> shared,
      List<Keys> keys) {
    Cluster cluster = new Cluster(settings, seeds, lines, shared);
    keys.forEach(some -> cluster.slots.add(slot(some)));
    cluster.refresh();
    List.copyOf(cluster.connecting.values()).forEach(Cluster::awaitEnd);
    for (int slot : cluster.slots) {
      if (!cluster.owners.containsKey(slot)) {
        cluster.close();
        throw new StoreUnavailable(
            "the Redis Cluster does not answer",
            new RedisException(
                "no node is known to hold slot " + slot + "; " + cluster.topology.trouble()));
      }
    }
    cluster.timer.scheduleWithFixedDelay(
        cluster::look, EVERY_MILLIS, EVERY_MILLIS, TimeUnit.MILLISECONDS);
    return cluster;
  }

  private static void awaitEnd(Future<?> connect) {
    try {
      connect.get();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new StoreUnavailable("interrupted while connecting", interrupted);
    } catch (ExecutionException bug) {
      throw new IllegalStateException(bug);
    }
  }

  private static int slot(Keys keys) {
    return SlotHash.getSlot(keys.key("shard"));
  }

  @Override
  public Link link(Keys keys) {
    int slot = slot(keys);
    return new Link(() -> node(slot), this::doubt, settings.commandTimeout());
  }

  private Node node(int slot) {
    HostPort owner = owners.get(slot);
    Node node = owner == null ? null : nodes.get(owner);
    if (node == null) {
      throw new RedisException("no master of the cluster is known to hold slot " + slot);
    }
    return node;
  }

  @Override
  public Collection<Node> masters() {
    return nodes.values();
  }

  private void doubt() {
    if (doubted.compareAndSet(false, true)) {
      try {
        timer.schedule(
            () -> {
              doubted.set(false);
              look();
            },
            AFTER_DOUBT_MILLIS,
            TimeUnit.MILLISECONDS);
      } catch (RejectedExecutionException closed) {
        doubted.set(false);
      }
    }
  }

  private void look() {
    try {
      refresh();
    } catch (StoreUnavailable | RedisException away) {
      LOG.atWarn()
          .addKeyValue("reason", String.valueOf(away.getMessage()))
          .log("the masters of the cluster cannot be read; trying again");
    } catch (RuntimeException bug) {
      LOG.error("unexpected error while reading the masters of the cluster; trying again", bug);
    }
  }

  /** Connects to the current owners of our slots, and disconnects from nodes that own none. */
  private void refresh() {
    Map<Integer, HostPort> fresh = new HashMap<>(owners);
    fresh.putAll(topology.owners(slots));
    Set<HostPort> wanted = new HashSet<>(fresh.values());
    if (!fresh.equals(owners)) {
      owners = Map.copyOf(fresh);
      LOG.atInfo()
          .addKeyValue("masters", new TreeSet<>(wanted.stream().map(HostPort::toString).toList()))
          .log("the masters of the cluster changed");
    }
    for (HostPort address : wanted) {
      if (!nodes.containsKey(address)) {
        connecting.computeIfAbsent(address, _ -> connects.submit(() -> connect(address)));
      }
    }
    nodes.forEach((address, node) -> {
      if (!wanted.contains(address) && nodes.remove(address, node)) {
        node.close(); // commands in flight there fail, and are retried
      }
    });
  }

  /** In a separate thread: a master that does not respond delays no other. */
  private void connect(HostPort address) {
    try {
      Node node = Node.open(settings.at(address), lines, shared);
      nodes.put(address, node);
      if (connects.isShutdown() && nodes.remove(address, node)) {
        node.close();
      }
    } catch (StoreUnavailable away) {
      LOG.atWarn()
          .addKeyValue("redis", address)
          .addKeyValue("reason", String.valueOf(away.getCause()))
          .log("a master of the cluster is not reachable; trying again");
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(EVERY_MILLIS));
    } finally {
      connecting.remove(address);
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
    connects.shutdownNow();
    topology.close();
    nodes.values().forEach(Node::close);
  }
}
