package io.taskrunner.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/** Gives out ports of 127.0.0.1 for a process to listen on, now and again later. */
public final class Ports {

  private static final Set<Integer> GIVEN = ConcurrentHashMap.newKeySet();

  private Ports() {}

  /**
   * A port that nothing listens on, given out once. It is below those of outgoing connections, one
   * of which could take it before it is used, or while a killed server is down.
   */
  public static int free() {
    while (true) {
      int port = ThreadLocalRandom.current().nextInt(20_000, 32_000);
      if (!GIVEN.add(port)) {
        continue;
      }
      try (ServerSocket probe = new ServerSocket(port, 1, InetAddress.ofLiteral("127.0.0.1"))) {
        return probe.getLocalPort();
      } catch (BindException taken) {
        continue;
      } catch (IOException noSocket) {
        throw new UncheckedIOException(noSocket);
      }
    }
  }
}
