package io.taskrunner.worker;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.Server;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/** A server on 127.0.0.1 that tasks are sent to: remembers what came, and answers as it is told. */
final class Target implements AutoCloseable {

  /**
   * A request that came.
   *
   * @param over completes when it was answered, or given up by who sent it
   */
  record Arrival(
      String path, RequestHeaders headers, long nanos, CompletableFuture<Void> over) {

    /** The id of the task that sent it. */
    String task() {
      return headers.get("x-cloudtasks-taskname", "");
    }
  }

  private final Server server;
  private final List<Arrival> arrivals = new CopyOnWriteArrayList<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition came = lock.newCondition();
  private long count;
  private volatile Function<Arrival, CompletableFuture<Integer>> script =
      arrival -> CompletableFuture.completedFuture(200);
  private volatile boolean remembers = true;

  Target() {
    server =
        Server.builder()
            .http(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .requestTimeout(Duration.ofMinutes(5))
            .maxNumConnections(20_000)
            .gracefulShutdownTimeout(Duration.ZERO, Duration.ZERO)
            .serviceUnder("/", (context, request) -> serve(request.headers()))
            .build();
    server.start().join();
  }

  private HttpResponse serve(RequestHeaders headers) {
    Arrival arrival =
        new Arrival(headers.path(), headers, System.nanoTime(), new CompletableFuture<>());
    CompletableFuture<Integer> status = script.apply(arrival);
    HttpResponse response =
        HttpResponse.of(
            status.thenApply(
                code -> {
                  arrival.over().complete(null);
                  return HttpResponse.of(HttpStatus.valueOf(code));
                }));
    response.whenComplete().whenComplete((done, aborted) -> arrival.over().complete(null));
    if (remembers) {
      arrivals.add(arrival);
    }
    lock.lock();
    try {
      count++;
      came.signalAll();
    } finally {
      lock.unlock();
    }
    return response;
  }

  String url(String path) {
    return "http://127.0.0.1:" + server.activeLocalPort() + path;
  }

  /** From now on each request is answered so. */
  void answers(Function<Arrival, CompletableFuture<Integer>> how) {
    script = how;
  }

  /** Only counts: for tests with more requests than are looked at. */
  void onlyCounts() {
    remembers = false;
  }

  List<Arrival> arrivals() {
    return List.copyOf(arrivals);
  }

  /** Waits until so many requests came in all. */
  void awaitCount(long expected, Duration atMost) throws InterruptedException {
    long left = atMost.toNanos();
    lock.lock();
    try {
      while (count < expected && left > 0) {
        left = came.awaitNanos(left);
      }
      assertTrue(count >= expected, count + " requests came (expected: " + expected + ")");
    } finally {
      lock.unlock();
    }
  }

  long count() {
    lock.lock();
    try {
      return count;
    } finally {
      lock.unlock();
    }
  }

  /** An answer after a while, by a timer. */
  static CompletableFuture<Integer> after(Duration wait, int status) {
    return CompletableFuture.supplyAsync(
        () -> status,
        CompletableFuture.delayedExecutor(wait.toNanos(), TimeUnit.NANOSECONDS, Runnable::run));
  }

  @Override
  public void close() {
    server.stop().join();
  }
}
