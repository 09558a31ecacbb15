package io.taskrunner.config;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * The Redis to use, and how to connect to it.
 *
 * @param target its address
 * @param username for ACLs; empty means Redis' {@code default} user
 * @param password of the data node
 * @param tls whether to use TLS for Redis (and the Sentinels)
 * @param authorities file of CA certificates (PEM) to trust for Redis; empty for those that the JVM
 *     trusts
 * @param database database number
 * @param keyPrefix prefix of all keys; fixed at the first start
 * @param shards number of hash tags; fixed at the first start
 * @param connectRetries how often the first connection is retried before startup fails
 * @param retryInterval wait between these retries
 * @param commandTimeout total time a call is retried
 * @param waitReplicas number of replicas that must have a task before its 2xx; empty for {@code
 *     auto}
 * @param storeMaxBytes how much memory Redis may use; empty for its {@code maxmemory}
 * @param storeFullRatio share of that from which enqueue calls are rejected
 */
// Flat row: one component for each variable.
public record RedisSettings(
    Target target,
    Optional<String> username,
    Optional<Secret> password,
    boolean tls,
    Optional<Path> authorities,
    int database,
    String keyPrefix,
    int shards,
    int connectRetries,
    Duration retryInterval,
    Duration commandTimeout,
    OptionalInt waitReplicas,
    OptionalLong storeMaxBytes,
    double storeFullRatio) {

  private static final String AUTHORITIES = "REDIS_TLS_CA_FILE";
  private static final int CLUSTER_SHARDS = 64;
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]{1,64}");
  private static final Pattern PREFIX = Pattern.compile("[A-Za-z0-9_.-]{1,32}");
  private static final Pattern USER = Pattern.compile("[!-~]{1,128}");
  private static final List<String> SCHEMES = List.of("redis", "rediss");
  private static final String URL_FORM =
      "redis://[user:password@]host[:port][/db], rediss:// for TLS";

  /** The address of Redis. */
  public sealed interface Target {

    /** A single node. */
    record Node(HostPort address) implements Target {}

    /** A Cluster, by some of its nodes. */
    record Cluster(List<HostPort> nodes) implements Target {
      public Cluster {
        nodes = List.copyOf(nodes);
      }
    }

    /** The master that the Sentinels name; the default deployment. */
    record Sentinel(List<HostPort> sentinels, String master, Optional<Secret> password)
        implements Target {
      public Sentinel {
        sentinels = List.copyOf(sentinels);
      }
    }
  }

  /** These settings for one node of the Cluster. */
  public RedisSettings at(HostPort node) {
    return at(node, username, password, tls);
  }

  /** These settings for a node with this password. */
  public RedisSettings at(HostPort node, Secret nodePassword) {
    return at(node, Optional.empty(), Optional.of(nodePassword), false);
  }

  private RedisSettings at(
      HostPort node, Optional<String> user, Optional<Secret> nodePassword, boolean byTls) {
    return new RedisSettings(
        new Target.Node(node),
        user,
        nodePassword,
        byTls,
        byTls ? authorities : Optional.empty(),
        0,
        keyPrefix,
        shards,
        connectRetries,
        retryInterval,
        commandTimeout,
        waitReplicas,
        storeMaxBytes,
        storeFullRatio);
  }

  /** Its address for people, without secrets. */
  public String where() {
    return switch (target) {
      case Target.Node(HostPort address) -> address.toString();
      case Target.Cluster(List<HostPort> nodes) -> "the cluster of " + nodes.getFirst();
      case Target.Sentinel(List<HostPort> sentinels, String master, _) ->
          "the master \"" + master + "\" of " + sentinels.size() + " Sentinels";
    };
  }

  /** Whether the environment sets any Redis; otherwise {@code dev} starts an embedded one. */
  static boolean isNamed(Env env) {
    return env.isGiven("REDIS_URL")
        || env.isGiven("REDIS_SENTINEL_ADDR")
        || env.isGiven("REDIS_CLUSTER_NODES");
  }

  static RedisSettings read(Env env) {
    env.section("Redis");
    List<HostPort> sentinels = env.addresses("REDIS_SENTINEL_ADDR", 26_379, "the Sentinels");
    String master =
        env.text(
                "REDIS_MASTER_NAME",
                "mymaster",
                NAME,
                "1 to 64 of A-Z a-z 0-9 _ . -",
                "name of the master in the Sentinels' configuration")
            .orElse("mymaster");
    Optional<URI> url =
        env.secretUrl(
            "REDIS_URL", "redis://127.0.0.1:6379", SCHEMES, URL_FORM, "URL of a single Redis");
    List<HostPort> cluster =
        env.addresses(
            "REDIS_CLUSTER_NODES",
            6379,
            "some nodes of a Redis Cluster, from which the others are discovered");
    Optional<Secret> password = env.secret("REDIS_PASSWORD", "password of the Redis nodes");
    Optional<Secret> sentinelPassword =
        env.secret("REDIS_SENTINEL_PASSWORD", "password of the Sentinels");
    Optional<String> username =
        env.text(
            "REDIS_USERNAME",
            null,
            USER,
            "1 to 128 printable characters without a space",
            "Redis ACL user; default: Redis' default user");
    boolean tls = env.flag("REDIS_TLS", false, "use TLS; implied by a rediss:// URL");
    Optional<Path> authorities =
        env.optionalPath(
            AUTHORITIES,
            "CA certificates (PEM) to trust for Redis and the Sentinels; default: those that the JVM"
                + " trusts");
    int database = env.integer("REDIS_DB", 0, 0, 65_535, "database number");
    String keyPrefix =
        env.text(
                "REDIS_KEY_PREFIX",
                "tr",
                PREFIX,
                "1 to 32 of A-Z a-z 0-9 _ . -",
                "prefix of all keys; cannot be changed after the first start")
            .orElse("tr");
    int shards =
        env.integer(
            "REDIS_SHARDS",
            cluster.isEmpty() ? 1 : CLUSTER_SHARDS,
            "1 (Cluster 64)",
            1,
            1024,
            "number of shards (hash tags) of the data; cannot be changed after the first start");

    if (!cluster.isEmpty() && database != 0) {
      env.fault("REDIS_DB", "expected: 0, because a Redis Cluster has only one database");
    }
    long kinds =
        List.of(!sentinels.isEmpty(), url.isPresent(), !cluster.isEmpty()).stream()
            .filter(named -> named)
            .count();
    if (kinds > 1) {
      String named = sentinels.isEmpty() ? "REDIS_CLUSTER_NODES" : "REDIS_SENTINEL_ADDR";
      env.fault(
          named,
          "two kinds of Redis are set; set only one of REDIS_URL, REDIS_SENTINEL_ADDR and"
              + " REDIS_CLUSTER_NODES");
    }

    Target target = new Target.Node(new HostPort("127.0.0.1", 6379));
    if (!sentinels.isEmpty()) {
      target = new Target.Sentinel(sentinels, master, sentinelPassword);
    } else if (!cluster.isEmpty()) {
      target = new Target.Cluster(cluster);
    } else if (url.isPresent()) {
      UrlParts parts = UrlParts.of(url.get());
      target = new Target.Node(parts.address());
      tls = tls || parts.tls();
      if (parts.misread()) {
        env.hiddenFault("REDIS_URL", "expected: " + URL_FORM);
      }
      if (parts.password().isPresent()
          && password.isPresent()
          && !parts.password().equals(password)) {
        env.hiddenFault(
            "REDIS_PASSWORD", "REDIS_URL has a different password; set only one of them");
      }
      if (parts.username().isPresent()
          && username.isPresent()
          && !parts.username().equals(username)) {
        env.fault("REDIS_USERNAME", "REDIS_URL has a different user; set only one of them");
      }
      if (parts.database().isPresent()
          && env.isGiven("REDIS_DB")
          && parts.database().getAsInt() != database) {
        env.fault("REDIS_DB", "REDIS_URL has a different database; set only one of them");
      }
      password = parts.password().isPresent() ? parts.password() : password;
      username = parts.username().isPresent() ? parts.username() : username;
      database = parts.database().orElse(database);
    }
    if (authorities.isPresent() && !tls) {
      env.fault(AUTHORITIES, "TLS is off; set REDIS_TLS=true or a rediss:// URL too");
    }
    authorities.ifPresent(file -> TlsSettings.checkCertificates(env, AUTHORITIES, file));
    return new RedisSettings(
        target,
        username,
        password,
        tls,
        authorities,
        database,
        keyPrefix,
        shards,
        env.integer(
            "REDIS_CONNECT_RETRIES",
            30,
            0,
            10_000,
            "how often the first connection is retried before startup fails"),
        env.seconds("REDIS_RETRY_INTERVAL_SEC", 2, 1, 60, "wait between these retries"),
        env.millis(
            "REDIS_COMMAND_TIMEOUT_MS",
            5000,
            100,
            60_000,
            "total time a call is retried before it fails with 503"),
        env.integerOrAuto(
            "REDIS_WAIT_REPLICAS",
            0,
            9,
            "number of replicas that must have a task before its 2xx; auto is 1 if there are"
                + " replicas, else 0"),
        env.bytes(
            "STORE_MAX_BYTES",
            "Redis' maxmemory",
            1_048_576,
            1L << 50,
            "how much memory Redis may use"),
        env.ratio(
            "STORE_FULL_RATIO",
            0.9,
            0.1,
            1.0,
            "share of STORE_MAX_BYTES from which enqueue calls are rejected with store_full"));
  }

  /** User, password and database of a {@code redis://} URL. */
  private record UrlParts(
      HostPort address,
      boolean tls,
      Optional<String> username,
      Optional<Secret> password,
      OptionalInt database,
      boolean misread) {

    static UrlParts of(URI url) {
      HostPort address = HostPort.of(url, 6379).orElseThrow();
      Optional<String> username = Optional.empty();
      Optional<Secret> password = Optional.empty();
      Optional<String> given = HostPort.userInfo(url);
      if (given.isPresent()) {
        String[] info = given.get().split(":", 2);
        username = Optional.of(decoded(info[0])).filter(text -> !text.isEmpty());
        password =
            info.length < 2 || info[1].isEmpty()
                ? Optional.empty()
                : Optional.of(new Secret(decoded(info[1])));
      }
      String path = url.getRawPath() == null ? "" : url.getRawPath();
      boolean fine = path.matches("/?|/[0-9]{1,5}") && url.getRawQuery() == null;
      OptionalInt database =
          fine && path.length() > 1
              ? OptionalInt.of(Integer.parseInt(path.substring(1)))
              : OptionalInt.empty();
      boolean tls = url.getScheme().toLowerCase(Locale.ROOT).equals("rediss");
      return new UrlParts(address, tls, username, password, database, !fine);
    }

    private static String decoded(String text) {
      // A plus is a plus in a URL's user-info; only %xx is decoded.
      return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }
  }
}
