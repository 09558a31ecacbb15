package io.taskrunner.store.redis.doctor;

import io.taskrunner.store.redis.link.QueueNames;
import io.taskrunner.store.redis.link.Shard;
import io.taskrunner.store.redis.link.Shards;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Proves what must always hold of the keys in Redis, and mends it. Writers go on meanwhile.
 *
 * <p>The keys and the members of their sets are walked in pages ({@link DoctorWalk}). What a page
 * holds is handed to {@code check.lua}, which looks at it at one moment: each task is in exactly
 * the set that its state names, once; an owner is in {@code turns} exactly when it has ready tasks,
 * and parked only at a limit; a queue is in {@code busy} exactly when {@code serve} says so;
 * nothing points to nothing; a task is found by its labels; what must expire will; a record can be
 * read. A client whose requests are signed has secrets, and its claims name the last version of
 * them.
 *
 * <p>Counters take a whole walk to be proven ({@link DoctorCounts}). What the walk counted differs
 * from a counter whenever something moved meanwhile; so such a counter is only suspected, and
 * counted again at one moment, in a script of as little work as any other: some 800 records. What
 * is too large for that is left, and the log says so; {@code exact} counts some 50,000 records at a
 * time, which holds Redis up for some 200 ms each.
 *
 * <p>No call may change the sets in another way than the scripts do while {@link #repair} runs.
 */
public final class Doctor {

  private static final int ROUNDS_MAX = 5;

  private final Shards shards;
  private final QueueNames names;
  private final Proof<Map<String, Long>> signing;
  private final Proof<Map<Shard, Map<String, String>>> schedules;

  /** Proves what no shard knows alone. */
  public interface Proof<T> {
    /**
     * Compares the configuration with what the shards have.
     *
     * @param there as it was read from the shards a moment ago
     * @param mend whether what is found is mended
     * @return what does not hold
     */
    List<Finding> prove(T there, boolean mend);
  }

  /**
   * One that has proven nothing yet.
   *
   * @param signing of the version of its secrets that each client names
   * @param schedules of the schedules of each shard, and their clients
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
   * Proves, and changes nothing.
   *
   * @param exact whether what is to be counted at one moment may hold Redis up
   * @return what does not hold; empty when all does
   * @throws io.taskrunner.store.StoreUnavailable Redis is away
   */
  public List<Finding> examine(boolean exact) {
    return walk(new Manner(false, exact));
  }

  /** The same, without holding Redis up. */
  public List<Finding> examine() {
    return examine(false);
  }

  private List<Finding> walk(Manner manner) {
    List<Finding> found = new ArrayList<>();
    Map<String, Long> signed = new HashMap<>();
    Map<Shard, Map<String, String>> scheduled = new HashMap<>();
    for (Shard shard : shards) {
      DoctorWalk walk = new DoctorWalk(shard, names, manner);
      walk.walk().forEach(one -> found.add(shards.count() == 1 ? one : one.in(shard)));
      signed.putAll(walk.signed());
      scheduled.put(shard, walk.scheduled());
    }
    found.addAll(signing.prove(signed, manner.mend()));
    found.addAll(schedules.prove(scheduled, manner.mend()));
    return found;
  }

  /**
   * Proves, and mends what does not hold, until all does.
   *
   * @param exact as for {@link #examine(boolean)}
   * @return what did not hold
   * @throws io.taskrunner.store.StoreUnavailable Redis is away; what was mended stays mended
   */
  public List<Finding> repair(boolean exact) {
    Set<Finding> found = new LinkedHashSet<>();
    for (int round = 0; round < ROUNDS_MAX; round++) {
      List<Finding> more = walk(new Manner(true, exact));
      if (more.isEmpty()) {
        break;
      }
      found.addAll(more);
    }
    return List.copyOf(found);
  }

  /** The same, without holding Redis up. */
  public List<Finding> repair() {
    return repair(false);
  }
}
