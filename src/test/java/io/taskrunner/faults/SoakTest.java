package io.taskrunner.faults;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.lettuce.core.KillArgs;
import io.lettuce.core.RedisClient;
import io.taskrunner.store.redis.RedisStore;
import io.taskrunner.store.redis.StoreOptions;
import io.taskrunner.store.redis.doctor.Finding;
import io.taskrunner.testkit.Ports;
import io.taskrunner.testkit.ProgramProcess;
import io.taskrunner.testkit.Proxy;
import io.taskrunner.testkit.RedisServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** An installation with every kind of limit, whose connections to Redis break all the time. */
@Tag("faults")
@Timeout(300)
class SoakTest {

  private static final int SHARDS = 4;
  private static final int WORKERS = 3;
  private static final int CLIENTS = 12;
  private static final int BATCHES = 150;
  private static final int BATCH = 30;
  private static final int CLIENT_MOST = 3;
  private static final int QUEUE_MOST = 4;
  private static final int HOST_MOST = 5;
  private static final int PER_SEC = 15;
  private static final int BURST = 3;
  private static final Duration WORK = Duration.ofMillis(15);
  private static final Duration KILL_EVERY_MOST = Duration.ofMillis(1500);
  private static final Duration PATIENCE = Duration.ofSeconds(120);
  private static final List<String> QUEUES = List.of("default", "few", "slow", "low");

  @RegisterExtension final Scene scene = new Scene();

  private final Random random = new Random(1);
  private final Map<String, Integer> expected = new HashMap<>();
  private volatile boolean killing = true;

  @Test
  void limitsHoldAndNothingIsLostWhileConnectionsBreakConstantly() throws Exception {
    RedisServer redis = scene.redis(Ports.free(), "everysec");
    // Without the breaker, which would delay the tasks of a host that fails a quarter of the time.
    String[] more = {
      "REDIS_SHARDS", Integer.toString(SHARDS), "LEASE_SEC", "30", "CB_FAILURE_THRESHOLD", "0"
    };
    ProgramProcess api = scene.program("api", Scene.on(redis.port()), more);
    List<Proxy> networks = new ArrayList<>();
    List<ProgramProcess> workers = new ArrayList<>();
    api.awaitReady();
    for (int i = 0; i < WORKERS; i++) {
      networks.add(scene.proxy(redis.port()));
      workers.add(scene.program("worker", Scene.on(networks.getLast().port()), more));
    }
    for (ProgramProcess worker : workers) {
      worker.awaitReady();
    }
    LimitedTarget target = scene.with(new LimitedTarget(2, WORK));
    Admin admin = new Admin(api);
    limit(admin, target.host(0));

    Thread killer = Thread.ofVirtual().start(() -> kill(networks, redis));
    for (int i = 0; i < BATCHES; i++) {
      enqueue(admin, target.host(random.nextInt(2)));
    }
    assertTrue(
        target.await(() -> missing(target) == 0, PATIENCE),
        () -> "lost: " + missing(target) + " of " + expected.size());
    killing = false;
    killer.join();
    for (String queue : QUEUES) {
      admin.awaitStats(queue, SoakTest::isAtRest);
    }

    assertAll(
        () -> assertEquals(expected, target.deliveries(), "how often each task was delivered"),
        () -> assertEquals(List.of(), target.atOnce(), "run twice at the same time"),
        () -> assertEquals(HOST_MOST, target.most(target.host(0)), "at once at the host"),
        () -> assertEquals(CLIENT_MOST, target.most("client-0"), "at once of the client"),
        () -> assertEquals(QUEUE_MOST, target.most("few"), "at once of the queue"),
        () -> assertRate(target.starts("slow")),
        () -> assertEquals(List.of(), findings(redis), "the doctor"));
  }

  private static void limit(Admin admin, String host) throws IOException, InterruptedException {
    for (int i = 1; i < CLIENTS; i++) {
      admin.client("client-" + i);
    }
    admin.post(
        "/admin/clients/set",
        "{\"client_id\":\"client-0\",\"rate_limit\":{\"max_concurrent\":%d,\"requests_per_min\":1000000}}"
            .formatted(CLIENT_MOST));
    admin.put("/v1/queues/few", "{\"max_concurrent\":%d}".formatted(QUEUE_MOST));
    admin.put(
        "/v1/queues/slow",
        "{\"max_dispatches_per_sec\":%d,\"max_burst\":%d}".formatted(PER_SEC, BURST));
    admin.put("/admin/hosts/" + host, "{\"max_concurrent\":%d}".formatted(HOST_MOST));
  }

  /** Ends connections of the workers, of one or of all, at random times. */
  private void kill(List<Proxy> networks, RedisServer redis) {
    RedisClient client = RedisClient.create("redis://127.0.0.1:" + redis.port());
    Random chance = new Random(2);
    try (var connection = client.connect()) {
      while (killing) {
        if (chance.nextInt(5) == 0) {
          connection.sync().clientKill(KillArgs.Builder.typePubsub());
        } else {
          networks.get(chance.nextInt(networks.size())).reset();
        }
        LockSupport.parkNanos(chance.nextLong(KILL_EVERY_MOST.toNanos()));
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    } finally {
      client.shutdown();
    }
  }

  private void enqueue(Admin admin, String host) throws IOException, InterruptedException {
    String client = "client-" + random.nextInt(CLIENTS);
    // The rate would otherwise determine the duration of the test.
    String queue = random.nextInt(8) == 0 ? "slow" : QUEUES.get(random.nextInt(2) * 3);
    queue = random.nextInt(3) == 0 ? "few" : queue;
    boolean flaky = random.nextInt(4) == 0;
    int count = queue.equals("slow") ? BATCH / 3 : BATCH;
    String url = "http://" + host + "/" + client + "/" + queue + (flaky ? "/flaky" : "");
    String task = "{\"task\":{\"url\":\"%s\"},\"retry\":{\"min_backoff_sec\":0.05}}".formatted(url);
    JsonNode answer =
        admin.post(
            "/v1/enqueue/batch",
            "{\"client_id\":\"%s\",\"queue\":\"%s\",\"tasks\":[%s]}"
                .formatted(client, queue, String.join(",", Collections.nCopies(count, task))));
    for (JsonNode one : answer.get("results")) {
      expected.put(one.get("task_id").asText(), flaky ? 2 : 1);
    }
  }

  private long missing(LimitedTarget target) {
    Map<String, Integer> delivered = target.deliveries();
    return expected.entrySet().stream()
        .filter(one -> delivered.getOrDefault(one.getKey(), 0) < one.getValue())
        .count();
  }

  private static boolean isAtRest(JsonNode stats) {
    return stats.get("scheduled").asInt() == 0
        && stats.get("ready").asInt() == 0
        && stats.get("active").asInt() == 0
        && stats.get("retry").asInt() == 0;
  }

  private static void assertRate(List<Long> starts) {
    double seconds = (starts.getLast() - starts.getFirst()) / 1e9;
    double most = BURST + PER_SEC * seconds + 1;
    assertTrue(starts.size() <= most, starts.size() + " starts in " + seconds + " s");
  }

  private static List<Finding> findings(RedisServer redis) {
    try (RedisStore store = RedisStore.open(StoreOptions.defaults(redis.settings(SHARDS)))) {
      return store.doctor().examine(false);
    }
  }
}
