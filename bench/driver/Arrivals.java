package driver;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The target of the paced phases: answers 200 to everything and notes when each numbered request
 * came, to the nanosecond of this machine's clock. (nginx stamps whole milliseconds, once per turn
 * of its event loop; at 500 requests a second that is too coarse, and nothing as fast as nginx is
 * needed.) A thread per connection sits in {@code read}, so that the stamp is taken as soon as the
 * kernel wakes it.
 */
final class Arrivals implements AutoCloseable {
  private static final byte[] ANSWER =
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private final ServerSocket listener;
  private final AtomicLong phases = new AtomicLong();
  private volatile Phase phase = new Phase(0, 0);

  Arrivals() throws IOException {
    listener = new ServerSocket(0, 256, InetAddress.getLoopbackAddress());
    Thread.ofPlatform().daemon().name("arrivals").start(this::accept);
  }

  /**
   * What arrives from now on for a phase of requests numbered from 0; what belongs to earlier
   * phases is ignored.
   */
  Phase begin(int requests) {
    return phase = new Phase(phases.incrementAndGet(), requests);
  }

  /** Where request number {@code n} of a phase must be sent. */
  String url(Phase of, int n) {
    return "http://127.0.0.1:" + listener.getLocalPort() + path(of, n);
  }

  String path(Phase of, int n) {
    return "/arrive/" + of.id + "/" + n;
  }

  int port() {
    return listener.getLocalPort();
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket socket = listener.accept();
        Thread.ofPlatform().daemon().name("arrival").start(() -> serve(socket));
      } catch (IOException closed) {
        return;
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      socket.setTcpNoDelay(true);
      var in = new BufferedInputStream(socket.getInputStream(), 4096);
      var out = socket.getOutputStream();
      while (true) {
        var head = Http.readHead(in);
        if (head.isEmpty()) {
          return;
        }
        long now = System.nanoTime();
        in.skipNBytes(head.get().length());
        out.write(ANSWER);
        phase.note(head.get().start(), now);
      }
    } catch (IOException gone) {
      // The sender closed its connection: nothing to record.
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }

  /** The arrivals of one phase. */
  static final class Phase {
    private final long id;
    private final long[] at;
    private int first;
    private int again;

    private Phase(long id, int requests) {
      this.id = id;
      this.at = new long[requests];
    }

    private synchronized void note(String requestLine, long now) {
      // "POST /arrive/<phase>/<n> HTTP/1.1"
      String[] parts = requestLine.split("[ /]+", 6);
      if (!parts[1].equals("arrive") || Long.parseLong(parts[2]) != id) {
        return;
      }
      int n = Integer.parseInt(parts[3]);
      if (at[n] != 0) {
        again++;
        return;
      }
      at[n] = now;
      first++;
      notifyAll();
    }

    /** Waits until every request has come or the time is up; says how many are missing. */
    synchronized int await(long timeout, TimeUnit unit) throws InterruptedException {
      long end = System.nanoTime() + unit.toNanos(timeout);
      for (long left; first < at.length && (left = end - System.nanoTime()) > 0; ) {
        TimeUnit.NANOSECONDS.timedWait(this, Math.max(left, 1_000_000));
      }
      return at.length - first;
    }

    /** How many requests came more than once. */
    synchronized int again() {
      return again;
    }

    /** The time from {@code since[n]} to the arrival of n, in ms, for each that came. */
    synchronized List<Double> millisSince(long[] since) {
      var millis = new ArrayList<Double>();
      for (int n = 0; n < at.length; n++) {
        if (at[n] != 0) {
          millis.add((at[n] - since[n]) / 1e6);
        }
      }
      return millis;
    }
  }
}
