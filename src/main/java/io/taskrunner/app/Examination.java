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
 * The command {@code doctor}: proves that what lies in Redis is whole, and mends what is not, while
 * others go on working with it.
 *
 * <p>It looks at the Redis that the environment names; when it names none, at the one that {@code
 * dev} keeps in {@code DATA_DIR}, which is started for the while when it does not run.
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
   * Does so, and prints what it found.
   *
   * @return whether all is well: nothing was found, or all of it was mended
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
