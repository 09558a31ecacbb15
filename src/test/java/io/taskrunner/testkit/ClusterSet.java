package io.taskrunner.testkit;

import io.lettuce.core.MigrateArgs;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.codec.ByteArrayCodec;
import io.taskrunner.config.HostPort;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.config.Secret;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A Redis Cluster of three masters, each with a replica: real processes, set up as the operating
 * guide recommends, with a password.
 */
public final class ClusterSet implements AutoCloseable {

  /** The password of the nodes. */
  public static final String PASSWORD = "cluster-sesame";

  private static final int MASTERS = 3;
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final int MIGRATED_AT_ONCE = 500;

  private final Path folder;
  private final RedisClient client = RedisClient.create();
  private final Map<Integer, RedisServer> nodes = new TreeMap<>();

  private ClusterSet(Path folder) {
    this.folder = folder;
  }

  /** Starts all six, and waits until each knows all and every replica has everything. */
  public static ClusterSet start(Path folder) throws IOException {
    ClusterSet set = new ClusterSet(folder);
    try {
      for (int i = 0; i < 2 * MASTERS; i++) {
        set.startNode(Ports.free());
      }
      set.join();
      set.awaitWhole();
      return set;
    } catch (IOException | RuntimeException | AssertionError failed) {
      set.close();
      throw failed;
    }
  }

  private void startNode(int port) throws IOException {
    Path configuration = folder.resolve("node-" + port + ".conf");
    if (!Files.exists(configuration)) {
      Path data = Files.createDirectories(folder.resolve("node-" + port));
      Files.write(
          configuration,
          List.of(
              "port " + port,
              "bind 127.0.0.1",
              "dir " + data,
              "save \"\"",
              "appendonly yes",
              "maxmemory-policy noeviction",
              "repl-diskless-sync-delay 0",
              "requirepass " + PASSWORD,
              "masterauth " + PASSWORD,
              "cluster-enabled yes",
              "cluster-port " + Ports.free(),
              "cluster-node-timeout 2000",
              "cluster-require-full-coverage no"));
    }
    nodes.put(port, RedisServer.startNode(port, configuration));
  }

  private void join() {
    List<Integer> ports = List.copyOf(nodes.keySet());
    for (int i = 0; i < MASTERS; i++) {
      int first = i * SlotHash.SLOT_COUNT / MASTERS;
      int last = (i + 1) * SlotHash.SLOT_COUNT / MASTERS - 1;
      on(ports.get(i), redis -> redis.clusterAddSlotsRange(Range.create(first, last)));
    }
    // By hand, because the bus has a port of its own.
    for (int port : ports.subList(1, ports.size())) {
      on(
          ports.getFirst(),
          redis ->
              redis.dispatch(
                  io.lettuce.core.protocol.CommandType.CLUSTER,
                  new io.lettuce.core.output.StatusOutput<>(ByteArrayCodec.INSTANCE),
                  new io.lettuce.core.protocol.CommandArgs<>(ByteArrayCodec.INSTANCE)
                      .add("MEET")
                      .add("127.0.0.1")
                      .add(port)
                      .add(busPort(port))));
    }
    await(() -> {
      for (int port : ports) {
        if (view(port).size() != ports.size()) {
          return port + " knows " + view(port);
        }
      }
      return "";
    });
    for (int i = 0; i < MASTERS; i++) {
      String master = on(ports.get(i), RedisCommands::clusterMyId);
      on(ports.get(MASTERS + i), redis -> redis.clusterReplicate(master));
    }
  }

  private int busPort(int port) {
    try {
      return Files.readAllLines(folder.resolve("node-" + port + ".conf")).stream()
          .filter(line -> line.startsWith("cluster-port "))
          .mapToInt(line -> Integer.parseInt(line.substring("cluster-port ".length())))
          .findFirst()
          .orElseThrow();
    } catch (IOException unreadable) {
      throw new IllegalStateException(unreadable);
    }
  }

  /** The environment of a program that uses it. */
  public Map<String, String> environment() {
    return Map.of(
        "REDIS_CLUSTER_NODES",
        nodes.keySet().stream().map(port -> "127.0.0.1:" + port).collect(Collectors.joining(",")),
        "REDIS_PASSWORD",
        PASSWORD);
  }

  /** Settings that reach it. */
  public RedisSettings settings(int shards) {
    return settings(shards, OptionalInt.empty());
  }

  /** The same, with this many replicas to wait for. */
  public RedisSettings settings(int shards, OptionalInt waitReplicas) {
    return settings(shards, waitReplicas, Duration.ofSeconds(15));
  }

  /** The same, with the total time that a call is retried. */
  public RedisSettings settings(int shards, OptionalInt waitReplicas, Duration commandTimeout) {
    return RedisServer.settings(
        new RedisSettings.Target.Cluster(
            nodes.keySet().stream().map(port -> new HostPort("127.0.0.1", port)).toList()),
        Optional.of(new Secret(PASSWORD)),
        shards,
        commandTimeout,
        waitReplicas);
  }

  /** The slot of a shard. */
  public static int slotOf(int shard) {
    return SlotHash.getSlot("tr:{" + shard + "}:shard");
  }

  /** The slot of the configuration. */
  public static int slotOfConfiguration() {
    return SlotHash.getSlot("tr:{config}:shard");
  }

  /** The port of the master that holds a slot, as it reports itself. */
  public int masterOf(int slot) {
    int[] found = {-1};
    await(() -> {
      for (int port : nodes.keySet()) {
        boolean holds =
            view(port).stream()
                .anyMatch(node -> node.contains("myself,master") && holds(node, slot));
        if (holds) {
          found[0] = port;
          return "";
        }
      }
      return "no node holds slot " + slot;
    });
    return found[0];
  }

  private static boolean holds(String node, int slot) {
    return Arrays.stream(node.split(" "))
        .skip(8)
        .filter(range -> !range.startsWith("["))
        .map(range -> range.split("-"))
        .anyMatch(range ->
            Integer.parseInt(range[0]) <= slot
                && slot <= Integer.parseInt(range[range.length - 1]));
  }

  /** The ports of the master that holds a slot, and of its replica. */
  public List<Integer> nodesOf(int slot) {
    int master = masterOf(slot);
    String id = on(master, RedisCommands::clusterMyId);
    List<Integer> ports = new ArrayList<>(List.of(master));
    for (String node : view(master)) {
      if (node.contains("slave " + id)) {
        String address = node.split(" ")[1];
        ports.add(
            Integer.parseInt(address.substring(address.indexOf(':') + 1, address.indexOf('@'))));
      }
    }
    return ports;
  }

  /** Freezes a node, by SIGSTOP; or continues it. */
  public void freeze(int port, boolean on) throws IOException {
    if (on) {
      node(port).freeze();
    } else {
      node(port).thaw();
    }
  }

  /** Kills a node abruptly, by SIGKILL. */
  public void kill(int port) {
    node(port).kill();
    nodes.remove(port);
  }

  /** Starts a node that was killed, on its old files. */
  public void restart(int port) throws IOException {
    startNode(port);
  }

  /** Waits until another node than this one holds a slot. */
  public int awaitMasterOtherThan(int port, int slot) {
    await(() -> masterOf(slot) == port ? port + " still holds it" : "");
    return masterOf(slot);
  }

  /**
   * Moves a slot with all its keys, as {@code redis-cli --cluster reshard} does.
   *
   * @return how many keys were moved
   */
  public int moveSlot(int slot, int from, int to) {
    String source = on(from, RedisCommands::clusterMyId);
    String target = on(to, RedisCommands::clusterMyId);
    on(to, redis -> redis.clusterSetSlotImporting(slot, source));
    on(from, redis -> redis.clusterSetSlotMigrating(slot, target));
    int moved = 0;
    try (StatefulRedisConnection<byte[], byte[]> connection = connect(from)) {
      while (true) {
        List<byte[]> keys = connection.sync().clusterGetKeysInSlot(slot, MIGRATED_AT_ONCE);
        if (keys.isEmpty()) {
          break;
        }
        connection
            .sync()
            .migrate("127.0.0.1", to, 0, 10_000, MigrateArgs.Builder.keys(keys).auth(PASSWORD));
        moved += keys.size();
      }
    }
    on(to, redis -> redis.clusterSetSlotNode(slot, target));
    on(from, redis -> redis.clusterSetSlotNode(slot, target));
    return moved;
  }

  /** How many keys a node holds in a slot. */
  public long keysIn(int slot, int port) {
    return on(port, redis -> redis.clusterCountKeysInSlot(slot));
  }

  /**
   * Waits until every node sees all others healthy, every replica has everything, and all agree on
   * the configuration epochs of the masters: a replica that does not know its master's is denied
   * the votes to take its place.
   */
  public void awaitWhole() {
    await(() -> {
      Set<String> agreed = new HashSet<>();
      for (int port : nodes.keySet()) {
        List<String> seen = view(port);
        long masters =
            seen.stream().filter(node -> node.contains("master") && holdsAny(node)).count();
        boolean well =
            seen.size() == 2 * MASTERS
                && masters == MASTERS
                && seen.stream().noneMatch(node -> node.contains("fail") || node.contains("noaddr"))
                && seen.stream().allMatch(node -> node.split(" ")[7].equals("connected"));
        Set<String> epochs =
            seen.stream()
                .filter(ClusterSet::holdsAny)
                .map(node -> node.split(" ")[0] + " " + node.split(" ")[6])
                .collect(Collectors.toSet());
        agreed.addAll(epochs);
        if (!well || !agreed.equals(epochs)) {
          return port + " sees " + seen;
        }
        String info = on(port, redis -> redis.info("replication"));
        if (info.contains("role:slave")
            ? !info.contains("master_link_status:up")
            : !info.contains("state=online")) {
          return port + " says " + info;
        }
      }
      return "";
    });
  }

  private static boolean holdsAny(String node) {
    return node.split(" ").length > 8;
  }

  /** A node's report of each: id, address, flags, master, …, link, slots. */
  private List<String> view(int port) {
    return on(port, RedisCommands::clusterNodes).lines().toList();
  }

  private <T> T on(int port, Function<RedisCommands<byte[], byte[]>, T> command) {
    try (StatefulRedisConnection<byte[], byte[]> connection = connect(port)) {
      return command.apply(connection.sync());
    }
  }

  private StatefulRedisConnection<byte[], byte[]> connect(int port) {
    return client.connect(
        ByteArrayCodec.INSTANCE,
        RedisURI.builder()
            .withHost("127.0.0.1")
            .withPort(port)
            .withPassword(PASSWORD.toCharArray())
            .withTimeout(Duration.ofSeconds(15))
            .build());
  }

  private RedisServer node(int port) {
    RedisServer node = nodes.get(port);
    if (node == null) {
      throw new IllegalArgumentException("no node runs on port " + port);
    }
    return node;
  }

  private interface Missing {
    String look();
  }

  private void await(Missing missing) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    String wrong = "never looked at";
    while (System.nanoTime() < deadline) {
      try {
        wrong = missing.look();
      } catch (RedisException away) {
        wrong = String.valueOf(away.getMessage());
      }
      if (wrong.isEmpty()) {
        return;
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    throw new AssertionError("not within " + PATIENCE + ": " + wrong + "\n" + logs());
  }

  /** The last output of its processes. */
  public String logs() {
    List<String> all = new ArrayList<>();
    nodes.forEach((port, node) -> all.add("node " + port + "\n" + node.output()));
    return String.join("\n", all);
  }

  @Override
  public void close() {
    nodes.values().forEach(RedisServer::kill);
    client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
  }
}
