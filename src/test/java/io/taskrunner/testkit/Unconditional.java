package io.taskrunner.testkit;

import io.taskrunner.client.Client;
import io.taskrunner.client.Tier;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.store.ChangedMeanwhile;
import io.taskrunner.store.ClientStore;
import io.taskrunner.store.ClientStore.TierDeleted;
import io.taskrunner.store.Expected;
import io.taskrunner.store.HostStore;
import io.taskrunner.store.QueueSettings;
import io.taskrunner.store.QueueStore;
import io.taskrunner.store.ScheduleStore;
import io.taskrunner.store.TargetHost;
import java.util.Optional;

/** Changes of what admins set that expect no state, so that none of them can be rejected. */
public final class Unconditional {

  private Unconditional() {}

  private interface Change<T> {
    T make() throws ChangedMeanwhile;
  }

  private static <T> T made(Change<T> change) {
    try {
      return change.make();
    } catch (ChangedMeanwhile impossible) {
      throw new AssertionError("a change that expects nothing was rejected", impossible);
    }
  }

  public static Optional<Client> set(ClientStore clients, String id, ClientStore.Change change) {
    return made(() -> clients.set(id, change, Expected.ANY));
  }

  public static boolean delete(ClientStore clients, String id) {
    return made(() -> clients.delete(id, Expected.ANY));
  }

  public static void putTier(ClientStore clients, Tier tier) {
    made(() -> {
      clients.putTier(tier, Expected.ANY);
      return true;
    });
  }

  public static TierDeleted deleteTier(ClientStore clients, String name) {
    return made(() -> clients.deleteTier(name, Expected.ANY));
  }

  public static void put(HostStore hosts, TargetHost host) {
    made(() -> {
      hosts.put(host, Expected.ANY);
      return true;
    });
  }

  public static boolean delete(HostStore hosts, String name) {
    return made(() -> hosts.delete(name, Expected.ANY));
  }

  public static boolean put(QueueStore queues, String name, QueueSettings settings) {
    return made(() -> queues.put(name, settings, Expected.ANY));
  }

  public static QueueStore.Deleted delete(QueueStore queues, String name, boolean force) {
    return made(() -> queues.delete(name, force, Expected.ANY));
  }

  public static boolean put(ScheduleStore schedules, String name, Schedule.Settings settings) {
    return made(() -> schedules.put(name, settings, Expected.ANY));
  }

  public static boolean delete(ScheduleStore schedules, String name) {
    return made(() -> schedules.delete(name, Expected.ANY));
  }
}
