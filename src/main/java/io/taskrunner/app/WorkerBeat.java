package io.taskrunner.app;

import io.taskrunner.store.StoreUnavailable;
import io.taskrunner.store.WorkersStore;
import io.taskrunner.store.WorkersStore.Facts;
import io.taskrunner.worker.Worker;
import io.taskrunner.worker.WorkerStatus;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Instant;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Enters a worker in the list of workers, every few seconds until it stops. */
final class WorkerBeat implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(WorkerBeat.class);
  private static final long EVERY_SECONDS = 5;

  private final WorkersStore workers;
  private final Worker worker;
  private final String version;
  private final String host = host();
  private final Instant started;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("worker-beat").factory());

  private WorkerBeat(WorkersStore workers, Worker worker, String version, Instant started) {
    this.workers = workers;
    this.worker = worker;
    this.version = version;
    this.started = started;
  }

  static WorkerBeat begin(WorkersStore workers, Worker worker, String version, Instant started) {
    WorkerBeat beat = new WorkerBeat(workers, worker, version, started);
    beat.timer.scheduleWithFixedDelay(beat::tell, 0, EVERY_SECONDS, TimeUnit.SECONDS);
    return beat;
  }

  private void tell() {
    WorkerStatus status = worker.status();
    try {
      workers.beat(
          new Facts(
              status.id(),
              host,
              version,
              status.slots(),
              status.running(),
              status.stopping(),
              started));
    } catch (StoreUnavailable away) {
      LOG.debug("Redis is not reachable; the worker is listed once it is back");
    } catch (RuntimeException fault) {
      LOG.error("unexpected error while listing the worker; trying again", fault);
    }
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException nameless) {
      return "unknown";
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
    try {
      workers.gone(worker.status().id());
    } catch (StoreUnavailable away) {
      LOG.debug("Redis is not reachable; the worker's entry expires by itself");
    }
  }
}
