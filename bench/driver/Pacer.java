package driver;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Sends requests at set times whatever the answers do (open loop): a request that finds every
 * connection waiting for an answer gets a new one. So a service that stalls is charged for all that
 * it kept waiting.
 */
final class Pacer implements AutoCloseable {
  private static final int CONNECTIONS_MAX = 2_000;

  private final int port;
  private final ArrayDeque<Connection> free = new ArrayDeque<>();
  private final ArrayDeque<Connection> all = new ArrayDeque<>();
  private final Map<String, Integer> answers = new TreeMap<>();
  private int waiting;

  Pacer(int port) {
    this.port = port;
  }

  /** A POST as it goes over the wire. */
  static byte[] post(int port, String path, String body) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    return ("POST "
            + path
            + " HTTP/1.1\r\nHost: 127.0.0.1:"
            + port
            + "\r\nContent-Type: application/json\r\nContent-Length: "
            + bytes.length
            + "\r\n\r\n"
            + body)
        .getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Sends each request at its time and waits for the answers.
   *
   * @param at when to send each, in {@link System#nanoTime} ns, ascending
   * @return how many answers there were of each status; {@code lost} for those without one within
   *     10 s
   */
  Map<String, Integer> send(byte[][] requests, long[] at) throws IOException, InterruptedException {
    synchronized (this) {
      answers.clear();
    }
    for (int n = 0; n < requests.length; n++) {
      for (long left; (left = at[n] - System.nanoTime()) > 0; ) {
        LockSupport.parkNanos(left);
      }
      take().write(requests[n]);
    }
    return settle();
  }

  /** Sends the requests one after another, each when the one before it is answered. */
  Map<String, Integer> sendInTurn(byte[][] requests) throws IOException, InterruptedException {
    synchronized (this) {
      answers.clear();
    }
    for (byte[] request : requests) {
      take().write(request);
      settle();
    }
    return settle();
  }

  private synchronized Map<String, Integer> settle() throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    for (long left; waiting > 0 && (left = end - System.nanoTime()) > 0; ) {
      TimeUnit.NANOSECONDS.timedWait(this, Math.max(left, 1_000_000));
    }
    if (waiting > 0) {
      answers.merge("lost", waiting, Integer::sum);
      waiting = 0;
    }
    return new TreeMap<>(answers);
  }

  private Connection take() throws IOException {
    synchronized (this) {
      waiting++;
      if (!free.isEmpty()) {
        return free.pop();
      }
      if (all.size() == CONNECTIONS_MAX) {
        throw new IOException(
            "the service left " + CONNECTIONS_MAX + " requests without an answer");
      }
    }
    var connection = new Connection();
    synchronized (this) {
      all.add(connection);
    }
    return connection;
  }

  private synchronized void answered(Connection connection, String status) {
    answers.merge(status, 1, Integer::sum);
    waiting--;
    free.push(connection);
    notifyAll();
  }

  @Override
  public void close() throws IOException {
    synchronized (this) {
      for (Connection connection : all) {
        connection.socket.close();
      }
    }
  }

  private final class Connection {
    private final Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);

    Connection() throws IOException {
      socket.setTcpNoDelay(true);
      Thread.ofPlatform().daemon().name("answers").start(this::read);
    }

    void write(byte[] request) throws IOException {
      socket.getOutputStream().write(request);
    }

    private void read() {
      try (socket) {
        var in = new BufferedInputStream(socket.getInputStream(), 4096);
        while (true) {
          var head = Http.readHead(in);
          if (head.isEmpty()) {
            return;
          }
          in.skipNBytes(head.get().length());
          answered(this, Integer.toString(head.get().status()));
        }
      } catch (IOException gone) {
        // Its request, if it had one, stays without an answer and is counted as lost.
      }
    }
  }
}
