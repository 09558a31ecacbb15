package driver;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * Redis' own figures, over one plain connection: each {@link #info} is one read and one command
 * more in them.
 */
final class Redis {
  private final Socket socket;
  private final InputStream in;

  Redis(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    in = new BufferedInputStream(socket.getInputStream());
  }

  int port() {
    return socket.getPort();
  }

  /** A command that is answered by OK. */
  void send(String command) throws IOException {
    socket.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.US_ASCII));
    var line = new StringBuilder();
    for (int read; (read = in.read()) != '\n'; ) {
      if (read < 0) {
        throw new IOException("Redis closed the connection");
      }
      line.append((char) read);
    }
    if (!line.toString().equals("+OK\r")) {
      throw new IOException(command + ": " + line);
    }
  }

  /** All fields of {@code INFO all}. */
  Map<String, String> info() throws IOException {
    socket.getOutputStream().write("INFO all\r\n".getBytes(StandardCharsets.US_ASCII));
    var length = new StringBuilder();
    for (int read; (read = in.read()) != '\n'; ) {
      if (read < 0) {
        throw new IOException("Redis closed the connection");
      }
      length.append((char) read);
    }
    if (length.charAt(0) != '$') {
      throw new IOException("INFO: " + length);
    }
    String text =
        new String(
            in.readNBytes(Integer.parseInt(length.substring(1).strip()) + 2),
            StandardCharsets.UTF_8);
    var fields = new HashMap<String, String>();
    for (String line : text.split("\r\n")) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        fields.put(line.substring(0, colon), line.substring(colon + 1));
      }
    }
    return fields;
  }

  /**
   * How often Redis read from a client's socket: a command or a whole pipeline of them, so one per
   * round trip.
   */
  static long reads(Map<String, String> info) {
    return Long.parseLong(info.get("total_reads_processed"));
  }

  /** How many scripts were called. */
  static long scripts(Map<String, String> info) {
    long calls = 0;
    for (String command : new String[] {"eval", "evalsha", "fcall"}) {
      String stat = info.get("cmdstat_" + command);
      if (stat != null) {
        calls += Long.parseLong(stat.substring(stat.indexOf('=') + 1, stat.indexOf(',')));
      }
    }
    return calls;
  }

  /**
   * Bytes that hold data: without the buffers of clients, of the append-only file and of replicas.
   */
  static long dataBytes(Map<String, String> info) {
    return Long.parseLong(info.get("used_memory"))
        - Long.parseLong(info.get("mem_clients_normal"))
        - Long.parseLong(info.get("mem_aof_buffer"))
        - Long.parseLong(info.getOrDefault("mem_total_replication_buffers", "0"));
  }
}
