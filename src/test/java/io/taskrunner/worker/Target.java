package io.taskrunner.worker;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * A server on 127.0.0.1 that tasks are sent to: records its requests, and answers as configured.
 */
final class Target implements AutoCloseable {

  /**
   * A received request.
   *
   * @param over completes when it was answered, or given up by its sender
   */
  record Arrival(
      String path, Map<String, String> headers, long nanos, CompletableFuture<Void> over) {

    /** The value of a header, by its name in lower case; empty when it is not there. */
    String header(String name) {
      return headers.getOrDefault(name, "");
    }

    /** The id of the task that sent it. */
    String task() {
      return header("x-cloudtasks-taskname");
    }
  }

  private final ServerSocket server;
  private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition came = lock.newCondition();
  private final List<Arrival> arrivals = new ArrayList<>(); // Guarded by the lock.
  private volatile Function<Arrival, CompletableFuture<Integer>> script =
      arrival -> CompletableFuture.completedFuture(200);

  Target() throws IOException {
    server = new ServerSocket(0, 512, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  private void accept() {
    try {
      while (true) {
        Socket connection = server.accept();
        connections.add(connection);
        Thread.ofVirtual().start(() -> serve(connection));
      }
    } catch (IOException closed) {
      // the test is over
    }
  }

  /** Reads on while a request is answered, so as to see its sender give up. */
  private void serve(Socket connection) {
    CompletableFuture<Void> over = CompletableFuture.completedFuture(null);
    try (connection) {
      connection.setTcpNoDelay(true);
      InputStream in = new BufferedInputStream(connection.getInputStream());
      while (true) {
        String line = line(in);
        if (line.isEmpty()) {
          return;
        }
        Map<String, String> headers = new HashMap<>();
        for (String next = line(in); !next.isEmpty(); next = line(in)) {
          int colon = next.indexOf(':');
          headers.put(
              next.substring(0, colon).toLowerCase(Locale.ROOT), next.substring(colon + 1).strip());
        }
        in.readNBytes(Integer.parseInt(headers.getOrDefault("content-length", "0")));
        over = new CompletableFuture<>();
        answer(new Arrival(line.split(" ")[1], headers, System.nanoTime(), over), connection);
      }
    } catch (IOException ended) {
      // by the other side, or with the test
    } finally {
      over.complete(null);
      connections.remove(connection);
    }
  }

  private void answer(Arrival arrival, Socket connection) {
    CompletableFuture<Integer> status = script.apply(arrival);
    lock.lock();
    try {
      arrivals.add(arrival);
      came.signalAll();
    } finally {
      lock.unlock();
    }
    status.thenAccept(code -> {
      String answer = "HTTP/1.1 " + code + " -\r\nContent-Length: 0\r\n\r\n";
      try {
        connection.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
      } catch (IOException gone) {
        // nothing waits for it
      }
      arrival.over().complete(null);
    });
  }

  /** A line without its end; empty at the end of headers and of the connection. */
  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int next = in.read(); next >= 0 && next != '\n'; next = in.read()) {
      if (next != '\r') {
        line.append((char) next);
      }
    }
    return line.toString();
  }

  String url(String path) {
    return "http://127.0.0.1:" + server.getLocalPort() + path;
  }

  /** From now on each request is answered so. */
  void answers(Function<Arrival, CompletableFuture<Integer>> how) {
    script = how;
  }

  List<Arrival> arrivals() {
    lock.lock();
    try {
      return List.copyOf(arrivals);
    } finally {
      lock.unlock();
    }
  }

  /** Waits until this many requests have arrived in all. */
  void awaitCount(long expected, Duration atMost) throws InterruptedException {
    long left = atMost.toNanos();
    lock.lock();
    try {
      while (arrivals.size() < expected && left > 0) {
        left = came.awaitNanos(left);
      }
      int count = arrivals.size();
      assertTrue(count >= expected, count + " requests came (expected: " + expected + ")");
    } finally {
      lock.unlock();
    }
  }

  int count() {
    lock.lock();
    try {
      return arrivals.size();
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
  public void close() throws IOException {
    server.close();
    for (Socket connection : connections) {
      connection.close();
    }
  }
}
