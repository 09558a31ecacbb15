package io.taskrunner.store.redis.doctor;

import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Checks the invariants of the keys in Redis, and repairs violations. Writers continue meanwhile.
 *
 * <p>The keys and the members of their sets are walked in pages ({@link DoctorWalk}). A page is
 * passed to {@code check.lua}, which checks it atomically: each task is in exactly the set that its
 * state names, once; an owner is in {@code turns} exactly when it has ready tasks, and parked only
 * at a limit; a queue is in {@code busy} exactly when {@code serve} requires it; there are no
 * dangling references; a task is found by its labels; expiring keys have an expiry; a record can be
 * read. A client whose requests are signed has secrets, and its claims return their latest version.
 *
 * <p>Counters need a complete walk ({@link DoctorCounts}). The walk's count differs from a counter
 * whenever a task moved meanwhile; so such a counter is only suspected, and counted again
 * atomically, in a script with the usual budget: some 800 records. Larger counts are skipped and
 * logged; {@code exact} counts some 50,000 records at a time, which blocks Redis for some 200 ms
 * each.
 *
 * <p>While {@link #repair} runs, only the scripts may change the sets.
 */
public final class Doctor {

  private static final int ROUNDS_MAX = 5;

  private final Shards shards;
  private final QueueNames names;
  private final Proof<Map<String, Long>> signing;
  private final Proof<Map<Shard, Map<String, String>>> schedules;

  /** Checks across shards. */
  public interface Proof<T> {
    /**
     * Compares the configuration with the data of the shards.
     *
     * @param there the data of the shards, as read shortly before
     * @param mend whether violations are repaired
     * @return the violations
     */
    List<Finding> prove(T there, boolean mend);
  }

  /**
   * Has checked nothing yet.
   *
   * @param signing checks the version of the secrets of each client
   * @param schedules checks the schedules of each shard, and their clients
   */
  public Doctor(
      Shards shards,
      QueueNames names,
      Proof<Map<String, Long>> signing,
      Proof<Map<Shard, Map<String, String>>> schedules) {
    this.shards = shards;
    this.names = names;
    this.signing = signing;
    this.schedules = schedules;
  }

  /**
   * Checks, and changes nothing.
   *
   * @param exact whether atomic counts may block Redis for longer
   * @return the violations; empty for none
   * @throws io.taskrunner.store.StoreUnavailable Redis is unavailable
   */
  public List<Finding> examine(boolean exact) {
    return check(exact).found();
  }

  /**
   * Checks like {@link #examine(boolean)}, and reports what there is.
   *
   * @param exact as for {@link #examine(boolean)}
   */
  public Report check(boolean exact) {
    return walk(new Manner(false, exact));
  }

  /**
   * The result of a walk over everything. The numbers are those that it met while others worked.
   *
   * @param found the violations; empty for none
   */
  public record Report(List<Finding> found, long tasks, long queues, long clients, long schedules) {
    /** Keeps the violations from being changed. */
    public Report {
      found = List.copyOf(found);
    }
  }

  private Report walk(Manner manner) {
    List<Finding> found = new ArrayList<>();
    Set<Integer> queues = new HashSet<>();
    long tasks = 0;
    long clients = 0;
    long there = 0;
    Map<String, Long> signed = new HashMap<>();
    Map<Shard, Map<String, String>> scheduled = new HashMap<>();
    for (Shard shard : shards) {
      DoctorWalk walk = new DoctorWalk(shard, names, manner);
      walk.walk().forEach(one -> found.add(shards.count() == 1 ? one : one.in(shard)));
      signed.putAll(walk.signed());
      scheduled.put(shard, walk.scheduled());
      queues.addAll(walk.queues());
      tasks += walk.tasks();
      clients += walk.clients();
      there += walk.scheduled().size();
    }
    found.addAll(signing.prove(signed, manner.mend()));
    found.addAll(schedules.prove(scheduled, manner.mend()));
    return new Report(found, tasks, queues.size(), clients, there);
  }

  /**
   * Checks and repairs until there are no violations.
   *
   * @param exact as for {@link #examine(boolean)}
   * @return the violations
   * @throws io.taskrunner.store.StoreUnavailable Redis is unavailable; completed repairs are kept
   */
  public List<Finding> repair(boolean exact) {
    Set<Finding> found = new LinkedHashSet<>();
    for (int round = 0; round < ROUNDS_MAX; round++) {
      List<Finding> more = walk(new Manner(true, exact)).found();
      if (more.isEmpty()) {
        break;
      }
      found.addAll(more);
    }
    return List.copyOf(found);
  }
}
