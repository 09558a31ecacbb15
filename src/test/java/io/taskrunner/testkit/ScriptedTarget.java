package io.taskrunner.testkit;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP target on a raw socket of 127.0.0.1: it keeps every request byte for byte, and answers
 * with the next part of its script, or with {@code 200} where the script has ended.
 */
public final class ScriptedTarget implements AutoCloseable {

  /** A short answer that keeps the connection. */
  public static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

  private static final long PATIENCE_SEC = 60;

  /** The action once a request has arrived. */
  @FunctionalInterface
  public interface Part {
    /** Plays it. */
    void play(Talk talk) throws IOException;
  }

  /**
   * A received request.
   *
   * @param head its first line and headers, with the empty line
   * @param body its body
   * @param connection counts the connections of this target from 1
   */
  public record Received(String head, byte[] body, int connection) {

    /** The first line. */
    public String firstLine() {
      return head.substring(0, head.indexOf('\r'));
    }

    /** The value of a header, by its exact name; null when it is not there. */
    public @Nullable String header(String name) {
      int at = head.indexOf("\r\n" + name + ": ");
      return at < 0 ? null : head.substring(at + name.length() + 4, head.indexOf('\r', at + 1));
    }

    /** The body as text. */
    public String text() {
      return new String(body, StandardCharsets.UTF_8);
    }
  }

  /** A connection, as a part of the script sees it. */
  public static final class Talk {
    private final Socket socket;

    private Talk(Socket socket) {
      this.socket = socket;
    }

    /** Writes text, each character a byte, and flushes. */
    public void write(String text) throws IOException {
      write(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** Writes bytes and flushes. */
    public void write(byte[] bytes) throws IOException {
      socket.getOutputStream().write(bytes);
      socket.getOutputStream().flush();
    }

    /** Ends the connection gracefully. */
    public void close() throws IOException {
      socket.close();
    }

    /** Ends the connection with a reset. */
    public void reset() throws IOException {
      socket.setSoLinger(true, 0);
      socket.close();
    }

    /** Announces the end of its data, inside TLS by close_notify; incoming data is still read. */
    public void saysNoMore() throws IOException {
      socket.shutdownOutput();
    }

    /** Waits until the other side ends the connection. */
    public void awaitEnd() throws IOException {
      try {
        while (socket.getInputStream().read() >= 0) {
          // any remaining data
        }
      } catch (java.net.SocketException reset) {
        // an end too
      }
    }
  }

  private final ServerSocket server;
  private final String scheme;
  private final Thread acceptor;
  private final BlockingQueue<Part> script = new LinkedBlockingQueue<>();
  private final BlockingQueue<Part> greetings = new LinkedBlockingQueue<>();
  private final BlockingQueue<Received> received = new LinkedBlockingQueue<>();
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger accepted = new AtomicInteger();
  private final BlockingQueue<Integer> ended = new LinkedBlockingQueue<>();

  private ScriptedTarget(ServerSocket server, String scheme) {
    this.server = server;
    this.scheme = scheme;
    this.acceptor = Thread.ofVirtual().name("scripted-target").start(this::accept);
  }

  /** A target without TLS. */
  public static ScriptedTarget start() {
    try {
      return new ScriptedTarget(
          new ServerSocket(0, 512, InetAddress.getByName("127.0.0.1")), "http");
    } catch (IOException noSocket) {
      throw new UncheckedIOException(noSocket);
    }
  }

  /** A target inside TLS. */
  public static ScriptedTarget start(SSLContext tls) {
    try {
      InetAddress local = InetAddress.getByName("127.0.0.1");
      return new ScriptedTarget(
          tls.getServerSocketFactory().createServerSocket(0, 512, local), "https");
    } catch (IOException noSocket) {
      throw new UncheckedIOException(noSocket);
    }
  }

  /** Its port. */
  public int port() {
    return server.getLocalPort();
  }

  /** The url of a path at this target. */
  public String url(String pathAndQuery) {
    return scheme + "://127.0.0.1:" + port() + pathAndQuery;
  }

  /** Adds an answer to the script, written as it is; the connection is kept. */
  public ScriptedTarget answers(String raw) {
    return plays(talk -> talk.write(raw));
  }

  /** Adds a part to the script, for the next request on whatever connection. */
  public ScriptedTarget plays(Part part) {
    script.add(part);
    return this;
  }

  /** The action for the next connection before any request of it is read. */
  public ScriptedTarget greets(Part part) {
    greetings.add(part);
    return this;
  }

  /** The next complete request. */
  public Received next() throws InterruptedException {
    Received request = received.poll(PATIENCE_SEC, TimeUnit.SECONDS);
    if (request == null) {
      throw new AssertionError("no request came within " + PATIENCE_SEC + " s");
    }
    return request;
  }

  /** The number of received requests that {@link #next} has not returned. */
  public int unseen() {
    return received.size();
  }

  /** How many connections there have been. */
  public int connections() {
    return accepted.get();
  }

  /** Waits for the end of a connection, whichever is next; returns its number. */
  public int nextEnd() throws InterruptedException {
    Integer number = ended.poll(PATIENCE_SEC, TimeUnit.SECONDS);
    if (number == null) {
      throw new AssertionError("no connection ended within " + PATIENCE_SEC + " s");
    }
    return number;
  }

  /** Ends every connection; once it returns, a new one is refused. */
  @Override
  public void close() {
    try {
      server.close();
      acceptor.join(); // the socket listens for as long as a virtual thread is inside accept
      for (Socket socket : open) {
        socket.close();
      }
    } catch (IOException closing) {
      throw new UncheckedIOException(closing);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = server.accept();
        open.add(socket);
        int number = accepted.incrementAndGet();
        Thread.ofVirtual().name("scripted-target-", number).start(() -> serve(socket, number));
      }
    } catch (IOException closed) {
      // the test is over
    }
  }

  private void serve(Socket socket, int number) {
    try (socket) {
      socket.setTcpNoDelay(true);
      Talk talk = new Talk(socket);
      Part greeting = greetings.poll();
      if (greeting != null) {
        greeting.play(talk);
      }
      InputStream in = new BufferedInputStream(socket.getInputStream());
      while (!socket.isClosed()) {
        Received request = read(in, number);
        if (request == null) {
          return;
        }
        received.add(request);
        Part part = script.poll();
        if (part == null) {
          talk.write(OK);
        } else {
          part.play(talk);
        }
      }
    } catch (IOException ended) {
      // by the other side, or by the script
    } finally {
      open.remove(socket);
      ended.add(number);
    }
  }

  private static @Nullable Received read(InputStream in, int connection) throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
      int next = in.read();
      if (next < 0) {
        return null;
      }
      head.write(next);
    }
    String text = head.toString(StandardCharsets.ISO_8859_1);
    Received request = new Received(text, new byte[0], connection);
    String length = request.header("Content-Length");
    byte[] body = length == null ? new byte[0] : in.readNBytes(Integer.parseInt(length));
    return new Received(text, body, connection);
  }
}
