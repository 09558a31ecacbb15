package io.taskrunner.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.taskrunner.http.Served.Setup;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** The effects of bare HTTP/2 frames on this server. */
class Http2RulesTest {

  private static final int DATA = 0;
  private static final int HEADERS = 1;
  private static final int RST_STREAM = 3;
  private static final int SETTINGS = 4;
  private static final int PING = 6;
  private static final int WINDOW_UPDATE = 8;
  private static final int END_STREAM_AND_HEADERS = 5;
  private static final int END_HEADERS = 4;
  private static final int CANCEL = 8;

  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
  private final FakeStores stores = new FakeStores();
  private Served served;

  /** One received frame. */
  private record Frame(int type, int flags, int stream, byte[] payload) {}

  @BeforeEach
  void start() {
    served = new Served(Setup.local(), stores);
    logged.start();
    root().addAppender(logged);
  }

  @AfterEach
  void stop() {
    root().detachAppender(logged);
    served.close();
  }

  private static Logger root() {
    return (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
  }

  private List<String> errors() {
    return List.copyOf(logged.list).stream()
        .filter(event -> event.getLevel() == Level.ERROR)
        .map(ILoggingEvent::getFormattedMessage)
        .toList();
  }

  private static byte[] frame(int type, int flags, int stream, byte[] payload) {
    return ByteBuffer.allocate(9 + payload.length)
        .putInt(payload.length << 8 | type)
        .put((byte) flags)
        .putInt(stream)
        .put(payload)
        .array();
  }

  private static byte[] number(int value) {
    return ByteBuffer.allocate(4).putInt(value).array();
  }

  /** A call's headers, each a literal without indexing. */
  private static byte[] headers(String... namesAndValues) {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      block.write(0);
      for (int j = i; j < i + 2; j++) {
        byte[] text = namesAndValues[j].getBytes(StandardCharsets.US_ASCII);
        block.write(text.length);
        block.writeBytes(text);
      }
    }
    return block.toByteArray();
  }

  private static byte[] get(String path, String... more) {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    block.writeBytes(
        headers(":method", "GET", ":scheme", "http", ":path", path, ":authority", "localhost"));
    block.writeBytes(headers(more));
    return block.toByteArray();
  }

  private Socket connect(byte[] settings) throws IOException {
    Socket socket = served.connect();
    send(
        socket,
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII),
        frame(SETTINGS, 0, 0, settings));
    return socket;
  }

  private static void send(Socket socket, byte[]... frames) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] frame : frames) {
      all.writeBytes(frame);
    }
    socket.getOutputStream().write(all.toByteArray());
    socket.getOutputStream().flush();
  }

  private static Frame read(DataInputStream in) throws IOException {
    int head = in.readInt();
    int flags = in.readUnsignedByte();
    int stream = in.readInt();
    return new Frame(head & 0xff, flags, stream, in.readNBytes(head >>> 8));
  }

  /** Reads until the answer to a ping arrives, or the connection ends; returns which. */
  private static boolean isAlive(Socket socket, DataInputStream in) {
    try {
      send(socket, frame(PING, 0, 0, new byte[8]));
      while (true) {
        Frame frame = read(in);
        if (frame.type() == PING && (frame.flags() & 1) == 1) {
          return true;
        }
      }
    } catch (EOFException | SocketException closed) {
      return false;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aCancelledCallLogsNoError() throws IOException {
    try (Socket socket = connect(new byte[0])) {
      DataInputStream in = new DataInputStream(socket.getInputStream());
      for (int i = 0; i < 100; i++) {
        int stream = 2 * i + 1;
        send(
            socket,
            frame(
                HEADERS,
                END_STREAM_AND_HEADERS,
                stream,
                get("/v1/tasks", "x-api-key", "tr_" + "A".repeat(43))),
            frame(RST_STREAM, 0, stream, number(CANCEL)));
      }
      assertTrue(isAlive(socket, in));
      assertEquals(200, served.get("/health/live").status());
    }
    assertEquals(List.of(), errors());
  }

  /** CVE-2025-55163: invalid frames of the caller make the server reset its streams. */
  @Test
  void streamResetsByTheServerAreBounded() throws IOException {
    int made = 0;
    try (Socket socket = connect(new byte[0])) {
      DataInputStream in = new DataInputStream(socket.getInputStream());
      boolean alive = true;
      while (alive && made < 3000) {
        for (int i = 0; i < 50; i++, made++) {
          int stream = 2 * made + 1;
          send(
              socket,
              frame(HEADERS, END_HEADERS, stream, get("/version")),
              frame(WINDOW_UPDATE, 0, stream, number(0)));
        }
        alive = isAlive(socket, in);
      }
    } catch (SocketException hungUp) {
      // It disconnected while more was sent.
    }
    assertTrue(made < 1000, "streams reset on one connection: " + made);
    assertEquals(List.of(), errors());
  }

  @Test
  void unreadPingResponsesAreBounded() throws IOException {
    byte[] pings = new byte[17 * 1000];
    for (int i = 0; i < 1000; i++) {
      System.arraycopy(frame(PING, 0, 0, new byte[8]), 0, pings, 17 * i, 17);
    }
    boolean hungUp = false;
    try (Socket socket = connect(new byte[0])) {
      for (int i = 0; i < 5000 && !hungUp; i++) {
        send(socket, pings);
      }
    } catch (SocketException closed) {
      hungUp = true;
    }
    assertTrue(hungUp);
    assertEquals(List.of(), errors());
  }

  @Test
  void aCallerCannotGrowOurHeaderTable() throws IOException {
    // SETTINGS_HEADER_TABLE_SIZE = 2^32 - 1; each answer then has a header that is new.
    byte[] unbounded = ByteBuffer.allocate(6).putShort((short) 1).putInt(-1).array();
    try (Socket socket = connect(unbounded)) {
      DataInputStream in = new DataInputStream(socket.getInputStream());
      long size = -1;
      for (int i = 0; i < 5; i++) {
        send(socket, frame(HEADERS, END_STREAM_AND_HEADERS, 2 * i + 1, get("/version")));
        Frame answer = read(in);
        while (answer.type() != HEADERS) {
          answer = read(in);
        }
        size = Math.max(size, tableSize(answer.payload()));
      }
      assertTrue(size <= 16_384, "the table that the server says it uses: " + size);
    }
  }

  /** The dynamic table size update that a block begins with (RFC 7541, section 6.3); else -1. */
  private static long tableSize(byte[] block) {
    if ((block[0] & 0xe0) != 0x20) {
      return -1;
    }
    long value = block[0] & 0x1f;
    for (int i = 1, shift = 0; value >= 0x1f && i < block.length; i++, shift += 7) {
      value += (long) (block[i] & 0x7f) << shift;
      if (block[i] >= 0) {
        break;
      }
    }
    return value;
  }

  @Test
  void theAuthorityOfHttp2IsCheckedLikeTheHost() throws IOException {
    try (Socket socket = connect(new byte[0])) {
      DataInputStream in = new DataInputStream(socket.getInputStream());
      byte[] wrong =
          headers(":method", "GET", ":scheme", "http", ":path", "/version", ":authority", "u@h");
      send(socket, frame(HEADERS, END_STREAM_AND_HEADERS, 1, wrong));
      Frame answer = read(in);
      while (answer.type() != DATA) {
        answer = read(in);
      }
      String body = new String(answer.payload(), StandardCharsets.UTF_8);
      assertTrue(body.contains("\"status\":400"), body);
    }
  }
}
