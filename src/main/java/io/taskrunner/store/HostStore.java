package io.taskrunner.store;

import io.taskrunner.task.TaskId;
import java.util.List;
import java.util.Optional;

/**
 * Hosts with settings of their own, and circuit breakers. All methods block, and raise {@link
 * StoreUnavailable}.
 */
public interface HostStore {

  /** All hosts, by name. */
  List<TargetHost.Load> list();

  /** One host, by the name that {@link io.taskrunner.task.TargetUrl#hostOf} gives. */
  Optional<TargetHost.Load> get(String name);

  /**
   * Sets the settings of a host, for attempts that start from now on; their revision is ignored.
   */
  void put(TargetHost host, Expected expected) throws ChangedMeanwhile;

  /** Hosts whose breaker is not closed, by name. */
  List<TargetHost.Open> open();

  /**
   * The breaker that blocks a task.
   *
   * @return empty when none does
   */
  Optional<TargetHost.Open> openFor(TaskId task, String hostAndPort);

  /**
   * Closes breakers, so that the tasks that wait for them may start.
   *
   * @param name with a port, or without one for all ports
   * @return whether any was not closed
   */
  boolean close(String name);

  /** Deletes a host's settings; false when it has none. */
  boolean delete(String name, Expected expected) throws ChangedMeanwhile;
}
