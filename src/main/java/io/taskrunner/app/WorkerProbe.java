package io.taskrunner.app;

import io.taskrunner.telemetry.Probe;
import io.taskrunner.worker.Worker;
import io.taskrunner.worker.WorkerStatus;

/** Whether the worker's loop is alive, and its current activity. */
record WorkerProbe(Worker worker) implements Probe {

  @Override
  public String name() {
    return "worker";
  }

  @Override
  public boolean healthy() {
    return worker.alive();
  }

  @Override
  public String detail() {
    WorkerStatus status = worker.status();
    return "Worker "
        + status.id()
        + (status.stopping() ? " stops: " : status.storeAway() ? " waits for Redis: " : " works: ")
        + status.running()
        + " of "
        + status.slots()
        + " slots are in use, "
        + status.unsettled()
        + " verdicts wait; since its start it claimed "
        + status.claimed()
        + " tasks and settled "
        + status.settled()
        + ".";
  }
}
