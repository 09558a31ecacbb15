package io.taskrunner.store;

import java.util.List;
import java.util.Optional;

/** Hosts with limits of their own. All methods block, and raise {@link StoreUnavailable}. */
public interface HostStore {

  /** All of them, by name. */
  List<TargetHost.Load> list();

  /** One of them, by the name that {@link io.taskrunner.task.TargetUrl#hostOf} gives. */
  Optional<TargetHost.Load> get(String name);

  /** Sets a host's limits, for attempts that begin from now on; its revision is not looked at. */
  void put(TargetHost host, Expected expected) throws ChangedMeanwhile;

  /** As {@link #put(TargetHost, Expected)}, whatever there is. */
  default void put(TargetHost host) {
    try {
      put(host, Expected.ANY);
    } catch (ChangedMeanwhile changed) {
      throw ChangedMeanwhile.impossible(changed);
    }
  }

  /** Takes a host's limits away; false when it has none. */
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
