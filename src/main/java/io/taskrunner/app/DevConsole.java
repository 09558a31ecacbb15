package io.taskrunner.app;

import io.taskrunner.config.ServerSettings;
import java.io.PrintStream;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What {@code dev} prints for the person who started it, and its second Ctrl-C. */
final class DevConsole {

  private static final Logger LOG = LoggerFactory.getLogger(DevConsole.class);

  /** The exit status of a process that SIGINT ended. */
  private static final int INTERRUPTED = 130;

  private final PrintStream out;
  private final AttemptLines attempts;

  DevConsole(PrintStream out) {
    this.out = out;
    this.attempts = new AttemptLines(out, InstantSource.system());
  }

  /** The lines on attempts. */
  AttemptLines attempts() {
    return attempts;
  }

  /** Prints what to try next. */
  void ready(ServerSettings server) {
    String url = server.url();
    out.println("API documentation: " + url + "/docs");
    out.println(
        "Try in another terminal: ./task-runner enqueue " + url + "/version -X GET" + at(url));
    out.println("Press Ctrl-C to stop.");
    out.flush();
  }

  /** The option that names another server than the default one. */
  private static String at(String url) {
    return url.equals("http://127.0.0.1:8080") ? "" : " --url " + url;
  }

  /** Prints what the shutdown waits for. */
  void stopping(int running, Duration grace) {
    if (running > 0) {
      out.println(
          (running == 1 ? "1 task is running" : running + " tasks are running")
              + "; waiting up to "
              + grace.toSeconds()
              + " s. Press Ctrl-C again to abort; aborted tasks run again at the next start.");
      out.flush();
    }
  }

  /**
   * From now on the first SIGINT begins the shutdown, the second one hurries it, and the third one
   * ends the process.
   *
   * <p>The JVM ignores signals during its shutdown; only {@code sun.misc.Signal} can handle them.
   * It is called by reflection because the compiler warns of it in a way that cannot be suppressed.
   */
  static void onInterrupts(Runnable hurry) {
    AtomicInteger count = new AtomicInteger();
    InvocationHandler handler =
        (proxy, method, arguments) -> {
          if (method.getName().equals("handle")) {
            interrupted(count.incrementAndGet(), hurry);
            return null;
          }
          return switch (method.getName()) {
            case "equals" -> proxy == arguments[0];
            case "hashCode" -> System.identityHashCode(proxy);
            default -> "the handler of SIGINT";
          };
        };
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handles = Class.forName("sun.misc.SignalHandler");
      signal
          .getMethod("handle", signal, handles)
          .invoke(
              null,
              signal.getConstructor(String.class).newInstance("INT"),
              Proxy.newProxyInstance(
                  DevConsole.class.getClassLoader(), new Class<?>[] {handles}, handler));
    } catch (ReflectiveOperationException | IllegalArgumentException notHere) {
      LOG.debug("A second SIGINT cannot be handled", notHere);
    }
  }

  private static void interrupted(int count, Runnable hurry) {
    switch (count) {
      // The exit waits for the shutdown, so it needs a thread of its own.
      case 1 -> Thread.ofPlatform().start(() -> System.exit(INTERRUPTED));
      case 2 -> hurry.run();
      default -> Runtime.getRuntime().halt(INTERRUPTED);
    }
  }
}
