package io.taskrunner.embedded;

import io.taskrunner.config.CannotStart;
import io.taskrunner.config.HostPort;
import io.taskrunner.config.Secret;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The embedded Redis of {@code dev}, in a process and a session of its own.
 *
 * <p>All its files are in one directory, readable only by its owner:
 *
 * <pre>
 * lock                   held while a Task Runner uses the directory; its process id
 * redis.password         32 random bytes, created once
 * redis.conf             written before each start: the port is known even after a crash
 * redis.pid              process id and port, for people and scripts
 * redis-server-7.0.15    the program; a process that runs this file is the embedded one
 * appendonlydir/         the data of Redis
 * redis.log              the log of Redis
 * </pre>
 *
 * <p>Redis runs as a daemon, so Ctrl-C in the terminal reaches only this program, and Redis
 * outlives a Task Runner that is killed. The next start on the directory finds it and takes it
 * over. The lock prevents two programs on one directory; the kernel releases it when its process
 * ends.
 */
public final class EmbeddedRedis implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedRedis.class);

  private static final int START_TRIES = 5;
  private static final Duration START_MAX = Duration.ofSeconds(10);
  private static final Duration STOP_MAX = Duration.ofSeconds(10);
  private static final Duration LOOK_AGAIN = Duration.ofMillis(10);

  private final Path dir;
  private final FileChannel lock;
  private final Running running;

  /**
   * An embedded Redis that answers.
   *
   * @param pid its process
   * @param port on 127.0.0.1
   * @param password that it asks for
   */
  public record Running(long pid, int port, Secret password) {
    /** Where it listens. */
    public HostPort address() {
      return new HostPort("127.0.0.1", port);
    }
  }

  private EmbeddedRedis(Path dir, FileChannel lock, Running running) {
    this.dir = dir;
    this.lock = lock;
    this.running = running;
  }

  /**
   * Starts a Redis on this directory, or takes over one that is still running there.
   *
   * @param directory is created when it does not exist
   * @return once Redis answers and has loaded its data
   * @throws CannotStart another program uses the directory, or the machine does not permit it
   */
  public static EmbeddedRedis start(Path directory) throws CannotStart, InterruptedException {
    @Nullable FileChannel lock = null;
    try {
      Path dir = DataDir.prepared(directory);
      lock = DataDir.locked(dir);
      Secret password = DataDir.password(dir);
      Optional<Running> left = takeOver(dir, password);
      Running running = left.isPresent() ? left.get() : launch(dir, password);
      Files.writeString(dir.resolve("redis.pid"), running.pid() + " " + running.port() + "\n");
      return new EmbeddedRedis(dir, lock, running);
    } catch (IOException e) {
      DataDir.release(lock);
      throw new CannotStart(
          "DATA_DIR: \"" + directory + "\" cannot be used for a Redis: " + DataDir.reason(e), e);
    } catch (CannotStart | InterruptedException | RuntimeException e) {
      DataDir.release(lock);
      throw e;
    }
  }

  /** Whether this directory is one where an embedded Redis keeps its files. */
  public static boolean isKeptIn(Path directory) {
    return DataDir.isKeptIn(directory);
  }

  /** The Redis that runs on this directory now, whichever process started it. */
  public static Optional<Running> running(Path directory) {
    try {
      Path dir = directory.toRealPath();
      return DataDir.isKeptIn(dir) ? answering(dir, DataDir.password(dir)) : Optional.empty();
    } catch (IOException notThere) {
      return Optional.empty();
    }
  }

  /** Where it is, and its password. */
  public Running running() {
    return running;
  }

  /**
   * Stops Redis once it has written everything, and releases the directory. Waits at most 10 s
   * before it is ended by force, which loses nothing either: every answered write is in the
   * append-only file.
   */
  @Override
  public void close() {
    try {
      stop(dir, running);
      Files.deleteIfExists(dir.resolve("redis.pid"));
    } catch (IOException e) {
      LOG.warn("the embedded Redis may still be running", e);
    } finally {
      DataDir.release(lock);
    }
  }

  /** A Redis that a killed program left running; one that does not answer is stopped. */
  private static Optional<Running> takeOver(Path dir, Secret password)
      throws CannotStart, InterruptedException {
    long began = System.nanoTime();
    while (true) {
      Optional<Running> found = answering(dir, password);
      if (found.isPresent()) {
        awaitLoaded(found.get());
        LOG.info(
            "reusing the embedded Redis of process {}, which is still running", found.get().pid());
        return found;
      }
      List<ProcessHandle> processes = processes(dir);
      if (processes.isEmpty()) {
        return Optional.empty();
      }
      if (hasPassed(START_MAX, began)) {
        for (ProcessHandle process : processes) {
          LOG.warn("stopping process {}, an embedded Redis that does not answer", process.pid());
          process.destroy();
          if (!hasEnded(process)) {
            process.destroyForcibly();
          }
        }
        return Optional.empty();
      }
      pause();
    }
  }

  /**
   * The Redis of the configuration in this directory, if it answers and really is the one of this
   * directory.
   */
  private static Optional<Running> answering(Path dir, Secret password) {
    try {
      int port = portOf(dir.resolve("redis.conf"));
      try (RedisPort redis = RedisPort.open(port, password)) {
        boolean ours = redis.call("CONFIG", "GET", "dir").equals(List.of("dir", dir.toString()));
        long pid = Long.parseLong(redis.info("server", "process_id").orElse("0"));
        return ours && pid > 0 ? Optional.of(new Running(pid, port, password)) : Optional.empty();
      }
    } catch (IOException | NumberFormatException notRunning) {
      return Optional.empty();
    }
  }

  private static int portOf(Path configuration) throws IOException {
    return Files.readAllLines(configuration).stream()
        .filter(line -> line.startsWith("port "))
        .map(line -> Integer.parseInt(line.substring(5)))
        .findFirst()
        .orElseThrow(() -> new IOException("no port in " + configuration));
  }

  /** Processes that run the program of this directory: ours, even if files are missing. */
  private static List<ProcessHandle> processes(Path dir) {
    String program = dir.resolve(RedisProgram.NAME).toString();
    return ProcessHandle.allProcesses()
        .filter(process -> process.info().command().orElse("").startsWith(program))
        .toList();
  }

  private static Running launch(Path dir, Secret password)
      throws IOException, CannotStart, InterruptedException {
    Path program = RedisProgram.unpacked(dir);
    for (int tries = 1; ; tries++) {
      int port = RedisProgram.freePort();
      DataDir.write(dir.resolve("redis.conf"), RedisProgram.configuration(dir, port, password));
      ProcessBuilder builder =
          new ProcessBuilder(program.toString(), dir.resolve("redis.conf").toString())
              .directory(dir.toFile())
              .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(dir.resolve("redis.log").toFile()));
      builder.environment().clear(); // secrets of this process must not reach Redis
      int status = builder.start().waitFor(); // until it has become a daemon
      Optional<Running> running = status == 0 ? awaitAnswer(dir, password) : Optional.empty();
      if (running.isPresent()) {
        awaitLoaded(running.get());
        return running.get();
      }
      if (tries == START_TRIES) {
        throw new CannotStart(
            "The embedded Redis does not start; its own words are in " + dir.resolve("redis.log"));
      }
    }
  }

  /** Waits for a Redis just launched to answer; empty when it has ended. */
  private static Optional<Running> awaitAnswer(Path dir, Secret password)
      throws InterruptedException {
    long began = System.nanoTime();
    while (true) {
      Optional<Running> running = answering(dir, password);
      if (running.isPresent() || processes(dir).isEmpty() || hasPassed(START_MAX, began)) {
        return running;
      }
      pause();
    }
  }

  /** Waits for Redis to load its data, without a time limit. */
  private static void awaitLoaded(Running running) throws CannotStart, InterruptedException {
    while (true) {
      try (RedisPort redis = RedisPort.open(running.port(), running.password())) {
        if (redis.info("persistence", "loading").orElse("").equals("0")) {
          return;
        }
      } catch (IOException e) {
        if (!ProcessHandle.of(running.pid()).map(EmbeddedRedis::isAlive).orElse(false)) {
          throw new CannotStart("The embedded Redis ended while it was loading its file", e);
        }
      }
      pause();
    }
  }

  /** Whether it still runs; a zombie has no command. */
  private static boolean isAlive(ProcessHandle process) {
    return process.isAlive() && process.info().command().isPresent();
  }

  private static void stop(Path dir, Running running) {
    Optional<ProcessHandle> process = ProcessHandle.of(running.pid());
    try (RedisPort redis = RedisPort.open(running.port(), running.password())) {
      redis.call("SHUTDOWN");
    } catch (RedisPort.Refused e) {
      LOG.warn(
          "the embedded Redis did not accept SHUTDOWN, and is sent a signal: {}", e.getMessage());
      process.ifPresent(ProcessHandle::destroy);
    } catch (IOException gone) {
      LOG.debug("the embedded Redis closed the connection, as expected when it stops");
    }
    try {
      if (process.isPresent() && !hasEnded(process.get())) {
        LOG.warn("the embedded Redis did not stop within {} s and is killed", STOP_MAX.toSeconds());
        processes(dir).forEach(ProcessHandle::destroyForcibly);
      }
    } catch (InterruptedException hurry) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether a process that was asked to end did so in time. */
  private static boolean hasEnded(ProcessHandle process) throws InterruptedException {
    long began = System.nanoTime();
    while (isAlive(process)) {
      if (hasPassed(STOP_MAX, began)) {
        return false;
      }
      pause();
    }
    return true;
  }

  private static boolean hasPassed(Duration time, long began) {
    return System.nanoTime() - began > time.toNanos();
  }

  /** Another process gives no signal when it is ready; polling is the only way. */
  private static void pause() throws InterruptedException {
    LockSupport.parkNanos(LOOK_AGAIN.toNanos());
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
  }
}
