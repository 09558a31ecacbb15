package io.taskrunner.app;

import io.taskrunner.config.RedisSettings;
import io.taskrunner.config.Settings;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The program from its start to its end.
 *
 * <p>The thread that calls {@link #run} starts everything in order and stops it in the reverse one.
 * A signal only asks for the end: the first SIGTERM or SIGINT wakes that thread, further ones
 * change nothing, and the exit status is 0 whenever the end was asked for and came in order.
 */
final class Program {

  private static final Logger LOG = LoggerFactory.getLogger(Program.class);

  private final Settings settings;
  private final CountDownLatch endAsked = new CountDownLatch(1);
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Deque<Part> parts = new ArrayDeque<>();
  private volatile boolean starting = true;
  private volatile int status;

  /** Something that was started, and how it is stopped. */
  private record Part(String name, AutoCloseable stop) {}

  Program(Settings settings) {
    this.settings = settings;
  }

  /**
   * Runs until the end is asked for.
   *
   * @return the exit status
   * @throws CannotStart it could not start; what had been started is stopped
   */
  int run() throws CannotStart {
    Logs.setUp(settings.log());
    Thread runner = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> end(runner), "end"));
    try {
      start();
      starting = false;
      endAsked.await();
      LOG.info("Stopping");
      return 0;
    } catch (InterruptedException endedWhileStarting) {
      LOG.info("Told to stop while starting");
      return 0;
    } catch (CannotStart | RuntimeException e) {
      status = 1;
      throw e;
    } finally {
      // A signal's interrupt that came late must not cut the stopping short.
      starting = false;
      var unused = Thread.interrupted();
      stop();
      ended.countDown();
    }
  }

  /** Runs while the JVM goes down: waits for an orderly end, then leaves with its status. */
  private void end(Thread runner) {
    endAsked.countDown();
    if (starting) {
      runner.interrupt();
    }
    try {
      ended.await();
    } catch (InterruptedException impossible) {
      Thread.currentThread().interrupt();
    }
    // After a signal the JVM would leave with 128 and its number; the end was orderly, which is 0.
    Runtime.getRuntime().halt(status);
  }

  private void start() throws CannotStart, InterruptedException {
    RedisSettings redis = settings.redis();
    if (settings.server().dev() && !settings.redisNamed()) {
      EmbeddedRedis embedded = EmbeddedRedis.start(settings.dataDir());
      parts.push(new Part("embedded Redis", embedded));
      redis = redis.at(embedded.running().address(), embedded.running().password());
    }
  }

  private void stop() {
    while (!parts.isEmpty()) {
      Part part = parts.pop();
      try {
        part.stop().close();
      } catch (Exception e) {
        LOG.error("The {} did not stop in order", part.name(), e);
        status = 1;
      }
    }
  }
}
