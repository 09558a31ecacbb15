package driver;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Optional;

/**
 * The head of an HTTP/1.1 message and how to read one: as much of the protocol as the driver's
 * sender and recorder need, so that the driver costs little beside what it measures.
 *
 * @param start the request line or status line
 * @param length the bytes of body that follow the head
 */
record Http(String start, int length) {

  /**
   * Reads a head and leaves the stream at the body; empty when the peer closed between messages.
   */
  static Optional<Http> readHead(InputStream in) throws IOException {
    String start = readLine(in);
    if (start == null) {
      return Optional.empty();
    }
    int length = 0;
    while (true) {
      String line = readLine(in);
      if (line == null) {
        throw new EOFException("the peer closed within the head of: " + start);
      }
      if (line.isEmpty()) {
        return Optional.of(new Http(start, length));
      }
      int colon = line.indexOf(':');
      String name = line.substring(0, colon).toLowerCase(Locale.ROOT);
      if (name.equals("content-length")) {
        length = Integer.parseInt(line.substring(colon + 1).strip());
      } else if (name.equals("transfer-encoding")) {
        throw new IOException("the driver reads only bodies with a Content-Length: " + start);
      }
    }
  }

  /** The status of an answer. */
  int status() {
    return Integer.parseInt(start.substring(9, 12));
  }

  private static String readLine(InputStream in) throws IOException {
    var line = new StringBuilder(64);
    while (true) {
      int read = in.read();
      if (read < 0) {
        return null;
      }
      if (read == '\n') {
        return line.toString();
      }
      if (read != '\r') {
        line.append((char) read);
      }
    }
  }
}
