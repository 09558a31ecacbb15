package io.taskrunner.http;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A proxy that unescapes slashes in paths, as some do, and keeps the header Host. */
final class UnescapingProxy implements AutoCloseable {

  private static final Pattern LENGTH = Pattern.compile("(?i)\r\ncontent-length: *(\\d+)");

  private final ServerSocket socket;
  private final int to;

  /** Before a server of this machine. */
  UnescapingProxy(int to) throws IOException {
    this.to = to;
    socket = new ServerSocket(0, 50, InetAddress.ofLiteral("127.0.0.1"));
    Thread.ofVirtual().name("proxy").start(this::accept);
  }

  int port() {
    return socket.getLocalPort();
  }

  private void accept() {
    try {
      while (true) {
        Socket caller = socket.accept();
        Thread.ofVirtual().start(() -> pass(caller));
      }
    } catch (IOException closed) {
      // It has ended.
    }
  }

  /** One call on each connection. */
  private void pass(Socket caller) {
    try (caller;
        Socket server = new Socket("127.0.0.1", to)) {
      InputStream in = caller.getInputStream();
      StringBuilder head = new StringBuilder();
      while (head.indexOf("\r\n\r\n") < 0) {
        int next = in.read();
        if (next < 0) {
          return;
        }
        head.append((char) next);
      }
      Matcher length = LENGTH.matcher(head);
      byte[] body = in.readNBytes(length.find() ? Integer.parseInt(length.group(1)) : 0);
      int end = head.indexOf("\r\n");
      String line = head.substring(0, end).replaceAll("(?i)%2f", "/");
      String rest = head.substring(end).replaceAll("(?i)\r\nconnection: [^\r]*", "");
      String sent = line + "\r\nConnection: close" + rest;
      server.getOutputStream().write(sent.getBytes(StandardCharsets.ISO_8859_1));
      server.getOutputStream().write(body);
      server.getInputStream().transferTo(caller.getOutputStream());
    } catch (IOException broken) {
      // The caller sees it.
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
