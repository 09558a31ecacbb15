package io.taskrunner.app;

import io.taskrunner.config.CannotStart;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.config.Settings;
import io.taskrunner.embedded.EmbeddedRedis;
import io.taskrunner.http.call.JsonOut;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.store.redis.doctor.Doctor;
import io.taskrunner.store.redis.doctor.Finding;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
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
  private final boolean json;

  /**
   * Of the Redis that settings name.
   *
   * @param json whether the result is printed as one JSON object
   */
  Examination(Settings settings, boolean repair, boolean exact, boolean json) {
    this.settings = settings;
    this.repair = repair;
    this.exact = exact;
    this.json = json;
  }

  /**
   * Runs the check and prints the problems found.
   *
   * @return whether there are no problems, or all of them were repaired
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
    if (!json) {
      System.out.println("Checking Redis at " + redis.where() + ".");
    }
    try (RedisStore store =
        StoreOpening.open(StoreOptions.defaults(redis), Optional.empty(), new CountDownLatch(1))) {
      Doctor doctor = store.doctor();
      List<Finding> repaired = repair ? doctor.repair(exact) : List.of();
      Doctor.Report report = doctor.check(exact);
      if (json) {
        System.out.println(json(redis, repaired, report));
      } else {
        (repair ? repaired : report.found()).forEach(Examination::print);
        System.out.println(result(repaired, report));
      }
      return report.found().isEmpty();
    }
  }

  private static void print(Finding found) {
    System.out.println("  " + found.kind() + "  " + found.key() + "  " + found.detail());
  }

  private static String json(RedisSettings redis, List<Finding> repaired, Doctor.Report report) {
    byte[] text =
        JsonOut.object(out -> {
          out.text("redis", redis.where());
          out.object(
              "checked",
              checked -> {
                checked.number("tasks", report.tasks());
                checked.number("queues", report.queues());
                checked.number("clients", report.clients());
                checked.number("schedules", report.schedules());
              });
          out.array("repaired", list -> write(list, repaired));
          out.array("problems", list -> write(list, report.found()));
        });
    return new String(text, StandardCharsets.UTF_8);
  }

  private static void write(JsonOut list, List<Finding> findings) throws IOException {
    for (Finding found : findings) {
      list.item(item -> {
        item.text("kind", found.kind());
        item.text("key", found.key());
        item.text("detail", found.detail());
      });
    }
  }

  private String result(List<Finding> repaired, Doctor.Report report) {
    String checked =
        "Checked %s, %s, %s and %s: "
            .formatted(
                count(report.tasks(), "task"),
                count(report.queues(), "queue"),
                count(report.clients(), "client"),
                count(report.schedules(), "schedule"));
    String problems = count(report.found().size(), "problem");
    if (!repair) {
      return checked
          + (report.found().isEmpty()
              ? "no problems found."
              : problems + " found. Run ./task-runner doctor --repair.");
    }
    return checked
        + (repaired.isEmpty() ? "no problems found" : count(repaired.size(), "problem") + " found")
        + (report.found().isEmpty()
            ? repaired.isEmpty() ? "." : " and repaired."
            : ", " + problems + " could not be repaired.");
  }

  private static String count(long number, String thing) {
    return String.format(Locale.ROOT, "%,d %s%s", number, thing, number == 1 ? "" : "s");
  }
}
