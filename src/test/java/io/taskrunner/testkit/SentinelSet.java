package io.taskrunner.testkit;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.sentinel.api.StatefulRedisSentinelConnection;
import io.taskrunner.config.HostPort;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.config.Secret;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Three nodes of Redis, one of them the master, and three Sentinels that watch over them: real
 * processes, set up as the operating guide recommends, with a password for either kind.
 */
public final class SentinelSet implements AutoCloseable {

  /** The name that the Sentinels know the master by. */
  public static final String MASTER = "mymaster";

  /** The password of the nodes. */
  public static final String NODE_PASSWORD = "node-sesame";

  /** The password of the Sentinels. */
  public static final String SENTINEL_PASSWORD = "sentinel-sesame";

  private static final InetAddress AMONG_THEMSELVES = InetAddress.ofLiteral("127.0.0.2");
  private static final int NODES = 3;
  private static final int SENTINELS = 3;
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final Path folder;
  private final boolean divisible;
  private final RedisClient client = RedisClient.create();
  private final Map<Integer, Proxy> networks = new HashMap<>();
  private final Map<Integer, RedisServer> nodes = new TreeMap<>();
  private final List<RedisServer> sentinels = new ArrayList<>();

  private SentinelSet(Path folder, boolean divisible) {
    this.folder = folder;
    this.divisible = divisible;
  }

  /**
   * Starts all six, and waits until each replica has everything and each Sentinel knows them all.
   *
   * @param folder where they keep their files
   */
  public static SentinelSet start(Path folder) throws IOException {
    return start(new SentinelSet(folder, false));
  }

  /**
   * Starts all six on a network that can be divided: a node is reached through a {@link Proxy},
   * whose port it is known by, and they and the Sentinels call from an address of their own. Only
   * Linux has one.
   */
  public static SentinelSet startDivisible(Path folder) throws IOException {
    return start(new SentinelSet(folder, true));
  }

  private static SentinelSet start(SentinelSet set) throws IOException {
    try {
      int master = set.portForNode();
      set.startNode(master);
      for (int i = 1; i < NODES; i++) {
        set.startNode(set.portForNode(), "--replicaof", "127.0.0.1", Integer.toString(master));
      }
      for (int i = 0; i < SENTINELS; i++) {
        set.startSentinel(Ports.free(), master);
      }
      set.awaitWhole();
      return set;
    } catch (IOException | RuntimeException | AssertionError failed) {
      set.close();
      throw failed;
    }
  }

  private int portForNode() {
    if (!divisible) {
      return Ports.free();
    }
    Proxy network = Proxy.start(Ports.free());
    networks.put(network.port(), network);
    return network.port();
  }

  /** Isolates a node from only the Sentinels and the other nodes; or that is over. */
  public void divide(int port, boolean on) {
    networks.get(port).cutOff(Optional.of(AMONG_THEMSELVES).filter(_ -> on));
  }

  private void startNode(int port, String... options) throws IOException {
    Path configuration = folder.resolve("node-" + port + ".conf");
    if (!Files.exists(configuration)) {
      configure(
          "node",
          port,
          "save \"\"",
          "appendonly yes",
          "maxmemory-policy noeviction",
          "min-replicas-to-write 1",
          "repl-diskless-sync-delay 0",
          "requirepass " + NODE_PASSWORD,
          "masterauth " + NODE_PASSWORD);
      if (divisible) {
        append(
            configuration,
            "port " + networks.get(port).to(),
            "replica-announce-port " + port,
            "bind-source-addr " + AMONG_THEMSELVES.getHostAddress());
      }
    }
    nodes.put(port, RedisServer.startNode(port, configuration, options));
  }

  private void startSentinel(int port, int master) throws IOException {
    Path configuration =
        configure(
            "sentinel",
            port,
            "requirepass " + SENTINEL_PASSWORD,
            "sentinel sentinel-pass " + SENTINEL_PASSWORD,
            "sentinel monitor " + MASTER + " 127.0.0.1 " + master + " 2",
            "sentinel auth-pass " + MASTER + " " + NODE_PASSWORD,
            "sentinel down-after-milliseconds " + MASTER + " 2000",
            "sentinel failover-timeout " + MASTER + " 10000",
            "sentinel parallel-syncs " + MASTER + " 2");
    if (divisible) {
      append(
          configuration,
          "sentinel announce-ip 127.0.0.1",
          "bind-source-addr " + AMONG_THEMSELVES.getHostAddress());
    }
    sentinels.add(RedisServer.startSentinel(port, configuration));
  }

  private Path configure(String kind, int port, String... lines) throws IOException {
    Path data = Files.createDirectories(folder.resolve(kind + "-" + port));
    List<String> all = new ArrayList<>(List.of("port " + port, "bind 127.0.0.1", "dir " + data));
    all.addAll(List.of(lines));
    return Files.write(folder.resolve(kind + "-" + port + ".conf"), all);
  }

  private static void append(Path configuration, String... lines) throws IOException {
    Files.write(configuration, List.of(lines), StandardOpenOption.APPEND);
  }

  /** The environment of a program that uses it. */
  public Map<String, String> environment() {
    List<String> addresses =
        sentinels.stream().map(sentinel -> "127.0.0.1:" + sentinel.port()).toList();
    return Map.of(
        "REDIS_SENTINEL_ADDR", String.join(",", addresses),
        "REDIS_MASTER_NAME", MASTER,
        "REDIS_PASSWORD", NODE_PASSWORD,
        "REDIS_SENTINEL_PASSWORD", SENTINEL_PASSWORD);
  }

  /** Settings that reach it. */
  public RedisSettings settings() {
    List<HostPort> addresses =
        sentinels.stream().map(sentinel -> new HostPort("127.0.0.1", sentinel.port())).toList();
    return RedisServer.settings(
        new RedisSettings.Target.Sentinel(
            addresses, MASTER, Optional.of(new Secret(SENTINEL_PASSWORD))),
        Optional.of(new Secret(NODE_PASSWORD)),
        1,
        Duration.ofSeconds(10),
        OptionalInt.empty());
  }

  /** The ports of the Sentinels. */
  public List<Integer> sentinelPorts() {
    return sentinels.stream().map(RedisServer::port).toList();
  }

  /** The port of the node that every Sentinel names as the master; empty while they differ. */
  public OptionalInt master() {
    OptionalInt named = OptionalInt.empty();
    for (RedisServer sentinel : sentinels) {
      try (var connection = connect(sentinel)) {
        int port = Integer.parseInt(connection.sync().master(MASTER).get("port"));
        if (named.isPresent() && named.getAsInt() != port) {
          return OptionalInt.empty();
        }
        named = OptionalInt.of(port);
      }
    }
    return named;
  }

  /** Whether a node takes itself for the master. */
  public boolean isMaster(int port) {
    return replication(port).contains("role:master");
  }

  /** The port of the node that every Sentinel names as the master, as they must. */
  public int theMaster() {
    return master().orElseThrow(() -> new AssertionError("the Sentinels name no one master"));
  }

  /**
   * Kills the master abruptly, by SIGKILL.
   *
   * @return its port
   */
  public int killMaster() {
    int port = theMaster();
    node(port).kill();
    nodes.remove(port);
    return port;
  }

  /**
   * Freezes the master: its connections stay open and nothing answers.
   *
   * @return its port
   */
  public int freezeMaster() throws IOException {
    int port = theMaster();
    node(port).freeze();
    return port;
  }

  /** Lets a node that was frozen go on. */
  public void thaw(int port) throws IOException {
    node(port).thaw();
  }

  private RedisServer node(int port) {
    RedisServer node = nodes.get(port);
    if (node == null) {
      throw new IllegalArgumentException("no node runs on port " + port);
    }
    return node;
  }

  /** Waits until every Sentinel names another master than this one; returns its port. */
  public int awaitMasterOtherThan(int port) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() < deadline) {
      OptionalInt named = master();
      if (named.isPresent() && named.getAsInt() != port) {
        return named.getAsInt();
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    throw new AssertionError("no failover within " + PATIENCE + ":\n" + logs());
  }

  /** Starts a node that was killed, on its old files, as a replica of the master of now. */
  public void restart(int port) throws IOException {
    startNode(port, "--replicaof", "127.0.0.1", Integer.toString(theMaster()));
  }

  /**
   * Waits until there is one master with two replicas that have everything, and each Sentinel knows
   * all of them and of the other Sentinels, and finds nothing wrong with any.
   */
  public void awaitWhole() {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    String wrong = "never looked at";
    while (System.nanoTime() < deadline) {
      try {
        wrong = whatIsMissing();
      } catch (RedisException away) {
        wrong = String.valueOf(away.getMessage());
      }
      if (wrong.isEmpty()) {
        return;
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    throw new AssertionError("not whole within " + PATIENCE + ": " + wrong + "\n" + logs());
  }

  private String whatIsMissing() {
    OptionalInt master = master();
    if (master.isEmpty() || !nodes.containsKey(master.getAsInt())) {
      return "the Sentinels name no one master";
    }
    for (int port : nodes.keySet()) {
      String info = replication(port);
      boolean well =
          port == master.getAsInt()
              ? info.contains("role:master")
                  && info.contains("connected_slaves:" + (NODES - 1))
                  && occurrences(info, "state=online") == NODES - 1
              : info.contains("role:slave")
                  && info.contains("master_port:" + master.getAsInt())
                  && info.contains("master_link_status:up");
      if (!well) {
        return "node " + port + " says " + info;
      }
    }
    for (RedisServer sentinel : sentinels) {
      try (var connection = connect(sentinel)) {
        Map<String, String> seen = connection.sync().master(MASTER);
        if (!"master".equals(seen.get("flags"))
            || !Integer.toString(SENTINELS - 1).equals(seen.get("num-other-sentinels"))) {
          return "a Sentinel says " + seen;
        }
        List<Map<String, String>> replicas = connection.sync().replicas(MASTER);
        long well =
            replicas.stream()
                .filter(replica ->
                    "slave".equals(replica.get("flags"))
                        && "ok".equals(replica.get("master-link-status"))
                        && Integer.toString(master.getAsInt()).equals(replica.get("master-port")))
                .count();
        if (well != NODES - 1 || replicas.size() != NODES - 1) {
          return "a Sentinel says " + replicas;
        }
      }
    }
    return "";
  }

  private static int occurrences(String text, String part) {
    int count = 0;
    for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) {
      count++;
    }
    return count;
  }

  private String replication(int port) {
    try (StatefulRedisConnection<String, String> connection =
        client.connect(uri(port, NODE_PASSWORD))) {
      return connection.sync().info("replication");
    }
  }

  private StatefulRedisSentinelConnection<String, String> connect(RedisServer sentinel) {
    return client.connectSentinel(uri(sentinel.port(), SENTINEL_PASSWORD));
  }

  private static RedisURI uri(int port, String password) {
    return RedisURI.builder()
        .withHost("127.0.0.1")
        .withPort(port)
        .withPassword(password.toCharArray())
        .withTimeout(Duration.ofSeconds(5))
        .build();
  }

  /** The last output of its processes. */
  public String logs() {
    StringBuilder all = new StringBuilder();
    nodes.forEach(
        (port, node) -> all.append("node ").append(port).append('\n').append(node.output()));
    sentinels.forEach(sentinel ->
        all.append("sentinel ").append(sentinel.port()).append('\n').append(sentinel.output()));
    return all.toString();
  }

  @Override
  public void close() {
    sentinels.forEach(RedisServer::kill);
    nodes.values().forEach(RedisServer::kill);
    networks.values().forEach(Proxy::close);
    client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
  }
}
