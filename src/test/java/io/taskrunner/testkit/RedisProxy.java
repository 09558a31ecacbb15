package io.taskrunner.testkit;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * A proxy in front of a Redis of 127.0.0.1 that understands its protocol: it can refuse or lose a
 * single command, and measure the CPU time that Redis' main thread spends on each script. A
 * connection sends the next command when the one before was answered, so that nothing of another
 * connection is counted between two readings of the clock.
 */
public final class RedisProxy implements AutoCloseable {

  private static final byte[] ASK_CPU = bytes("*2\r\n$4\r\nINFO\r\n$3\r\ncpu\r\n");
  private static final byte[] AWAY = bytes("-LOADING Redis is loading the dataset in memory\r\n");
  private static final int BACKLOG = 512;

  /** The fate of a command. */
  public enum Fate {
    /** It is executed and answered. */
    PASS,
    /** It is refused, as by a node that is not ready. */
    REFUSE,
    /** The connection ends before Redis receives it. */
    LOSE,
    /** It is executed, and the connection ends before it is answered. */
    LOSE_ANSWER
  }

  /** Receives the cost of scripts. */
  public interface Meter {
    /** A script, by its SHA-1 or its function's name, took this long of Redis' CPU. */
    void took(String called, long micros);
  }

  private final ServerSocket server;
  private final int to;
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
  private volatile Function<List<byte[]>, Fate> rule = _ -> Fate.PASS;
  private volatile Meter meter = (_, _) -> {};
  private volatile boolean metering;

  private RedisProxy(ServerSocket server, int to) {
    this.server = server;
    this.to = to;
    Thread.ofVirtual().name("redis-proxy").start(this::accept);
  }

  /** Begins to forward to this port. */
  public static RedisProxy start(int to) {
    try {
      return new RedisProxy(new ServerSocket(0, BACKLOG, InetAddress.ofLiteral("127.0.0.1")), to);
    } catch (IOException noSocket) {
      throw new UncheckedIOException(noSocket);
    }
  }

  /** Its port. */
  public int port() {
    return server.getLocalPort();
  }

  /** From now on the fate of each command, given as its words, is decided by this rule. */
  public void rule(Function<List<byte[]>, Fate> decide) {
    rule = decide;
  }

  /** From now on the CPU time of each script is measured; other commands are not. */
  public void measure(Meter with) {
    meter = with;
    metering = true;
  }

  /** Ends all connections. */
  public void reset() {
    List.copyOf(connections).forEach(Connection::close);
  }

  private void accept() {
    try {
      while (true) {
        Socket client = server.accept();
        Thread.ofVirtual().start(() -> serve(client));
      }
    } catch (IOException closed) {
      // the test is over
    }
  }

  private void serve(Socket client) {
    try (Connection one =
        new Connection(client, new Socket(InetAddress.ofLiteral("127.0.0.1"), to))) {
      connections.add(one);
      one.run();
    } catch (IOException gone) {
      close(client); // either side has ended it
    }
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException closing) {
      throw new UncheckedIOException(closing);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  /** One connection, and the one to Redis behind it. */
  private final class Connection implements AutoCloseable {
    private final Socket client;
    private final Socket redis;
    private final Frames asked;
    private final Frames answers;
    private final OutputStream toClient;
    private final OutputStream toRedis;

    Connection(Socket client, Socket redis) throws IOException {
      this.client = client;
      this.redis = redis;
      client.setTcpNoDelay(true);
      redis.setTcpNoDelay(true);
      asked = new Frames(client.getInputStream());
      answers = new Frames(redis.getInputStream());
      toClient = new BufferedOutputStream(client.getOutputStream());
      toRedis = new BufferedOutputStream(redis.getOutputStream());
    }

    void run() throws IOException {
      while (true) {
        byte[] command = asked.next();
        List<byte[]> words = Frames.words(command);
        String name = text(words.getFirst()).toUpperCase(Locale.ROOT);
        switch (rule.apply(words)) {
          case PASS -> {
            if (name.equals("SUBSCRIBE")) {
              listen(command);
              return;
            }
            toClient.write(perform(name, words, command));
          }
          case REFUSE -> toClient.write(AWAY);
          case LOSE -> {
            return;
          }
          case LOSE_ANSWER -> {
            perform(name, words, command);
            return;
          }
        }
        if (!asked.more()) {
          toClient.flush();
        }
      }
    }

    private byte[] perform(String name, List<byte[]> words, byte[] command) throws IOException {
      // EVAL is not measured: it compiles the script, which happens once.
      if (!metering || !(name.equals("EVALSHA") || name.equals("FCALL"))) {
        toRedis.write(command);
        toRedis.flush();
        return answers.next();
      }
      // In one packet, so that Redis runs the three in a row.
      toRedis.write(ASK_CPU);
      toRedis.write(command);
      toRedis.write(ASK_CPU);
      toRedis.flush();
      long before = cpuMicros(text(answers.next()));
      byte[] answer = answers.next();
      long after = cpuMicros(text(answers.next()));
      if (answer[0] != '-') {
        meter.took(text(words.get(1)), after - before);
      }
      return answer;
    }

    /** From now on both directions are independent of each other. */
    private void listen(byte[] first) throws IOException {
      toRedis.write(first);
      toRedis.flush();
      Thread.ofVirtual().start(() -> pump(answers, toClient));
      pump(asked, toRedis);
    }

    private void pump(Frames from, OutputStream into) {
      try {
        while (true) {
          into.write(from.next());
          into.flush();
        }
      } catch (IOException gone) {
        close();
      }
    }

    @Override
    public void close() {
      connections.remove(this);
      RedisProxy.close(client);
      RedisProxy.close(redis);
    }
  }

  private static long cpuMicros(String info) {
    return micros(info, "used_cpu_user_main_thread:") + micros(info, "used_cpu_sys_main_thread:");
  }

  private static long micros(String info, String field) {
    int at = info.indexOf(field) + field.length();
    return Math.round(Double.parseDouble(info.substring(at, info.indexOf('\r', at))) * 1e6);
  }

  /** The frames of one direction, each as the received bytes. */
  private static final class Frames {
    private static final int BUFFER = 64 * 1024;

    private final InputStream in;
    private final ByteArrayOutputStream frame = new ByteArrayOutputStream();

    Frames(InputStream in) {
      this.in = new BufferedInputStream(in, BUFFER);
    }

    boolean more() throws IOException {
      return in.available() > 0;
    }

    byte[] next() throws IOException {
      frame.reset();
      read();
      return frame.toByteArray();
    }

    private void read() throws IOException {
      String line = line();
      switch (line.charAt(0)) {
        case '$', '=', '!' -> {
          int length = Integer.parseInt(line.substring(1));
          if (length >= 0) {
            byte[] bytes = in.readNBytes(length + 2);
            if (bytes.length < length + 2) {
              throw new EOFException();
            }
            frame.write(bytes);
          }
        }
        case '*', '~', '>' -> readAll(Integer.parseInt(line.substring(1)));
        case '%' -> readAll(2 * Integer.parseInt(line.substring(1)));
        default -> {
          // a number, a word or an error: the line is all
        }
      }
    }

    private void readAll(int count) throws IOException {
      for (int i = 0; i < count; i++) {
        read();
      }
    }

    private String line() throws IOException {
      StringBuilder line = new StringBuilder();
      for (int next = in.read(); next != '\n'; next = in.read()) {
        if (next < 0) {
          throw new EOFException();
        }
        frame.write(next);
        line.append((char) next);
      }
      frame.write('\n');
      return line.substring(0, line.length() - 1); // its \r
    }

    /** The words of a command. */
    static List<byte[]> words(byte[] command) throws IOException {
      Frames in = new Frames(new ByteArrayInputStream(command));
      int count = Integer.parseInt(in.line().substring(1));
      List<byte[]> words = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        int length = Integer.parseInt(in.line().substring(1));
        words.add(in.in.readNBytes(length));
        in.in.readNBytes(2);
      }
      return words;
    }
  }

  @Override
  public void close() {
    try {
      server.close();
    } catch (IOException closing) {
      throw new UncheckedIOException(closing);
    }
    reset();
  }
}
