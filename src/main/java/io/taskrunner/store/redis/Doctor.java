package io.taskrunner.store.redis;

import io.taskrunner.task.TaskId;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
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
  private static final int TASK = "task:".length();

  private final Shards shards;
  private final QueueNames names;
  private final RedisSigning signing;
  private final RedisSchedules schedules;

  /**
   * Something that does not hold.
   *
   * @param kind a word for what is wrong, such as {@code task_in_no_set}
   * @param key the key that it is about, without its prefix, but with its shard where there are
   *     several; ids of tasks in their canonical form
   * @param detail what was found
   */
  public record Finding(String kind, String key, String detail) {
    static Finding of(byte[] kind, byte[] key, byte[] detail) {
      return new Finding(text(kind), readable(key), text(detail));
    }

    Finding in(Shard shard) {
      return new Finding(kind, "{" + shard.number() + "}:" + key, detail);
    }
  }

  /**
   * How it goes about it.
   *
   * @param mend whether what is found is mended
   * @param exact whether what is to be counted at one moment may hold Redis up
   */
  record Manner(boolean mend, boolean exact) {
    byte[] argument() {
      return Keys.bytes((mend ? "1" : "0") + (exact ? "x" : ""));
    }

    Manner looking() {
      return new Manner(false, exact);
    }
  }

  Doctor(Shards shards, QueueNames names, RedisSigning signing, RedisSchedules schedules) {
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

  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static String readable(byte[] key) {
    return text(key).startsWith("task:") && key.length == TASK + TaskId.BYTES
        ? "task:" + TaskId.of(Arrays.copyOfRange(key, TASK, key.length))
        : text(key);
  }
}
