package io.taskrunner.app;

import io.taskrunner.config.CannotStart;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.config.Settings;
import io.taskrunner.embedded.EmbeddedRedis;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.store.redis.doctor.Doctor;
import io.taskrunner.store.redis.doctor.Finding;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;

/**
 * The command {@code doctor}: checks the integrity of the data in Redis, and repairs it, while
 * other processes go on working with it.
 *
 * <p>It examines the Redis that the environment names; when it names none, the embedded Redis of
 * {@code dev} in {@code DATA_DIR}, which is started for the check if it is not running.
 */
final class Examination {

  private final Settings settings;
  private final boolean repair;
  private final boolean exact;

  Examination(Settings settings, boolean repair, boolean exact) {
    this.settings = settings;
    this.repair = repair;
    this.exact = exact;
  }

  /**
   * Runs the check and prints the findings.
   *
   * @return whether all is well: nothing was found, or all of it was repaired
   */
  boolean run() throws CannotStart, InterruptedException {
    Logs.setUp(settings.log());
    if (settings.redisNamed() || !EmbeddedRedis.isKeptIn(settings.dataDir())) {
      return examine(settings.redis());
    }
    Optional<EmbeddedRedis.Running> running = EmbeddedRedis.running(settings.dataDir());
    if (running.isPresent()) {
      return examine(at(running.get()));
    }
    try (EmbeddedRedis redis = EmbeddedRedis.start(settings.dataDir())) {
      return examine(at(redis.running()));
    }
  }

  private RedisSettings at(EmbeddedRedis.Running running) {
    return settings.redis().at(running.address(), running.password());
  }

  private boolean examine(RedisSettings redis) throws CannotStart, InterruptedException {
    System.out.println("Looking at Redis at " + redis.where() + ".");
    try (RedisStore store =
        StoreOpening.open(StoreOptions.defaults(redis), Optional.empty(), new CountDownLatch(1))) {
      Doctor doctor = store.doctor();
      List<Finding> findings = repair ? doctor.repair(exact) : doctor.examine(exact);
      findings.forEach(found ->
          System.out.println("  " + found.kind() + "  " + found.key() + "  " + found.detail()));
      if (findings.isEmpty()) {
        System.out.println("All is well.");
        return true;
      }
      if (!repair) {
        System.out.println(
            count(findings) + " found. ./task-runner doctor --repair mends what can be mended.");
        return false;
      }
      List<Finding> left = doctor.examine(exact);
      System.out.println(
          count(findings)
              + " found; "
              + (left.isEmpty() ? "all is well now." : left.size() + " could not be mended."));
      return left.isEmpty();
    }
  }

  private static String count(List<Finding> findings) {
    return findings.size() == 1 ? "1 fault was" : findings.size() + " faults were";
  }
}
