package io.taskrunner.faults;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * A target of one or several hosts that counts the requests at once of each thing that has a limit:
 * of each host, and of each client and queue, which the path of a request names. A path that ends
 * in {@code /flaky} is answered with 500 the first time. All of its notes are guarded by {@code
 * this}.
 */
final class LimitedTarget implements AutoCloseable {

  private static final int BACKLOG = 4096;

  private final List<HttpServer> hosts = new ArrayList<>();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Duration work;
  private final Map<String, Integer> running = new HashMap<>();
  private final Map<String, Integer> most = new HashMap<>();
  private final Map<String, List<Long>> starts = new HashMap<>();
  private final Map<String, Integer> deliveries = new HashMap<>();
  private final Set<String> tasksNow = new HashSet<>();
  private final List<String> atOnce = new ArrayList<>();

  /**
   * Listens.
   *
   * @param count number of hosts, each at a port of its own
   * @param work time until it answers
   */
  LimitedTarget(int count, Duration work) throws IOException {
    this.work = work;
    for (int i = 0; i < count; i++) {
      HttpServer server =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), BACKLOG);
      server.setExecutor(threads);
      server.createContext("/", this::answer);
      hosts.add(server);
      server.start();
    }
  }

  private void answer(HttpExchange exchange) throws IOException {
    exchange.getRequestBody().readAllBytes();
    String task = exchange.getRequestHeaders().getFirst("X-CloudTasks-TaskName");
    String path = exchange.getRequestURI().getPath();
    List<String> things = new ArrayList<>(List.of(path.substring(1).split("/")));
    things.add("127.0.0.1:" + exchange.getLocalAddress().getPort());
    boolean first = begin(task, things);
    LockSupport.parkNanos(work.toNanos()); // the duration that the task asks for
    end(task, things);
    try (exchange) {
      exchange.sendResponseHeaders(first && path.endsWith("/flaky") ? 500 : 200, -1);
    }
  }

  private synchronized boolean begin(String task, List<String> things) {
    if (!tasksNow.add(task)) {
      atOnce.add(task);
    }
    for (String thing : things) {
      most.merge(thing, running.merge(thing, 1, Integer::sum), Math::max);
      starts.computeIfAbsent(thing, _ -> new ArrayList<>()).add(System.nanoTime());
    }
    notifyAll();
    return deliveries.merge(task, 1, Integer::sum) == 1;
  }

  private synchronized void end(String task, List<String> things) {
    tasksNow.remove(task);
    things.forEach(thing -> running.merge(thing, -1, Integer::sum));
  }

  /** One of its hosts, with the port. */
  String host(int number) {
    return "127.0.0.1:" + hosts.get(number).getAddress().getPort();
  }

  /** The maximum of concurrent requests with this word in their path, or to this host. */
  synchronized int most(String thing) {
    return most.getOrDefault(thing, 0);
  }

  /** When requests that had this word in their path began, by {@link System#nanoTime}. */
  synchronized List<Long> starts(String thing) {
    return List.copyOf(starts.getOrDefault(thing, List.of()));
  }

  /** Tasks that were delivered while they were running already. */
  synchronized List<String> atOnce() {
    return List.copyOf(atOnce);
  }

  /** How often each task was delivered. */
  synchronized Map<String, Integer> deliveries() {
    return Map.copyOf(deliveries);
  }

  /** Waits until this holds, checking at each delivery. */
  synchronized boolean await(BooleanSupplier condition, Duration atMost)
      throws InterruptedException {
    long deadline = System.nanoTime() + atMost.toNanos();
    while (!condition.getAsBoolean()) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        return false;
      }
      TimeUnit.NANOSECONDS.timedWait(this, Math.min(left, 100_000_000L));
    }
    return true;
  }

  @Override
  public void close() {
    hosts.forEach(server -> server.stop(0));
    threads.shutdownNow();
  }
}
