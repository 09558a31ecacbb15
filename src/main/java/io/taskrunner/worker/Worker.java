package io.taskrunner.worker;

import io.micrometer.core.instrument.MeterRegistry;
import io.taskrunner.config.WorkerSettings;
import io.taskrunner.dispatch.Performer;
import io.taskrunner.store.WorkStore;
import io.taskrunner.store.WorkStore.BreakerChange;
import io.taskrunner.task.TaskId;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Performs tasks until it is stopped.
 *
 * <p>Graceful shutdown: it claims no more and notifies the other workers that there may be work for
 * them; running attempts may finish; after the grace period the rest are aborted and put back
 * without consuming an attempt; and every verdict is delivered.
 */
public final class Worker {

  /** How long, after the grace, the last verdicts may take to reach the store. */
  static final Duration DELIVERY_MAX = Duration.ofSeconds(10);

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final WorkerOptions options;
  private final List<Part> parts;
  private final BreakerWatch breakers;
  private final Consumer<String> resetFailures;
  private boolean started;
  private boolean stopped;

  /** The threads of one shard. */
  private static final class Part {
    final ClaimLoop loop;
    final LeaseKeeper keeper;
    @Nullable AutoCloseable messages;

    Part(ClaimLoop loop, LeaseKeeper keeper) {
      this.loop = loop;
      this.keeper = keeper;
    }
  }

  /**
   * A worker with a new id.
   *
   * @param stores where tasks come from, one for each shard
   * @param performer performs the attempts
   * @param resetFailures called with a host and port whose breaker opened or closed: its failures
   *     are counted from zero
   * @param settings its settings
   * @param registry the registry of its meters
   * @param random for the name, jitter and spread
   */
  public Worker(
      List<WorkStore> stores,
      Performer performer,
      Consumer<String> resetFailures,
      WorkerSettings settings,
      MeterRegistry registry,
      RandomGenerator random) {
    options =
        new WorkerOptions(
            HexFormat.of().toHexDigits(random.nextLong()),
            settings.concurrency(),
            settings.taskTimeout(),
            settings.maxRetry(),
            settings.lease());
    WorkerMeters meters = new WorkerMeters(registry);
    Slots slots = new Slots(options.concurrency(), stores.size() > 1, random);
    parts =
        stores.stream()
            .map(store -> {
              ClaimLoop loop = new ClaimLoop(store, slots, performer, meters, options, random);
              return new Part(loop, new LeaseKeeper(store, loop.runs(), meters, options));
            })
            .toList();
    breakers = new BreakerWatch(stores, meters);
    this.resetFailures = resetFailures;
  }

  /** Starts claiming tasks. To be called once. */
  public synchronized void start() {
    if (started) {
      throw new IllegalStateException("start: a second time (expected: once)");
    }
    started = true;
    for (Part part : parts) {
      part.messages =
          part.loop.store().listen(options.workerId(), new Messages(part, resetFailures));
      part.loop.start();
      part.keeper.start();
    }
    breakers.start();
    LOG.atInfo()
        .addKeyValue("worker", options.workerId())
        .addKeyValue("slots", options.concurrency())
        .log("the worker started");
  }

  /**
   * Stops, and returns when nothing runs here. A second call does nothing.
   *
   * @param grace how long running attempts may continue
   * @throws InterruptedException while it waited; running attempts have then been aborted, and
   *     tasks that could not be put back are recovered when their lease expires
   */
  public synchronized void stop(Duration grace) throws InterruptedException {
    if (!started || stopped) {
      return;
    }
    stopped = true;
    boolean delivered = false;
    try {
      parts.forEach(part -> part.loop.stopClaiming());
      delivered = awaitQuiet(grace);
      if (!delivered) {
        int running = parts.stream().mapToInt(part -> part.loop.runs().running().size()).sum();
        if (running > 0) {
          LOG.atInfo()
              .addKeyValue("running", running)
              .log(
                  "the grace period is over; running attempts are aborted and their tasks put back");
        }
        parts.forEach(part -> part.loop.runs().cutOff());
        delivered = awaitQuiet(DELIVERY_MAX);
      }
    } finally {
      end();
      LOG.atInfo()
          .addKeyValue("worker", options.workerId())
          .log(
              delivered
                  ? "the worker stopped"
                  : "the worker stopped; tasks that it could not put back run elsewhere when their leases end");
    }
  }

  /** Aborts the attempts that {@link #stop} waits for: their tasks are put back at no cost. */
  public void hurry() {
    parts.forEach(part -> part.loop.runs().cutOff());
  }

  private boolean awaitQuiet(Duration atMost) throws InterruptedException {
    long deadline = System.nanoTime() + atMost.toNanos();
    boolean quiet = true;
    for (Part part : parts) {
      quiet &= part.loop.awaitQuiet(Duration.ofNanos(deadline - System.nanoTime()));
    }
    return quiet;
  }

  private void end() throws InterruptedException {
    for (Part part : parts) {
      part.loop.runs().cutOff();
      part.loop.end();
      part.keeper.end();
      close(part.messages);
    }
    breakers.end();
  }

  /** Whether it is running, or waiting for the store to be available again. */
  public boolean alive() {
    return parts.stream().allMatch(part -> part.loop.alive());
  }

  /** Its status. */
  public WorkerStatus status() {
    return parts.stream().map(part -> part.loop.status()).reduce(WorkerStatus::and).orElseThrow();
  }

  private static void close(@Nullable AutoCloseable open) {
    if (open == null) {
      return;
    }
    try {
      open.close();
    } catch (Exception cannotMatterNow) {
      LOG.debug("a channel of the worker could not be closed", cannotMatterNow);
    }
  }

  private static void tell(BreakerChange changed) {
    LoggingEventBuilder line =
        changed.change() == BreakerChange.Change.OPENED ? LOG.atWarn() : LOG.atInfo();
    String state =
        switch (changed.change()) {
          case OPENED, REOPENED, IS_OPEN -> "open";
          case HALF_OPEN -> "half_open";
          case CLOSED -> "closed";
        };
    if (state.equals("open")) {
      line = line.addKeyValue("next_probe_in_ms", changed.probeIn().toMillis());
    }
    line.addKeyValue("host", changed.host())
        .addKeyValue("state", state)
        .log("circuit breaker changed");
  }

  private record Messages(Part part, Consumer<String> resetFailures) implements WorkStore.Listener {
    @Override
    public void breaker(BreakerChange changed) {
      if (changed.change() != BreakerChange.Change.IS_OPEN) {
        tell(changed);
      }
      if (changed.change() != BreakerChange.Change.HALF_OPEN) {
        resetFailures.accept(changed.host());
      }
    }

    @Override
    public void wake() {
      part.loop.signals().wake();
    }

    @Override
    public void tend() {
      part.loop.signals().tend();
    }

    @Override
    public void express() {
      part.loop.signals().express();
    }

    @Override
    public void cancelled(TaskId id) {
      part.loop.runs().cancelled(id);
    }

    @Override
    public void reconnected() {
      part.loop.signals().reconnected();
      part.keeper.renewAtOnce();
    }
  }
}
