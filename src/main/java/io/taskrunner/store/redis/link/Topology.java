package io.taskrunner.store.redis.link;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.StringCodec;
import io.taskrunner.config.HostPort;
import io.taskrunner.config.RedisSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The slot owners, as reported by the nodes of a Redis Cluster.
 *
 * <p>A master's report about its own slots is trusted, because it knows first when it gains or
 * loses one. If two claim the same slot, as after a partition, the one reported by more nodes wins.
 */
final class Topology implements AutoCloseable {

  private static final long ANSWER_MILLIS = 500;
  private static final int ASKED_MAX = 12;

  private final RedisSettings settings;
  private final RedisClient client = RedisClient.create();
  private final Map<HostPort, CompletableFuture<StatefulRedisConnection<String, String>>>
      connections = new ConcurrentHashMap<>();
  private final Set<HostPort> seeds;
  private volatile Set<HostPort> known;
  private volatile String trouble = "no node answers";

  /** A range of slots and the address of its master, as one node sees it. */
  private record Range(long first, long last, HostPort master, boolean own) {
    boolean holds(int slot) {
      return first <= slot && slot <= last;
    }
  }

  Topology(RedisSettings settings, List<HostPort> seeds) {
    this.settings = settings;
    client.setOptions(ClientOptions.builder().sslOptions(Node.ssl(settings)).build());
    this.seeds = Set.copyOf(seeds);
    this.known = this.seeds;
  }

  /** The owner of each of these slots; slots that no node reports are left out. */
  Map<Integer, HostPort> owners(Collection<Integer> slots) {
    List<List<Range>> views = views();
    Map<Integer, HostPort> owners = new HashMap<>();
    for (int slot : slots) {
      HostPort owner = owner(slot, views);
      if (owner != null) {
        owners.put(slot, owner);
      }
    }
    return owners;
  }

  /** The failure of the last node that could not be queried. */
  String trouble() {
    return trouble;
  }

  private static Throwable innermost(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  private static @Nullable HostPort owner(int slot, List<List<Range>> views) {
    Map<HostPort, Integer> named = new HashMap<>();
    Set<HostPort> claiming = new HashSet<>();
    for (List<Range> view : views) {
      for (Range range : view) {
        if (range.holds(slot)) {
          named.merge(range.master(), 1, Integer::sum);
          if (range.own()) {
            claiming.add(range.master());
          }
        }
      }
    }
    Collection<HostPort> candidates = claiming.isEmpty() ? named.keySet() : claiming;
    return candidates.stream()
        .max(Comparator.comparing((HostPort address) -> named.getOrDefault(address, 0)))
        .orElse(null);
  }

  private List<List<Range>> views() {
    List<HostPort> asked = new ArrayList<>(known);
    Collections.shuffle(asked);
    Map<HostPort, CompletableFuture<List<Range>>> answers = new HashMap<>();
    Set<HostPort> told = new HashSet<>(seeds);
    for (HostPort address : asked.subList(0, Math.min(ASKED_MAX, asked.size()))) {
      answers.put(
          address,
          connections
              .computeIfAbsent(address, this::connect)
              .thenCompose(connection -> ask(address, connection, told))
              .completeOnTimeout(List.of(), ANSWER_MILLIS, TimeUnit.MILLISECONDS));
    }
    List<List<Range>> views = new ArrayList<>();
    answers.forEach((address, answer) -> {
      try {
        views.add(answer.join());
      } catch (CompletionException away) {
        trouble = address + ": " + innermost(away).getMessage();
        forget(address);
      }
    });
    Set<HostPort> all = new HashSet<>(told);
    if (views.stream().allMatch(List::isEmpty)) {
      all.addAll(known);
    }
    known = Set.copyOf(all);
    connections.keySet().stream().filter(address -> !all.contains(address)).forEach(this::forget);
    return views;
  }

  private CompletionStage<List<Range>> ask(
      HostPort asked, StatefulRedisConnection<String, String> connection, Set<HostPort> told) {
    CompletionStage<String> self = connection.async().clusterMyId();
    CompletionStage<List<Object>> slots = connection.async().clusterSlots();
    return self.thenCombine(slots, (id, all) -> ranges(asked, id, all, told));
  }

  /** Each: first, last, master, replica, …; each node: address, port, id, …. */
  private static List<Range> ranges(
      HostPort asked, String self, List<Object> all, Set<HostPort> told) {
    List<Range> ranges = new ArrayList<>();
    for (Object one : all) {
      List<?> range = (List<?>) one;
      for (Object node : range.subList(2, range.size())) {
        synchronized (told) {
          told.add(address((List<?>) node, asked));
        }
      }
      List<?> master = (List<?>) range.get(2);
      ranges.add(
          new Range(
              (Long) range.get(0),
              (Long) range.get(1),
              address(master, asked),
              self.equals(master.get(2))));
    }
    return ranges;
  }

  /** A node that does not know its own address is at the address that was queried. */
  private static HostPort address(List<?> node, HostPort asked) {
    String host = (String) node.get(0);
    int port = Math.toIntExact((Long) node.get(1));
    return new HostPort(host == null || host.isEmpty() ? asked.host() : host, port);
  }

  private CompletableFuture<StatefulRedisConnection<String, String>> connect(HostPort address) {
    RedisURI uri = Node.uri(settings.at(address));
    uri.setTimeout(Duration.ofMillis(2 * ANSWER_MILLIS));
    return client.connectAsync(StringCodec.UTF8, uri).toCompletableFuture();
  }

  private void forget(HostPort address) {
    CompletableFuture<StatefulRedisConnection<String, String>> connection =
        connections.remove(address);
    if (connection != null) {
      connection.thenAccept(StatefulRedisConnection::closeAsync);
    }
  }

  @Override
  public void close() {
    client.shutdown(Duration.ZERO, Duration.ofSeconds(1));
  }
}
