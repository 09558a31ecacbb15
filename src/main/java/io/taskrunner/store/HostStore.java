package io.taskrunner.store;

import java.util.List;
import java.util.Optional;

/** Hosts with limits of their own. All methods block, and raise {@link StoreUnavailable}. */
public interface HostStore {

  /** All of them, by name. */
  List<TargetHost.Load> list();

  /** One of them, by the name that {@link io.taskrunner.task.TargetUrl#hostOf} gives. */
  Optional<TargetHost.Load> get(String name);

  /**
   * Sets a host's limits, for attempts that begin from now on; its revision is not looked at.
   *
   * @return false when there are {@link TargetHost#MOST} others
   */
  boolean put(TargetHost host, Expected expected) throws ChangedMeanwhile;

  /** Takes a host's limits away; false when it has none. */
  boolean delete(String name, Expected expected) throws ChangedMeanwhile;
}
