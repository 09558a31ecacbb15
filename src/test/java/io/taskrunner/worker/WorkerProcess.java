package io.taskrunner.worker;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.taskrunner.config.DispatchSettings;
import io.taskrunner.config.WorkerSettings;
import io.taskrunner.dispatch.DispatchOptions;
import io.taskrunner.dispatch.Dispatcher;
import io.taskrunner.dispatch.Signed;
import io.taskrunner.dispatch.Signer;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.testkit.RedisServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * A worker with connections of its own, in this process or, by {@link #main}, in one of its own: it
 * then prints {@code ready}, works until its standard input ends, and prints how many tasks it
 * claimed.
 */
final class WorkerProcess implements AutoCloseable {

  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory());
  private final RedisStore store;
  private final Dispatcher dispatcher;
  private final Worker worker;

  WorkerProcess(StoreOptions redis, int slots, Duration lease) {
    store = RedisStore.open(redis);
    DispatchSettings dispatch =
        new DispatchSettings(
            true, List.of(), List.of(), List.of(), Duration.ofSeconds(5), redis.breaker(), 1024);
    DispatchOptions options = new DispatchOptions("test", dispatch, false);
    dispatcher = new Dispatcher(options, loops, InstantSource.system());
    WorkerSettings settings =
        new WorkerSettings(
            slots, Duration.ofMinutes(5), 5, lease, Duration.ofSeconds(30), Duration.ZERO);
    worker =
        new Worker(
            store.works(),
            new Signed(dispatcher, new Signer(store.signing(), InstantSource.system())),
            dispatcher::resetFailures,
            settings,
            new SimpleMeterRegistry(),
            new Random());
  }

  Worker worker() {
    return worker;
  }

  @Override
  public void close() throws InterruptedException {
    worker.stop(Duration.ZERO);
    dispatcher.close();
    store.close();
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  /** Arguments: the port of Redis, slots, lease in ms, shards. */
  public static void main(String[] args) throws Exception {
    StoreOptions redis =
        Rig.options(
            RedisServer.settings(Integer.parseInt(args[0]), Integer.parseInt(args[3])), Rig.OFF);
    Duration lease = Duration.ofMillis(Long.parseLong(args[2]));
    try (WorkerProcess self = new WorkerProcess(redis, Integer.parseInt(args[1]), lease)) {
      self.worker().start();
      System.out.println("ready");
      while (System.in.read() >= 0) {
        // until the test closes it
      }
      self.worker().stop(Duration.ofSeconds(10));
      System.out.println("claimed " + self.worker().status().claimed());
    }
    System.exit(0);
  }

  /** One of these in a process of its own. */
  static final class Child implements AutoCloseable {
    private final Process process;
    private final BufferedReader out;

    Child(int redisPort, int slots, Duration lease, int shards) throws IOException {
      String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
      process =
          new ProcessBuilder(
                  java,
                  "-Xmx256m",
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  WorkerProcess.class.getName(),
                  Integer.toString(redisPort),
                  Integer.toString(slots),
                  Long.toString(lease.toMillis()),
                  Integer.toString(shards))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      say("ready");
    }

    private String say(String expected) throws IOException {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        if (line.startsWith(expected)) {
          return line;
        }
      }
      throw new IllegalStateException("the process ended before it said " + expected);
    }

    /** Kills it abruptly, by SIGKILL. */
    void kill() throws InterruptedException {
      process.destroyForcibly().waitFor();
    }

    /** Stops it gracefully, and returns how many tasks it claimed. */
    long stop() throws IOException {
      process.getOutputStream().close();
      return Long.parseLong(say("claimed ").substring("claimed ".length()));
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }
}
