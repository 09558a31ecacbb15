package io.taskrunner.worker;

import io.micrometer.core.instrument.MeterRegistry;
import io.taskrunner.config.WorkerSettings;
import io.taskrunner.store.WorkStore;
import io.taskrunner.task.TaskId;
import java.time.Duration;
import java.util.HexFormat;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Performs tasks until it is stopped.
 *
 * <p>It stops in order: it claims no more and tells the others that there may be work for them;
 * what runs may finish; what still runs then is cut off and given back at no cost to the task; and
 * every verdict is delivered.
 */
public final class Worker {

  /** How long, after the grace, the last verdicts may take to reach the store. */
  static final Duration DELIVERY_MAX = Duration.ofSeconds(10);

  private static final Logger log = LoggerFactory.getLogger(Worker.class);

  private final WorkStore store;
  private final WorkerOptions options;
  private final ClaimLoop loop;
  private final LeaseKeeper keeper;
  private @Nullable AutoCloseable messages;
  private boolean started;
  private boolean stopped;

  /**
   * A worker under a name of its own.
   *
   * @param store where tasks come from
   * @param performer makes the attempts
   * @param settings what can be set
   * @param registry where its meters go
   * @param random for the name, jitter and spread
   */
  public Worker(
      WorkStore store,
      Performer performer,
      WorkerSettings settings,
      MeterRegistry registry,
      RandomGenerator random) {
    this.store = store;
    options =
        new WorkerOptions(
            HexFormat.of().toHexDigits(random.nextLong()),
            settings.concurrency(),
            settings.taskTimeout(),
            settings.maxRetry(),
            settings.lease());
    WorkerMeters meters = new WorkerMeters(registry);
    loop = new ClaimLoop(store, performer, meters, options, random);
    keeper = new LeaseKeeper(store, loop, meters, options);
  }

  /** Begins to take tasks. Once only. */
  public synchronized void start() {
    if (started) {
      throw new IllegalStateException("start: a second time (expected: once)");
    }
    started = true;
    messages = store.listen(options.workerId(), new Messages());
    loop.start();
    keeper.start();
    log.atInfo()
        .addKeyValue("worker", options.workerId())
        .addKeyValue("slots", options.concurrency())
        .log("the worker takes tasks");
  }

  /**
   * Stops, and returns when nothing runs here any more. A second call does nothing.
   *
   * @param grace how long what runs may go on
   * @throws InterruptedException while it waited; what ran has been cut off then, and what could
   *     not be given back comes back with its lease
   */
  public synchronized void stop(Duration grace) throws InterruptedException {
    if (!started || stopped) {
      return;
    }
    stopped = true;
    boolean delivered = false;
    try {
      loop.stopClaiming();
      delivered = loop.awaitQuiet(grace);
      if (!delivered) {
        int running = loop.running().size();
        if (running > 0) {
          log.atInfo()
              .addKeyValue("running", running)
              .log("the grace is over; what runs is cut off and given back");
        }
        loop.cutOff();
        delivered = loop.awaitQuiet(DELIVERY_MAX);
      }
    } finally {
      loop.cutOff();
      loop.end();
      keeper.end();
      close();
      log.atInfo()
          .addKeyValue("worker", options.workerId())
          .log(
              delivered
                  ? "the worker has stopped"
                  : "the worker has stopped; what it could not give back comes with its lease");
    }
  }

  /** Whether it goes round, or waits for the store to come back. */
  public boolean alive() {
    return loop.alive();
  }

  /** What it is doing. */
  public WorkerStatus status() {
    return loop.status();
  }

  private void close() {
    AutoCloseable open = messages;
    if (open == null) {
      return;
    }
    try {
      open.close();
    } catch (Exception cannotMatterNow) {
      log.debug("the channel of the worker did not close", cannotMatterNow);
    }
  }

  private final class Messages implements WorkStore.Listener {
    @Override
    public void wake() {
      loop.wake();
    }

    @Override
    public void cancelled(TaskId id) {
      loop.cancelled(id);
    }

    @Override
    public void reconnected() {
      loop.reconnected();
      keeper.renewAtOnce();
    }
  }
}
