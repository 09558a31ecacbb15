package io.taskrunner.store.redis;

import static io.taskrunner.store.redis.Stage.WORKER;
import static io.taskrunner.store.redis.Stage.wish;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.taskrunner.client.SigningSecret;
import io.taskrunner.config.RedisSettings;
import io.taskrunner.schedule.CatchUp;
import io.taskrunner.schedule.Overlap;
import io.taskrunner.schedule.Rhythm;
import io.taskrunner.schedule.Schedule;
import io.taskrunner.store.AuditStore;
import io.taskrunner.store.CloudStore;
import io.taskrunner.store.CloudStore.NewTask;
import io.taskrunner.store.CloudStore.QueueName;
import io.taskrunner.store.CloudStore.TaskMade;
import io.taskrunner.store.TaskStore.BadCursor;
import io.taskrunner.store.TokenStore;
import io.taskrunner.store.WorkersStore.Facts;
import io.taskrunner.testkit.RedisServer;
import io.taskrunner.testkit.Ticks;
import io.taskrunner.testkit.Unconditional;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/** Calls of the store's smaller parts, each on the maximum number of things. */
final class SmallCalls {

  private static final int WORKERS = 500;
  private static final QueueName MAIL = new QueueName("example", "europe-west1", "mail");
  private static final byte[] ECHO = {1};

  private final Stage stage;
  private final RedisStore store;
  private final int redisPort;
  private final int many;

  SmallCalls(Stage stage, int redisPort, int many) {
    this.stage = stage;
    this.store = stage.store;
    this.redisPort = redisPort;
    this.many = many;
  }

  void make() {
    try {
      cloudTasks();
      schedules();
      administration();
      secrets();
      fullMemory();
    } catch (BadCursor impossible) {
      throw new AssertionError(impossible);
    }
  }

  private void cloudTasks() throws BadCursor {
    CloudStore cloud = store.cloud();
    CloudStore.Settings settings =
        new CloudStore.Settings(
            500,
            100,
            1000,
            new CloudStore.Retries(
                100, Duration.ZERO, Duration.ofMillis(100), Duration.ofHours(1), 16),
            ECHO);
    cloud.make(MAIL, settings, Duration.ofDays(7));
    for (int i = 0; i < 2000; i += 100) {
      List<CompletableFuture<TaskMade>> some =
          IntStream.range(i, i + 100).mapToObj(number -> cloud.create(task("t" + number))).toList();
      some.forEach(one -> assertInstanceOf(TaskMade.Made.class, one.join()));
    }
    cloud.task(MAIL, "t1");
    cloud.run(MAIL, "t1");
    stage.exchange(WORKER, 100, 5);
    cloud.delete(MAIL, "t2");
    cloud.tasks(MAIL, null, 1000);
    cloud.change(MAIL, settings);
    cloud.pause(MAIL, true);
    cloud.purge(MAIL);
    store.tidy();
    cloud.delete(MAIL);
    store.tidy();
  }

  private static NewTask task(String id) {
    return new NewTask(
        MAIL, id, null, wish().retention(Duration.ZERO).spec(), ECHO, Duration.ofHours(1));
  }

  private void schedules() throws BadCursor {
    for (int i = 0; i < many; i++) {
      Unconditional.put(store.schedules(), "s" + i, every(Duration.ofSeconds(10)));
    }
    store.schedules().pause("s1", true);
    store.schedules().pause("s1", false);
    stage.pass(Duration.ofSeconds(11));
    Ticks.tick(store.schedules());
    store.schedules().run("s1");
    store.schedules().list(1000, null);
    Unconditional.delete(store.schedules(), "s1");
  }

  private static Schedule.Settings every(Duration interval) {
    return new Schedule.Settings(
        "abc",
        "default",
        new Rhythm.Every(interval),
        Overlap.ALLOW,
        CatchUp.NONE,
        Duration.ZERO,
        false,
        wish().spec());
  }

  private void administration() throws BadCursor {
    for (int i = 0; i < many; i++) {
      store.audits().add(new AuditStore.Change("admin", "queue", "r" + i, Map.of("name", "q")));
    }
    store.audits().list("nobody", null, 100, null);
    for (int i = 0; i < WORKERS; i++) {
      store
          .workers()
          .beat(new Facts(Stage.worker(i), "host", "1.0", 10, 0, false, Instant.ofEpochMilli(1)));
    }
    store.workers().list();
    store.workers().gone(Stage.worker(1));
    for (int i = 0; i < 100; i++) {
      store.adminKeys().put("key" + i, "digest" + i, false, false, Duration.ZERO);
    }
    stage.queue("side", 1);
    store.queues().pause("side", true);
    Unconditional.delete(store.queues(), "side", false);
  }

  private void secrets() {
    stage.enqueue(100, wish());
    for (int i = 0; i < 4; i++) {
      store.signing().put("abc", SigningSecret.make(SigningSecret.Type.HMAC, new SecureRandom()));
    }
    stage.exchange(WORKER, 100);
    store.signing().end("abc");
    store.tokens().held(new TokenStore.Offer(new byte[100], "opaque"), 1000, 2000);
  }

  /** Finished tasks are trimmed when memory is full. */
  private void fullMemory() {
    stage.enqueue(100, wish().client("other"));
    stage.exchange(WORKER, 100).claims().forEach(stage::succeed);
    StoreOptions usual =
        StoreOptions.defaults(RedisServer.settings(redisPort, Duration.ofSeconds(30)));
    RedisSettings redis = usual.redis();
    StoreOptions full =
        new StoreOptions(
            new RedisSettings(
                redis.target(),
                redis.username(),
                redis.password(),
                redis.tls(),
                redis.authorities(),
                redis.database(),
                redis.keyPrefix(),
                redis.shards(),
                redis.connectRetries(),
                redis.retryInterval(),
                redis.commandTimeout(),
                redis.waitReplicas(),
                OptionalLong.of(1),
                redis.storeFullRatio()),
            true,
            usual.maxOpenClients(),
            usual.idempotencyTtl(),
            usual.breaker(),
            usual.clock(),
            Optional.of(() -> Instant.ofEpochMilli(stage.now())));
    try (RedisStore small = RedisStore.openUntended(full)) {
      small.everySecond();
    }
  }
}
