package io.taskrunner.store;

import io.taskrunner.task.TaskId;
import java.util.List;
import java.util.Optional;

/**
 * Hosts with settings of their own, and circuit breakers. All methods block, and raise {@link
 * StoreUnavailable}.
 */
public interface HostStore {

  /** All of them, by name. */
  List<TargetHost.Load> list();

  /** One of them, by the name that {@link io.taskrunner.task.TargetUrl#hostOf} gives. */
  Optional<TargetHost.Load> get(String name);

  /** Sets what a host says, for attempts that begin from now on; its revision is not looked at. */
  void put(TargetHost host, Expected expected) throws ChangedMeanwhile;

  /** As {@link #put(TargetHost, Expected)}, whatever there is. */
  default void put(TargetHost host) {
    try {
      put(host, Expected.ANY);
    } catch (ChangedMeanwhile changed) {
      throw ChangedMeanwhile.impossible(changed);
    }
  }

  /** Hosts whose breaker is not closed, by name. */
  List<TargetHost.Open> open();

  /**
   * The breaker that a task waits for.
   *
   * @return empty when it waits for none
   */
  Optional<TargetHost.Open> openFor(TaskId task, String hostAndPort);

  /**
   * Closes breakers, so that the tasks that wait for them may start.
   *
   * @param name with a port, or without for all ports
   * @return whether any was not closed
   */
  boolean close(String name);

  /** Takes a host's settings away; false when it has none. */
  boolean delete(String name, Expected expected) throws ChangedMeanwhile;

  /** As {@link #delete(String, Expected)}, whatever there is. */
  default boolean delete(String name) {
    try {
      return delete(name, Expected.ANY);
    } catch (ChangedMeanwhile changed) {
      throw ChangedMeanwhile.impossible(changed);
    }
  }
}
