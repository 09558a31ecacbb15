package io.taskrunner.app;

import io.taskrunner.config.CannotStart;
import io.taskrunner.config.ServerSettings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.stream.IntStream;

/** Whether the port of a program is free. */
final class Listening {

  /** How many ports are tried to name a free one. */
  private static final int TRIES = 100;

  private static final int PORT_MAX = 65_535;

  private Listening() {}

  /**
   * Tries to listen, before anything else is started.
   *
   * @throws CannotStart the port is not available
   */
  static void tried(ServerSettings server) throws CannotStart {
    try {
      listen(server.bind(), server.port());
    } catch (IOException taken) {
      throw cannot(server, taken);
    }
  }

  /** The error, with a free port to use instead. */
  static CannotStart cannot(ServerSettings server, Throwable reason) {
    String where = "port " + server.port() + " at " + server.bind().getHostAddress();
    String why = String.valueOf(reason.getMessage());
    if (!why.contains("in use")) {
      return new CannotStart("PORT: cannot listen on " + where + ": " + why, reason);
    }
    String instead =
        IntStream.rangeClosed(server.port() + 1, Math.min(server.port() + TRIES, PORT_MAX))
            .filter(port -> isFree(server.bind(), port))
            .mapToObj(port -> "Set PORT=" + port)
            .findFirst()
            .orElse("Set PORT");
    return new CannotStart(
        "PORT: " + where + " is in use by another program. " + instead + " to use another one.",
        reason);
  }

  private static boolean isFree(InetAddress at, int port) {
    try {
      listen(at, port);
      return true;
    } catch (IOException taken) {
      return false;
    }
  }

  private static void listen(InetAddress at, int port) throws IOException {
    new ServerSocket(port, 1, at).close();
  }
}
