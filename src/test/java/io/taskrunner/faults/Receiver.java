package io.taskrunner.faults;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * The target of tasks: records each arrival, and answers 200 at once, or holds its answers back on
 * request. All of its notes are guarded by {@code this}, which is notified of each arrival.
 */
final class Receiver implements AutoCloseable {

  private static final int BACKLOG = 4096;

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpServer server;
  private final Map<String, Integer> deliveries = new HashMap<>();
  private final Map<String, Set<String>> tasksOfPath = new HashMap<>();
  private Gate gate = new Gate();

  /** Answers that are held back until it opens. */
  static final class Gate {
    private final CompletableFuture<Integer> status = new CompletableFuture<>();
    private final Set<String> held = new HashSet<>();

    private Gate() {}

    /** Answers held requests, and later ones for it, with this status. */
    void open(int answer) {
      status.complete(answer);
    }
  }

  /** Listens only on this address, or on all when that is the wildcard. */
  Receiver(String address) throws IOException {
    gate.open(200);
    server = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral(address), 0), BACKLOG);
    server.setExecutor(threads);
    server.createContext("/", this::answer);
    server.start();
  }

  private void answer(HttpExchange exchange) throws IOException {
    exchange.getRequestBody().readAllBytes();
    String task = exchange.getRequestHeaders().getFirst("X-CloudTasks-TaskName");
    CompletableFuture<Integer> status = note(exchange.getRequestURI().getPath(), task);
    try (exchange) {
      exchange.sendResponseHeaders(status.join(), -1);
    }
  }

  private synchronized CompletableFuture<Integer> note(String path, String task) {
    deliveries.merge(task, 1, Integer::sum);
    tasksOfPath.computeIfAbsent(path, _ -> new HashSet<>()).add(task);
    gate.held.add(task);
    notifyAll();
    return gate.status;
  }

  /** The URL of a path of it. */
  String url(String path) {
    return "http://127.0.0.1:" + port() + path;
  }

  /** Its port. */
  int port() {
    return server.getAddress().getPort();
  }

  /** From now on answers are held back. */
  synchronized Gate hold() {
    gate = new Gate();
    return gate;
  }

  /** From now on requests are answered with 200 at once; held ones stay held. */
  synchronized void letPass() {
    gate = new Gate();
    gate.open(200);
  }

  /** Waits until this many tasks are held back, and returns them. */
  Set<String> awaitHeld(Gate at, int count) throws InterruptedException {
    await(count + " tasks held", () -> at.held.size() >= count);
    synchronized (this) {
      return Set.copyOf(at.held);
    }
  }

  /** Waits until this many tasks have arrived. */
  void awaitArrived(int count) throws InterruptedException {
    await(count + " tasks", () -> deliveries.size() >= count);
  }

  /** Waits until each of these tasks has arrived this often. */
  void awaitDeliveries(Set<String> tasks, int times) throws InterruptedException {
    await(
        times + " deliveries of " + tasks,
        () -> tasks.stream().allMatch(task -> deliveries.getOrDefault(task, 0) >= times));
  }

  private synchronized void await(String what, BooleanSupplier condition)
      throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!condition.getAsBoolean()) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        throw new AssertionError("in vain waited for " + what);
      }
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
  }

  /** Waits for the next arrival, at most this long. */
  synchronized void awaitAny(Duration atMost) throws InterruptedException {
    TimeUnit.NANOSECONDS.timedWait(this, atMost.toNanos());
  }

  /** The tasks that have arrived at least once. */
  synchronized Set<String> arrived() {
    return Set.copyOf(deliveries.keySet());
  }

  /** The number of deliveries beyond the first of each task. */
  synchronized int again() {
    return deliveries.values().stream().mapToInt(times -> times - 1).sum();
  }

  /** The number of paths that arrived by more than one task. */
  synchronized int doubled() {
    return (int) tasksOfPath.values().stream().filter(tasks -> tasks.size() > 1).count();
  }

  @Override
  public void close() {
    synchronized (this) {
      gate.open(200);
    }
    server.stop(0);
    threads.shutdownNow();
  }
}
