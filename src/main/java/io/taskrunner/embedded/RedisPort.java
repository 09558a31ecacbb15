package io.taskrunner.embedded;

import io.taskrunner.config.Secret;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Implements just enough of Redis' protocol to look after the embedded Redis, before and after
 * anything else runs.
 */
final class RedisPort implements AutoCloseable {

  private static final int PATIENCE_MS = 2000;
  private static final int REPLY_MAX = 1 << 20;

  private final Socket socket;
  private final InputStream in;

  private RedisPort(Socket socket) throws IOException {
    this.socket = socket;
    this.in = new BufferedInputStream(socket.getInputStream());
  }

  /** An error that Redis answered, beginning with its word such as {@code LOADING}. */
  static final class Refused extends IOException {
    private static final long serialVersionUID = 1;

    Refused(String message) {
      super(message);
    }
  }

  /**
   * Connects to a port of 127.0.0.1 and authenticates with the password.
   *
   * @throws Refused the listener rejects the password
   * @throws IOException nothing listens there, or it is no Redis
   */
  static RedisPort open(int port, Secret password) throws IOException {
    Socket socket = new Socket();
    try {
      socket.setSoTimeout(PATIENCE_MS);
      socket.connect(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port), PATIENCE_MS);
      RedisPort redis = new RedisPort(socket);
      redis.call("AUTH", password.value());
      return redis;
    } catch (IOException | RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  /**
   * Sends a command.
   *
   * @return the words of its answer
   * @throws Refused Redis answered with an error
   * @throws IOException there was no answer
   */
  List<String> call(String... words) throws IOException {
    ByteArrayOutputStream command = new ByteArrayOutputStream();
    write(command, "*" + words.length);
    for (String word : words) {
      byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
      write(command, "$" + bytes.length);
      command.writeBytes(bytes);
      write(command, "");
    }
    socket.getOutputStream().write(command.toByteArray());
    return reply();
  }

  /** One field of {@code INFO}'s section. */
  Optional<String> info(String section, String field) throws IOException {
    return Stream.of(call("INFO", section).getFirst().split("\r\n", -1))
        .filter(line -> line.startsWith(field + ":"))
        .map(line -> line.substring(field.length() + 1))
        .findFirst();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  private List<String> reply() throws IOException {
    String line = line();
    String rest = line.substring(1);
    return switch (line.charAt(0)) {
      case '+', ':' -> List.of(rest);
      case '-' -> throw new Refused(rest);
      case '$' -> {
        int length = Integer.parseInt(rest);
        if (length < 0) {
          yield List.of();
        }
        if (length > REPLY_MAX) {
          throw new IOException("an answer of " + length + " bytes");
        }
        String text = new String(in.readNBytes(length), StandardCharsets.UTF_8);
        line();
        yield List.of(text);
      }
      case '*' -> {
        List<String> all = new ArrayList<>();
        for (int left = Integer.parseInt(rest); left > 0; left--) {
          all.addAll(reply());
        }
        yield all;
      }
      default -> throw new IOException("not Redis");
    };
  }

  private String line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0 || line.size() > REPLY_MAX) {
        throw new EOFException("the connection ended");
      }
      if (c != '\r') {
        line.write(c);
      }
    }
    if (line.size() == 0) {
      return " ";
    }
    return line.toString(StandardCharsets.UTF_8);
  }

  private static void write(ByteArrayOutputStream command, String line) {
    command.writeBytes((line + "\r\n").getBytes(StandardCharsets.US_ASCII));
  }
}
