package io.taskrunner.store.redis;

import io.taskrunner.store.redis.doctor.Finding;
import io.taskrunner.store.redis.link.Script;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Checks that the index of schedules and the schedules in the shards agree. */
final class ScheduleProof {

  private final Shards shards;
  private final ScheduleIndex index;

  ScheduleProof(Shards shards, ScheduleIndex index) {
    this.shards = shards;
    this.index = index;
  }

  /**
   * Checks that the configuration lists each existing schedule with its client, and no other, and
   * repairs it. If a schedule is in two shards, because it was moved to another client, the listed
   * one is kept.
   *
   * @param there the schedules of each shard and their clients, as read shortly before
   */
  List<Finding> prove(Map<Shard, Map<String, String>> there, boolean mend) {
    List<Finding> found = new ArrayList<>();
    index
        .all()
        .forEach(entry -> {
          String name = entry.name();
          if (!there.getOrDefault(shards.of(entry.client()), Map.of()).containsKey(name)
              && home(name).flatMap(home -> RedisSchedules.get(home, name)).isEmpty()
              && home(name).isPresent()) {
            found.add(finding("schedule_missing", name, "is in the index, but does not exist"));
            if (mend) {
              index.remove(name);
            }
          }
        });
    there.forEach((shard, schedules) -> {
      Map<String, String> named = index.clients(List.copyOf(schedules.keySet()));
      schedules.forEach((name, client) -> {
        if (!shard.equals(Optional.ofNullable(named.get(name)).map(shards::of).orElse(null))) {
          proveNamed(shard, name, client, mend).ifPresent(found::add);
        }
      });
    });
    return found;
  }

  private Optional<Finding> proveNamed(Shard shard, String name, String client, boolean mend) {
    Optional<Shard> home = home(name);
    if (home.equals(Optional.of(shard)) || RedisSchedules.get(shard, name).isEmpty()) {
      return Optional.empty(); // set or deleted meanwhile
    }
    if (mend && home.isPresent()) {
      shard.moves().run(Script.DELETE_SCHEDULE, name);
    } else if (mend) {
      index.put(name, client);
    }
    return Optional.of(
        finding(
            "schedule_not_named",
            name,
            "is a schedule of client " + client + ", but not in the index"));
  }

  private static Finding finding(String kind, String name, String detail) {
    return new Finding(kind, "schedules:" + name, detail);
  }

  private Optional<Shard> home(String name) {
    return index.client(name).map(shards::of);
  }
}
