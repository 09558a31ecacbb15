package io.taskrunner.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;

/**
 * A faulty network between a program and a server of 127.0.0.1: a TCP proxy that delays, narrows,
 * holds back, swallows, or ends the traffic through it. Bytes are never reordered, and none is
 * dropped between two that arrive: a connection that lost one stays silent forever, like one that a
 * firewall forgot.
 */
public final class Proxy implements AutoCloseable {

  private static final int CHUNK = 16 * 1024;

  private final ServerSocket server;
  private final int to;
  private final Set<Link> links = ConcurrentHashMap.newKeySet();
  private volatile long delayNanos;
  private volatile long bytesPerSecond = Long.MAX_VALUE;
  private volatile boolean swallowing;
  private volatile Optional<InetAddress> cutOff = Optional.empty();
  private final Object stall = new Object();
  private boolean holding; // guarded by stall

  private Proxy(ServerSocket server, int to) {
    this.server = server;
    this.to = to;
    Thread.ofVirtual().name("proxy").start(this::accept);
  }

  /** Begins to forward to this port, unchanged at first. */
  public static Proxy start(int to) {
    try {
      return new Proxy(new ServerSocket(0, 512, InetAddress.ofLiteral("127.0.0.1")), to);
    } catch (IOException noSocket) {
      throw new UncheckedIOException(noSocket);
    }
  }

  /** Its port. */
  public int port() {
    return server.getLocalPort();
  }

  /** The port of 127.0.0.1 that it forwards to. */
  int to() {
    return to;
  }

  /** From now on each byte takes this long, in each direction. */
  public void delay(Duration each) {
    delayNanos = each.toNanos();
  }

  /** From now on each connection gets at most this much in a second, in the program's direction. */
  public void narrow(long bytes) {
    bytesPerSecond = bytes;
  }

  /**
   * From now on connections are accepted and nothing is forwarded, in neither direction; or that is
   * over. A connection on which something was swallowed stays silent also then.
   */
  public void swallow(boolean on) {
    swallowing = on;
  }

  /** How many connections stay silent. */
  public long silent() {
    return links.stream().filter(link -> link.silent).count();
  }

  /**
   * From now on the traffic of connections from this address is swallowed, as when those machines
   * are isolated; or, of none, that is over, and these connections end.
   */
  public void cutOff(Optional<InetAddress> address) {
    cutOff = address;
    if (address.isEmpty()) {
      List.copyOf(links).stream().filter(link -> link.silent).forEach(Link::close);
    }
  }

  /**
   * From now on traffic is held back, in both directions; or that is over, and all of it arrives,
   * including data that its sender has given up meanwhile.
   */
  public void hold(boolean on) {
    synchronized (stall) {
      holding = on;
      stall.notifyAll();
    }
  }

  private void awaitPassage() throws InterruptedException {
    synchronized (stall) {
      while (holding) {
        stall.wait();
      }
    }
  }

  /** Ends each connection in the direction towards the program; the other one stays open. */
  public void halfClose() throws IOException {
    for (Link link : links) {
      link.program.shutdownOutput();
    }
  }

  /** Ends each connection by a reset, on both sides. */
  public void reset() throws IOException {
    for (Link link : links) {
      link.program.setSoLinger(true, 0);
      link.server.setSoLinger(true, 0);
      link.close();
    }
  }

  private void accept() {
    try {
      while (true) {
        Socket program = server.accept();
        Thread.ofVirtual().name("proxy-connection").start(() -> join(program));
      }
    } catch (IOException closed) {
      // the test is over
    }
  }

  private void join(Socket program) {
    try {
      Link link = new Link(program, new Socket(InetAddress.ofLiteral("127.0.0.1"), to));
      links.add(link);
      link.start();
    } catch (IOException away) {
      close(program);
    }
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException closing) {
      throw new UncheckedIOException(closing);
    }
  }

  /** Bytes on their way, and their time of arrival; no bytes: the end of the stream. */
  private record Chunk(byte[] bytes, long arrivesNanos) {}

  /** A connection on either side, and its two directions. */
  private final class Link {
    private final Socket program;
    private final Socket server;
    private volatile boolean silent;

    Link(Socket program, Socket server) {
      this.program = program;
      this.server = server;
    }

    void start() throws IOException {
      program.setTcpNoDelay(true);
      server.setTcpNoDelay(true);
      begin(program, server);
      begin(server, program);
    }

    private void begin(Socket from, Socket into) throws IOException {
      InputStream in = from.getInputStream();
      OutputStream out = into.getOutputStream();
      BlockingQueue<Chunk> way = new LinkedBlockingQueue<>();
      Thread.ofVirtual().start(() -> read(in, way));
      Thread.ofVirtual().start(() -> write(way, out, into));
    }

    private void read(InputStream in, BlockingQueue<Chunk> way) {
      byte[] buffer = new byte[CHUNK];
      try {
        for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
          silent |= swallowing || cutOff.filter(program.getInetAddress()::equals).isPresent();
          if (!silent) {
            way.add(new Chunk(Arrays.copyOf(buffer, count), System.nanoTime() + delayNanos));
          }
        }
      } catch (IOException broken) {
        // equivalent to an end
      }
      way.add(new Chunk(new byte[0], System.nanoTime() + delayNanos));
    }

    private void write(BlockingQueue<Chunk> way, OutputStream out, Socket into) {
      try {
        try {
          for (Chunk next = arrived(way); next.bytes.length > 0; next = arrived(way)) {
            out.write(next.bytes);
            if (into == program && bytesPerSecond < Long.MAX_VALUE) {
              LockSupport.parkNanos(next.bytes.length * 1_000_000_000L / bytesPerSecond);
            }
          }
          into.shutdownOutput();
        } catch (IOException gone) {
          // Data that a program sent before its exit still reaches the server, which then closes
          // it.
          while (into == program && way.take().bytes.length > 0) {}
          close();
        }
        if (into == program) {
          close(); // its server has ended it
        }
      } catch (InterruptedException never) {
        Thread.currentThread().interrupt();
      }
    }

    private Chunk arrived(BlockingQueue<Chunk> way) throws InterruptedException {
      Chunk next = way.take();
      for (long wait = next.arrivesNanos - System.nanoTime();
          wait > 0;
          wait = next.arrivesNanos - System.nanoTime()) {
        LockSupport.parkNanos(wait);
      }
      awaitPassage();
      return next;
    }

    void close() {
      links.remove(this);
      Proxy.close(program);
      Proxy.close(server);
    }
  }

  @Override
  public void close() {
    close(server);
    List.copyOf(links).forEach(Link::close);
  }

  private static void close(ServerSocket socket) {
    try {
      socket.close();
    } catch (IOException closing) {
      throw new UncheckedIOException(closing);
    }
  }
}
